//! State in one file that survives a crash (feature `redb`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::backend::{Change, Committed, StateStore};
use crate::{Error, ErrorKind};

/// State in one file, with ACID transactions: what was committed survives a crash of the program or the machine.
///
/// The file belongs to one process at a time. Each commit waits for the disk; a read costs the depth of a tree that
/// grows with the logarithm of what is stored.
pub struct RedbState {
    database: Arc<Database>,
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
        let database = Database::builder().create_file(file).map_err(|source| failed(source.into()))?;
        // A first write makes the table, so that every later read finds one.
        let made = || -> Result<(), redb::Error> {
            let transaction = database.begin_write()?;
            transaction.open_table(RECORDS)?;
            Ok(transaction.commit()?)
        };
        made().map_err(|source| failed(source.into()))?;
        Ok(Self { database: Arc::new(database), path })
    }

    /// Runs a piece of work on a thread that may wait for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let database = self.database.clone();
        let done = tokio::task::spawn_blocking(move || work(&database)).await;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Unavailable, operation, self.path.display())
                .with_detail("the state file can't be used")
                .with_fix("check the disk; nothing was written")
                .with_source(source)
        };
        match done {
            Ok(result) => result.map_err(|source| failed(source.into())),
            Err(source) => Err(failed(source.into())),
        }
    }
}

#[async_trait]
impl StateStore for RedbState {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let key = key.to_owned();
        let get = move |database: &Database| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            Ok(table.get(&*key)?.map(|value| value.value().to_vec()))
        };
        self.blocking("read state", get).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let prefix = prefix.to_owned();
        let scan = move |database: &Database| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            let mut found = Vec::new();
            for record in table.range::<&str>(&*prefix..)? {
                let (key, value) = record?;
                if !key.value().starts_with(&prefix) {
                    break;
                }
                found.push((key.value().to_owned(), value.value().to_vec()));
            }
            Ok(found)
        };
        self.blocking("read state", scan).await
    }

    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        let commit = move |database: &Database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                for (key, expected) in &change.expectations {
                    let found = table.get(&**key)?;
                    if found.as_ref().map(redb::AccessGuard::value) != expected.as_deref() {
                        return Ok(Committed::Conflict);
                    }
                }
                for (key, value) in &change.writes {
                    match value {
                        Some(value) => table.insert(&**key, &**value)?,
                        None => table.remove(&**key)?,
                    };
                }
            }
            transaction.commit()?;
            Ok(Committed::Done)
        };
        self.blocking("write state", commit).await
    }
}

/// Shows the path.
impl fmt::Debug for RedbState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbState").field("path", &self.path).finish_non_exhaustive()
    }
}

const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

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
