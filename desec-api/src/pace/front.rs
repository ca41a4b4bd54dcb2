//! The limit of the web server in front: a leaky bucket for all requests of an address.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;
use url::Url;

use super::{
    Scope,
    turnstile::{Meter, Room},
};

/// How a request passes the web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Below `/api/`: up to 29 may wait there.
    Queued,
    /// On the dynDNS host: nothing may wait, so nothing else may arrive at the same time.
    Alone,
    /// On a host with a limit of its own.
    Elsewhere,
}

impl Passage {
    pub(super) fn of(scope: &Scope, url: &Url) -> Self {
        match scope {
            Scope::CheckIp => Self::Elsewhere,
            Scope::DynDns(_) if !url.path().starts_with("/api/") => Self::Alone,
            _ => Self::Queued,
        }
    }
}

/// The level of the bucket. Each request arrives, at the latest, when it ends.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// When the bucket is empty, if nothing more arrives.
    empty_at: Option<Instant>,
    under_way: usize,
    /// Requests that nobody waits for any more, and until when they arrive; in order.
    lingering: VecDeque<Instant>,
    alone: bool,
}

impl Front {
    /// Counts a request that arrives until `latest`.
    pub(super) fn count(&mut self, latest: Instant) {
        let place = self.lingering.partition_point(|earlier| *earlier <= latest);
        self.lingering.insert(place, latest);
    }

    fn settle(&mut self, now: Instant) {
        while let Some(at) = self.lingering.pop_front_if(|latest| *latest <= now) {
            self.empty_at = Some(self.empty_at.map_or(at, |empty_at| empty_at.max(at)) + DRIP);
        }
    }
}

impl Meter for Front {
    fn room(&mut self, now: Instant, alone: bool) -> Room {
        self.settle(now);
        if self.alone || alone && self.under_way > 0 {
            return Room::AfterAnother;
        }
        // Those on their way may arrive now, all of them.
        let others = u32::try_from(self.under_way + self.lingering.len()).unwrap_or(u32::MAX);
        let most = if alone { 0 } else { CAPACITY - 1 };
        let Some(level) = most.checked_sub(others) else {
            return self.lingering.front().map_or(Room::AfterAnother, |arrives| Room::At(*arrives));
        };
        let full = now + DRIP * level;
        match self.empty_at {
            Some(empty_at) if empty_at > full => Room::At(now + (empty_at - full)),
            _ => Room::Now,
        }
    }

    fn earliest(&self, _now: Instant, _ahead: usize) -> Option<Instant> {
        None
    }

    fn enter(&mut self, alone: bool) {
        self.under_way += 1;
        self.alone = alone;
    }

    fn leave(&mut self, now: Instant, alone: bool, latest: Option<Instant>) {
        self.under_way -= 1;
        self.alone &= !alone;
        if let Some(latest) = latest {
            self.count(latest.max(now));
        }
    }
}

// The server lets 30 a second through and has room for 30; a little less, for clocks that differ.
const DRIP: Duration = Duration::from_millis(36);
const CAPACITY: u32 = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::turnstile::Turnstile;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_one_after_the_other() {
        let (front, start) = (Turnstile::new(Front::default()), Instant::now());
        let give_up = start + Duration::from_mins(1);
        for _ in 0..28 {
            front.enter(false, give_up).await.unwrap().counts_until(Some(start));
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..28 {
            front.enter(false, give_up).await.unwrap().counts_until(Some(start));
        }
        assert_eq!(start.elapsed(), DRIP * 28);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_under_way_than_the_server_takes_at_once() {
        let front = Turnstile::new(Front::default());
        let soon = Instant::now() + Duration::from_secs(1);
        let mut seats = Vec::new();
        for _ in 0..28 {
            seats.push(front.enter(false, soon).await.unwrap());
        }
        front.enter(false, soon).await.unwrap_err();
        seats.pop();
        front.enter(false, Instant::now()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn dyndns_has_the_line_for_itself() {
        let (front, start) = (Turnstile::new(Front::default()), Instant::now());
        let give_up = start + Duration::from_mins(1);
        let mut slow = front.enter(false, give_up).await.unwrap();
        slow.counts_until(Some(start));
        let after = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        let update = async {
            let mut seat = front.enter(true, give_up).await.unwrap();
            seat.counts_until(Some(start));
            assert_eq!(start.elapsed(), Duration::from_secs(5) + DRIP, "after the slow one, drained");
            after(1).await;
        };
        let api = async {
            after(2).await;
            let soon = Instant::now() + Duration::from_secs(1);
            front.enter(true, soon).await.unwrap_err();
            front.enter(false, give_up).await.unwrap();
            assert_eq!(start.elapsed(), Duration::from_secs(6) + DRIP, "it does not overtake");
        };
        let slow = async {
            after(5).await;
            drop(slow);
        };
        tokio::join!(update, api, slow);
    }

    #[tokio::test(start_paused = true)]
    async fn dyndns_goes_before_a_long_queue() {
        let (front, start) = (Turnstile::new(Front::default()), Instant::now());
        let give_up = start + Duration::from_mins(10);
        let api = futures_util::future::join_all((0..1_000).map(|_| async {
            front.enter(false, give_up).await.unwrap().counts_until(Some(start));
        }));
        let update = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            front.enter(true, give_up).await.unwrap().counts_until(Some(start));
            start.elapsed()
        };
        let (_, waited) = tokio::join!(api, update);
        assert!(waited <= Duration::from_secs(1) + DRIP * 28, "{waited:?}");
        assert_eq!(start.elapsed(), DRIP * (1_001 - 28), "and no time is lost");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_may_still_arrive() {
        let (front, start) = (Turnstile::new(Front::default()), Instant::now());
        let (soon, later) = (start + Duration::from_secs(5), start + Duration::from_mins(1));
        for _ in 0..28 {
            front.enter(false, later).await.unwrap().counts_until(Some(soon));
        }
        front.enter(false, later).await.unwrap().counts_until(Some(soon));
        assert_eq!(start.elapsed(), Duration::from_secs(5) + DRIP);
        front.enter(true, later).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(5) + DRIP * 29);
    }

    #[test]
    fn the_dyndns_host_is_told_by_its_path() {
        let dyndns = Scope::DynDns("a.example".parse().unwrap());
        let of = |scope: &Scope, url: &str| Passage::of(scope, &url.parse().unwrap());
        assert_eq!(of(&dyndns, "https://update.dedyn.io/"), Passage::Alone);
        assert_eq!(of(&dyndns, "https://desec.io/api/v1/dyndns/update"), Passage::Queued);
        assert_eq!(of(&Scope::Read, "http://localhost/"), Passage::Queued);
        assert_eq!(of(&Scope::CheckIp, "https://checkipv4.dedyn.io/"), Passage::Elsewhere);
    }
}
