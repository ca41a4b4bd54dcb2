//! Which agents there are, and how far their provisioning is.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use mail_access::Address;
use serde::{Deserialize, Serialize};

use super::{Journal, decode, encode};
use crate::backend::{Change, Claim, Committed};
use crate::{AgentId, Error, ErrorKind, Way};

/// How far an agent's mailbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// It was decided on; anything between nothing and all may have been done.
    Pending,
    /// It is there.
    Active,
    /// Its removal was decided on.
    Retiring,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AgentRecord {
    pub(crate) id: AgentId,
    pub(crate) address: Address,
    pub(crate) claim: Claim,
    pub(crate) phase: Phase,
    pub(crate) created: SystemTime,
    /// How its mail comes; in the middle of a move, how it came before.
    pub(crate) way: Way,
    /// On a hub: from when on the address is this agent's.
    pub(crate) birth: Option<Birth>,
    /// How far a move to the other way is, or from it.
    pub(crate) moving: Option<Moving>,
}

/// From when on an address on a hub is an agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Birth {
    /// The last place in the shared mailbox that is not its own yet: UIDVALIDITY and UID.
    pub(crate) place: (u32, u32),
    /// When that was, in seconds since 1970.
    pub(crate) time: u64,
    /// Whether it had a mailbox before, the mail of which was sent on to the hub under a second name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) moved: bool,
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moving {
    /// The mail is being brought over; the agent still goes the way before.
    Copying,
    /// The agent goes the new way; what was left behind is to be removed.
    Clearing,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    id: String,
    address: String,
    claim: String,
    phase: Phase,
    created: u64,
    #[serde(default)]
    way: Way,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    birth: Option<Birth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moving: Option<Moving>,
}

impl Journal {
    pub(crate) async fn agent(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        let key = self.agent_key(id);
        self.read::<Stored>(&key).await?.map(|stored| stored.into_record(&key)).transpose()
    }

    /// Returns all agents in the order of their stored names.
    pub(crate) async fn agents(&self) -> Result<Vec<AgentRecord>, Error> {
        let found = self.store.scan(&format!("{}/agent/", self.domain)).await?;
        found.iter().map(|(key, bytes)| decode::<Stored>(key, bytes)?.into_record(key)).collect()
    }

    /// Returns the agents that are there, and how their mail comes: less than all that is known of them, for a fleet's start.
    pub(crate) async fn active(&self) -> Result<Vec<(AgentId, Way)>, Error> {
        #[derive(Deserialize)]
        struct Part {
            phase: Phase,
            #[serde(default)]
            way: Way,
        }
        let prefix = format!("{}/agent/", self.domain);
        let mut active = Vec::new();
        for (key, bytes) in self.store.scan(&prefix).await? {
            let Part { phase, way } = decode(&key, &bytes)?;
            let id = key[prefix.len()..].strip_suffix('/').and_then(AgentId::decode);
            active.extend(id.filter(|_| phase == Phase::Active).map(|id| (id, way)));
        }
        Ok(active)
    }

    /// Notes a new agent as pending. If another call was first, its record is returned instead.
    pub(crate) async fn begin_agent(&self, record: &AgentRecord) -> Result<Option<AgentRecord>, Error> {
        let key = self.agent_key(&record.id);
        let change = Change::new().expect(&key, None).put(&key, encode(&Stored::from(record)));
        match self.store.commit(change).await? {
            Committed::Done => Ok(None),
            Committed::Conflict => self.agent(&record.id).await,
        }
    }

    /// Brings an agent into another phase and returns it so.
    pub(crate) async fn enter(&self, record: AgentRecord, phase: Phase) -> Result<AgentRecord, Error> {
        let next = AgentRecord { phase, ..record.clone() };
        let change = Change::new().put(self.agent_key(&record.id), encode(&Stored::from(&next)));
        self.commit_as(&record, change).await?;
        Ok(next)
    }

    /// Notes how far a move is. When the way changes, the place in the mailbox before means nothing in the next: what was
    /// handled is known by its content.
    pub(crate) async fn note_move(&self, record: &AgentRecord, next: &AgentRecord) -> Result<(), Error> {
        let mut change = Change::new().put(self.agent_key(&record.id), encode(&Stored::from(next)));
        if record.way != next.way {
            change = change.remove(self.key("inbox", &record.id, "position"));
            for (key, _) in self.store.scan(&self.key("inbox", &record.id, "pending/")).await? {
                change = change.remove(key);
            }
        }
        self.commit_as(record, change).await
    }

    /// Forgets an agent with all that belongs to it.
    /// Its address isn't given again before the time of `tombstone`, if there is one.
    pub(crate) async fn forget_agent(
        &self,
        record: &AgentRecord,
        tombstone: Option<SystemTime>,
    ) -> Result<(), Error> {
        let mut change = Change::new().remove(self.agent_key(&record.id));
        if let Some(until) = tombstone {
            change = self.entomb(change, &record.id, until);
        }
        for kind in KINDS {
            for (key, _) in self.store.scan(&self.key(kind, &record.id, "")).await? {
                change = change.remove(key);
            }
        }
        self.commit_as(record, change).await
    }

    /// Makes a change if the agent is where `record` says: a write of a dropped call may come late.
    pub(super) async fn commit_as(&self, record: &AgentRecord, change: Change) -> Result<(), Error> {
        let key = self.agent_key(&record.id);
        if let Some(bytes) = self.store.get(&key).await? {
            let stored: Stored = decode(&key, &bytes)?;
            if stored.claim == record.claim.as_str()
                && stored.phase == record.phase
                && self.store.commit(change.expect(key, Some(bytes))).await? == Committed::Done
            {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::NotReady, "write state", &record.id)
            .with_detail("another call has provisioned or retired the agent meanwhile"))
    }

    /// Lets a change be made only while the agent is there; `None` if it isn't, so that nothing outlives it.
    pub(crate) async fn while_active(&self, id: &AgentId, change: Change) -> Result<Option<Change>, Error> {
        let there = self.there(id).await?;
        Ok(there.map(|(key, bytes)| change.expect(key, Some(bytes))))
    }

    /// Tells whether the agent is there.
    pub(crate) async fn is_active(&self, id: &AgentId) -> Result<bool, Error> {
        Ok(self.there(id).await?.is_some())
    }

    /// Returns the agent's record with its key, if it is there.
    async fn there(&self, id: &AgentId) -> Result<Option<(String, Vec<u8>)>, Error> {
        #[derive(Deserialize)]
        struct Part {
            claim: Box<str>,
            phase: Phase,
        }
        let key = self.agent_key(id);
        let Some(bytes) = self.store.get(&key).await? else { return Ok(None) };
        if self.seen().as_ref() == Some(&bytes) {
            return Ok(Some((key, bytes)));
        }
        let stored: Part = decode(&key, &bytes)?;
        if self.claim.as_ref().is_some_and(|claim| *claim.as_str() != *stored.claim) {
            return Ok(None);
        }
        match stored.phase {
            Phase::Active => {
                if self.claim.is_some() {
                    *self.seen() = Some(bytes.clone());
                }
                Ok(Some((key, bytes)))
            }
            Phase::Pending if self.claim.is_some() => Err(Error::new(ErrorKind::NotReady, "write state", id)
                .with_detail("the agent's mailbox is being made again")),
            Phase::Pending | Phase::Retiring => Ok(None),
        }
    }

    /// Makes a change while an agent is there, without a look beforehand where the agent was seen before: what was seen is
    /// expected. After a conflict, which may be for that alone, the next call looks. `None` if the agent isn't there.
    pub(super) async fn commit_as_seen(
        &self,
        id: &AgentId,
        change: Change,
    ) -> Result<Option<Committed>, Error> {
        let Some(bytes) = self.seen().clone() else { return self.commit_while_active(id, change).await };
        let committed = self.store.commit(change.expect(self.agent_key(id), Some(bytes))).await?;
        if committed == Committed::Conflict {
            *self.seen() = None;
        }
        Ok(Some(committed))
    }

    /// Makes sure that what was just read is of the agent whose journal this is.
    pub(crate) async fn still(&self, id: &AgentId) -> Result<(), Error> {
        if self.is_active(id).await? { Ok(()) } else { Err(retired("read", id)) }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        // Each value is whole, whoever panicked.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn agent_key(&self, id: &AgentId) -> String {
        self.key("agent", id, "")
    }
}

impl From<&AgentRecord> for Stored {
    fn from(record: &AgentRecord) -> Self {
        let age = record.created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            id: record.id.as_str().to_owned(),
            address: record.address.to_string(),
            claim: record.claim.as_str().to_owned(),
            phase: record.phase,
            created: age.as_secs(),
            way: record.way,
            birth: record.birth,
            moving: record.moving,
        }
    }
}

impl Stored {
    fn into_record(self, key: &str) -> Result<AgentRecord, Error> {
        let damaged = |what: &str| {
            Error::new(ErrorKind::Unexpected, "read state", key)
                .with_detail(format!("the stored {what} is none"))
        };
        Ok(AgentRecord {
            id: self.id.parse().map_err(|_| damaged("name"))?,
            address: self.address.parse().map_err(|_| damaged("address"))?,
            claim: self.claim.parse().map_err(|_| damaged("claim"))?,
            phase: self.phase,
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(self.created),
            way: self.way,
            birth: self.birth,
            moving: self.moving,
        })
    }
}

pub(super) fn retired(operation: &'static str, id: &AgentId) -> Error {
    Error::new(ErrorKind::NotFound, operation, id).with_detail("the agent was retired")
}

/// What there is of an agent besides its record, and is gone with it.
const KINDS: [&str; 15] = [
    "due",
    "facts",
    "fleet",
    "happened",
    "held",
    "held-bytes",
    "inbox",
    "notes",
    "outbox",
    "outbox-bytes",
    "policy",
    "rotation",
    "sent",
    "thread",
    "usage",
];
