//! The task that owns one connection: what it was asked for it does to the end, whether or not anyone still listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Session;
use super::pool::Place;
use crate::wire::Fault;
use crate::{Outgoing, Submission};

/// A message on its way to a connection.
pub(super) struct Job {
    message: Outgoing,
    hold: Hold,
    done: oneshot::Sender<Result<Submission, Fault>>,
}

impl Job {
    pub(super) fn new(message: &Outgoing) -> (Self, Hold, oneshot::Receiver<Result<Submission, Fault>>) {
        let (done, told) = oneshot::channel();
        let hold = Hold::default();
        (Self { message: message.clone(), hold: hold.clone(), done }, hold, told)
    }

    /// Tells whether the caller took it back.
    fn is_withdrawn(&self) -> bool {
        self.done.is_closed()
    }
}

/// Who has a message in hand, the connection or still the caller: whoever takes it first.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

impl Hold {
    /// Takes it; false if the other side has it already.
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// What an idle connection is told to do.
pub(super) enum Order {
    Submit(Job),
    Leave,
}

/// Opens a connection, submits `first` and then whatever comes, until the connection is of no more use.
pub(super) async fn run(place: Place, first: Job) {
    let mut actor = Actor { place, session: None, submitted: 0, idle_until: Instant::now() };
    let mut job = first;
    loop {
        let done = actor.serve(&job).await;
        actor.idle_until = Instant::now() + actor.place.shared.limits.idle;
        let offered = actor.offer();
        // Only now: whoever submits one message after the other is to find this connection free again.
        if let Some(done) = done {
            // Nobody may be listening any more.
            let _ = job.done.send(done);
        }
        match actor.next(offered).await {
            Some(next) => job = next,
            None => return actor.leave().await,
        }
    }
}

struct Actor {
    place: Place,
    session: Option<Session>,
    submitted: u32,
    idle_until: Instant,
}

impl Actor {
    /// Submits; `None` if the caller took the message back.
    async fn serve(&mut self, job: &Job) -> Option<Result<Submission, Fault>> {
        if job.is_withdrawn() || !job.hold.take() {
            return None;
        }
        match self.submit_again(job).await {
            Some(done) => Some(done),
            None => self.submit_afresh(job).await,
        }
    }

    /// Submits over the connection as it is; `None` if it turns out to be closed and nothing was taken.
    async fn submit_again(&mut self, job: &Job) -> Option<Result<Submission, Fault>> {
        let session = self.session.as_mut()?;
        if !session.is_usable() {
            self.session = None;
            return None;
        }
        self.submitted += 1;
        match session.submit(&job.message).await {
            Err(fault) if fault.is_stale() => {
                self.session = None;
                self.place.suspect_others();
                None
            }
            done => Some(done),
        }
    }

    /// Submits over a new connection; `None` if the caller took the message back meanwhile.
    async fn submit_afresh(&mut self, job: &Job) -> Option<Result<Submission, Fault>> {
        if let Some((status, left)) = self.place.barred() {
            return Some(Err(Fault::Barred { status, left }));
        }
        let shared = &self.place.shared;
        let login = &self.place.account.0;
        match Session::connect(&*shared.connector, &shared.server, shared.security, login).await {
            Ok(session) => {
                self.place.opened();
                self.submitted = 0;
                let session = self.session.insert(session);
                if job.is_withdrawn() {
                    return None;
                }
                self.submitted = 1;
                Some(session.submit(&job.message).await)
            }
            Err(Fault::Authentication(status)) => {
                let left = self.place.refused(&status);
                Some(Err(Fault::Barred { status, left }))
            }
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Lets others have the connection; `None` when it has to go.
    fn offer(&mut self) -> Option<oneshot::Receiver<Order>> {
        let is_usable = self.session.as_mut().is_some_and(Session::is_usable);
        if !is_usable || self.submitted >= self.place.shared.limits.messages {
            return None;
        }
        self.place.rest()
    }

    /// Waits for the next message; `None` when the connection has to go. The server is listened to all the while, so
    /// that nobody gets a connection that it has closed.
    async fn next(&mut self, mut offered: Option<oneshot::Receiver<Order>>) -> Option<Job> {
        loop {
            let mut orders = offered?;
            let session = self.session.as_mut()?;
            let order = tokio::select! {
                biased;
                order = &mut orders => order,
                () = session.disturbed() => {
                    self.session = None;
                    if self.place.withdraw() {
                        return None;
                    }
                    // Somebody has it in hand already; a new connection will do as well.
                    orders.await
                }
                () = sleep_until(self.idle_until) => {
                    if self.place.withdraw() {
                        return None;
                    }
                    orders.await
                }
            };
            match order {
                Ok(Order::Submit(job)) => return Some(job),
                Ok(Order::Leave) => return None,
                // Whoever had it in hand is gone, or the pool is.
                Err(_) => offered = self.offer(),
            }
        }
    }

    /// Takes leave of the server, and only then makes room for another connection.
    async fn leave(self) {
        if let Some(session) = self.session {
            session.quit().await;
        }
        drop(self.place);
    }
}
