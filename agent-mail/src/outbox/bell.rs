use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OnceCell};

use crate::journal::Journal;
use crate::locks::Locks;
use crate::{AgentId, Error};

/// Tells the courier what came into the outbox, and numbers it; one for all systems of this process over one domain's
/// records in a store.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// The place of the next entry, behind all that were there when it was first asked for.
    next: OnceCell<AtomicU64>,
    /// What the courier has not heard yet; `None` while there is no courier.
    news: Mutex<Option<Vec<News>>>,
    rung: Notify,
    /// Whether sending that was stopped may go on.
    resumed: AtomicBool,
}

/// An entry that came or changed.
pub(crate) type News = (AgentId, String);

impl Bell {
    pub(super) async fn next_place(&self, journal: &Journal) -> Result<u64, Error> {
        let count = async || {
            let due = journal.due().await?;
            Ok::<_, Error>(AtomicU64::new(due.iter().map(|(_, _, due)| due.place + 1).max().unwrap_or(0)))
        };
        Ok(self.next.get_or_try_init(count).await?.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes the courier look again at agents whose sending was stopped.
    pub(crate) fn resume(&self) {
        self.resumed.store(true, Ordering::Relaxed);
        self.rung.notify_one();
    }

    /// Begins to keep the news, until the listener is dropped.
    pub(super) fn listen(locks: Arc<Locks>) -> Listener {
        *lock(&locks.bell.news) = Some(Vec::new());
        Listener(locks)
    }
}

/// The courier's ear.
#[derive(Debug)]
pub(super) struct Listener(Arc<Locks>);

impl Listener {
    pub(super) async fn rung(&self) {
        self.0.bell.rung.notified().await;
    }

    pub(super) fn resumed(&self) -> bool {
        self.0.bell.resumed.swap(false, Ordering::Relaxed)
    }

    pub(super) fn news(&self) -> Vec<News> {
        lock(&self.0.bell.news).as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        *lock(&self.0.bell.news) = None;
    }
}

/// Rings when it is dropped: after the commit, or after a commit that was broken off and may have been made.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(super) locks: Arc<Locks>,
    pub(super) news: News,
}

impl Drop for Ring {
    fn drop(&mut self) {
        if let Some(news) = lock(&self.locks.bell.news).as_mut() {
            news.push(self.news.clone());
        }
        self.locks.bell.rung.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
