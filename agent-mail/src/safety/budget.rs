//! How much may be sent in which time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many recipients may be written to in a time.
///
/// In any stretch of that time, wherever it begins, there are no more. A message counts once for each of its recipients.
/// The count is kept for slices of 1/32 of the time, so that room is given back up to one slice late.
///
/// What counts is the time at which a message is let go, not the one at which the mail system takes it: what was let go
/// and could not be sent, as in an outage, is tried again without being counted again, and may go together with later mail.
///
/// ```
/// use agent_mail::safety::Budget;
///
/// assert_eq!(Budget::per_hour(100), Budget::new(100, std::time::Duration::from_secs(3600)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub(super) recipients: u32,
    pub(super) window: Duration,
}

impl Budget {
    /// Allows so many recipients, at least 1, in a time of at least a second.
    pub fn new(recipients: u32, window: Duration) -> Self {
        Self { recipients, window }
    }

    /// Allows so many in a minute.
    pub fn per_minute(recipients: u32) -> Self {
        Self::new(recipients, Duration::from_mins(1))
    }

    /// Allows so many in an hour.
    pub fn per_hour(recipients: u32) -> Self {
        Self::new(recipients, Duration::from_hours(1))
    }

    /// Allows so many in 24 hours.
    pub fn per_day(recipients: u32) -> Self {
        Self::new(recipients, DAY)
    }

    /// Returns how many messages an hour a mail system has to let pass so that it stops nothing that this allows.
    pub fn hourly(self) -> u32 {
        let hours = self.window.as_secs_f64() / 3600.0;
        if hours >= 1.0 {
            return self.recipients;
        }
        let hourly = (f64::from(self.recipients) / hours).ceil();
        // A float beyond the range becomes its end.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let hourly = hourly as u32;
        hourly
    }

    pub(super) fn problem(self) -> Option<&'static str> {
        if self.recipients == 0 {
            return Some("a budget allows at least 1 recipient; to stop sending use stop_sending");
        }
        (self.window < Duration::from_secs(1)).then_some("the time of a budget is at least a second")
    }

    /// The name under which its use is stored.
    pub(super) fn label(self) -> String {
        self.window.as_millis().to_string()
    }

    fn slice(self) -> u64 {
        (self.millis() / SLICES).max(1)
    }

    fn millis(self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX / 2)
    }
}

/// How many recipients a domain may write to in its first days, day by day, so that the world gets to know it.
///
/// Day 1 begins with the first message; a day is 24 hours, and no 24 hours see more than the day in which they end
/// allows. Behind the last day the ramp no longer counts. It is an upper bound beside the budgets.
///
/// ```
/// use agent_mail::safety::Ramp;
///
/// let ramp = Ramp::days([20, 40, 80, 160, 320]);
/// assert_eq!((ramp.on_day(1), ramp.on_day(5), ramp.on_day(6)), (Some(20), Some(320), None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramp(Vec<u32>);

impl Ramp {
    /// Allows so many recipients on each day.
    pub fn days(recipients: impl IntoIterator<Item = u32>) -> Self {
        Self(recipients.into_iter().collect())
    }

    /// Doubles from `first` each day, until `last` is reached.
    pub fn doubling(first: u32, last: u32) -> Self {
        let doubled = |day: &u32| Some(day.saturating_mul(2).max(1));
        Self(std::iter::successors(Some(first), doubled).take_while(|day| *day < last).collect())
    }

    /// Returns how many recipients a day allows, from 1 on; `None` behind the last.
    pub fn on_day(&self, day: usize) -> Option<u32> {
        self.0.get(day.checked_sub(1)?).copied()
    }

    /// The budget at a time, in milliseconds, if the ramp began at another.
    pub(super) fn at(&self, now: u64, started: u64) -> Option<Budget> {
        let days = now.saturating_sub(started) / Budget::per_day(1).millis();
        self.on_day(usize::try_from(days).unwrap_or(usize::MAX).saturating_add(1)).map(Budget::per_day)
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        self.0.contains(&0).then_some("a day of a ramp allows at least 1 recipient")
    }
}

/// What was used lately: the beginnings of slices in milliseconds since 1970, and the count of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Usage(Vec<(u64, u32)>);

impl Usage {
    /// Forgets what is too long ago, and takes for present what a clock that was set back left in the future.
    pub(super) fn look(&mut self, budget: Budget, now: u64) {
        let (slice, window) = (budget.slice(), budget.millis());
        self.0.retain(|(begin, _)| begin.saturating_add(slice + window) > now);
        for (begin, _) in &mut self.0 {
            *begin = (*begin).min(now);
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    pub(super) fn add(&mut self, budget: Budget, now: u64, count: u32) {
        let begin = now - now % budget.slice();
        match self.0.iter_mut().find(|(known, _)| *known == begin) {
            Some((_, known)) => *known = known.saturating_add(count),
            None => self.0.push((begin, count)),
        }
    }

    /// Returns after how long no more than `room` is used.
    pub(super) fn until(&self, budget: Budget, now: u64, room: u64) -> Duration {
        let mut at = self.0.clone();
        at.sort_unstable();
        let mut left = self.used();
        let mut end = now;
        for (begin, count) in at {
            if left <= room {
                break;
            }
            left -= u64::from(count);
            end = begin.saturating_add(budget.slice() + budget.millis());
        }
        Duration::from_millis(end.saturating_sub(now).max(1))
    }
}

const SLICES: u64 = 32;
const DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mail_system_stops_nothing_that_a_budget_allows() {
        for (budget, hourly) in [
            (Budget::per_hour(100), 100),
            (Budget::per_minute(2), 120),
            (Budget::per_day(500), 500),
            (Budget::new(7, Duration::from_mins(30)), 14),
            (Budget::new(u32::MAX, Duration::from_secs(1)), u32::MAX),
        ] {
            assert_eq!(budget.hourly(), hourly, "{budget:?}");
        }
    }

    #[test]
    fn a_ramp_doubles_up_to_its_last_day() {
        assert_eq!(Ramp::doubling(50, 500), Ramp::days([50, 100, 200, 400]));
        let ramp = Ramp::days([1, 2]);
        let day = 86_400_000;
        assert_eq!(ramp.at(5 + day - 1, 5), Some(Budget::per_day(1)));
        assert_eq!(ramp.at(5 + day, 5), Some(Budget::per_day(2)));
        assert_eq!(ramp.at(5 + 2 * day, 5), None);
        assert_eq!(ramp.at(0, 5), Some(Budget::per_day(1)), "a clock that went back");
    }

    #[test]
    fn a_clock_that_was_set_back_gives_nothing_away_and_blocks_nothing_for_ever() {
        let budget = Budget::per_minute(10);
        let mut usage = Usage::default();
        usage.add(budget, 10_000_000_000, 10);
        usage.look(budget, 1_000_000);
        assert_eq!(usage.used(), 10);
        usage.look(budget, 1_000_000 + 70_000);
        assert_eq!(usage.used(), 0);
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_budget(
            limit in 1_u32..20,
            window in 1_u64..200,
            steps in proptest::collection::vec((0_u64..40_000, 1_u32..5), 1..120),
        ) {
            let budget = Budget::new(limit, Duration::from_secs(window));
            let (mut usage, mut now, mut sent) = (Usage::default(), 1_700_000_000_000, Vec::new());
            for (pause, count) in steps {
                now += pause;
                usage.look(budget, now);
                if usage.used() + u64::from(count) <= u64::from(limit) {
                    usage.add(budget, now, count);
                    sent.push((now, u64::from(count)));
                } else if count <= limit {
                    let wait = usage.until(budget, now, u64::from(limit - count));
                    let then = now + u64::try_from(wait.as_millis()).unwrap();
                    let mut later = usage.clone();
                    later.look(budget, then);
                    prop_assert!(later.used() + u64::from(count) <= u64::from(limit), "the wait is long enough");
                    prop_assert!(wait <= budget.window.mul_f64(1.04) + Duration::from_millis(1), "{wait:?}");
                }
            }
            for (end, _) in &sent {
                let within = |(at, _): &&(u64, u64)| at <= end && at + window * 1000 > *end;
                let held: u64 = sent.iter().filter(within).map(|(_, count)| count).sum();
                prop_assert!(held <= u64::from(limit), "{held} of {limit}");
            }
        }
    }
}
