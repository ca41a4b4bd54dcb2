//! A turnstile: a fair queue in front of what is limited.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{self, Notify},
    time::{Instant, timeout_at},
};

/// What a turnstile counts with.
pub(super) trait Meter {
    /// Returns when one more may enter; `alone` if nobody else may be inside.
    fn room(&mut self, now: Instant, alone: bool) -> Room;

    /// Returns a moment before which one with so many ahead cannot enter, if one is known.
    fn earliest(&self, now: Instant, ahead: usize) -> Option<Instant>;

    /// Lets one in.
    fn enter(&mut self, alone: bool);

    /// Lets one out, who is counted by the server until `latest`; never if that is `None`.
    fn leave(&mut self, now: Instant, alone: bool, latest: Option<Instant>);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Now,
    At(Instant),
    /// After the end of a request under way.
    AfterAnother,
}

#[derive(Debug)]
pub(super) struct Turnstile<M> {
    /// Fair: who waits longest is next, and only the first looks at the clock.
    queue: sync::Mutex<()>,
    /// Those who must be alone would never find it empty if they did not go first.
    alone: sync::Mutex<()>,
    inside: Mutex<Inside<M>>,
    /// Told whenever somebody left, or does not go first any more.
    left: Notify,
}

#[derive(Debug)]
struct Inside<M> {
    meter: M,
    waiting: usize,
    /// Those of them who must be alone.
    alone_waiting: usize,
}

impl<M: Meter> Turnstile<M> {
    pub(super) fn new(meter: M) -> Arc<Self> {
        let inside = Mutex::new(Inside { meter, waiting: 0, alone_waiting: 0 });
        Arc::new(Self {
            queue: sync::Mutex::default(),
            alone: sync::Mutex::default(),
            inside,
            left: Notify::new(),
        })
    }

    /// Returns a moment before which nobody who comes now can enter, if one is known.
    pub(super) fn earliest(&self) -> Option<Instant> {
        self.locked(|inside| inside.meter.earliest(Instant::now(), inside.waiting))
    }

    /// Waits for room. A dropped call leaves nothing behind but its lost place in the queue.
    ///
    /// # Errors
    /// There is no room before `give_up`: a moment before which there is none, if one is known.
    pub(super) async fn enter(
        self: &Arc<Self>,
        alone: bool,
        give_up: Instant,
    ) -> Result<Seat<M>, Option<Instant>> {
        let seat = || Seat { turnstile: Arc::clone(self), alone, latest: None };
        let at_once = self.locked(|inside| {
            // Nobody is overtaken.
            let ahead = if alone { inside.alone_waiting } else { inside.waiting };
            let free = ahead == 0 && inside.try_enter(alone) == Room::Now;
            inside.waiting += usize::from(!free);
            inside.alone_waiting += usize::from(!free && alone);
            free
        });
        if at_once {
            return Ok(seat());
        }
        let _waiting = Waiting(self, alone);
        let queue = if alone { &self.alone } else { &self.queue };
        let first = timeout_at(give_up, queue.lock()).await;
        let _first = first.map_err(|_| self.with(|meter| meter.earliest(Instant::now(), 0)))?;
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // Registered before looking, so that no one's leaving is missed in between.
            left.as_mut().enable();
            match self.locked(|inside| inside.try_enter(alone)) {
                Room::Now => return Ok(seat()),
                Room::At(at) if at > give_up => return Err(Some(at)),
                // Somebody may leave uncounted before that.
                Room::At(at) => drop(timeout_at(at, left).await),
                Room::AfterAnother => timeout_at(give_up, left).await.map_err(|_| None)?,
            }
        }
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut M) -> T) -> T {
        self.locked(|inside| f(&mut inside.meter))
    }

    fn locked<T>(&self, f: impl FnOnce(&mut Inside<M>) -> T) -> T {
        // The counters stay usable whatever happened to another thread.
        f(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<M: Meter> Inside<M> {
    fn try_enter(&mut self, alone: bool) -> Room {
        if !alone && self.alone_waiting > 0 {
            return Room::AfterAnother;
        }
        let room = self.meter.room(Instant::now(), alone);
        if room == Room::Now {
            self.meter.enter(alone);
        }
        room
    }
}

struct Waiting<'a, M: Meter>(&'a Turnstile<M>, bool);

impl<M: Meter> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        let Self(turnstile, alone) = *self;
        turnstile.locked(|inside| {
            inside.waiting -= 1;
            inside.alone_waiting -= usize::from(alone);
        });
        if alone {
            turnstile.left.notify_waiters();
        }
    }
}

/// A place inside; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat<M: Meter> {
    turnstile: Arc<Turnstile<M>>,
    alone: bool,
    latest: Option<Instant>,
}

impl<M: Meter> Seat<M> {
    /// Sets until when the request may be counted by the server; it is not counted if that is not set.
    pub(super) fn counts_until(&mut self, latest: Option<Instant>) {
        self.latest = latest;
    }
}

impl<M: Meter> Drop for Seat<M> {
    fn drop(&mut self) {
        self.turnstile.with(|meter| meter.leave(Instant::now(), self.alone, self.latest));
        self.turnstile.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use tokio::task::JoinSet;

    use super::*;
    use crate::pace::windows::Windows;

    /// Counts how often somebody asks.
    struct Asked(Windows, Cell<usize>);

    impl Meter for Asked {
        fn room(&mut self, now: Instant, alone: bool) -> Room {
            self.1.update(|asked| asked + 1);
            self.0.room(now, alone)
        }

        fn earliest(&self, now: Instant, ahead: usize) -> Option<Instant> {
            self.0.earliest(now, ahead)
        }

        fn enter(&mut self, alone: bool) {
            self.0.enter(alone);
        }

        fn leave(&mut self, now: Instant, alone: bool, latest: Option<Instant>) {
            self.0.leave(now, alone, latest);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_wait_in_order_without_waking_each_other() {
        let windows = Windows::new(&[(10, Duration::from_secs(1)), (50, Duration::from_mins(1))]);
        let turnstile = Turnstile::new(Asked(windows, Cell::new(0)));
        let give_up = Instant::now() + Duration::from_hours(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for n in 0..1_000 {
            let (turnstile, order) = (turnstile.clone(), order.clone());
            tasks.spawn(async move {
                let mut seat = turnstile.enter(false, give_up).await.unwrap();
                seat.counts_until(Some(Instant::now()));
                order.lock().unwrap().push(n);
            });
        }
        tasks.join_all().await;
        assert!(order.lock().unwrap().is_sorted(), "who waits longest is next");
        let asked = turnstile.with(|meter| meter.1.get());
        assert!(asked < 4_000, "asked {asked} times");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_too_late_hears_it_at_once() {
        let turnstile = Turnstile::new(Windows::new(&[(1, Duration::from_secs(10))]));
        let start = Instant::now();
        let enter = || turnstile.enter(false, start + Duration::from_secs(25));
        enter().await.unwrap().counts_until(Some(start));
        let (first, second) = (enter(), enter());
        tokio::pin!(first, second);
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert_eq!(turnstile.earliest(), Some(start + Duration::from_secs(30)));
        first.await.unwrap().counts_until(Some(start));
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        second.await.unwrap().counts_until(Some(start));
        assert_eq!(start.elapsed(), Duration::from_secs(20));
        assert_eq!(enter().await.unwrap_err(), Some(start + Duration::from_secs(30)));
        assert_eq!(start.elapsed(), Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_gives_its_place_to_the_next() {
        let turnstile = Turnstile::new(Windows::new(&[(1, Duration::from_mins(1))]));
        let give_up = Instant::now() + Duration::from_secs(1);
        let unsent = turnstile.enter(false, give_up).await.unwrap();
        let dropped = turnstile.enter(false, give_up);
        assert!(futures_util::FutureExt::now_or_never(dropped).is_none());
        let (next, ()) = tokio::join!(turnstile.enter(false, give_up), async { drop(unsent) });
        next.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn threads_do_not_miss_each_other() {
        let length = Duration::from_millis(20);
        let turnstile = Turnstile::new(Windows::new(&[(20, length)]));
        let give_up = Instant::now() + Duration::from_mins(1);
        let mut tasks = JoinSet::new();
        for n in 0..400_u64 {
            let turnstile = turnstile.clone();
            tasks.spawn(async move {
                let mut seat = turnstile.enter(n % 50 == 0, give_up).await.unwrap();
                let began = Instant::now();
                tokio::task::yield_now().await;
                seat.counts_until((n % 3 > 0).then_some(began));
                (n % 3 > 0).then_some(began)
            });
        }
        let mut counted: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        counted.sort_unstable();
        assert!(counted.windows(21).all(|some| some[20] - some[0] >= length));
    }
}
