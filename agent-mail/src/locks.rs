//! One at a time for each name, within this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Locks by name. Memory grows with the names that are held or waited for, not with those ever used.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<String, Weak<AsyncMutex<()>>>>);

impl Locks {
    pub(crate) async fn acquire(&self, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lock) = named.get(name).and_then(Weak::upgrade) {
                lock
            } else {
                named.retain(|_, lock| lock.strong_count() > 0);
                let lock = Arc::new(AsyncMutex::new(()));
                named.insert(name.to_owned(), Arc::downgrade(&lock));
                lock
            }
        };
        lock.lock_owned().await
    }

    pub(crate) fn is_held(&self, name: &str) -> bool {
        let named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        named.get(name).is_some_and(|lock| lock.strong_count() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_name_is_held_once_and_forgotten() {
        let locks = Locks::default();
        let held = locks.acquire("a").await;
        assert!(locks.is_held("a"));
        let other = tokio::time::timeout(std::time::Duration::from_millis(20), locks.acquire("a"));
        assert!(other.await.is_err(), "it is held");
        drop(locks.acquire("b").await);
        drop(held);
        drop(locks.acquire("a").await);
        assert!(!locks.is_held("a"));
        drop(locks.acquire("c").await);
        assert_eq!(locks.0.lock().unwrap().len(), 1, "names that nobody holds are dropped");
    }
}
