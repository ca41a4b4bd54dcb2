//! The throttles of the real server: sliding windows, and the leaky buckets of the web server in front.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;
use url::Url;

use crate::Scope;

/// The requests counted so far.
#[derive(Default)]
pub(super) struct Windows {
    histories: HashMap<Scope, VecDeque<Instant>>,
    /// For the API and dynDNS together, which share a zone of the web server.
    api: Leaky,
    check_ip: Leaky,
}

impl Windows {
    /// Returns whether the web server lets a request through to the API; refused ones count nowhere.
    pub(super) fn admit(&mut self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        if host.starts_with("checkip") || url.path() == "/nic/checkip.html" {
            self.check_ip.admit(CHECK_IP_DRIP, CHECK_IP_QUEUE)
        } else if host.starts_with("update") {
            self.api.admit(API_DRIP, 0)
        } else {
            self.api.admit(API_DRIP, API_QUEUE)
        }
    }

    /// Counts a request in `scope`, and for the day of the user.
    ///
    /// Returns how long to wait if it is refused. Even then it counts for the day of the user.
    pub(super) fn count(&mut self, scope: &Scope) -> Result<(), Duration> {
        let rates = match scope {
            Scope::Read => READ,
            Scope::Domains => DOMAINS,
            Scope::Write(_) => WRITE,
            Scope::AccountActive => ACCOUNT_ACTIVE,
            Scope::AccountPassive => ACCOUNT_PASSIVE,
            Scope::DynDns(_) => DYNDNS,
            Scope::User | Scope::CheckIp => &[],
        };
        let own = self.bucket(scope, rates);
        let user = self.bucket(&Scope::User, USER);
        match (own, user) {
            (None, None) => Ok(()),
            (own, user) => Err(own.max(user).unwrap_or_default()),
        }
    }

    fn bucket(&mut self, scope: &Scope, rates: &[(usize, u64)]) -> Option<Duration> {
        let &(_, longest) = rates.last()?;
        let (now, history) = (Instant::now(), self.histories.entry(scope.clone()).or_default());
        while history.front().is_some_and(|at| *at + Duration::from_secs(longest) <= now) {
            history.pop_front();
        }
        // The first exhausted window speaks, whatever the longer ones would say.
        for &(most, seconds) in rates {
            let leaves = |at: &Instant| *at + Duration::from_secs(seconds);
            let first = history.len().checked_sub(most).map(|first| leaves(&history[first]));
            if let Some(free) = first.filter(|free| *free > now) {
                return Some(free - now);
            }
        }
        history.push_back(now);
        None
    }
}

/// `limit_req` of nginx, which counts in milliseconds and thousandths of a request.
#[derive(Default)]
struct Leaky {
    last: Option<Instant>,
    excess: u64,
}

impl Leaky {
    // Lets through unless more than `queue` would be in the bucket, which loses `drip` thousandths each millisecond.
    fn admit(&mut self, drip: (u64, u64), queue: u64) -> bool {
        let now = Instant::now();
        let excess = self.last.map_or(0, |last| {
            let passed = u64::try_from((now - last).as_millis()).unwrap_or(u64::MAX);
            (self.excess + 1_000).saturating_sub(passed.saturating_mul(drip.0) / drip.1)
        });
        let admitted = excess <= queue * 1_000;
        if admitted {
            (self.last, self.excess) = (Some(now), excess);
        }
        admitted
    }
}

// 30 a second, and three a minute.
const API_DRIP: (u64, u64) = (30, 1);
const API_QUEUE: u64 = 29;
const CHECK_IP_DRIP: (u64, u64) = (1, 20);
const CHECK_IP_QUEUE: u64 = 3;

// Most requests, in so many seconds; the longest last.
const ACCOUNT_ACTIVE: &[(usize, u64)] = &[(3, 60)];
const ACCOUNT_PASSIVE: &[(usize, u64)] = &[(50, 60), (600, 3_600)];
const DOMAINS: &[(usize, u64)] = &[(10, 1), (300, 60), (1_000, 3_600)];
const DYNDNS: &[(usize, u64)] = &[(2, 120)];
const READ: &[(usize, u64)] = &[(10, 1), (50, 60)];
const WRITE: &[(usize, u64)] = &[(2, 1), (15, 60), (100, 3_600), (300, 86_400)];
const USER: &[(usize, u64)] = &[(2_000, 86_400)];

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;
    use crate::{Pace, error::Credential, pace::Turn};

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_leaves_at_the_very_moment() {
        let mut windows = Windows::default();
        let scope = Scope::DynDns("a.example".parse().unwrap());
        windows.count(&scope).unwrap();
        advance(Duration::from_millis(500)).await;
        windows.count(&scope).unwrap();
        assert_eq!(windows.count(&scope), Err(Duration::from_millis(119_500)));
        advance(Duration::from_millis(119_499)).await;
        assert_eq!(windows.count(&scope), Err(Duration::from_millis(1)));
        advance(Duration::from_millis(1)).await;
        windows.count(&scope).unwrap();
        assert_eq!(windows.count(&scope), Err(Duration::from_millis(500)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_exhausted_window_speaks() {
        let mut windows = Windows::default();
        for n in 0..50 {
            windows.count(&Scope::Read).unwrap();
            if n % 10 == 9 {
                assert_eq!(windows.count(&Scope::Read), Err(Duration::from_secs(1)));
                advance(Duration::from_secs(1)).await;
            }
        }
        assert_eq!(windows.count(&Scope::Read), Err(Duration::from_secs(55)));
    }

    #[tokio::test(start_paused = true)]
    async fn refused_requests_count_for_the_user_alone() {
        let mut windows = Windows::default();
        let scope = Scope::Write("a.example".parse().unwrap());
        let done = (0..2_000).filter(|_| windows.count(&scope).is_ok()).count();
        assert_eq!(
            (done, windows.histories[&scope].len(), windows.histories[&Scope::User].len()),
            (2, 2, 2_000)
        );
        assert_eq!(windows.count(&Scope::Domains), Err(Duration::from_hours(24)));
        assert_eq!(
            windows.histories[&Scope::Domains].len(),
            1,
            "refused by the day, it counts in its own scope"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_web_server_queues_a_burst_for_the_api_and_none_for_dyndns() {
        let mut windows = Windows::default();
        let (api, dyndns) = (url("https://desec.io/api/v1/"), url("https://update.dedyn.io/"));
        assert_eq!((0..60).filter(|_| windows.admit(&api)).count(), 30, "as it was recorded");
        advance(Duration::from_millis(999)).await;
        assert!(!windows.admit(&dyndns), "the queue is not empty yet");
        advance(Duration::from_millis(1)).await;
        assert!(windows.admit(&dyndns));
        advance(Duration::from_millis(33)).await;
        assert!(!windows.admit(&dyndns));
        advance(Duration::from_millis(1)).await;
        assert!(windows.admit(&dyndns) && windows.admit(&api) && !windows.admit(&dyndns));
    }

    #[tokio::test(start_paused = true)]
    async fn the_own_address_is_told_three_times_a_minute() {
        let mut windows = Windows::default();
        let urls = [url("https://checkipv4.dedyn.io/"), url("https://desec.io/nic/checkip.html")];
        assert_eq!((0..10).filter(|n| windows.admit(&urls[n % 2])).count(), 4);
        advance(Duration::from_secs(20)).await;
        assert_eq!((0..10).filter(|n| windows.admit(&urls[n % 2])).count(), 1);
    }

    /// Sends as fast as it may: every third request is a dynDNS update, on a line that takes up to 300 ms.
    async fn hurry(pace: Pace, server: Arc<Mutex<Windows>>, n: u64) -> bool {
        let (scope, target) = match n % 3 {
            0 => (Scope::DynDns(format!("d{n}.example").parse().unwrap()), url("https://update.dedyn.io/")),
            _ => (Scope::Write(format!("d{n}.example").parse().unwrap()), url("https://desec.io/api/v1/")),
        };
        let (credential, deadline) = (Credential::Token, Duration::from_secs(70));
        let turn = Turn { scope: &scope, credential, url: &target, deadline };
        let permit = pace.acquire(&turn, Instant::now() + Duration::from_hours(1)).await.unwrap();
        sleep(Duration::from_millis(n * 7_919 % 151)).await;
        let done = {
            let mut server = server.lock().unwrap();
            server.admit(&target) && server.count(&scope).is_ok()
        };
        sleep(Duration::from_millis(n * 104_729 % 151)).await;
        permit.answered();
        done
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_is_let_through_by_the_web_server() {
        let (pace, server, start) = (Pace::new(), Arc::default(), Instant::now());
        let all = (0..900).map(|n| hurry(pace.clone(), Arc::clone(&server), n));
        let done = join_all(all).await;
        assert!(done.into_iter().all(|done| done));
        let each = start.elapsed() / 300;
        assert!(each < Duration::from_millis(600), "{each:?} for each dynDNS update and two writes");
        // Without dynDNS the web server is used to the full.
        let (pace, server, start) = (Pace::new(), Arc::default(), Instant::now());
        let writes = (0..900).filter(|n| n % 3 > 0);
        let done = join_all(writes.map(|n| hurry(pace.clone(), Arc::clone(&server), n))).await;
        assert!(done.into_iter().all(|done| done));
        assert!(start.elapsed() < Duration::from_secs(600 / 28 + 2), "{:?}", start.elapsed());
    }
}
