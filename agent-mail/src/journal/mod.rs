//! What the facade remembers, as records in the [`StateStore`](crate::backend::StateStore).
//!
//! All keys begin with the domain, so that several domains can share a store.

mod agents;
mod bells;
mod fingerprint;
mod fleet;
mod happened;
mod held;
mod inbox;
mod notes;
mod outbox;
mod policy;
mod queue;
mod rotation;
mod sent;
mod threads;
mod usage;

use std::fmt::{Display, Write as _};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_access::DomainName;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use agents::{AgentRecord, Birth, Moving, Phase};
pub(crate) use bells::{AllBells, Bell};
pub(crate) use fingerprint::{Fingerprint, fingerprint};
pub(crate) use happened::{Happened, What};
pub(crate) use held::{HeldRecord, KeptHeld, StoredDecision, StoredOutcome};
pub(crate) use inbox::{Identity, Known, Mark, Seen, Unsettled};
pub(crate) use outbox::{OutboxRecord, Outcome, Stage};
pub(crate) use policy::{Owner, Stored as StoredPolicy};
pub(crate) use queue::{Due, Kept, Pending, Progress, QueueRecord, Said, millis, time};
pub(crate) use rotation::RotationRecord;
pub(crate) use sent::SentRecord;

use self::bells::Ringing;
use crate::backend::{Change, Claim, Committed, StateStore};
use crate::{AgentId, Error, ErrorKind};

/// The journals of one domain.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    store: Arc<dyn StateStore>,
    bells: Arc<Ringing>,
    /// Counts the events that were noted, so that those of one moment keep their order.
    happened: Arc<AtomicU32>,
    domain: DomainName,
    /// The keys of the switches of the domain and of the fleet, which are looked at whenever something is sent.
    switches: Arc<[String; 2]>,
    /// How long what was sent is remembered at least.
    sent_kept: Duration,
    /// For whom it writes, if that is one agent and no later one of its name.
    claim: Option<Claim>,
    /// That agent's record, as it was when it was last seen to be there: a change is only made by it where it still is so.
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn StateStore>, domain: DomainName) -> Self {
        let bells = Arc::new(Ringing::new(store, &domain));
        Self {
            store: bells.clone(),
            bells,
            happened: Arc::default(),
            switches: Arc::new(policy::shared_switches(&domain)),
            domain,
            sent_kept: SENT_KEPT,
            claim: None,
            seen: Arc::default(),
        }
    }

    /// Returns what rings whenever an event of an agent was written that comes without a mail.
    pub(crate) fn bell(&self, agent: &AgentId) -> Arc<Bell> {
        self.bells.bell(agent)
    }

    /// Returns it for the agent with this claim: an agent of its name with another one is none.
    pub(crate) fn of(&self, claim: &Claim) -> Self {
        Self { claim: Some(claim.clone()), seen: Arc::default(), ..self.clone() }
    }

    pub(crate) fn with_sent_kept(mut self, kept: Duration) -> Self {
        self.sent_kept = kept;
        self
    }

    /// Makes a change; an empty one needs no store.
    pub(crate) async fn commit(&self, change: Change) -> Result<Committed, Error> {
        if change == Change::new() {
            return Ok(Committed::Done);
        }
        self.store.commit(change).await
    }

    /// Returns what rings for all agents.
    pub(crate) fn all_bells(&self) -> Arc<AllBells> {
        self.bells.all()
    }

    fn key(&self, kind: &str, agent: &AgentId, rest: impl Display) -> String {
        let begin = [self.domain.as_str(), "/", kind, "/"];
        let size = begin.iter().map(|part| part.len()).sum::<usize>() + agent.as_str().len();
        let mut key = String::with_capacity(size + ROOM_FOR_REST);
        key.extend(begin);
        agent.encode_into(&mut key);
        write!(key, "/{rest}").expect("a string takes all");
        key
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.store.get(key).await?.map(|bytes| decode(key, &bytes)).transpose()
    }

    /// Makes a change while an agent is there; `None` if it isn't.
    pub(crate) async fn commit_while_active(
        &self,
        agent: &AgentId,
        change: Change,
    ) -> Result<Option<Committed>, Error> {
        match self.while_active(agent, change).await? {
            Some(change) => self.store.commit(change).await.map(Some),
            None => Ok(None),
        }
    }

    /// Makes a change that expects nothing, unless the agent is gone and its records with it.
    async fn write_while_active(
        &self,
        agent: &AgentId,
        change: impl Fn() -> Change + Send + Sync,
    ) -> Result<(), Error> {
        while self.commit_as_seen(agent, change()).await? == Some(Committed::Conflict) {}
        Ok(())
    }

    /// Makes a change that expects nothing, which therefore can't conflict.
    async fn write(&self, change: Change) -> Result<(), Error> {
        debug_assert!(change.expectations.is_empty());
        match self.store.commit(change).await? {
            Committed::Done => Ok(()),
            Committed::Conflict => Err(Error::new(ErrorKind::Unexpected, "write", "state store")
                .with_detail("it reported a conflict on a change that expects nothing")),
        }
    }
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records are plain data")
}

pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|source| {
        Error::new(ErrorKind::Unexpected, "read state", key)
            .with_detail("the stored record can't be understood")
            .with_fix("check that the state folder was written by this version or an older one")
            .with_source(source)
    })
}

/// The rest of most keys is no longer, in bytes.
const ROOM_FOR_REST: usize = 48;

/// Mail servers try for up to 5 days and report then; people complain weeks later.
pub(crate) const SENT_KEPT: Duration = Duration::from_hours(30 * 24);
