//! What the systems of this process over one domain's records in a store share: one at a time for each name, and the
//! courier's bell.

use std::collections::HashMap;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mail_access::DomainName;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};

use crate::backend::StateStore;
use crate::outbox::Bell;

/// Locks by name. Memory grows with the names that are held or waited for, not with those ever used.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    named: Mutex<Named>,
    pub(crate) bell: Bell,
    /// Wakes those who wait for news of messages that are held.
    pub(crate) decisions: Notify,
}

#[derive(Debug, Default)]
struct Named {
    locks: HashMap<String, Weak<AsyncMutex<()>>>,
    /// How many there may be before those that nobody holds are dropped.
    most: usize,
}

impl Locks {
    /// Returns the locks of a domain's records in a store: all systems over them share one set.
    pub(crate) fn of(store: &Arc<dyn StateStore>, domain: &DomainName) -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|(_, _, locks)| locks.strong_count() > 0);
        let is_same = |known: &Weak<dyn StateStore>| ptr::addr_eq(known.as_ptr(), Arc::as_ptr(store));
        let known = shared.iter().find(|(known, name, _)| is_same(known) && name == domain);
        known.and_then(|(.., locks)| locks.upgrade()).unwrap_or_else(|| {
            let locks = Arc::new(Self::default());
            shared.push((Arc::downgrade(store), domain.clone(), Arc::downgrade(&locks)));
            locks
        })
    }

    pub(crate) async fn acquire(&self, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lock) = named.locks.get(name).and_then(Weak::upgrade) {
                lock
            } else {
                if named.locks.len() >= named.most {
                    named.locks.retain(|_, lock| lock.strong_count() > 0);
                    // With room for as many again, so that a look at all of them is rare.
                    named.most = 2 * named.locks.len() + 16;
                }
                let lock = Arc::new(AsyncMutex::new(()));
                named.locks.insert(name.to_owned(), Arc::downgrade(&lock));
                lock
            }
        };
        lock.lock_owned().await
    }

    pub(crate) fn is_held(&self, name: &str) -> bool {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.locks.get(name).is_some_and(|lock| lock.strong_count() > 0)
    }
}

/// A weak handle keeps the store's address from being given to another one.
type Shared = (Weak<dyn StateStore>, DomainName, Weak<Locks>);

static SHARED: Mutex<Vec<Shared>> = Mutex::new(Vec::new());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryState;

    #[test]
    fn a_store_has_one_set_for_each_domain() {
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        let (one, other) = (name("one.example"), name("other.example"));
        let store: Arc<dyn StateStore> = Arc::new(MemoryState::default());
        let locks = Locks::of(&store, &one);
        assert!(Arc::ptr_eq(&locks, &Locks::of(&store.clone(), &one)));
        assert!(!Arc::ptr_eq(&locks, &Locks::of(&store, &other)));
        let second: Arc<dyn StateStore> = Arc::new(MemoryState::default());
        assert!(!Arc::ptr_eq(&locks, &Locks::of(&second, &one)));
        drop(locks);
        let _locks = Locks::of(&store, &one);
        let known = SHARED.lock().unwrap();
        assert_eq!(known.iter().filter(|(.., name, _)| [&one, &other].contains(&name)).count(), 1);
    }

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
        for n in 0..1000 {
            drop(locks.acquire(&n.to_string()).await);
        }
        assert!(locks.named.lock().unwrap().locks.len() < 40, "names that nobody holds are dropped");
    }
}
