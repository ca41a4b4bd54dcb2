//! State in one file that survives a crash (feature `redb`).

mod changed;
mod group;
mod pairs;
mod records;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use self::group::Group;
use self::records::Records;
use crate::backend::{Change, Committed, StateStore};
use crate::{Error, ErrorKind};

/// State in one file, with ACID transactions: what was committed survives a crash of the program or the machine.
///
/// The file belongs to one process at a time. Commits wait for the disk together: those that come while it is busy are
/// written in one go, so that a thousand of them at a time take hardly longer than one. They go to the end of a log in the
/// file first. After each 16 MiB they are set apart, to go into the file's tree at an even pace with the changes that follow,
/// or when the file is opened again; until then they are in memory too, with some of what was read and of the file's pages:
/// about 160 MiB at most. A read of what isn't costs the depth of a tree that grows with the logarithm of what is stored; a
/// few values are read where they are asked for, without another thread.
pub struct RedbState {
    records: Arc<Records>,
    group: Group,
    path: PathBuf,
}

impl RedbState {
    /// Opens the file, or makes it; readable and writable by its owner only.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if it can't be opened, another process having it open for one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Unavailable, "open state", path.display())
                .with_detail("the state file can't be opened")
                .with_fix("check the folder's permissions, and that no other process uses this state")
                .with_source(source)
        };
        let file = crate::owner_only::open(&path).map_err(|source| failed(source.into()))?;
        let records = Arc::new(Records::open(file).map_err(|source| failed(source.into()))?);
        Ok(Self { group: Group::new(&records), records, path })
    }

    fn failed(
        &self,
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::new(ErrorKind::Unavailable, operation, self.path.display())
            .with_detail("the state file can't be used")
            .with_fix("check the disk; nothing was written")
            .with_source(source)
    }
}

#[async_trait]
impl StateStore for RedbState {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        // Pages that are in use are in memory; a thread of its own would cost ten times the look.
        self.records.get(key).map_err(|source| self.failed("read state", source))
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        // Most find a few, for which a thread of its own would cost more than the look.
        let few = self.records.scan_some(prefix, FEW).map_err(|source| self.failed("read state", source))?;
        if let Some(few) = few {
            return Ok(few);
        }
        let (records, prefix) = (self.records.clone(), prefix.to_owned());
        let scanned = tokio::task::spawn_blocking(move || records.scan(&prefix)).await;
        let found = scanned.map_err(|source| self.failed("read state", source))?;
        found.map_err(|source| self.failed("read state", source))
    }

    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        self.group.commit(change).await.map_err(|source| self.failed("write state", source))
    }
}

/// So many records are read where they are asked for.
const FEW: usize = 256;

/// Shows the path.
impl fmt::Debug for RedbState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbState").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        let state = RedbState::open(&path).unwrap();
        assert_eq!(state.commit(Change::new().put("a/1", "x")).await.unwrap(), Committed::Done);
        assert_eq!(
            RedbState::open(&path).unwrap_err().kind(),
            ErrorKind::Unavailable,
            "one process at a time"
        );
        drop(state);
        let state = RedbState::open(&path).unwrap();
        assert_eq!(state.scan("a/").await.unwrap(), [("a/1".to_owned(), b"x".to_vec())]);
    }

    #[tokio::test]
    async fn changes_that_come_together_are_made_in_order_and_each_has_its_answer() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(RedbState::open(folder.path().join("state.redb")).unwrap());
        // Each is a step up from the one before, so that only their order lets all of them be made.
        let step = |n: u32| {
            let before = n.checked_sub(1).map(|before| before.to_string().into_bytes());
            Change::new().expect("n", before).put("n", n.to_string()).put(format!("step/{n:03}"), "")
        };
        let calls = (0..500).flat_map(|n| {
            let again = (n % 10 == 9).then(|| state.commit(step(n)));
            std::iter::once((state.commit(step(n)), Committed::Done))
                .chain(again.map(|call| (call, Committed::Conflict)))
        });
        let (calls, expected): (Vec<_>, Vec<_>) = calls.unzip();
        let committed: Vec<_> =
            futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(committed, expected, "what was refused is judged in its turn");
        assert_eq!(state.scan("step/").await.unwrap().len(), 500);
    }

    #[tokio::test]
    async fn a_dropped_call_leaves_all_of_its_change_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = RedbState::open(folder.path().join("state.redb")).unwrap();
        for n in 0..200 {
            let change = Change::new().put(format!("a/{n}"), "").put(format!("b/{n}"), "");
            let mut call = std::pin::pin!(state.commit(change));
            for _ in 0..n % 4 {
                let waker = &mut std::task::Context::from_waker(std::task::Waker::noop());
                let _ended = call.as_mut().poll(waker);
            }
        }
        // The order holds: what comes behind them is written after them.
        assert_eq!(state.commit(Change::new().put("end", "")).await.unwrap(), Committed::Done);
        let of = async |prefix: &str| {
            let found = state.scan(prefix).await.unwrap();
            found.into_iter().map(|(key, _)| key[2..].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of("a/").await, of("b/").await);
        assert_eq!(of("a/").await.len(), 150, "those that were polled once, and no others");
    }

    #[test]
    fn a_runtime_that_ends_in_the_middle_leaves_a_store_that_works() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(RedbState::open(folder.path().join("state.redb")).unwrap());
        for round in 0..20 {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            for n in 0..50 {
                let state = state.clone();
                runtime
                    .spawn(async move { state.commit(Change::new().put(format!("{round}/{n}"), "")).await });
            }
            runtime.shutdown_timeout(std::time::Duration::ZERO);
        }
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let last = runtime.block_on(state.commit(Change::new().put("last", "")));
        assert_eq!(last.unwrap(), Committed::Done);
    }

    #[test]
    fn a_caller_is_served_though_the_runtime_that_began_to_write_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(RedbState::open(folder.path().join("state.redb")).unwrap());
        for round in 0..50 {
            let first =
                tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
            // Its only thread is busy, so that the writer waits there.
            let (free, busy) = std::sync::mpsc::channel::<()>();
            first.spawn_blocking(move || busy.recv());
            let beginner = state.clone();
            first.spawn(async move { beginner.commit(Change::new().put("first", "")).await });
            first.block_on(tokio::task::yield_now());
            let second = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let waiter = state.clone();
            let call = second
                .spawn(async move { waiter.commit(Change::new().put(format!("second/{round}"), "")).await });
            second.block_on(tokio::task::yield_now());
            first.shutdown_background();
            drop(free);
            assert_eq!(second.block_on(call).unwrap().unwrap(), Committed::Done, "{round}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn others_can_not_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        drop(RedbState::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
