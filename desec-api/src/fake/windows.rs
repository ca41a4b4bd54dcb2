//! The throttle windows of the real server.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// The requests counted so far, by bucket.
#[derive(Default)]
pub(super) struct Windows(HashMap<String, VecDeque<Instant>>);

impl Windows {
    /// Counts a read, or a write to the RRsets of a domain.
    ///
    /// Returns how long to wait if it is refused. Even then it counts for the day of the user.
    pub(super) fn count(&mut self, written: Option<&str>) -> Result<(), Duration> {
        let own = match written {
            None => self.bucket("read", READ),
            Some(domain) => self.bucket(&format!("write {domain}"), WRITE),
        };
        let user = self.bucket("user", USER);
        match (own, user) {
            (None, None) => Ok(()),
            (own, user) => Err(own.max(user).unwrap_or_default()),
        }
    }

    fn bucket(&mut self, name: &str, rates: &[(usize, u64)]) -> Option<Duration> {
        let (now, history) = (Instant::now(), self.0.entry(name.to_owned()).or_default());
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
const READ: &[(usize, u64)] = &[(10, 1), (50, 60)];
const WRITE: &[(usize, u64)] = &[(2, 1), (15, 60), (100, 3_600), (300, 86_400)];
const USER: &[(usize, u64)] = &[(2_000, 86_400)];
