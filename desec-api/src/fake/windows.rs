//! The throttle windows of the real server.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::Scope;

/// The requests counted so far, by bucket.
#[derive(Default)]
pub(super) struct Windows(HashMap<Scope, VecDeque<Instant>>);

impl Windows {
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
        let (now, history) = (Instant::now(), self.0.entry(scope.clone()).or_default());
        // The first exhausted window speaks, whatever the longer ones would say.
        for &(most, seconds) in rates {
            let length = Duration::from_secs(seconds);
            let counted = history.iter().filter(|at| **at + length > now);
            if counted.count() >= most {
                return Some(history[history.len() - most] + length - now);
            }
        }
        history.push_back(now);
        None
    }
}

// Most requests, in so many seconds.
const ACCOUNT_ACTIVE: &[(usize, u64)] = &[(3, 60)];
const ACCOUNT_PASSIVE: &[(usize, u64)] = &[(50, 60), (600, 3_600)];
const DOMAINS: &[(usize, u64)] = &[(10, 1), (300, 60), (1_000, 3_600)];
const DYNDNS: &[(usize, u64)] = &[(2, 120)];
const READ: &[(usize, u64)] = &[(10, 1), (50, 60)];
const WRITE: &[(usize, u64)] = &[(2, 1), (15, 60), (100, 3_600), (300, 86_400)];
const USER: &[(usize, u64)] = &[(2_000, 86_400)];
