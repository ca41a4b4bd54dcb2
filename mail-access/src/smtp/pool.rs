//! The connections of all logins to one submission server: how many there may be, who gets the next one, and which
//! login is not tried again for a while.

mod ledger;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use super::Session;
use super::actor::{self, Hold, Job, Offer, Order, Told};
use super::deadlines::whole;
use crate::wire::{Connector, Endpoint, Fault, Security};
use crate::{Login, Outgoing, Status, Submission};
pub(super) use ledger::Account;
use ledger::{Ask, Ledger, Rest};

/// Hands messages to connections, each of which belongs to a task of its own.
///
/// A login costs nothing while it has no connection. Dropping the pool ends the connections: the idle ones at once,
/// the others after the message that is under way.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// Who may check a login now.
    checks: Semaphore,
}

/// How many connections there may be, and how long for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections of one login.
    pub(crate) per_login: usize,
    /// Connections of all logins.
    pub(crate) in_all: usize,
    /// Messages that go over one connection.
    pub(crate) messages: u32,
    /// How long an idle connection is kept.
    pub(crate) idle: Duration,
    /// How long a message waits for a connection.
    pub(crate) wait: Duration,
    /// How long a refused login is not tried again.
    pub(crate) pause: Duration,
}

impl Pool {
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        server: Endpoint,
        security: Security,
        limits: Limits,
    ) -> Self {
        let ledger = Mutex::new(Ledger::new(limits));
        let shared = Arc::new(Shared { connector, server, security, limits, ledger });
        Self { shared, checks: Semaphore::new(CHECKS) }
    }

    /// Hands one message over, on a connection that is there already if one is free.
    ///
    /// Every fault but [`Fault::Interrupted`] says that the message was not taken. A dropped call takes the message
    /// back if it has not begun to go out; else it goes out all the same.
    pub(crate) async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Fault> {
        let account = Account::of(login);
        let mut number = None;
        loop {
            let (job, hold, hears) = Job::new(message);
            // Nothing may wait while the ledger is locked.
            let asked = self.shared.ledger().ask(&account, number, job);
            let mut told = match asked {
                Ask::Connection(orders, job) => {
                    // The runtime that its task runs on may be gone, or stand still.
                    if orders.send(Order::Submit(job)).is_err() {
                        continue;
                    }
                    picked_up(message, &hold, hears).await
                }
                Ask::Queued(turn) => {
                    number = Some(turn);
                    self.turn(&account, turn, message, &hold, hears).await?
                }
                Ask::Barred(status, left) => return Err(Fault::Barred { status, left }),
            };
            if matches!(told, Told::Place) {
                let (job, _, hears) = Job::new(message);
                tokio::spawn(actor::run(Place::new(&self.shared, account.clone()), job));
                told = outcome(message, hears).await;
            }
            if let Told::Done(done) = told {
                return done;
            }
        }
    }

    /// Logs in on a connection of its own and takes leave. A login that the server refused lately is not shown to it.
    pub(crate) async fn check(&self, login: &Login) -> Result<(), Fault> {
        let (shared, account) = (&*self.shared, Account::of(login));
        let Ok(Ok(_turn)) = timeout(shared.limits.wait, self.checks.acquire()).await else {
            let problem = format!("no login could be checked for {} s", shared.limits.wait.as_secs());
            return Err(Fault::Lost(io::Error::new(io::ErrorKind::TimedOut, problem)));
        };
        if let Some((status, left)) = shared.ledger().barred(&account) {
            return Err(Fault::Barred { status, left });
        }
        match Session::connect(&*shared.connector, &shared.server, shared.security, login).await {
            Ok(session) => {
                session.quit().await;
                Ok(())
            }
            Err(Fault::Authentication(status)) => {
                let left = shared.ledger().bar(&account, &status);
                Err(Fault::Barred { status, left })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Waits for a connection to take the message, or for leave to open one.
    async fn turn(
        &self,
        account: &Account,
        number: u64,
        message: &Outgoing,
        hold: &Hold,
        hears: oneshot::Receiver<Told>,
    ) -> Result<Told, Fault> {
        let mut queued = Queued { shared: &self.shared, account, number, hears: Some(hears) };
        let wait = self.shared.limits.wait;
        let begin = Instant::now();
        while self.shared.ledger().is_queued(account, number) {
            let Some(left) = wait.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) else {
                let problem = format!("no connection was free for {} s", wait.as_secs());
                return Err(Fault::Lost(io::Error::new(io::ErrorKind::TimedOut, problem)));
            };
            if let Some(hears) = &mut queued.hears
                && let Ok(told) = timeout(left.min(PICK_UP), hears).await
            {
                queued.hears = None;
                return Ok(told.unwrap_or_else(|_| lost(hold)));
            }
        }
        match queued.hears.take() {
            Some(hears) => Ok(picked_up(message, hold, hears).await),
            None => Ok(Told::Again),
        }
    }
}

/// Ends what nobody can ask for any more.
impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.ledger().close();
    }
}

/// Shows how many connections there are, and no login.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, idle, queued) = self.shared.ledger().counts();
        let mut shown = f.debug_struct("Pool");
        shown.field("open", &open).field("idle", &idle).field("queued", &queued).finish_non_exhaustive()
    }
}

pub(super) struct Shared {
    pub(super) connector: Arc<dyn Connector>,
    pub(super) server: Endpoint,
    pub(super) security: Security,
    pub(super) limits: Limits,
    ledger: Mutex<Ledger>,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that waits. What it was granted and never heard of goes to the next one.
struct Queued<'a> {
    shared: &'a Arc<Shared>,
    account: &'a Account,
    number: u64,
    /// Empty when it waits no more.
    hears: Option<oneshot::Receiver<Told>>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let Some(mut hears) = self.hears.take() else { return };
        let mut ledger = self.shared.ledger();
        // Places are given under the lock: there is one now, or there never will be.
        ledger.withdraw(self.account, self.number);
        if let Ok(Told::Place) = hears.try_recv() {
            ledger.give_back(self.account, true, None);
        }
    }
}

/// The right to have one connection open, which ends when this is dropped.
pub(super) struct Place {
    pub(super) shared: Arc<Shared>,
    pub(super) account: Account,
    opening: bool,
    rested: Option<u64>,
}

impl Place {
    fn new(shared: &Arc<Shared>, account: Account) -> Self {
        Self { shared: Arc::clone(shared), account, opening: true, rested: None }
    }

    /// Tells the others that the server accepts the login.
    pub(super) fn opened(&mut self) {
        if std::mem::take(&mut self.opening) {
            self.shared.ledger().opened(&self.account);
        }
    }

    /// Keeps everybody from trying this login again for a while, and returns how long.
    pub(super) fn refused(&self, status: &Status) -> Duration {
        self.shared.ledger().bar(&self.account, status)
    }

    /// Tells why the login must not be tried now, and for how long.
    pub(super) fn barred(&self) -> Option<(Status, Duration)> {
        self.shared.ledger().barred(&self.account)
    }

    /// Ends the idle connections of the same login: what happened to this one happened to them too.
    pub(super) fn suspect_others(&self) {
        self.shared.ledger().dismiss(&self.account);
    }

    /// Takes the first in the queue, where the connection need not go.
    pub(super) fn next(&self) -> Option<Job> {
        self.shared.ledger().next(&self.account)
    }

    /// Takes the first in the queue, or offers the connection to whoever comes; `None` if it has to go.
    pub(super) fn rest(&mut self) -> Option<Offer> {
        match self.shared.ledger().rest(&self.account) {
            Rest::Job(job) => Some(Offer::Job(job)),
            Rest::Idle(number, orders) => {
                self.rested = Some(number);
                Some(Offer::Orders(orders))
            }
            Rest::Leave(number) => {
                self.rested = Some(number);
                None
            }
        }
    }

    /// Takes the offer back, unless somebody has it already.
    pub(super) fn withdraw(&mut self) -> bool {
        self.rested.is_some_and(|number| self.shared.ledger().rouse(&self.account, number))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.ledger().give_back(&self.account, self.opening, self.rested);
    }
}

/// Waits for what becomes of a message that a connection was given, but not for a task that doesn't begin with it.
async fn picked_up(message: &Outgoing, hold: &Hold, mut hears: oneshot::Receiver<Told>) -> Told {
    match timeout(PICK_UP, &mut hears).await {
        Ok(told) => told.unwrap_or_else(|_| lost(hold)),
        Err(_) if hold.take() => Told::Again,
        Err(_) => outcome(message, hears).await,
    }
}

/// Waits for what becomes of a message that a connection has in hand, but not for a runtime that stands still.
async fn outcome(message: &Outgoing, hears: oneshot::Receiver<Told>) -> Told {
    match timeout(whole(message.size(), message.recipients().len()), hears).await {
        Ok(told) => told.unwrap_or_else(|_| ended()),
        Err(_) => Told::Done(Err(Fault::Interrupted(io::ErrorKind::TimedOut.into()))),
    }
}

/// Tells what became of a message whose task ended without a word.
fn lost(hold: &Hold) -> Told {
    if hold.take() { Told::Again } else { ended() }
}

fn ended() -> Told {
    Told::Done(Err(Fault::Interrupted(io::Error::other("the task that submitted it was ended"))))
}

/// A task that runs takes a message in hand at once.
const PICK_UP: Duration = Duration::from_secs(5);
/// Logins that are checked at a time.
const CHECKS: usize = 4;

#[cfg(test)]
mod tests;
