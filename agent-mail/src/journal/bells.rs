//! Who waits for events that come without a mail is woken when one was written.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use async_trait::async_trait;
use mail_access::DomainName;
use tokio::runtime::Handle;
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
    bells: Arc<Mutex<Bells>>,
    /// What the keys of events begin with.
    events: String,
}

#[derive(Default)]
struct Bells {
    by_agent: HashMap<String, Weak<Bell>>,
    /// How many there may be before those that nobody hears are dropped.
    room: usize,
    all: Weak<AllBells>,
}

/// Rings for all agents, and keeps their names in the form of keys until somebody asks.
#[derive(Debug, Default)]
pub(crate) struct AllBells {
    rung: Mutex<BTreeSet<String>>,
    wake: Notify,
}

impl AllBells {
    /// Waits until it has rung for agents, and returns which. A dropped call has taken none.
    pub(crate) async fn next(&self) -> BTreeSet<String> {
        loop {
            let mut ring = pin!(self.wake.notified());
            ring.as_mut().enable();
            let agents = std::mem::take(&mut *self.rung.lock().unwrap_or_else(PoisonError::into_inner));
            if !agents.is_empty() {
                return agents;
            }
            ring.await;
        }
    }

    fn ring(&self, agents: Vec<String>) {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).extend(agents);
        self.wake.notify_waiters();
    }
}

impl Ringing {
    pub(super) fn new(store: Arc<dyn StateStore>, domain: &DomainName) -> Self {
        Self { store, bells: Arc::default(), events: [domain.as_str(), "/", HAPPENED, "/"].concat() }
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
        lock(&self.bells)
    }

    /// Returns the bell for all agents, which is made for the first who wants it.
    pub(super) fn all(&self) -> Arc<AllBells> {
        let mut bells = self.bells();
        bells.all.upgrade().unwrap_or_else(|| {
            let all = Arc::new(AllBells::default());
            bells.all = Arc::downgrade(&all);
            all
        })
    }

    /// Finds those of whom a change writes events.
    fn concerned(&self, change: &Change) -> RingAtEnd {
        let agent = |(key, value): &(String, Option<Vec<u8>>)| {
            value.as_ref()?;
            let (agent, _) = key.strip_prefix(&self.events)?.split_once('/')?;
            Some(agent.to_owned())
        };
        let agents = change.writes.iter().filter_map(agent).collect();
        RingAtEnd { bells: Arc::clone(&self.bells), agents }
    }
}

/// Rings when the write is over, also where it failed and may have been done: for who listens by then.
struct RingAtEnd {
    bells: Arc<Mutex<Bells>>,
    agents: Vec<String>,
}

impl RingAtEnd {
    fn is_silent(&self) -> bool {
        self.agents.is_empty()
    }
}

impl Drop for RingAtEnd {
    fn drop(&mut self) {
        if self.is_silent() {
            return;
        }
        let bells = lock(&self.bells);
        let heard = self.agents.iter().filter_map(|agent| bells.by_agent.get(agent)?.upgrade());
        heard.for_each(|bell| bell.ring());
        if let Some(all) = bells.all.upgrade() {
            all.ring(std::mem::take(&mut self.agents));
        }
    }
}

fn lock(bells: &Mutex<Bells>) -> MutexGuard<'_, Bells> {
    // A panic elsewhere leaves whole values: each is changed in one step.
    bells.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands the store's own futures on, as nearly every call rings nothing.
#[async_trait]
impl StateStore for Ringing {
    fn get<'s, 'k, 'f>(&'s self, key: &'k str) -> Call<'f, Option<Vec<u8>>>
    where
        's: 'f,
        'k: 'f,
    {
        self.store.get(key)
    }

    fn scan<'s, 'p, 'f>(&'s self, prefix: &'p str) -> Call<'f, Vec<(String, Vec<u8>)>>
    where
        's: 'f,
        'p: 'f,
    {
        self.store.scan(prefix)
    }

    fn commit<'s, 'f>(&'s self, change: Change) -> Call<'f, Committed>
    where
        's: 'f,
    {
        let ring = self.concerned(&change);
        if ring.is_silent() {
            return self.store.commit(change);
        }
        let store = self.store.clone();
        let write = Box::pin(async move {
            let _ring = ring;
            store.commit(change).await
        });
        Box::pin(Finished(Some(write)))
    }
}

type Call<'f, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'f>>;
type Write = Pin<Box<dyn Future<Output = Result<Committed, Error>> + Send>>;

/// A write that is brought to its end where its caller is dropped, so that the bells ring when it was made and not before.
struct Finished(Option<Write>);

impl Future for Finished {
    type Output = Result<Committed, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(write) = &mut self.0 else { return Poll::Pending };
        let Poll::Ready(written) = write.as_mut().poll(cx) else { return Poll::Pending };
        self.0 = None;
        Poll::Ready(written)
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if let (Some(write), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(write);
        }
    }
}

impl fmt::Debug for Ringing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use futures_util::poll;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::MemoryState;
    use crate::journal::{Happened, Journal, What};

    /// Makes a change when it is let, whatever became of the call.
    #[derive(Debug)]
    struct Slow(MemoryState, Semaphore);

    #[async_trait]
    impl StateStore for Slow {
        async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
            self.0.get(key).await
        }

        async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
            self.0.scan(prefix).await
        }

        async fn commit(&self, change: Change) -> Result<Committed, Error> {
            self.1.acquire().await.unwrap().forget();
            self.0.commit(change).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_of_a_dropped_call_is_heard_of_when_it_is_there() {
        let store = Arc::new(Slow(MemoryState::default(), Semaphore::new(0)));
        let journal = Journal::new(store.clone(), "a.example".parse().unwrap());
        let ada: AgentId = "ada".parse().unwrap();
        let (bell, all) = (journal.bell(&ada), journal.all_bells());
        let happened =
            Happened { at: SystemTime::UNIX_EPOCH, what: What::MailboxReset { before: 1, now: 2 } };
        let change = journal.note_event(Change::new(), &ada, &happened).unwrap();
        {
            let mut call = pin!(journal.commit(change));
            assert!(poll!(call.as_mut()).is_pending());
        }
        assert_eq!(bell.rung(), 0, "nothing is there yet");
        store.1.add_permits(1);
        let rung = tokio::time::timeout(std::time::Duration::from_secs(1), bell.rings_after(0));
        rung.await.expect("it rings by itself");
        assert_eq!(journal.happened(&ada).await.unwrap().len(), 1);
        assert_eq!(all.next().await.len(), 1);
    }
    #[tokio::test(start_paused = true)]
    async fn who_begins_to_listen_while_an_event_is_written_hears_of_it() {
        let store = Arc::new(Slow(MemoryState::default(), Semaphore::new(0)));
        let journal = Journal::new(store.clone(), "a.example".parse().unwrap());
        let ada: AgentId = "ada".parse().unwrap();
        let happened =
            Happened { at: SystemTime::UNIX_EPOCH, what: What::MailboxReset { before: 1, now: 2 } };
        let change = journal.note_event(Change::new(), &ada, &happened).unwrap();
        let mut call = pin!(journal.commit(change));
        assert!(poll!(call.as_mut()).is_pending());
        let (bell, all) = (journal.bell(&ada), journal.all_bells());
        let heard = bell.rung();
        assert!(journal.happened(&ada).await.unwrap().is_empty(), "it is not there yet");
        store.1.add_permits(1);
        assert_eq!(call.await.unwrap(), Committed::Done);
        let both = async { (bell.rings_after(heard).await, all.next().await) };
        tokio::time::timeout(std::time::Duration::from_secs(1), both).await.expect("both ring");
    }
}
