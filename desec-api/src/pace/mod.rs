//! The pace of an account: sliding windows as the server counts them, shared by all its clients.

mod file;
mod front;
mod holder;
mod scope;
mod store;
mod turnstile;
mod windows;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use url::Url;

pub use self::{
    file::FilePaceStore,
    scope::Scope,
    store::{PaceEntry, PaceStore, PaceStoreError},
};
use self::{
    front::{Front, Passage},
    holder::Holder,
    scope::{DAILY_REQUESTS, DAY},
    store::LONGEST_DEADLINE,
    turnstile::{Seat, Turnstile},
    windows::Windows,
};
use crate::{chance::chance, error::Credential};

/// The pace of one account. It keeps the rate limits of the server, so that no request is ever refused.
///
/// Cloning is cheap. Clones count together: give clones of one pace to all clients of an account, whatever
/// their tokens, with [`ClientBuilder::pace`](crate::ClientBuilder::pace). Every client without a given pace
/// has one of its own.
///
/// A request counts from its answer, since it may be counted by the server at any moment until then; without
/// an answer, also where the call is dropped, from its deadline. Whoever waits longest for a limit is next.
/// Requests other than dynDNS updates leave a reserve of the day's requests to dynDNS
/// ([`with_dyndns_reserve`](Self::with_dyndns_reserve)). Calls without a token (to register, to log in, to
/// confirm) count on the server for the address, or for the account once it is known; they count for both
/// here.
///
/// The server remembers a day. So that a restart does not forget it, let a [`PaceStore`] keep the requests,
/// and begin with [`Pace::restored`]. Use one process for an account at a time: others are not seen.
///
/// ```
/// use desec_api::{Client, Pace, Scope};
///
/// let pace = Pace::new().with_dyndns_reserve(0);
/// let client = Client::builder("the-secret-of-a-token".into()).pace(pace.clone()).build()?;
/// let usage = pace.usage(&Scope::User);
/// assert_eq!((usage.used, usage.limit), (0, Some(2000)));
/// # drop(client);
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone)]
pub struct Pace {
    inner: Arc<Inner>,
}

struct Inner {
    paced: bool,
    account: Holder,
    /// What counts for the address, as long as the server does not know who asks.
    address: Holder,
    /// All requests of the account but dynDNS updates, with a lower limit: the reserve is left.
    ordinary: Arc<Turnstile<Windows>>,
    front: Arc<Turnstile<Front>>,
    day: Mutex<Day>,
    store: Option<Arc<dyn PaceStore>>,
}

#[derive(Clone, Copy, Debug)]
struct Day {
    requests: usize,
    reserve: usize,
}

impl Pace {
    /// Returns a pace that keeps the published limits, of which nothing is used yet.
    pub fn new() -> Self {
        Self::with(true, None)
    }

    /// Returns a pace without limits, for a private server that has none.
    ///
    /// What a server answers (429 with `Retry-After`) is honoured nevertheless.
    pub fn unlimited() -> Self {
        Self::with(false, None)
    }

    /// Returns a pace that keeps the published limits, knows the requests that `store` kept, and lets it keep
    /// every request from now on, before it is sent.
    ///
    /// A request that was under way when the last process ended may have been counted until its deadline,
    /// so each counts from there: requests of the last minute or two make the first ones after a restart wait.
    ///
    /// # Errors
    /// Those of [`PaceStore::load`].
    pub async fn restored(store: Arc<dyn PaceStore>) -> Result<Self, PaceStoreError> {
        let entries = store.load().await?;
        let pace = Self::with(true, Some(store));
        let now = Instant::now();
        let past = |age| now.checked_sub(age).unwrap_or(now);
        for (entry, age) in entries.into_iter().filter(|(entry, age)| *age < DAY + entry.deadline()) {
            for windows in pace.turnstiles(entry.scope(), entry.is_tokenless()) {
                windows.1.with(|windows| windows.count(past(age) + entry.deadline()));
            }
            if age < ARRIVAL && *entry.scope() != Scope::CheckIp {
                // The web server counts a request as soon as it arrives.
                pace.inner.front.with(|front| front.count(past(age) + ARRIVAL));
            }
        }
        Ok(pace)
    }

    /// Sets how many requests a day the account may send, for an account with another limit than 2000.
    ///
    /// It applies to all clones. At least one is allowed.
    pub fn with_daily_requests(self, requests: usize) -> Self {
        self.set_day(|day| day.requests = requests.max(1));
        self
    }

    /// Sets how many of the day's requests other requests leave to dynDNS updates; 200 if not set.
    ///
    /// What dynDNS has used of them today is not left again. It applies to all clones. At least one request is
    /// left to the others.
    pub fn with_dyndns_reserve(self, requests: usize) -> Self {
        self.set_day(|day| day.reserve = requests);
        self
    }

    /// Returns how much of the longest window of `scope` is used: the writes of a domain today, for example.
    pub fn usage(&self, scope: &Scope) -> Usage {
        let windows = |windows: &mut Windows| windows.used(Instant::now());
        let used = self.inner.account.peek(scope, windows).unwrap_or_else(|| {
            let limit = scope.windows().last().copied();
            (0, limit.filter(|_| self.inner.paced))
        });
        let (used, limit) = used;
        Usage { used, limit: limit.map(|(most, _)| most), window: limit.map(|(_, length)| length) }
    }

    /// Waits for room for `turn` and notes it in the store.
    ///
    /// A dropped call counts nowhere, except that the store may have noted it.
    pub(crate) async fn acquire(&self, turn: &Turn<'_>, give_up: Instant) -> Result<Permit, Refused> {
        let turnstiles = self.turnstiles(turn.scope, turn.is_tokenless());
        let late = |scope: &Scope, at: Option<Instant>| {
            let retry_after = at.map(|at| at - Instant::now()).filter(|wait| !wait.is_zero());
            Refused::TooLate { scope: scope.clone(), retry_after }
        };
        for (scope, turnstile) in &turnstiles {
            if let Some(at) = turnstile.earliest().filter(|at| *at > give_up) {
                return Err(late(scope, Some(at)));
            }
        }
        let alone = self.inner.paced && turn.scope.is_one_by_one();
        let mut seats = Vec::with_capacity(turnstiles.len());
        for (n, (scope, turnstile)) in turnstiles.iter().enumerate() {
            let seat = turnstile.enter(alone && n == 0, give_up).await;
            seats.push(seat.map_err(|at| late(scope, at))?);
        }
        let front = match Passage::of(turn.scope, turn.url) {
            passage if self.inner.paced && passage != Passage::Elsewhere => {
                let seat = self.inner.front.enter(passage == Passage::Alone, give_up).await;
                Some(seat.map_err(|at| late(turn.scope, at))?)
            }
            _ => None,
        };
        self.note(turn).await?;
        let mut permit = Permit { seats, front };
        let now = Instant::now();
        permit.counts_until(Some(now + turn.latest()), Some(now + ARRIVAL));
        Ok(permit)
    }

    /// Keeps everybody out for as long as the server demanded in its answer number `attempt`.
    ///
    /// Returns the scope that is exhausted, and the time to wait.
    pub(crate) fn hold(
        &self,
        turn: &Turn<'_>,
        demanded: Option<Duration>,
        attempt: u32,
    ) -> (Scope, Duration) {
        // Throttled requests count for the day: never hammer, whatever the server says.
        let wait = demanded.unwrap_or_else(|| back_off(attempt)).max(SECOND);
        let holder = if turn.is_tokenless() { &self.inner.address } else { &self.inner.account };
        let now = Instant::now();
        let by_day = *turn.scope != Scope::CheckIp
            && demanded.is_some_and(|demanded| {
                let own_is_full = |windows: &mut Windows| windows.is_full(now);
                demanded > turn.scope.longest()
                    || holder.peek(&Scope::User, own_is_full) == Some(true)
                        && holder.peek(turn.scope, own_is_full) != Some(true)
            });
        let scope = if by_day { Scope::User } else { turn.scope.clone() };
        holder.turnstile(&scope).with(|windows| windows.close(now + wait));
        (scope, wait)
    }

    fn with(paced: bool, store: Option<Arc<dyn PaceStore>>) -> Self {
        let inner = Inner {
            paced,
            account: Holder::new(paced),
            address: Holder::new(paced),
            ordinary: Turnstile::new(Windows::new(&[])),
            front: Turnstile::new(Front::default()),
            day: Mutex::new(Day { requests: DAILY_REQUESTS, reserve: DYNDNS_RESERVE }),
            store,
        };
        let pace = Self { inner: Arc::new(inner) };
        pace.set_day(|_| ());
        pace
    }

    fn set_day(&self, change: impl FnOnce(&mut Day)) {
        let mut day = self.inner.day.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut day);
        if self.inner.paced {
            let others = day.requests.saturating_sub(day.reserve).max(1);
            self.inner.ordinary.with(|windows| windows.set_limits(&[(others, DAY)]));
            let all = &[(day.requests, DAY)];
            self.inner.account.turnstile(&Scope::User).with(|windows| windows.set_limits(all));
        }
    }

    // All that a request passes, each with the scope it stands for, in an order that lets nobody wait in a circle.
    fn turnstiles(&self, scope: &Scope, tokenless: bool) -> Vec<(Scope, Arc<Turnstile<Windows>>)> {
        let Inner { account, address, ordinary, .. } = &*self.inner;
        let own = |holder: &Holder| (scope.clone(), holder.turnstile(scope));
        let user = |holder: &Holder| (Scope::User, holder.turnstile(&Scope::User));
        if *scope == Scope::CheckIp {
            return vec![own(account)];
        }
        let mut turnstiles = Vec::new();
        if *scope != Scope::User {
            turnstiles.push(own(account));
            turnstiles.extend(tokenless.then(|| own(address)));
        }
        let reserved = matches!(scope, Scope::DynDns(_));
        turnstiles.extend((!reserved).then(|| (Scope::User, Arc::clone(ordinary))));
        turnstiles.push(user(account));
        turnstiles.extend(tokenless.then(|| user(address)));
        turnstiles
    }

    async fn note(&self, turn: &Turn<'_>) -> Result<(), Refused> {
        let Some(store) = &self.inner.store else { return Ok(()) };
        // Sent at the end of this time at the latest.
        let latest = turn.latest() + STORE_DEADLINE;
        let entry = PaceEntry::new(turn.scope.clone(), turn.is_tokenless(), latest);
        match timeout(STORE_DEADLINE, store.record(&entry)).await {
            Ok(noted) => noted.map_err(Refused::NotNoted),
            Err(_) => Err(Refused::NotNoted(PaceStoreError::new("it takes longer than 5 seconds"))),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = *self.inner.day.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Pace").field("limited", &self.inner.paced).field("day", &day).finish_non_exhaustive()
    }
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The requests in the window that ends now, with those under way; 0 without a limit.
    pub used: usize,
    /// How many there may be; `None` without a limit.
    pub limit: Option<usize>,
    /// The length of the window, which for hours and days is some seconds longer than the server's; `None`
    /// without a limit.
    pub window: Option<Duration>,
}

/// What the pace must know of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) credential: Credential,
    pub(crate) url: &'a Url,
    /// How long the request may be under way.
    pub(crate) deadline: Duration,
}

impl Turn<'_> {
    fn is_tokenless(&self) -> bool {
        self.credential != Credential::Token
    }

    /// Returns how long after it is sent the request may still be counted, if there is no answer.
    fn latest(&self) -> Duration {
        self.deadline.clamp(SERVER_DEADLINE, LONGEST_DEADLINE)
    }
}

/// Why a request may not be sent.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no room in `scope` in time; the wait is unknown behind requests under way.
    TooLate { scope: Scope, retry_after: Option<Duration> },
    /// The store failed.
    NotNoted(PaceStoreError),
}

/// The right to send one request.
///
/// The windows count from the answer. Where the permit is just dropped, as the call may be, the server may
/// count the request until its deadline.
#[derive(Debug)]
pub(crate) struct Permit {
    seats: Vec<Seat<Windows>>,
    front: Option<Seat<Front>>,
}

impl Permit {
    /// Gives the permit back after an answer, whatever it says.
    pub(crate) fn answered(mut self) {
        let now = Some(Instant::now());
        self.counts_until(now, now);
    }

    /// Gives the permit back, since nothing was sent.
    pub(crate) fn unsent(mut self) {
        self.counts_until(None, None);
    }

    fn counts_until(&mut self, latest: Option<Instant>, arrival: Option<Instant>) {
        self.seats.iter_mut().for_each(|seat| seat.counts_until(latest));
        self.front.iter_mut().for_each(|seat| seat.counts_until(arrival));
    }
}

// Without a word of the server: 1 s, 2 s, 4 s, .. 32 s, and up to half as much again, so that clients part.
fn back_off(attempt: u32) -> Duration {
    let base = Duration::from_secs(2_u64.pow(attempt.min(5)));
    base + base.mul_f64(chance() / 2.0)
}

const DYNDNS_RESERVE: usize = 200;
const STORE_DEADLINE: Duration = Duration::from_secs(5);
// How long a request may still travel to the web server after nobody waits for it any more.
const ARRIVAL: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);
const SERVER_DEADLINE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
