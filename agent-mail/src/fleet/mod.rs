//! Thousands of agents in one process: their events in one place, their troubles kept apart.

mod builder;
mod health;
mod hub;
mod moving;
mod roll;
mod short_way;
mod stream;
mod supervisor;
mod turn;
mod ways;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{Notify, oneshot};
use tokio::task::{AbortHandle, JoinHandle, yield_now};
use tokio::time::{Instant, sleep_until, timeout_at};

pub use self::builder::FleetBuilder;
pub use self::health::{FleetHealth, Health, Stopped};
pub use self::hub::{OnHub, Way};
use self::roll::Roll;
pub(crate) use self::short_way::Messenger;
pub use self::short_way::ShortWay;
pub use self::stream::FleetEvents;
use self::turn::Turn;
pub(crate) use self::ways::Ways;
use crate::journal::AgentRecord;
use crate::{AgentId, AgentMail, AgentMailbox, Error, ErrorKind, EventHandler};

/// All agents of a system at work in one process.
///
/// Their events come as one stream, or to one handler. An agent whose mailbox can't be read, or whose handler fails, is
/// tried again after growing pauses with jitter, and keeps nobody else back. Agents may be paused and resumed, which lasts
/// through restarts. An agent without news costs an entry of about 100 bytes: no task, no connection and no password in
/// memory, where a [doorbell](crate::backend::Doorbell) tells of news; without one the fleet waits for the mailboxes
/// itself, by as many connections as it may have, in turns.
///
/// That a mailbox was [numbered anew](crate::EventKind::MailboxReset) is told when it is read next, before its mail. Where a
/// doorbell tells of mail alone, one that holds none is not read until it gets some.
///
/// While it runs, what the agents have in their outboxes is sent: it runs the [courier](crate::Courier) of the system. One
/// that is run beside it waits for the fleet's to end.
///
/// Cheap to clone; the clones are one fleet, which ends with the last of them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::{AgentMail, Fleet, NewMessage};
///
/// let fleet = Fleet::builder(AgentMail::embedded("agents.example")?).start().await?;
/// let ada = fleet.mail().provision(&"ada".parse()?).await?;
/// let bob = fleet.mail().provision(&"bob".parse()?).await?;
/// ada.send(NewMessage::to(bob.contact()).with_subject("Engines")).await?;
///
/// let mut events = fleet.events();
/// let event = events.next().await.expect("it runs");
/// assert_eq!((event.mailbox().id().as_str(), event.received().unwrap().subject().expose()), ("bob", "Engines"));
/// event.ack().await?;
/// # Ok::<(), agent_mail::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Fleet(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    task: AbortHandle,
    /// What sends the mail in the outboxes, until the fleet is stopped.
    courier: Mutex<Option<RunningCourier>>,
}

struct RunningCourier {
    /// Dropped, it makes the courier finish what it has begun.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What the handles, the streams and the supervisor share.
pub(crate) struct Shared {
    mail: AgentMail,
    roll: Mutex<Roll>,
    /// Wakes those who hand out events.
    wake: Arc<Notify>,
    /// Wakes the supervisor.
    news: Arc<Notify>,
    at_once: usize,
}

impl Fleet {
    /// Begins a fleet of all agents of a system.
    pub fn builder(mail: AgentMail) -> FleetBuilder {
        FleetBuilder::new(mail)
    }

    /// Returns the system whose agents these are: it provisions and retires them.
    pub fn mail(&self) -> &AgentMail {
        &self.shared().mail
    }

    /// Returns how many agents there are.
    pub fn len(&self) -> usize {
        self.shared().roll().len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins to read the events of all agents. Use one stream at a time, and none beside [`serve`](Self::serve): what
    /// one has handed out and nobody acknowledged, the other would hand out too.
    pub fn events(&self) -> FleetEvents {
        FleetEvents::new(Arc::clone(self.shared()))
    }

    /// Hands the events of all agents to a handler, until the fleet is [stopped](Self::stop), and commits what lasts of each
    /// together with its acknowledgement.
    ///
    /// - The events of one agent are handled one after the other and in order; those of as many agents as the
    ///   [builder says](FleetBuilder::mailboxes_at_once) are at the same time, in the task that awaits this call.
    /// - After an error of the handler the agent is [failing](Health::Failing): the event comes again after a pause, those
    ///   behind it wait, and the others go on. After an error that isn't [retryable](Error::is_retryable) it waits until it is
    ///   [resumed](Self::resume).
    ///
    /// It may be dropped at any point: what was not acknowledged comes again.
    pub async fn serve(&self, handler: &dyn EventHandler) {
        let shared = self.shared();
        let mut turns = FuturesUnordered::new();
        loop {
            let ring = Arc::clone(&shared.wake).notified_owned();
            while turns.len() < shared.at_once
                && let Some(turn) = Turn::take(shared)
            {
                turns.push(turn.serve(handler));
            }
            let stopping = shared.roll().stopping;
            if stopping.is_some() && turns.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                // A world in memory never lets others run by itself, not even who tells of news.
                Some(()) = turns.next(), if !turns.is_empty() => yield_now().await,
                () = sleep_until(stopping.unwrap_or_else(Instant::now)), if stopping.is_some() => return,
                () = ring => {}
            }
        }
    }

    /// Holds back the events of an agent, in this run of the program and later ones: its mail waits. What is handled at
    /// this moment is finished. It may still send.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such agent, or if the state can't be written.
    pub async fn pause(&self, id: &AgentId) -> Result<(), Error> {
        self.known(id, "pause")?;
        self.mail().system().journal.note_paused(id, true).await?;
        self.shared().roll().pause(id);
        Ok(())
    }

    /// Lets the events of an agent come again, and tries one that fails without waiting.
    ///
    /// # Errors
    /// As for [`pause`](Self::pause).
    pub async fn resume(&self, id: &AgentId) -> Result<(), Error> {
        self.known(id, "resume")?;
        self.mail().system().journal.note_paused(id, false).await?;
        self.shared().roll().resume(id);
        self.shared().ring();
        Ok(())
    }

    /// Holds back the events of all agents, in this run of the program and later ones.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn pause_all(&self) -> Result<(), Error> {
        self.mail().system().journal.note_all_paused(true).await?;
        self.shared().roll().all_paused = true;
        Ok(())
    }

    /// Ends [`pause_all`](Self::pause_all). Agents that were paused by themselves stay so.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn resume_all(&self) -> Result<(), Error> {
        self.mail().system().journal.note_all_paused(false).await?;
        self.shared().roll().resume_all();
        self.shared().ring();
        Ok(())
    }

    /// Returns how the fleet is. It takes time in proportion to its agents.
    pub fn health(&self) -> FleetHealth {
        self.shared().roll().health_of_all()
    }

    /// Returns how an agent is, if it is one of the fleet.
    pub fn health_of(&self, id: &AgentId) -> Option<Health> {
        self.shared().roll().health_of(id)
    }

    /// Stops: no more events are handed out, streams end, and handlers that run have this much time to end. What they
    /// handled by then is acknowledged, the rest comes again in the next run. Mail from agent to agent goes by the mail
    /// system again. The courier has the same time to finish what it is sending; the rest waits in the outboxes, and what
    /// it is broken off with is looked for by the next courier.
    ///
    /// It can't be begun again; start another one. A dropped call stops it all the same.
    pub async fn stop(&self, within: Duration) -> Stopped {
        let shared = self.shared();
        let deadline = Instant::now() + within;
        shared.roll().stopping.get_or_insert(deadline);
        shared.ring();
        let system = shared.mail.system();
        system.ways.messenger.set(ShortWay::Never);
        self.0.task.abort();
        let finished = async {
            loop {
                let ring = Arc::clone(&shared.wake).notified_owned();
                if shared.roll().busy().next().is_none() {
                    return;
                }
                ring.await;
            }
        };
        let courier = self.0.courier.lock().unwrap_or_else(PoisonError::into_inner).take();
        let courier_ended = async {
            let Some(RunningCourier { stop, mut task }) = courier else { return };
            drop(stop);
            if timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        };
        // What is busy after that is never polled again, or too late to end.
        let (_ended, ()) = tokio::join!(timeout_at(deadline, finished), courier_ended);
        let broken_off = {
            let mut roll = shared.roll();
            let mut broken_off = std::mem::take(&mut roll.broken_off);
            broken_off.extend(roll.busy().cloned());
            broken_off
        };
        system.fleet.unset(shared);
        Stopped { broken_off }
    }

    /// Opens the mailbox of an agent, as [`AgentMail::open`].
    ///
    /// # Errors
    /// As for [`AgentMail::open`].
    pub async fn open(&self, id: &AgentId) -> Result<AgentMailbox, Error> {
        self.mail().open(id).await
    }

    fn known(&self, id: &AgentId, operation: &'static str) -> Result<(), Error> {
        match self.health_of(id) {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::NotFound, operation, id).with_fix("provision the agent")),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

/// Shows how many agents there are.
impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("domain", self.mail().domain())
            .field("agents", &self.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
        let system = self.shared.mail.system();
        if system.fleet.unset(&self.shared) {
            system.ways.messenger.set(ShortWay::Never);
        }
    }
}

impl Shared {
    /// Held for no longer than it takes to note or to find something.
    fn roll(&self) -> MutexGuard<'_, Roll> {
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all look who wait for something.
    fn ring(&self) {
        self.ring_consumers();
        self.news.notify_one();
    }

    fn ring_consumers(&self) {
        self.wake.notify_waiters();
    }
}

/// What a system knows of the fleet that its agents belong to.
#[derive(Default)]
pub(crate) struct Link(Mutex<Weak<Shared>>);

impl Link {
    /// Takes a fleet, unless there is one.
    fn set(&self, shared: &Arc<Shared>) -> bool {
        let mut link = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = link.upgrade().is_none();
        if is_free {
            *link = Arc::downgrade(shared);
        }
        is_free
    }

    fn unset(&self, shared: &Arc<Shared>) -> bool {
        let mut link = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = link.ptr_eq(&Arc::downgrade(shared));
        if is_it {
            *link = Weak::new();
        }
        is_it
    }

    fn get(&self) -> Option<Arc<Shared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Notes that there is an agent, or that its mail comes another way.
    pub(crate) fn joined(&self, record: &AgentRecord) {
        if let Some(shared) = self.get() {
            shared.roll().enrol(&record.id, record.way);
            shared.ring();
        }
    }

    /// Notes that an agent is gone.
    pub(crate) fn left(&self, id: &AgentId) {
        if let Some(shared) = self.get() {
            shared.roll().strike(id);
        }
    }

    /// Lets an agent have a turn, whatever is known of news.
    pub(crate) fn look_at(&self, id: &AgentId) {
        if let Some(shared) = self.get() {
            shared.roll().ring(id);
            shared.ring();
        }
    }
}
