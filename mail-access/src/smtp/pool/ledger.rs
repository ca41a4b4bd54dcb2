use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::actor::Order;
use super::Limits;
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
    Granted(Grant),
    /// The grant comes later, in turn.
    Queued(u64, oneshot::Receiver<Grant>),
}

pub(super) enum Grant {
    /// An idle connection waits for this order.
    Connection(oneshot::Sender<Order>),
    /// One more connection may be opened.
    Place,
    /// The server refused this login, and it isn't tried again for so long.
    Barred(Status, Duration),
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
    queue: VecDeque<(u64, oneshot::Sender<Grant>)>,
    idle: BTreeMap<u64, oneshot::Sender<Order>>,
    barred: Option<(Status, Instant)>,
    /// Under which number it stands in `Ledger::next`.
    ranked: Option<u64>,
}

impl Lane {
    /// Only as many log in at a time as have done so with success, and at least one: a wrong password is shown to the
    /// server once, and a server that comes back isn't stormed.
    fn may_open(&self, limits: &Limits) -> bool {
        self.open < limits.per_login && self.opening < (self.open - self.opening).max(1)
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

    /// Gives a connection at once where that passes nobody by, else a place in the queue.
    pub(super) fn ask(&mut self, account: &Account) -> Ask {
        let number = self.number();
        let lane = self.lanes.entry(account.clone()).or_default();
        if let Some((status, left)) = lane.bar() {
            return Ask::Granted(Grant::Barred(status, left));
        }
        // The one that was used last is the one least likely to be closed by the server.
        if let Some((resting, orders)) = lane.idle.pop_last() {
            self.idle.remove(&resting);
            return Ask::Granted(Grant::Connection(orders));
        }
        let (grant, granted) = oneshot::channel();
        lane.queue.push_back((number, grant));
        self.rank(account);
        self.proceed();
        Ask::Queued(number, granted)
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

    /// Takes a connection that is out of work: for the next one in the queue, or to keep it. Returns its number, as an
    /// error if it has to go.
    pub(super) fn rest(&mut self, account: &Account, orders: oneshot::Sender<Order>) -> Result<u64, u64> {
        let number = self.number();
        // Somebody of another login who waits for the place that this one takes up, and for whom nobody leaves yet.
        let other = self.next.keys().nth(self.leaving.len()).copied();
        let lane = self.lanes.entry(account.clone()).or_default();
        let first = lane.queue.front().map(|one| one.0);
        let is_passed_over = match (other, first) {
            (Some(other), Some(first)) => other < first,
            (other, None) => other.is_some(),
            (None, Some(_)) => false,
        };
        if self.closed || is_passed_over || lane.bar().is_some() {
            self.leaving.insert(number);
            return Err(number);
        }
        match lane.queue.pop_front() {
            Some((_, grant)) => {
                // It always takes it: whoever stands in the queue leaves it under the lock.
                let granted = grant.send(Grant::Connection(orders));
                debug_assert!(granted.is_ok());
                self.rank(account);
            }
            None => {
                lane.idle.insert(number, orders);
                self.idle.insert(number, account.clone());
            }
        }
        Ok(number)
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
        for (_, grant) in std::mem::take(&mut lane.queue) {
            let _ = grant.send(Grant::Barred(status.clone(), pause));
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
            if let Some((_, grant)) = lane.queue.pop_front() {
                self.open += 1;
                lane.open += 1;
                lane.opening += 1;
                let granted = grant.send(Grant::Place);
                debug_assert!(granted.is_ok());
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
