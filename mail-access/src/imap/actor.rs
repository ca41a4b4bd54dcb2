//! The task that owns the connection of one login: jobs come one after the other, each to its end, and in between it
//! watches for mail if anybody waits for that.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Session;
use super::pool::{Demand, Door, Lane, Outcome, Place, Rank, Shared};
use crate::chance::chance;
use crate::wire::Fault;

/// Does what is demanded of a lane, until nothing is and its connection was closed.
pub(super) async fn run(shared: Arc<Shared>, lane: Arc<Lane>) {
    let now = Instant::now();
    let mut actor = Actor { shared, lane, held: None, idle_until: now, turn: now };
    loop {
        match actor.lane.demand() {
            Demand::Job { in_inbox } => actor.serve(in_inbox).await,
            Demand::Watch => actor.watch().await,
            Demand::Nothing if actor.held.is_some() => actor.rest().await,
            Demand::Nothing if actor.shared.retire(&actor.lane) => return,
            Demand::Nothing => {}
        }
        if actor.lane.is_asked_to_leave() {
            actor.leave().await;
        }
    }
}

struct Actor {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    /// The connection, and the right to it.
    held: Option<(Session, Place)>,
    /// Until when it is kept without anything to do.
    idle_until: Instant,
    /// When it asks for a connection again, having given up its own, if it is only for those who wait.
    turn: Instant,
}

impl Actor {
    /// Does the next job.
    async fn serve(&mut self, in_inbox: bool) {
        let was_kept = self.held.is_some();
        if let Err(fault) = self.connect(in_inbox).await {
            return self.lane.fail(fault);
        }
        let Some((session, place)) = &mut self.held else { return };
        let Some(mut work) = self.lane.take() else { return };
        place.rouse();
        let outcome = beating(&self.lane, work.run(session, was_kept)).await;
        if place.is_due() && self.lane.demand() != Demand::Watch {
            // Whoever has always something to do gives way as well, to those who are in line.
            place.rest(Rank::Idle, &self.lane);
        }
        if outcome == Outcome::Again || !session.is_in_step() {
            self.held = None;
        }
        if outcome == Outcome::Again {
            self.lane.put_back(work);
        }
        self.idle_until = Instant::now() + self.shared.limits.idle;
    }

    /// Watches for mail until something else is to be done.
    async fn watch(&mut self) {
        if self.held.is_none() && !self.lane.is_urgent() && Instant::now() < self.turn {
            tokio::select! {
                () = self.lane.rung() => {}
                () = sleep_until(self.turn.min(Instant::now() + SIGN)) => {}
            }
            return;
        }
        let mut is_proven = self.held.is_none();
        if let Err(fault) = self.connect(true).await {
            return self.lane.fail(fault);
        }
        if let Err(fault) = self.listen(&mut is_proven).await {
            self.held = None;
            // One that had been kept and turns out to be closed is replaced.
            if is_proven {
                self.lane.fail_waiting(fault);
            }
        }
        self.idle_until = Instant::now() + self.shared.limits.idle;
    }

    async fn listen(&mut self, is_proven: &mut bool) -> Result<(), Fault> {
        let Some((session, place)) = &mut self.held else { return Ok(()) };
        let lane = &self.lane;
        beating(lane, Box::pin(session.enter_inbox())).await?;
        loop {
            let review = lane.review(session.synced, |after| session.look(after));
            lane.arrived(session.take_arrived());
            if lane.demand() != Demand::Watch || lane.is_asked_to_leave() {
                return Ok(());
            }
            if let Some(after) = review.unknown {
                place.rouse();
                beating(lane, Box::pin(session.look_up(after))).await?;
                *is_proven = true;
                continue;
            }
            if review.is_unsynced {
                place.rouse();
                beating(lane, Box::pin(session.look_anew())).await?;
                *is_proven = true;
                continue;
            }
            *is_proven = true;
            // While mail is on its way it stays.
            if self.shared.limits.polls && review.look_at.is_none() {
                lane.ask_to_leave();
                return Ok(());
            }
            if !session.is_listening() {
                beating(lane, Box::pin(session.listen())).await?;
            }
            place.rest(Rank::Watching, lane);
            let due = session.due();
            let look_at = review.look_at.unwrap_or(due).min(due);
            tokio::select! {
                biased;
                () = lane.rung() => {}
                heard = session.hear() => heard?,
                () = sleep_until(look_at) => {
                    if due <= Instant::now() {
                        beating(lane, Box::pin(session.prove())).await?;
                    } else {
                        lane.looked();
                        // One look at a time: the next one sees as much.
                        if !session.is_beginning() {
                            beating(lane, Box::pin(session.poke())).await?;
                        }
                    }
                }
            }
        }
    }

    /// Keeps the connection until there is something to do again, the server closes it, or its time is over.
    async fn rest(&mut self) {
        let Some((session, place)) = &mut self.held else { return };
        place.rest(Rank::Idle, &self.lane);
        tokio::select! {
            biased;
            () = self.lane.rung() => {}
            heard = session.hear() => if heard.is_err() {
                self.held = None;
            },
            () = sleep_until(self.idle_until) => self.leave().await,
        }
    }

    /// Has a connection, as soon as there is a place for it. Nothing comes of it if nobody demands it any more.
    async fn connect(&mut self, in_inbox: bool) -> Result<(), Fault> {
        if self.held.is_some() {
            return Ok(());
        }
        let Some((mut place, _door)) = self.way_in().await else { return Ok(()) };
        let login = self.lane.login();
        // Another one with the same login may have been refused meanwhile.
        if let Some(barred) = self.shared.barred(login) {
            return Err(barred);
        }
        let opening = Box::pin(async {
            let stream = self.shared.connector.connect(&self.shared.server).await?;
            Session::open(stream, login, in_inbox, &self.shared.terms).await
        });
        self.lane.set_opening(true);
        let opened = beating(&self.lane, opening).await;
        self.lane.set_opening(false);
        match opened {
            Ok(session) => {
                place.opened();
                self.held = Some((session, place));
                Ok(())
            }
            Err(Fault::Authentication(status)) => Err(self.shared.bar(login, status)),
            Err(fault) => Err(fault),
        }
    }

    /// Waits in turn for the right to a connection; `None` if nothing is demanded any more.
    async fn way_in(&mut self) -> Option<(Place, Door)> {
        let mut way = Box::pin(self.shared.way_in(self.lane.login()));
        loop {
            tokio::select! {
                biased;
                way = &mut way => return Some(way),
                () = self.lane.rung() => {}
                () = sleep(BEAT) => {}
            }
            if self.lane.demand() == Demand::Nothing {
                return None;
            }
        }
    }

    /// Gives the connection up, with a word to the server, and comes back for those who wait only after a while.
    async fn leave(&mut self) {
        if let Some((session, place)) = self.held.take() {
            beating(&self.lane, Box::pin(session.leave())).await;
            drop(place);
        }
        self.lane.has_left();
        // Those who gave way together do not come back together.
        self.turn = Instant::now() + self.shared.limits.turn.mul_f64(0.5 + chance() / 2.0);
    }
}

/// Tells those who demand something of it, if the task is ended from outside or panics.
impl Drop for Actor {
    fn drop(&mut self) {
        self.shared.discard(&self.lane);
    }
}

/// Waits for something that takes long, and shows meanwhile that the task runs. It stands behind a pointer, so that a task
/// that only waits is small.
async fn beating<T>(lane: &Lane, mut future: Pin<Box<impl Future<Output = T> + ?Sized>>) -> T {
    loop {
        lane.beat();
        tokio::select! {
            biased;
            done = &mut future => return done,
            () = sleep(BEAT) => {}
        }
    }
}

/// How often a task shows that it runs while it does something.
const BEAT: Duration = Duration::from_secs(1);
/// How often it does while it waits for its turn.
const SIGN: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn size<T>(_: fn(Arc<Shared>, Arc<Lane>) -> T) -> usize {
        std::mem::size_of::<T>()
    }

    /// Each watched inbox has one in memory all the time; what is rare stands behind a pointer.
    #[test]
    fn a_task_that_waits_is_small() {
        assert!(size(run) <= 1472, "{}", size(run));
        assert!(std::mem::size_of::<Session>() <= 480, "{}", std::mem::size_of::<Session>());
    }
}
