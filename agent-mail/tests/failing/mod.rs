//! A state store that fails once, at the operation that the test chooses, and gives way before and after each.

use std::sync::Mutex;

use agent_mail::backend::{Change, Committed, StateStore};
use agent_mail::{Error, ErrorKind, MemoryState};
use async_trait::async_trait;
use tokio::task::yield_now;

#[derive(Debug, Default)]
pub(crate) struct FailingState {
    pub(crate) kept: MemoryState,
    left: Mutex<Option<usize>>,
}

impl FailingState {
    /// Lets the operation after `n` others fail; it does nothing then.
    pub(crate) fn fail_after(&self, n: usize) {
        *self.left.lock().unwrap() = Some(n);
    }

    /// Lets nothing fail any more, and tells whether the failure was still to come.
    pub(crate) fn calm(&self) -> bool {
        self.left.lock().unwrap().take().is_some()
    }

    async fn pass(&self) -> Result<(), Error> {
        yield_now().await;
        let mut left = self.left.lock().unwrap();
        match *left {
            Some(0) => {
                *left = None;
                Err(Error::new(ErrorKind::Unavailable, "use", "failing state"))
            }
            Some(n) => {
                *left = Some(n - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for FailingState {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.pass().await?;
        given_way(self.kept.get(key)).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.pass().await?;
        given_way(self.kept.scan(prefix)).await
    }

    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        self.pass().await?;
        given_way(self.kept.commit(change)).await
    }
}

/// Lets others run between the work and its answer.
async fn given_way<T>(work: impl Future<Output = T>) -> T {
    let done = work.await;
    yield_now().await;
    done
}
