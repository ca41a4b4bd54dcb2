//! The connections of all logins to one submission server: how many there may be, who gets the next one, and which
//! login is not tried again for a while.

mod ledger;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::actor::{self, Job, Order};
use super::deadlines::whole;
use crate::wire::{Connector, Endpoint, Fault, Security};
use crate::{Login, Outgoing, Status, Submission};
pub(super) use ledger::Account;
use ledger::{Ask, Grant, Ledger};

/// Hands messages to connections, each of which belongs to a task of its own.
///
/// A login costs nothing while it has no connection. Dropping the pool ends the connections: the idle ones at once,
/// the others after the message that is under way.
pub(crate) struct Pool {
    shared: Arc<Shared>,
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
        Self { shared: Arc::new(Shared { connector, server, security, limits, ledger }) }
    }

    /// Hands one message over, on a connection that is there already if one is free.
    ///
    /// Every fault but [`Fault::Interrupted`] says that the message was not taken. A dropped call takes the message
    /// back if it has not begun to go out; else it goes out all the same.
    pub(crate) async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Fault> {
        let account = Account::of(login);
        loop {
            let (job, hold, done) = Job::new(message);
            match self.claim(&account).await? {
                Grant::Connection(orders) => {
                    // The runtime that its task runs on may be gone, or stand still.
                    if orders.send(Order::Submit(job)).is_err() {
                        continue;
                    }
                    let mut done = done;
                    match timeout(PICK_UP, &mut done).await {
                        Ok(Ok(done)) => return done,
                        Ok(Err(_)) | Err(_) if hold.take() => {}
                        Ok(Err(_)) => return Err(ended()),
                        Err(_) => return outcome(message, done).await,
                    }
                }
                Grant::Place => {
                    tokio::spawn(actor::run(Place::new(&self.shared, account), job));
                    return outcome(message, done).await;
                }
                Grant::Barred(status, left) => return Err(Fault::Barred { status, left }),
            }
        }
    }

    /// Waits for a connection, or for leave to open one.
    async fn claim(&self, account: &Account) -> Result<Grant, Fault> {
        let (number, granted) = match self.shared.ledger().ask(account) {
            Ask::Granted(grant) => return Ok(grant),
            Ask::Queued(number, granted) => (number, granted),
        };
        let mut queued = Queued { shared: &self.shared, account, number, granted, is_over: false };
        let wait = self.shared.limits.wait;
        let Ok(grant) = timeout(wait, &mut queued.granted).await else {
            let problem = format!("no connection was free for {} s", wait.as_secs());
            return Err(Fault::Lost(io::Error::new(io::ErrorKind::TimedOut, problem)));
        };
        queued.is_over = true;
        grant.map_err(|_| Fault::Lost(io::Error::other("the pool is closed")))
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
        f.debug_struct("Pool").field("open", &open).field("idle", &idle).field("queued", &queued).finish()
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

/// A caller that waits. What it was granted and never took goes to the next one.
struct Queued<'a> {
    shared: &'a Arc<Shared>,
    account: &'a Account,
    number: u64,
    granted: oneshot::Receiver<Grant>,
    /// It has what it was granted.
    is_over: bool,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut ledger = self.shared.ledger();
        // Grants are made under the lock: there is one now, or there never will be.
        ledger.withdraw(self.account, self.number);
        match self.granted.try_recv() {
            Ok(Grant::Place) => ledger.give_back(self.account, true, None),
            // Its task hears of it by the order that never comes, and offers itself again.
            Ok(Grant::Connection(_) | Grant::Barred(..)) | Err(_) => {}
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

    /// Offers the connection to the next one in the queue, or to whoever comes; `None` if it has to go.
    pub(super) fn rest(&mut self) -> Option<oneshot::Receiver<Order>> {
        let (orders, received) = oneshot::channel();
        let rested = self.shared.ledger().rest(&self.account, orders);
        self.rested = Some(rested.unwrap_or_else(|number| number));
        rested.is_ok().then_some(received)
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

/// Waits for what becomes of a message that a connection has in hand, but not for a runtime that stands still.
async fn outcome(
    message: &Outgoing,
    done: oneshot::Receiver<Result<Submission, Fault>>,
) -> Result<Submission, Fault> {
    match timeout(whole(message.size(), message.recipients().len()), done).await {
        Ok(done) => done.unwrap_or_else(|_| Err(ended())),
        Err(_) => Err(Fault::Interrupted(io::ErrorKind::TimedOut.into())),
    }
}

fn ended() -> Fault {
    Fault::Interrupted(io::Error::other("the task that submitted it was ended"))
}

/// A task that runs takes a message in hand at once.
const PICK_UP: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
