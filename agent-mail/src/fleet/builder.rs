use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::{Notify, oneshot};

use super::roll::Roll;
use super::supervisor::{Ring, Supervisor};
use super::{Fleet, Handle, RunningCourier, Shared, ShortWay};
use crate::backend::Doorbell as _;
use crate::{AgentMail, Error, ErrorKind};

/// The settings of a [`Fleet`].
#[must_use]
pub struct FleetBuilder {
    mail: AgentMail,
    at_once: usize,
    connections: usize,
    interval: Duration,
    short_way: ShortWay,
}

impl FleetBuilder {
    pub(super) fn new(mail: AgentMail) -> Self {
        Self {
            mail,
            at_once: 32,
            connections: 96,
            interval: Duration::from_mins(1),
            short_way: ShortWay::Never,
        }
    }

    /// Sets how many mailboxes are read, and how many handlers run, at a time; 32 unless set.
    pub fn mailboxes_at_once(mut self, mailboxes: usize) -> Self {
        self.at_once = mailboxes.max(1);
        self
    }

    /// Sets how many connections to read by the fleet has at most: those of the mailboxes at once, and those by which it
    /// waits for mail where no [doorbell](crate::AgentMailBuilder::doorbell) tells of it; 96 unless set, and at least one
    /// more than the mailboxes at once. What handlers do by themselves isn't counted.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets how often each mailbox is looked at, where there are more of them than connections to wait by and no doorbell;
    /// once a minute unless set.
    pub fn look_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets whether mail from agent to agent leaves the process; it does unless set.
    pub fn short_way(mut self, policy: ShortWay) -> Self {
        self.short_way = policy;
        self
    }

    /// Begins with all agents that have been provisioned. Those that are provisioned later by the same system belong to it
    /// too. No mailbox is opened and no secret is read before there is news of it.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the system has a fleet that was not stopped; if the state or the hub
    /// can't be read.
    ///
    /// # Panics
    /// Outside a Tokio runtime, which has to have its time driver.
    pub async fn start(self) -> Result<Fleet, Error> {
        let Self { mail, at_once, connections, interval, short_way } = self;
        let system = mail.system();
        let bells = system.journal.all_bells();
        let mut doorbells: Vec<BoxStream<'static, Ring>> = Vec::new();
        if let Some(doorbell) = &system.doorbell {
            doorbells.push(doorbell.listen().map(Ring::Mail).chain(stream::iter([Ring::Ended])).boxed());
        }
        if system.ways.on_hub().is_some() {
            doorbells.push(system.ways.hub().await?.listen().map(Ring::Mail).boxed());
        }
        let (paused, all_paused) = system.journal.paused().await?;
        let happened = system.journal.with_happened().await?;
        let mut roll = Roll::new(system.doorbell.is_some(), all_paused);
        roll.fill(system.journal.active().await?.into_iter());
        for id in &paused {
            roll.pause(id);
        }
        for id in &happened {
            roll.ring(id);
        }
        let shared = Arc::new(Shared {
            mail: mail.clone(),
            roll: Mutex::new(roll),
            wake: Arc::new(Notify::new()),
            news: Arc::new(Notify::new()),
            at_once,
        });
        if !system.fleet.set(&shared) {
            return Err(Error::new(ErrorKind::AlreadyExists, "start fleet", mail.domain())
                .with_detail("the system has a fleet that runs")
                .with_fix("use that one, or stop it first"));
        }
        system.ways.messenger.set(short_way);
        let watches = connections.saturating_sub(at_once).max(1);
        let supervisor = Supervisor { shared: Arc::downgrade(&shared), doorbells, bells, watches, interval };
        let task = tokio::spawn(supervisor.run()).abort_handle();
        let (stop, stopped) = oneshot::channel::<()>();
        let courier = tokio::spawn(async move {
            // It ends when the other end is dropped: nothing is ever sent.
            mail.courier().run(async { drop(stopped.await) }).await;
        });
        let courier = Mutex::new(Some(RunningCourier { stop, task: courier }));
        Ok(Fleet(Arc::new(Handle { shared, task, courier })))
    }
}

/// Shows the settings.
impl fmt::Debug for FleetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetBuilder")
            .field("domain", self.mail.domain())
            .field("at_once", &self.at_once)
            .field("connections", &self.connections)
            .field("short_way", &self.short_way)
            .finish_non_exhaustive()
    }
}
