//! The ways that mail goes: to and from a mailbox each, over a hub, or from agent to agent within the process.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_access::{
    Address, Arrival, Batch, Error as MailError, HubAccess, Login, MailAccess, Outgoing, Position, Selection,
    Submission, Uid,
};
use tokio::sync::OnceCell;

use super::hub::{OnHub, second_name};
use super::short_way::Messenger;
use crate::journal::{AgentRecord, Birth, Journal, Moving, Phase, millis, time};
use crate::mail::lift;
use crate::{Error, ErrorKind, Way};

/// The mail system as the agents of a system see it.
#[derive(Debug)]
pub(crate) struct Ways {
    direct: Arc<dyn MailAccess>,
    hub: Option<(OnHub, OnceCell<HubAccess>)>,
    journal: Journal,
    pub(crate) messenger: Messenger,
    /// Those that the hub has already, or still, and whose mail is that of their mailbox.
    moving: Mutex<HashSet<Address>>,
}

impl Ways {
    pub(crate) fn new(
        direct: Arc<dyn MailAccess>,
        hub: Option<OnHub>,
        journal: Journal,
        messenger: Messenger,
    ) -> Self {
        let hub = hub.map(|hub| (hub, OnceCell::new()));
        Self { direct, hub, journal, messenger, moving: Mutex::default() }
    }

    /// The mail system past the hub and the short way.
    pub(crate) fn direct(&self) -> &dyn MailAccess {
        &*self.direct
    }

    pub(crate) fn on_hub(&self) -> Option<&OnHub> {
        self.hub.as_ref().map(|(settings, _)| settings)
    }

    /// Returns the hub, which is begun at the first call with all agents that are on it.
    pub(crate) async fn hub(&self) -> Result<&HubAccess, Error> {
        let Some((settings, hub)) = &self.hub else {
            return Err(Error::new(ErrorKind::NotReady, "open hub", "hub")
                .with_detail("an agent's mail comes over a hub, and the system has none")
                .with_fix("give the builder the hub, or move the agent to a mailbox where there is one"));
        };
        hub.get_or_try_init(|| async {
            let hub = settings.start(Arc::clone(&self.direct));
            for record in self.journal.agents().await? {
                self.seat(&hub, &record);
            }
            Ok(hub)
        })
        .await
    }

    /// Returns the place behind all that the hub holds now, for an address that begins there.
    pub(crate) async fn birth(&self, now: SystemTime, moved: bool) -> Result<Birth, Error> {
        let place = self.hub().await?.place().await.map_err(|source| lift(source, "look into", "hub"))?;
        Ok(Birth { place: (place.uid_validity, place.uid), time: millis(now) / 1000, moved })
    }

    /// Lets the hub have an agent's address, if that is its way.
    pub(crate) async fn adopt(&self, record: &AgentRecord) -> Result<(), Error> {
        if record.birth.is_some() {
            self.seat(self.hub().await?, record);
        }
        Ok(())
    }

    /// Takes an agent's address from the hub.
    pub(crate) async fn release(&self, record: &AgentRecord) -> Result<(), Error> {
        if self.hub.is_none() {
            return Ok(());
        }
        let hub = self.hub().await?;
        if let Ok(second) = second_name(&record.address) {
            hub.remove_name(&second);
        }
        hub.remove(&record.address);
        self.moving().remove(&record.address);
        Ok(())
    }

    fn seat(&self, hub: &HubAccess, record: &AgentRecord) {
        let Some(birth) = record.birth.filter(|_| record.phase != Phase::Retiring) else { return };
        // Before the hub has the address: there is no moment at which a call goes the wrong way.
        if record.way == Way::Mailbox {
            self.moving().insert(record.address.clone());
        }
        let (uid_validity, uid) = birth.place;
        hub.add_since(&record.address, Position { uid_validity, uid }, time(birth.time.saturating_mul(1000)));
        if birth.moved
            && let Ok(second) = second_name(&record.address)
        {
            hub.add_name(&second, &record.address);
        }
        if record.way == Way::Hub && record.moving != Some(Moving::Copying) {
            self.moving().remove(&record.address);
        }
    }

    /// Returns where the calls of a login go.
    async fn of(&self, login: &Login) -> Result<&dyn MailAccess, MailError> {
        if self.hub.is_none() {
            return Ok(&*self.direct);
        }
        let hub = Box::pin(self.hub()).await.map_err(|error| MailError::Unavailable {
            operation: "open",
            server: "hub".to_owned(),
            source: io::Error::other(error),
        })?;
        let is_on_hub = hub.has(login.address()) && !self.moving().contains(login.address());
        Ok(if is_on_hub { hub } else { &*self.direct })
    }

    fn moving(&self) -> MutexGuard<'_, HashSet<Address>> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailAccess for Ways {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        if let Some(done) = self.messenger.carry(&self.journal, login, message).await? {
            return Ok(done);
        }
        self.of(login).await?.submit(login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        self.of(login).await?.check_submission(login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        self.of(login).await?.fetch(login, selection, limit).await
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.of(login).await?.mark_seen(login, uid_validity, uids).await
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        self.of(login).await?.wait(login, after, at_most).await
    }

    async fn fetch_arrived(&self, login: &Login, after: Position, limit: usize) -> Result<Batch, MailError> {
        self.of(login).await?.fetch_arrived(login, after, limit).await
    }
}
