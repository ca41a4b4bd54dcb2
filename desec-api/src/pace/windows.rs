//! Sliding windows as the server counts them.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    scope::Window,
    turnstile::{Meter, Room},
};
use crate::client::LONGEST_WAIT;

/// The requests of one scope.
#[derive(Debug)]
pub(super) struct Windows {
    /// The longest last; none without limits.
    limits: Vec<Window>,
    /// Until when the server counted the past requests, oldest first: until it answered, or the last
    /// moment at which it may.
    ends: VecDeque<Instant>,
    under_way: usize,
    closed_until: Option<Instant>,
}

impl Windows {
    pub(super) fn new(limits: &[Window]) -> Self {
        Self { limits: limits.to_vec(), ends: VecDeque::new(), under_way: 0, closed_until: None }
    }

    pub(super) fn set_limits(&mut self, limits: &[Window]) {
        self.limits = limits.to_vec();
    }

    /// Keeps everybody out until `until`.
    pub(super) fn close(&mut self, until: Instant) {
        self.closed_until = self.closed_until.max(Some(until));
    }

    /// Counts a request that was counted by the server until `end`, which may be yet to come.
    pub(super) fn count(&mut self, end: Instant) {
        let place = self.ends.partition_point(|earlier| *earlier <= end);
        self.ends.insert(place, end);
    }

    /// Returns how many requests the longest window holds, counting those under way, and that window.
    pub(super) fn used(&self, now: Instant) -> (usize, Option<Window>) {
        let left = self.ends.partition_point(|end| *end + self.longest() <= now);
        (self.ends.len() - left + self.under_way, self.limits.last().copied())
    }

    /// Returns whether one more has to wait.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.limits.iter().any(|limit| self.frees(*limit, now).is_none_or(|at| at > now))
    }

    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.used(now).0 == 0 && self.closed(now).is_none()
    }

    fn closed(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }

    fn longest(&self) -> Duration {
        self.limits.last().map_or(Duration::ZERO, |(_, length)| *length)
    }

    // When a window has room for one more; unknown behind requests under way.
    fn frees(&self, (most, length): Window, now: Instant) -> Option<Instant> {
        // A request under way may be counted at any moment from now on.
        let Some(leaving) = (self.ends.len() + self.under_way).checked_sub(most) else { return Some(now) };
        self.ends.get(leaving).map(|end| now.max(*end + length))
    }

    // The same with so many ahead, of whom each that is let in leaves the window no sooner than its length later.
    fn frees_behind(&self, (most, length): Window, now: Instant, ahead: usize) -> Instant {
        let known = self.ends.len() + self.under_way;
        let Some(leaving) = (known + ahead).checked_sub(most) else { return now };
        let rounds = leaving.checked_sub(known).map_or(0, |behind| behind / most + 1);
        let first = leaving.checked_sub(rounds * most).and_then(|first| self.ends.get(first));
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        first.map_or(now, |end| now.max(*end + length)) + length.saturating_mul(rounds).min(LONGEST_WAIT)
    }
}

impl Meter for Windows {
    fn room(&mut self, now: Instant, alone: bool) -> Room {
        if alone && self.under_way > 0 {
            return Room::AfterAnother;
        }
        let mut open = self.closed(now);
        for limit in &self.limits {
            match self.frees(*limit, now) {
                None => return Room::AfterAnother,
                Some(at) => open = open.max(Some(at).filter(|at| *at > now)),
            }
        }
        open.map_or(Room::Now, Room::At)
    }

    fn earliest(&self, now: Instant, ahead: usize) -> Option<Instant> {
        let frees = self.limits.iter().map(|limit| self.frees_behind(*limit, now, ahead));
        frees.chain(self.closed(now)).max().filter(|at| *at > now)
    }

    fn enter(&mut self, _alone: bool) {
        self.under_way += 1;
    }

    fn leave(&mut self, now: Instant, _alone: bool, latest: Option<Instant>) {
        self.under_way -= 1;
        if let Some(latest) = latest.filter(|_| !self.limits.is_empty()) {
            self.count(latest.max(now));
        }
        let longest = self.longest();
        while self.ends.front().is_some_and(|end| *end + longest <= now) {
            self.ends.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn an_end_yet_to_come_keeps_its_place() {
        let (now, mut windows) = (Instant::now(), Windows::new(&[(2, LENGTH)]));
        windows.count(now + LENGTH);
        windows.enter(false);
        windows.leave(now, false, Some(now));
        assert_eq!(windows.room(now, false), Room::At(now + LENGTH), "the earlier one leaves first");
        assert_eq!(windows.used(now + LENGTH * 3 / 2).0, 1);
        assert!(windows.is_idle(now + LENGTH * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_under_way_are_not_counted_yet() {
        let (now, mut windows) = (Instant::now(), Windows::new(&[(2, LENGTH)]));
        windows.enter(false);
        windows.enter(false);
        assert_eq!(windows.room(now, false), Room::AfterAnother);
        windows.leave(now, false, Some(now));
        assert_eq!(windows.room(now, false), Room::At(now + LENGTH));
        windows.leave(now, false, None);
        assert_eq!(windows.room(now, false), Room::Now);
        assert_eq!((windows.used(now).0, windows.is_full(now)), (1, false));
    }

    #[tokio::test(start_paused = true)]
    async fn the_turn_of_those_in_the_queue_is_foreseen() {
        let (now, mut windows) = (Instant::now(), Windows::new(&[(2, LENGTH)]));
        windows.count(now - LENGTH / 2);
        let foreseen: Vec<_> = (0..6).map(|ahead| windows.earliest(now, ahead)).collect();
        let half = LENGTH / 2;
        assert_eq!(foreseen, [0, 1, 2, 3, 4, 5].map(|n| (n > 0).then(|| now + half * n)));
        windows.close(now + LENGTH * 9);
        assert_eq!(windows.earliest(now, 0), Some(now + LENGTH * 9));
    }
}
