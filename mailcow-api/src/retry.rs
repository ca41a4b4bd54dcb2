//! When a call is sent again: how often, after which pause, and how many retries a client has left.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How a client repeats reads, and writes that are safe to repeat, after the server could not be reached or gave no
/// answer.
///
/// The pause before each retry is a random part of a bound that doubles (full jitter), so that many clients do not
/// come back at the same moment. All calls of a client share a budget of ten retries, which ten successful calls fill
/// up by one: a server that is down is not called three times as often.
///
/// A call that the server did not let in (HTTP 401) is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    retries: u32,
    first_pause: Duration,
    longest_pause: Duration,
    total: Duration,
}

impl RetryPolicy {
    /// Builds a policy of at most `retries` further attempts within `total` since the call began.
    pub fn new(retries: u32, total: Duration) -> Self {
        Self { retries, first_pause: FIRST_PAUSE, longest_pause: LONGEST_PAUSE, total }
    }

    /// Builds a policy of no retries at all.
    pub fn none() -> Self {
        Self::new(0, Duration::ZERO)
    }

    /// Sets the bound of the first pause, 200 ms by default, and that of all, 5 s by default.
    pub fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_pause, self.longest_pause) = (first, longest);
        self
    }

    /// Returns how long to wait before retry number `retry` (from 0) of a call that began `elapsed` ago, and how long
    /// that attempt may take at most. `None` means that the call is over.
    pub(crate) fn next(&self, retry: u32, elapsed: Duration) -> Option<(Duration, Duration)> {
        if retry >= self.retries {
            return None;
        }
        let bound = self.first_pause.saturating_mul(2_u32.saturating_pow(retry)).min(self.longest_pause);
        let pause = part(bound);
        let left = self.total.checked_sub(elapsed)?.checked_sub(pause)?;
        (!left.is_zero()).then_some((pause, left))
    }
}

impl Default for RetryPolicy {
    /// Two retries within 60 s.
    fn default() -> Self {
        Self::new(2, Duration::from_mins(1))
    }
}

/// The retries that all calls of a client have left together.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<u32>);

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(BUDGET))
    }

    /// Takes one retry, if there is one left.
    pub(crate) fn take(&self) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = left.checked_sub(RETRY);
        *left = taken.unwrap_or(*left);
        taken.is_some()
    }

    /// Notes a call that went well.
    pub(crate) fn refill(&self) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + 1).min(BUDGET);
    }
}

/// Returns a random part of `bound`; half of it if the system has no random numbers.
fn part(bound: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    bound.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const RETRY: u32 = 10;
const BUDGET: u32 = 10 * RETRY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_parts_of_a_growing_bound_and_end_with_the_total() {
        let policy = RetryPolicy::new(4, Duration::from_secs(20))
            .with_pauses(Duration::from_secs(1), Duration::from_secs(3));
        for (retry, bound) in [(0, 1), (1, 2), (2, 3), (3, 3)] {
            let pauses: Vec<_> =
                (0..50).filter_map(|_| policy.next(retry, Duration::ZERO)).map(|next| next.0).collect();
            assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(bound)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "no jitter");
        }
        assert_eq!(policy.next(4, Duration::ZERO), None);
        assert_eq!(policy.next(0, Duration::from_secs(20)), None);
        let (pause, left) = policy.next(0, Duration::from_secs(5)).unwrap();
        assert_eq!(pause + left, Duration::from_secs(15));
        assert_eq!(RetryPolicy::none().next(0, Duration::ZERO), None);
    }

    #[test]
    fn the_budget_runs_out_and_is_earned_back() {
        let budget = RetryBudget::new();
        assert_eq!((0..20).filter(|_| budget.take()).count(), 10);
        (0..9).for_each(|_| budget.refill());
        assert!(!budget.take());
        budget.refill();
        assert!(budget.take() && !budget.take());
    }
}
