//! The task that owns one connection: what it was asked for it does to the end, whether or not anyone still listens.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::Session;
use super::pool::Place;
use crate::wire::Fault;
use crate::{Outgoing, Submission};

/// A message on its way to a connection.
pub(super) struct Job {
    message: Outgoing,
    hold: Hold,
    told: oneshot::Sender<Told>,
}

/// What a caller hears of its message.
pub(super) enum Told {
    /// This became of it.
    Done(Result<Submission, Fault>),
    /// Its turn has come, and a connection may be opened for it.
    Place,
    /// The connection that was to take it can't, and it may ask for another one.
    Again,
}

impl Job {
    pub(super) fn new(message: &Outgoing) -> (Self, Hold, oneshot::Receiver<Told>) {
        let (told, hears) = oneshot::channel();
        let hold = Hold::default();
        (Self { message: message.clone(), hold: hold.clone(), told }, hold, hears)
    }

    /// Tells the caller, unless it is gone.
    pub(super) fn tell(self, told: Told) {
        let _ = self.told.send(told);
    }

    /// Tells whether the caller took it back.
    fn is_withdrawn(&self) -> bool {
        self.told.is_closed()
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

/// What is there for a connection to do.
pub(super) enum Offer {
    Job(Job),
    /// Nothing yet; somebody will send an order.
    Orders(oneshot::Receiver<Order>),
}

/// What an idle connection is told to do.
pub(super) enum Order {
    Submit(Job),
    Leave,
}

/// Opens a connection, submits `first` and then whatever comes, until the connection is of no more use.
pub(super) async fn run(place: Place, first: Job) {
    let mut actor = Actor { place, session: None, next: None, submitted: 0, idle_until: Instant::now() };
    let mut job = first;
    loop {
        let done = actor.serve(&job).await;
        actor.idle_until = Instant::now() + actor.place.shared.limits.idle;
        let offered = actor.offer();
        actor.give_back();
        // Only now: whoever submits one message after the other is to find this connection free again.
        if let Some(done) = done {
            job.tell(Told::Done(done));
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
    /// The message that comes behind the one in hand.
    next: Option<Job>,
    submitted: u32,
    idle_until: Instant,
}

impl Actor {
    /// Submits; `None` if the caller took the message back.
    async fn serve(&mut self, job: &Job) -> Option<Result<Submission, Fault>> {
        // One whose envelope went ahead is on its way already.
        let is_ahead = self.session.as_ref().is_some_and(Session::is_ahead);
        if (job.is_withdrawn() && !is_ahead) || !job.hold.take() {
            if is_ahead {
                self.session = None;
            }
            return None;
        }
        match self.submit_again(job).await {
            Some(done) => Some(done),
            None => self.submit_afresh(job).await,
        }
    }

    /// Submits over the connection as it is; `None` if it turns out to be closed and nothing was taken.
    async fn submit_again(&mut self, job: &Job) -> Option<Result<Submission, Fault>> {
        let mut session = self.session.take()?;
        if !session.is_ahead() && !session.is_usable() {
            return None;
        }
        self.submitted += 1;
        match self.submit(&mut session, &job.message).await {
            Err(fault) if fault.is_stale() => {
                self.give_back();
                self.place.suspect_others();
                None
            }
            done => {
                self.session = Some(session);
                Some(done)
            }
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
            Ok(mut session) => {
                self.place.opened();
                self.submitted = 0;
                let mut done = None;
                if !job.is_withdrawn() {
                    self.submitted = 1;
                    done = Some(self.submit(&mut session, &job.message).await);
                }
                self.session = Some(session);
                done
            }
            Err(Fault::Authentication(status)) => {
                let left = self.place.refused(&status);
                Some(Err(Fault::Barred { status, left }))
            }
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Submits, and where somebody waits, sends his envelope in the same go as the end of this message. He waits no
    /// longer than `PATIENCE` for the answer to it.
    async fn submit(&mut self, session: &mut Session, message: &Outgoing) -> Result<Submission, Fault> {
        let (accepted, refused) = session.envelope(message).await?;
        let content = session.upload(message).await?;
        if session.is_brisk && self.submitted < self.place.shared.limits.messages {
            self.next = self.place.next();
        }
        let ahead = self.next.as_ref().and_then(|next| session.envelope_ahead(&next.message));
        let mut end = pin!(session.finish(content, ahead));
        let status = tokio::select! {
            biased;
            status = &mut end => status,
            () = sleep(PATIENCE), if self.next.is_some() => {
                self.give_back();
                end.await
            }
        };
        Ok(Submission::new(accepted, refused, status?))
    }

    /// Lets the next message go another way.
    fn give_back(&mut self) {
        if let Some(next) = self.next.take() {
            next.tell(Told::Again);
        }
    }

    /// Lets others have the connection; `None` when it has to go.
    fn offer(&mut self) -> Option<Offer> {
        let session = self.session.as_mut()?;
        if session.is_ahead() {
            return self.next.take().map(Offer::Job);
        }
        if !session.is_usable() || self.submitted >= self.place.shared.limits.messages {
            return None;
        }
        self.next.take().map(Offer::Job).or_else(|| self.place.rest())
    }

    /// Waits for the next message; `None` when the connection has to go. The server is listened to all the while, so
    /// that nobody gets a connection that it has closed.
    async fn next(&mut self, mut offered: Option<Offer>) -> Option<Job> {
        loop {
            let mut orders = match offered? {
                Offer::Job(job) => return Some(job),
                Offer::Orders(orders) => orders,
            };
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

/// How long a message that went ahead waits for the answer to the one before.
const PATIENCE: Duration = Duration::from_secs(1);
