//! The pace of a client: sliding windows as the server counts them, shared by all its clones.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout_at},
};

use crate::names::DomainName;

/// A scope of the server's rate limits. Every scope counts for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Everything that an account does: 2000 requests a day (`user`).
    User,
    /// Reading domains and RRsets, all domains of the account together (`dns_api_cheap`).
    Read,
    /// Creating and deleting domains (`dns_api_expensive`).
    Domains,
    /// Writing RRsets of one domain, and exporting its zone file (`dns_api_per_domain_expensive`).
    Write(DomainName),
    /// What sends mail: registration and changes of the account (`account_management_active`).
    AccountActive,
    /// Tokens, policies, login and other matters of the account (`account_management_passive`).
    AccountPassive,
    /// DynDNS updates of one domain (`dyndns`).
    DynDns(DomainName),
    /// Asking for the own public address (`checkip`), which counts for no account.
    CheckIp,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("the account"),
            Self::Read => f.write_str("reads"),
            Self::Domains => f.write_str("creating and deleting domains"),
            Self::Write(domain) => write!(f, "writes to {domain}"),
            Self::AccountActive => f.write_str("changes of the account"),
            Self::AccountPassive => f.write_str("tokens and other matters of the account"),
            Self::DynDns(domain) => write!(f, "dynDNS updates of {domain}"),
            Self::CheckIp => f.write_str("asking for the own address"),
        }
    }
}

impl Scope {
    fn windows(&self) -> &'static [Window] {
        match self {
            Self::User => USER,
            Self::Read => READ,
            Self::Domains => DOMAINS,
            Self::Write(_) => WRITE,
            Self::AccountActive => ACCOUNT_ACTIVE,
            Self::AccountPassive => ACCOUNT_PASSIVE,
            Self::DynDns(_) => DYNDNS,
            Self::CheckIp => CHECKIP,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Pace {
    paced: bool,
    buckets: Mutex<Buckets>,
    /// Told whenever a request has ended.
    ended: Notify,
}

impl Pace {
    /// Returns a pace that keeps the published limits, or one that keeps only to what the server answers.
    pub(crate) fn new(paced: bool) -> Self {
        Self { paced, buckets: Mutex::default(), ended: Notify::new() }
    }

    /// Waits for room in `scope`.
    ///
    /// # Errors
    /// The time to wait, if there is no room before `give_up`; unknown behind a request under way.
    pub(crate) async fn acquire(
        &self,
        scope: Scope,
        give_up: Instant,
    ) -> Result<Permit<'_>, Option<Duration>> {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // Registered before looking, so that no end is missed in between.
            ended.as_mut().enable();
            match self.with(|buckets| buckets.enter(&scope, self.paced)) {
                Room::Now => return Ok(Permit { pace: self, scope }),
                Room::At(at) if at > give_up => return Err(Some(at - Instant::now())),
                Room::At(at) => sleep_until(at).await,
                Room::AfterAnother => timeout_at(give_up, ended).await.map_err(|_| None)?,
            }
        }
    }

    /// Keeps everybody out of `scope` for as long as the server demanded in its answer number `attempt`.
    ///
    /// Returns the time to wait.
    pub(crate) fn hold(&self, scope: &Scope, demanded: Option<Duration>, attempt: u32) -> Duration {
        // Throttled requests count for the day: never hammer, whatever the server says.
        let wait = demanded.unwrap_or_else(|| back_off(attempt)).max(SECOND);
        self.with(|buckets| {
            let bucket = buckets.bucket(scope);
            bucket.closed_until = bucket.closed_until.max(Some(Instant::now() + wait));
        });
        wait
    }

    fn with<T>(&self, f: impl FnOnce(&mut Buckets) -> T) -> T {
        // The counters stay usable whatever happened to another thread.
        f(&mut self.buckets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The right to send one request; its end is what the windows count from.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    pace: &'a Pace,
    scope: Scope,
}

impl Drop for Permit<'_> {
    // Also where the call is dropped: the server may have counted it.
    fn drop(&mut self) {
        self.pace.with(|buckets| buckets.leave(&self.scope));
        self.pace.ended.notify_waiters();
    }
}

enum Room {
    Now,
    At(Instant),
    AfterAnother,
}

#[derive(Debug, Default)]
struct Buckets {
    user: Bucket,
    scopes: HashMap<Scope, Bucket>,
}

impl Buckets {
    fn enter(&mut self, scope: &Scope, paced: bool) -> Room {
        let now = Instant::now();
        // Two writers of one zone at a time only bring conflicts.
        let one_by_one = matches!(scope, Scope::Write(_) | Scope::DynDns(_));
        let at_once = if one_by_one && paced { 1 } else { usize::MAX };
        let windows = if paced { scope.windows() } else { &[] };
        let user_windows = if paced { USER } else { &[] };
        let user = self.user.room(now, usize::MAX, user_windows);
        let own = self.bucket(scope).room(now, at_once, windows);
        let room = match (user, own) {
            (Room::AfterAnother, _) | (_, Room::AfterAnother) => Room::AfterAnother,
            (Room::At(a), Room::At(b)) => Room::At(a.max(b)),
            (Room::At(at), Room::Now) | (Room::Now, Room::At(at)) => Room::At(at),
            (Room::Now, Room::Now) => Room::Now,
        };
        if matches!(room, Room::Now) {
            self.user.under_way += 1;
            self.bucket(scope).under_way += 1;
        }
        room
    }

    fn leave(&mut self, scope: &Scope) {
        let now = Instant::now();
        self.user.leave(now, USER);
        self.bucket(scope).leave(now, scope.windows());
        // Domains that were not written for a day need no bucket.
        self.scopes.retain(|_, bucket| !bucket.is_idle(now));
    }

    fn bucket(&mut self, scope: &Scope) -> &mut Bucket {
        self.scopes.entry(scope.clone()).or_default()
    }
}

#[derive(Debug, Default)]
struct Bucket {
    /// The ends of past requests, oldest first. A server counts a request no later than it answers.
    ends: VecDeque<Instant>,
    under_way: usize,
    closed_until: Option<Instant>,
}

impl Bucket {
    fn room(&self, now: Instant, at_once: usize, windows: &[Window]) -> Room {
        if self.under_way >= at_once {
            return Room::AfterAnother;
        }
        let mut open = self.closed_until.filter(|until| *until > now);
        for &(most, length) in windows {
            // A request under way may be counted at any moment from now on.
            let Some(free) = most.checked_sub(self.under_way).filter(|free| *free > 0) else {
                return Room::AfterAnother;
            };
            if let Some(oldest) = self.ends.len().checked_sub(free).and_then(|n| self.ends.get(n)) {
                open = open.max(Some(*oldest + length).filter(|until| *until > now));
            }
        }
        open.map_or(Room::Now, Room::At)
    }

    fn leave(&mut self, now: Instant, windows: &[Window]) {
        self.under_way -= 1;
        self.ends.push_back(now);
        let (most, longest) = windows.last().copied().unwrap_or_default();
        while self.ends.len() > most || self.ends.front().is_some_and(|end| *end + longest <= now) {
            self.ends.pop_front();
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.under_way == 0
            && self.closed_until.is_none_or(|until| until <= now)
            && self.ends.back().is_none_or(|end| *end + DAY <= now)
    }
}

// Without a word of the server: 1 s, 2 s, 4 s, .. 32 s, and up to half as much again, so that clients part.
fn back_off(attempt: u32) -> Duration {
    let base = 1_000 * 2_u64.pow(attempt.min(5));
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(base + random % (base / 2))
}

/// At most so many requests in so long a time.
type Window = (usize, Duration);

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

// The published rates; the longest window comes last.
const ACCOUNT_ACTIVE: &[Window] = &[(3, MINUTE)];
const ACCOUNT_PASSIVE: &[Window] = &[(50, MINUTE), (600, HOUR)];
const CHECKIP: &[Window] = &[(3, MINUTE)];
const DOMAINS: &[Window] = &[(10, SECOND), (300, MINUTE), (1_000, HOUR)];
const DYNDNS: &[Window] = &[(2, Duration::from_mins(2))];
const READ: &[Window] = &[(10, SECOND), (50, MINUTE)];
const WRITE: &[Window] = &[(2, SECOND), (15, MINUTE), (100, HOUR), (300, DAY)];
const USER: &[Window] = &[(2_000, DAY)];

#[cfg(test)]
mod tests {
    use super::*;

    fn write() -> Scope {
        Scope::Write("example.com".parse().unwrap())
    }

    async fn pass(pace: &Pace, scope: Scope, patience: Duration) -> Result<(), Option<Duration>> {
        pace.acquire(scope, Instant::now() + patience).await.map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn windows_slide() {
        let (pace, start) = (Pace::new(true), Instant::now());
        for _ in 0..15 {
            pass(&pace, write(), MINUTE).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        let wait = pass(&pace, write(), SECOND).await.unwrap_err().unwrap();
        assert_eq!(wait, Duration::from_secs(53));
        pass(&pace, Scope::Write("example.org".parse().unwrap()), Duration::ZERO).await.unwrap();
        pass(&pace, Scope::Read, Duration::ZERO).await.unwrap();
        pass(&pace, write(), MINUTE).await.unwrap();
        assert_eq!(start.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_from_its_end() {
        let (pace, start) = (Pace::new(true), Instant::now());
        for _ in 0..2 {
            let permit = pace.acquire(write(), start + MINUTE).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(permit);
        }
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        pass(&pace, write(), MINUTE).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(10), "the first one left the second long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn writes_of_one_domain_follow_each_other() {
        let pace = Pace::new(true);
        let first = pace.acquire(write(), Instant::now() + MINUTE).await.unwrap();
        assert_eq!(pass(&pace, write(), SECOND).await, Err(None));
        let (second, ()) = tokio::join!(pass(&pace, write(), SECOND), async { drop(first) });
        second.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_server_demands_holds_for_all() {
        let (pace, start) = (Pace::new(false), Instant::now());
        pace.hold(&Scope::Read, Some(MINUTE), 0);
        assert_eq!(pass(&pace, Scope::Read, SECOND).await, Err(Some(MINUTE)));
        pass(&pace, Scope::Read, HOUR).await.unwrap();
        assert_eq!(start.elapsed(), MINUTE);
        for attempt in 0..40 {
            let wait = pace.hold(&Scope::Read, None, attempt);
            assert!((SECOND..MINUTE).contains(&wait), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_domains_are_forgotten() {
        let pace = Pace::new(true);
        for n in 0..100 {
            let scope = Scope::Write(format!("d{n}.example").parse().unwrap());
            pass(&pace, scope, SECOND).await.unwrap();
        }
        tokio::time::advance(DAY).await;
        pass(&pace, write(), SECOND).await.unwrap();
        assert_eq!(pace.with(|buckets| buckets.scopes.len()), 1);
    }
}
