use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Lane;

/// The right to have a connection: how many there are, who has one and who comes next. It is changed under a lock, and
/// nothing here waits.
pub(in crate::imap) struct Places(Mutex<State>);

struct State {
    in_all: usize,
    at_once: usize,
    open: usize,
    /// How many of the open ones are not logged in yet.
    opening: usize,
    queue: VecDeque<(u64, oneshot::Sender<u64>)>,
    /// Those who can be asked to give their connection up, in the order in which they are.
    resting: BTreeMap<(Rank, u64), (u64, Arc<Lane>)>,
    /// Those who were asked and have not left yet.
    leaving: BTreeSet<u64>,
    numbers: u64,
}

/// Who has to give way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::imap) enum Rank {
    /// Nobody wants anything of it; the one for the longest time first.
    Idle,
    /// Somebody waits for mail; the one that has its connection for the longest time first.
    Watching,
}

impl Places {
    pub(super) fn new(in_all: usize, at_once: usize) -> Self {
        Self(Mutex::new(State {
            in_all,
            at_once,
            open: 0,
            opening: 0,
            queue: VecDeque::new(),
            resting: BTreeMap::new(),
            leaving: BTreeSet::new(),
            numbers: 0,
        }))
    }

    /// Queues for a place.
    pub(in crate::imap) fn seek(self: &Arc<Self>) -> Seeker {
        let (grant, granted) = oneshot::channel();
        let mut state = self.lock();
        let number = state.number();
        state.queue.push_back((number, grant));
        state.proceed();
        drop(state);
        Seeker { places: Arc::clone(self), number, granted, is_over: false }
    }

    /// Returns how many places are taken and how many wait for one.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.open, state.queue.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Grants places as long as there are any, and asks others to make room.
    fn proceed(&mut self) {
        while self.open < self.in_all
            && self.opening < self.at_once
            && let Some((_, grant)) = self.queue.pop_front()
        {
            let number = self.number();
            // Whoever leaves the queue does so under the lock.
            if grant.send(number).is_ok() {
                self.open += 1;
                self.opening += 1;
            }
        }
        while self.open >= self.in_all
            && self.leaving.len() < self.queue.len()
            && let Some((_, (number, lane))) = self.resting.pop_first()
        {
            self.leaving.insert(number);
            lane.ask_to_leave();
        }
    }

    fn give_back(&mut self, number: u64, was_opening: bool) {
        self.open -= 1;
        self.opening -= usize::from(was_opening);
        self.leaving.remove(&number);
        self.proceed();
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

/// Somebody in the queue. What is granted and never taken goes to the next one.
pub(in crate::imap) struct Seeker {
    places: Arc<Places>,
    number: u64,
    granted: oneshot::Receiver<u64>,
    is_over: bool,
}

impl Seeker {
    /// Waits for the place. It may be dropped and called again.
    pub(in crate::imap) async fn place(&mut self) -> Place {
        match (&mut self.granted).await {
            Ok(number) => {
                self.is_over = true;
                let since = Instant::now();
                Place { places: Arc::clone(&self.places), number, opening: true, since, resting: None }
            }
            // It is never taken out of the queue by others.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Seeker {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.places.lock();
        let before = state.queue.len();
        state.queue.retain(|one| one.0 != self.number);
        // Grants are made under the lock: there is one now, or there never will be.
        if before == state.queue.len()
            && let Ok(number) = self.granted.try_recv()
        {
            state.give_back(number, true);
        }
    }
}

/// The right to have one connection open, which ends when this is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    opening: bool,
    since: Instant,
    resting: Option<(Rank, u64)>,
}

impl Place {
    /// Notes that the connection is logged in.
    pub(in crate::imap) fn opened(&mut self) {
        if std::mem::take(&mut self.opening) {
            let mut state = self.places.lock();
            state.opening -= 1;
            state.proceed();
        }
    }

    /// Tells whether it was held for as long as others may be kept waiting.
    pub(in crate::imap) fn is_due(&self) -> bool {
        self.since.elapsed() >= FAIR
    }

    /// Lets others have the place if they need it.
    pub(in crate::imap) fn rest(&mut self, rank: Rank, lane: &Arc<Lane>) {
        if self.resting.is_some_and(|(rested, _)| rested == rank) {
            return;
        }
        self.rouse();
        let mut state = self.places.lock();
        if state.leaving.contains(&self.number) {
            return;
        }
        let order = match rank {
            Rank::Idle => state.number(),
            Rank::Watching => self.number,
        };
        state.resting.insert((rank, order), (self.number, Arc::clone(lane)));
        self.resting = Some((rank, order));
        state.proceed();
    }

    /// Takes that back; who has been asked to leave already does so after the next job.
    pub(in crate::imap) fn rouse(&mut self) {
        if let Some(key) = self.resting.take() {
            self.places.lock().resting.remove(&key);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.rouse();
        self.places.lock().give_back(self.number, self.opening);
    }
}

const FAIR: Duration = Duration::from_secs(1);
