//! The mailboxes of all logins at one IMAP server: one connection for each login at most, owned by a task, and only so
//! many at the same time.

mod lane;
mod places;
mod registry;
mod work;

use std::fmt;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::actor;
use super::{Session, Terms};
use crate::chance::back_off;
use crate::wire::{Connector, Endpoint, Fault};
use crate::{Address, Arrival, DomainName, Login, Position, Status};

pub(super) use lane::{Demand, Lane};
pub(crate) use places::Place;
use places::Places;
pub(super) use places::Rank;
pub(super) use registry::Door;
use registry::Registry;
pub(super) use work::Outcome;

/// Hands jobs to the connection of a login, and those who wait for mail too.
///
/// A login costs nothing while it has no connection. Dropping the pool ends the connections, after the job that is
/// under way.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

/// How many connections there may be, and how long for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections of all logins.
    pub(crate) in_all: usize,
    /// Connections that are being opened at the same time.
    pub(crate) opening: usize,
    /// How long a connection without a job is kept.
    pub(crate) idle: Duration,
    /// How long a job waits for its connection.
    pub(crate) wait: Duration,
    /// How long a refused login is not tried again.
    pub(crate) pause: Duration,
    /// How long a login that waits for mail and gave its connection up goes without one.
    pub(crate) turn: Duration,
    /// Whether those who wait give their connection up after each look.
    pub(crate) polls: bool,
}

/// What a job needs, and whether a lost link lets it be done once more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// It begins with the INBOX selected, which a fresh connection asks for in one flight with the login.
    pub(crate) in_inbox: bool,
    /// It may be done again even after [`Fault::Interrupted`]. After [`Fault::Lost`] any job may.
    pub(crate) is_repeatable: bool,
}

impl Pool {
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        server: Endpoint,
        limits: Limits,
        terms: Terms,
        catch_alls: &[(DomainName, Address)],
    ) -> Self {
        let registry = Mutex::new(Registry::new(catch_alls));
        let places = Arc::new(Places::new(limits.in_all, limits.opening));
        Self { shared: Arc::new(Shared { connector, server, limits, terms, places, registry }) }
    }

    /// Runs `job` on the connection of a login, in its turn: one after the other, each to its end.
    ///
    /// A dropped call takes a job back that has not begun; one that has is carried to its end, and nobody is told. It
    /// is called a second time where the connection had been kept and turns out to be closed, as `manner` allows.
    pub(crate) async fn run<T, J>(&self, login: &Login, manner: Manner, job: J) -> Result<T, Fault>
    where
        T: Send + 'static,
        J: for<'a> FnMut(&'a mut Session) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
    {
        let job = work::hold(job);
        let begin = Instant::now();
        let wait = self.shared.limits.wait;
        let (mut spared, mut restarts) = (Duration::ZERO, Restarts::default());
        loop {
            let asked = Instant::now();
            let (work, mut told) = work::ask(manner, &job);
            let lane = self.shared.engage(login, |lane| lane.push(work))?;
            let _caller = Caller(&lane);
            let before = lane.opening();
            // What counts is the time without a place, and not that of opening a connection.
            let opening = || lane.opening().saturating_sub(before);
            loop {
                match timeout(PICK_UP.min(wait), &mut told).await {
                    Ok(Ok(done)) => return done,
                    Ok(Err(_)) if work::is_held(&job) => break,
                    // Its task is gone, and its runtime maybe, in the middle of it.
                    Ok(Err(_)) => return Err(ended(manner)),
                    Err(_) if begin.elapsed() >= wait + spared + opening() && work::take(&job).is_some() => {
                        return Err(Fault::Lost(no_connection(wait)));
                    }
                    Err(_) if lane.is_stuck(asked, PICK_UP) => {
                        if work::is_held(&job) {
                            self.shared.discard(&lane);
                            break;
                        }
                        if lane.is_stuck(asked, STILL) {
                            self.shared.discard(&lane);
                            return Err(ended(manner));
                        }
                    }
                    Err(_) => {}
                }
            }
            spared += opening();
            restarts.next().await?;
        }
    }

    /// Waits until the INBOX holds a message behind `after`, or until `end`, once it was looked for.
    ///
    /// A dropped call leaves nothing behind but the connection.
    pub(crate) async fn wait(&self, login: &Login, after: Position, end: Instant) -> Result<Arrival, Fault> {
        let latest = end.max(Instant::now() + self.shared.limits.wait);
        let (mut spared, mut restarts) = (Duration::ZERO, Restarts::default());
        loop {
            let asked = Instant::now();
            let (waiting, armed, mut told) = lane::wait(after, end);
            let lane = self.shared.engage(login, |lane| lane.watch(waiting))?;
            let _caller = Caller(&lane);
            let before = lane.opening();
            let opening = || lane.opening().saturating_sub(before);
            loop {
                let patience = || if armed.load(Ordering::Acquire) { STILL } else { PICK_UP };
                let now = Instant::now();
                let until = now + if now < end { patience().min(end - now) } else { PICK_UP };
                match timeout_at(until, &mut told).await {
                    Ok(Ok(done)) => return done,
                    // Its task is gone; nothing was promised yet.
                    Ok(Err(_)) => break,
                    Err(_) if Instant::now() >= end && armed.load(Ordering::Acquire) => {
                        return Ok(Arrival::TimedOut);
                    }
                    Err(_)
                        if Instant::now() >= latest + spared + opening()
                            && !armed.load(Ordering::Acquire) =>
                    {
                        return Err(Fault::Lost(no_connection(self.shared.limits.wait)));
                    }
                    Err(_) if lane.is_stuck(asked, patience()) => {
                        self.shared.discard(&lane);
                        break;
                    }
                    Err(_) => {}
                }
            }
            spared += opening();
            restarts.next().await?;
        }
    }

    /// Returns what opens connections beside the one of the login's task, for something that takes long.
    pub(crate) fn opener(&self, login: &Login) -> Opener {
        Opener { shared: Arc::clone(&self.shared), login: login.clone() }
    }

    /// Has those looked after who wait for mail to an address: it is on its way.
    pub(crate) fn hint(&self, address: &Address) {
        self.shared.registry().each_of(address, Lane::hint);
    }
}

/// Ends what nobody can ask for any more.
impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.registry().close();
    }
}

/// Shows how many connections there are, and no login.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, queued) = self.shared.places.counts();
        f.debug_struct("Pool").field("open", &open).field("queued", &queued).finish()
    }
}

/// Opens connections of a login, each of which has a place of its own.
#[derive(Clone)]
pub(crate) struct Opener {
    shared: Arc<Shared>,
    login: Login,
}

impl Opener {
    pub(in crate::imap) async fn open(&self) -> Result<(Session, Place), Fault> {
        let (shared, login) = (Arc::clone(&self.shared), self.login.clone());
        // Others stand behind it, whether the caller asks on or not; a caller that leaves ends it.
        let mut task = JoinSet::new();
        task.spawn(async move {
            let wait = shared.limits.wait;
            let way = timeout(wait, shared.way_in(&login)).await;
            let (mut place, _door) = way.map_err(|_| Fault::Lost(no_connection(wait)))?;
            if let Some(barred) = shared.barred(&login) {
                return Err(barred);
            }
            let stream = shared.connector.connect(&shared.server).await?;
            match Session::open(stream, &login, false, &shared.terms).await {
                Ok(session) => {
                    place.opened();
                    Ok((session, place))
                }
                Err(Fault::Authentication(status)) => Err(shared.bar(&login, status)),
                Err(fault) => Err(fault),
            }
        });
        match task.join_next().await {
            Some(Ok(opened)) => opened,
            _ => Err(Fault::Lost(io::Error::other("the task that opens a connection was ended"))),
        }
    }

    /// Tells whether somebody waits for a place.
    pub(in crate::imap) fn is_wanted(&self) -> bool {
        self.shared.places.counts().1 > 0
    }
}

pub(super) struct Shared {
    pub(super) connector: Arc<dyn Connector>,
    pub(super) server: Endpoint,
    pub(super) limits: Limits,
    pub(super) terms: Terms,
    pub(super) places: Arc<Places>,
    registry: Mutex<Registry>,
}

impl Shared {
    /// Gives a demand to the task of a login, which is begun if there is none.
    fn engage(self: &Arc<Self>, login: &Login, demand: impl FnOnce(&Lane)) -> Result<Arc<Lane>, Fault> {
        let (lane, is_new) = {
            let mut registry = self.registry();
            if let Some((status, left)) = registry.barred(login) {
                return Err(Fault::Barred { status, left });
            }
            let (lane, is_new) = registry.lane(login);
            // Under the lock: a task ends only while nothing is demanded of it.
            demand(&lane);
            (lane, is_new)
        };
        if is_new {
            tokio::spawn(actor::run(Arc::clone(self), Arc::clone(&lane)));
        }
        Ok(lane)
    }

    /// Waits in turn for the right to open a connection. A login is tried by one at a time, so that a wrong one is shown
    /// to the server once.
    pub(super) async fn way_in(&self, login: &Login) -> (Place, Door) {
        let door = self.registry().door(login.address());
        let door = door.lock_owned().await;
        (self.places.seek().place().await, door)
    }

    /// Tells why a login must not be tried now.
    pub(super) fn barred(&self, login: &Login) -> Option<Fault> {
        self.registry().barred(login).map(|(status, left)| Fault::Barred { status, left })
    }

    /// Keeps everybody from trying a login again for a while.
    pub(super) fn bar(&self, login: &Login, status: Status) -> Fault {
        let left = self.limits.pause;
        self.registry().bar(login, status.clone(), left);
        Fault::Barred { status, left }
    }

    /// Forgets a lane that nothing is demanded of; false if something is.
    pub(super) fn retire(&self, lane: &Arc<Lane>) -> bool {
        let mut registry = self.registry();
        let is_over = matches!(lane.demand(), Demand::Nothing);
        if is_over {
            registry.remove(lane);
        }
        is_over
    }

    /// Forgets a lane whose task is gone; those who demand something of it hear of it.
    pub(super) fn discard(&self, lane: &Arc<Lane>) {
        self.registry().remove(lane);
        lane.abandon();
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever leaves lets the task see that it may have nothing to do any more.
struct Caller<'a>(&'a Lane);

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// How often a call had to begin another task, as the one before was gone or stood still.
#[derive(Default)]
struct Restarts(u32);

impl Restarts {
    /// Lets another task be begun, the first one at once; a call that loses one after the other gives up.
    async fn next(&mut self) -> Result<(), Fault> {
        if self.0 > 0 {
            sleep(back_off(self.0 - 1)).await;
        }
        self.0 += 1;
        if self.0 > MAX_RESTARTS { Err(Fault::Lost(no_task())) } else { Ok(()) }
    }
}

fn no_task() -> io::Error {
    io::Error::other("the task of the connection was ended")
}

fn ended(manner: Manner) -> Fault {
    let error = no_task();
    if manner.is_repeatable { Fault::Lost(error) } else { Fault::Interrupted(error) }
}

fn no_connection(wait: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no connection was free for {} s", wait.as_secs()))
}

const MAX_RESTARTS: u32 = 4;
/// A task that runs shows itself this often when something is demanded of it.
const PICK_UP: Duration = Duration::from_secs(5);
/// It does at the latest now while it only listens, or else its runtime stands still.
const STILL: Duration = Duration::from_mins(6);
