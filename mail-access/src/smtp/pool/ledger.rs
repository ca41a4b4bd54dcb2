use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::actor::{Job, Order, Told};
use super::Limits;
use crate::wire::Fault;
use crate::{Login, Status};

/// Who has which connection and who waits for one. It is changed under a lock, and nothing here waits.
pub(super) struct Ledger {
    limits: Limits,
    lanes: HashMap<Account, Lane>,
    /// Those who come next when there may be another connection: the first in the queue of each login that may have
    /// one more, by its number.
    next: BTreeMap<u64, Account>,
    /// Idle connections of all logins, the oldest first.
    idle: BTreeMap<u64, Account>,
    open: usize,
    /// Connections that are about to close, by the number under which they rested last.
    leaving: BTreeSet<u64>,
    numbers: u64,
    closed: bool,
}

/// What came of asking for a connection.
pub(super) enum Ask {
    /// An idle one waits for this order.
    Connection(oneshot::Sender<Order>, Job),
    /// The caller hears of it in turn.
    Queued(u64),
    /// The server refused this login, and it isn't tried again for so long.
    Barred(Status, Duration),
}

/// What becomes of a connection that is out of work.
pub(super) enum Rest {
    /// The next one in the queue.
    Job(Job),
    /// Somebody will send an order.
    Idle(u64, oneshot::Receiver<Order>),
    /// It has to go.
    Leave(u64),
}

/// A login with its secret: with another one it is another account, so that whoever doesn't know the right one never
/// gets a connection that was opened with it.
#[derive(Clone)]
pub(in super::super) struct Account(pub(in super::super) Arc<Login>);

impl Account {
    pub(super) fn of(login: &Login) -> Self {
        Self(Arc::new(login.clone()))
    }
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.0.address() == other.0.address()
            && self.0.kind() == other.0.kind()
            && self.0.password().expose_secret() == other.0.password().expose_secret()
    }
}

impl Eq for Account {}

/// The secret is left out: a hash of it is nothing to have lying about.
impl Hash for Account {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.address().hash(state);
    }
}

/// One login's part of the ledger.
#[derive(Default)]
struct Lane {
    open: usize,
    /// How many of the open ones are not logged in yet.
    opening: usize,
    queue: VecDeque<(u64, Job)>,
    idle: BTreeMap<u64, oneshot::Sender<Order>>,
    barred: Option<(Status, Instant)>,
    /// Under which number it stands in `Ledger::next`.
    ranked: Option<u64>,
}

impl Lane {
    /// The first one logs in alone, and when it is in, all others may: a wrong password is shown to the server once, and
    /// a server that comes back isn't stormed.
    fn may_open(&self, limits: &Limits) -> bool {
        self.open < limits.per_login && (self.opening == 0 || self.opening < self.open)
    }

    fn bar(&self) -> Option<(Status, Duration)> {
        let (status, until) = self.barred.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| (status.clone(), left))
    }

    fn is_needed(&self) -> bool {
        self.open > 0 || !self.queue.is_empty() || self.bar().is_some()
    }
}

impl Ledger {
    pub(super) fn new(limits: Limits) -> Self {
        let (lanes, next, idle) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { limits, lanes, next, idle, open: 0, leaving: BTreeSet::new(), numbers: 0, closed: false }
    }

    /// Gives a connection at once where that passes nobody by, else a place in the queue: the one that had this number.
    pub(super) fn ask(&mut self, account: &Account, number: Option<u64>, job: Job) -> Ask {
        let number = number.unwrap_or_else(|| self.number());
        let lane = self.lanes.entry(account.clone()).or_default();
        if let Some((status, left)) = lane.bar() {
            return Ask::Barred(status, left);
        }
        // The one that was used last is the one least likely to be closed by the server.
        if let Some((resting, orders)) = lane.idle.pop_last() {
            self.idle.remove(&resting);
            return Ask::Connection(orders, job);
        }
        let at = lane.queue.partition_point(|one| one.0 < number);
        lane.queue.insert(at, (number, job));
        self.rank(account);
        self.proceed();
        Ask::Queued(number)
    }

    /// Tells whether somebody still stands in the queue.
    pub(super) fn is_queued(&self, account: &Account, number: u64) -> bool {
        let lane = self.lanes.get(account);
        lane.is_some_and(|lane| lane.queue.binary_search_by_key(&number, |one| one.0).is_ok())
    }

    /// Takes somebody out of the queue.
    pub(super) fn withdraw(&mut self, account: &Account, number: u64) {
        let Some(lane) = self.lanes.get_mut(account) else { return };
        if let Ok(at) = lane.queue.binary_search_by_key(&number, |one| one.0) {
            lane.queue.remove(at);
        }
        self.rank(account);
        self.proceed();
    }

    /// Notes that a connection is logged in.
    pub(super) fn opened(&mut self, account: &Account) {
        if let Some(lane) = self.lanes.get_mut(account) {
            lane.opening -= 1;
        }
        self.rank(account);
        self.proceed();
    }

    /// Takes the first in a login's queue for a connection that is at work, unless that has to go after its work.
    pub(super) fn next(&mut self, account: &Account) -> Option<Job> {
        if self.has_to_go(account) {
            return None;
        }
        let (_, job) = self.lanes.get_mut(account)?.queue.pop_front()?;
        self.rank(account);
        Some(job)
    }

    /// Takes a connection that is out of work: for the next one in the queue, or to keep it.
    pub(super) fn rest(&mut self, account: &Account) -> Rest {
        let number = self.number();
        if self.has_to_go(account) {
            self.leaving.insert(number);
            return Rest::Leave(number);
        }
        if let Some(job) = self.next(account) {
            return Rest::Job(job);
        }
        let (orders, received) = oneshot::channel();
        self.lanes.entry(account.clone()).or_default().idle.insert(number, orders);
        self.idle.insert(number, account.clone());
        Rest::Idle(number, received)
    }

    /// Tells whether a connection of this login has to make room for one of another, or is of no more use.
    fn has_to_go(&self, account: &Account) -> bool {
        // Somebody of another login who waits for the place that this one takes up, and for whom nobody leaves yet.
        let other = self.next.keys().nth(self.leaving.len());
        let lane = self.lanes.get(account);
        let first = lane.and_then(|lane| lane.queue.front()).map(|one| &one.0);
        let is_passed_over = other.is_some_and(|other| first.is_none_or(|first| other < first));
        self.closed || is_passed_over || lane.is_some_and(|lane| lane.bar().is_some())
    }

    /// Takes a connection out of those that are idle, if it still is one of them.
    pub(super) fn rouse(&mut self, account: &Account, number: u64) -> bool {
        self.idle.remove(&number).is_some()
            && self.lanes.get_mut(account).is_some_and(|lane| lane.idle.remove(&number).is_some())
    }

    /// Tells all idle connections of a login to leave.
    pub(super) fn dismiss(&mut self, account: &Account) {
        let Some(lane) = self.lanes.get_mut(account) else { return };
        for (number, orders) in std::mem::take(&mut lane.idle) {
            self.idle.remove(&number);
            // One whose task is gone is gone anyway.
            if orders.send(Order::Leave).is_ok() {
                self.leaving.insert(number);
            }
        }
    }

    /// Keeps a login that the server refused from being tried again, and returns for how long.
    pub(super) fn bar(&mut self, account: &Account, status: &Status) -> Duration {
        let pause = self.limits.pause;
        self.lanes.retain(|_, lane| lane.is_needed());
        let lane = self.lanes.entry(account.clone()).or_default();
        lane.barred = Some((status.clone(), Instant::now() + pause));
        for (_, job) in std::mem::take(&mut lane.queue) {
            job.tell(Told::Done(Err(Fault::Barred { status: status.clone(), left: pause })));
        }
        self.rank(account);
        self.dismiss(account);
        self.proceed();
        pause
    }

    pub(super) fn barred(&self, account: &Account) -> Option<(Status, Duration)> {
        self.lanes.get(account)?.bar()
    }

    /// Frees the place of a connection that is closed, or was never opened.
    pub(super) fn give_back(&mut self, account: &Account, opening: bool, rested: Option<u64>) {
        self.open -= 1;
        if let Some(number) = rested {
            self.rouse(account, number);
            self.leaving.remove(&number);
        }
        if let Some(lane) = self.lanes.get_mut(account) {
            lane.open -= 1;
            lane.opening -= usize::from(opening);
        }
        self.rank(account);
        self.proceed();
    }

    /// Lets nobody in any more and ends what is idle.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.idle.clear();
        for lane in self.lanes.values_mut() {
            lane.idle.clear();
        }
    }

    /// Returns how many connections are open, how many of them idle, and how many callers wait.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.open, self.idle.len(), self.lanes.values().map(|lane| lane.queue.len()).sum())
    }

    /// Counts the logins that something is kept of.
    #[cfg(test)]
    pub(super) fn logins(&self) -> usize {
        self.lanes.len()
    }

    /// Grants places as long as there are any, and asks the oldest idle connections to make room.
    fn proceed(&mut self) {
        while self.open < self.limits.in_all
            && let Some((_, account)) = self.next.pop_first()
        {
            let Some(lane) = self.lanes.get_mut(&account) else { continue };
            lane.ranked = None;
            if let Some((_, job)) = lane.queue.pop_front() {
                self.open += 1;
                lane.open += 1;
                lane.opening += 1;
                // It always hears of it: whoever stands in the queue leaves it under the lock.
                job.tell(Told::Place);
            }
            self.rank(&account);
        }
        while self.leaving.len() < self.next.len()
            && let Some((number, account)) = self.idle.pop_first()
        {
            let orders = self.lanes.get_mut(&account).and_then(|lane| lane.idle.remove(&number));
            if orders.is_some_and(|orders| orders.send(Order::Leave).is_ok()) {
                self.leaving.insert(number);
            }
        }
    }

    /// Puts the first in a login's queue where it belongs, or forgets a login that nothing is left of.
    fn rank(&mut self, account: &Account) {
        let Some(lane) = self.lanes.get_mut(account) else { return };
        if let Some(number) = lane.ranked.take() {
            self.next.remove(&number);
        }
        if !lane.is_needed() {
            self.lanes.remove(account);
        } else if let Some((number, _)) = lane.queue.front()
            && lane.may_open(&self.limits)
        {
            lane.ranked = Some(*number);
            self.next.insert(*number, account.clone());
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}
