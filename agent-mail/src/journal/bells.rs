//! Who waits for events that come without a mail is woken when one was written.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::happened::HAPPENED;
use crate::backend::{Change, Committed, StateStore};
use crate::{AgentId, Error};

/// Rings for one agent.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicU64,
    wake: Notify,
}

impl Bell {
    /// Counts how often it has rung.
    pub(crate) fn rung(&self) -> u64 {
        self.rung.load(Ordering::Acquire)
    }

    /// Waits until it has rung more often than it had.
    pub(crate) async fn rings_after(&self, heard: u64) {
        let mut ring = pin!(self.wake.notified());
        ring.as_mut().enable();
        if self.rung() == heard {
            ring.await;
        }
    }

    fn ring(&self) {
        self.rung.fetch_add(1, Ordering::AcqRel);
        self.wake.notify_waiters();
    }
}

/// A store that rings for each agent of which an event was written, whoever wrote it.
pub(super) struct Ringing {
    store: Arc<dyn StateStore>,
    bells: Mutex<Bells>,
}

#[derive(Default)]
struct Bells {
    by_agent: HashMap<String, Weak<Bell>>,
    /// How many there may be before those that nobody hears are dropped.
    room: usize,
}

impl Ringing {
    pub(super) fn new(store: Arc<dyn StateStore>) -> Self {
        Self { store, bells: Mutex::default() }
    }

    pub(super) fn bell(&self, agent: &AgentId) -> Arc<Bell> {
        let mut bells = self.bells();
        let name = agent.encoded();
        if let Some(bell) = bells.by_agent.get(&name).and_then(Weak::upgrade) {
            return bell;
        }
        if bells.by_agent.len() >= bells.room {
            bells.by_agent.retain(|_, bell| bell.strong_count() > 0);
            bells.room = 2 * bells.by_agent.len() + 16;
        }
        let bell = Arc::new(Bell::default());
        bells.by_agent.insert(name, Arc::downgrade(&bell));
        bell
    }

    fn bells(&self) -> MutexGuard<'_, Bells> {
        // A panic elsewhere leaves whole values: each is changed in one step.
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the bells of those of whom a change writes events.
    fn concerned(&self, change: &Change) -> Vec<Arc<Bell>> {
        let agent = |(key, value): &(String, Option<Vec<u8>>)| {
            let mut parts = key.splitn(4, '/').skip(1);
            value.as_ref()?;
            (parts.next()? == HAPPENED).then(|| parts.next().map(str::to_owned))?
        };
        let agents: Vec<String> = change.writes.iter().filter_map(agent).collect();
        if agents.is_empty() {
            return Vec::new();
        }
        let bells = self.bells();
        agents.iter().filter_map(|agent| bells.by_agent.get(agent)?.upgrade()).collect()
    }
}

/// Rings when the write is over, also where its caller was dropped and it may have been done.
struct RingAtEnd(Vec<Arc<Bell>>);

impl Drop for RingAtEnd {
    fn drop(&mut self) {
        self.0.iter().for_each(|bell| bell.ring());
    }
}

#[async_trait]
impl StateStore for Ringing {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(key).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.store.scan(prefix).await
    }

    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        let _ring = RingAtEnd(self.concerned(&change));
        self.store.commit(change).await
    }
}

impl fmt::Debug for Ringing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
