//! What the courier is to send: in each entry of the outbox how far it is, and `due`, by which it finds the entries
//! without reading the outbox of every agent. An entry of `due` takes about 150 bytes and 40 for each recipient.

use std::time::{Duration, SystemTime};

use mail_access::{Address, Status};
use serde::{Deserialize, Serialize};

use super::agents::retired;
use super::{Journal, OutboxRecord, decode, encode};
use crate::backend::Change;
use crate::{AgentId, Error, Guarantee, RecipientState};

/// How far an entry is that the courier sends. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueRecord {
    /// Its place among all that are queued.
    pub(crate) place: u64,
    /// It is not sent before.
    pub(crate) from: u64,
    /// It is not tried before.
    pub(crate) next: u64,
    /// It is not tried after.
    pub(crate) until: u64,
    pub(crate) guarantee: Guarantee,
    /// Whether a copy is to be put into the Sent folder, still.
    pub(crate) copy: bool,
    /// How often it was tried.
    pub(crate) failures: u32,
    /// What is still to be done before it goes.
    #[serde(default, skip_serializing_if = "Pending::is_nothing")]
    pub(crate) pending: Pending,
    /// Of each recipient of the entry.
    pub(crate) progress: Vec<Progress>,
}

/// What is still to be done before an entry goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pending {
    #[default]
    Nothing,
    /// It is to be taken out of the budgets.
    Budgets,
    /// The checks are to be asked again, about the message as its sender wrote it: that is what its bytes are.
    Checks,
}

impl Pending {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

/// How far one recipient is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) state: RecipientState,
    /// What the mail system said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) said: Option<Said>,
    /// Whether it may have been sent by a try that nobody knows the outcome of, though it is tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) doubt: bool,
}

/// What a mail system said of a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) code: Option<u16>,
    pub(crate) enhanced: Option<(u8, u16, u16)>,
    pub(crate) text: String,
}

/// What the courier has to know of an entry to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) place: u64,
    pub(crate) from: u64,
    pub(crate) next: u64,
    pub(crate) until: u64,
    /// Those to whom it is still to be sent, or may be sent again.
    pub(crate) to: Vec<Address>,
    /// Whether something else is left to do: to find out an outcome, to file a copy.
    pub(crate) more: bool,
}

/// An entry of the outbox as it was read, so that nobody else's change of it is overwritten.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) record: OutboxRecord,
    bytes: Vec<u8>,
}

impl Progress {
    pub(crate) fn waiting() -> Self {
        Self { state: RecipientState::Waiting, said: None, doubt: false }
    }

    /// Ends it with an outcome; that it was not sent can't be said where there is doubt.
    pub(crate) fn end(&mut self, state: RecipientState) {
        self.state = if self.doubt && !state.may_be_sent() { RecipientState::Unconfirmed } else { state };
    }

    fn may_be_sent(&self) -> bool {
        self.doubt || self.state.may_be_sent()
    }
}

impl Kept {
    /// Makes it of a record that was just written.
    pub(crate) fn of(record: OutboxRecord) -> Self {
        Self { bytes: record.encoded(), record }
    }

    /// Returns what is to be there still when another takes its place.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl OutboxRecord {
    /// Returns when it was wanted that it is sent.
    pub(crate) fn wanted(&self) -> SystemTime {
        self.queue.as_ref().map_or(self.created, |queue| time(queue.from))
    }
}

impl QueueRecord {
    pub(crate) fn with(
        &self,
        record: &OutboxRecord,
        wanted: impl Fn(RecipientState) -> bool,
    ) -> Vec<Address> {
        let all = record.recipients.iter().zip(&self.progress);
        all.filter(|(_, progress)| wanted(progress.state)).map(|(who, _)| who.clone()).collect()
    }

    pub(crate) fn has(&self, state: RecipientState) -> bool {
        self.progress.iter().any(|progress| progress.state == state)
    }

    pub(crate) fn has_unknown(&self) -> bool {
        self.has(RecipientState::Unknown)
    }

    /// Tells whether the courier has nothing more to do with it.
    pub(crate) fn is_over(&self) -> bool {
        !self.copy && self.progress.iter().all(|progress| !progress.state.is_open())
    }

    pub(crate) fn due(&self, record: &OutboxRecord) -> Due {
        let again = self.guarantee == Guarantee::AtLeastOnce;
        let is_unknown = |state| state == RecipientState::Unknown;
        Due {
            place: self.place,
            from: self.from,
            next: self.next,
            until: self.until,
            to: self.with(record, |state| state == RecipientState::Waiting || (again && is_unknown(state))),
            more: self.has_unknown() || (self.copy && self.has(RecipientState::Accepted)),
        }
    }
}

impl Journal {
    /// Returns all that the courier is to send.
    pub(crate) async fn due(&self) -> Result<Vec<(AgentId, String, Due)>, Error> {
        let prefix = format!("{}/due/", self.domain);
        let mut due = Vec::new();
        for (key, bytes) in self.store.scan(&prefix).await? {
            let parts = key[prefix.len()..].split_once('/');
            if let Some((agent, name)) = parts.and_then(|(id, name)| Some((AgentId::decode(id)?, name))) {
                due.push((agent, name.to_owned(), decode(&key, &bytes)?));
            }
        }
        Ok(due)
    }

    pub(crate) async fn due_entry(&self, agent: &AgentId, name: &str) -> Result<Option<Due>, Error> {
        self.read(&self.key("due", agent, name)).await
    }

    /// Makes the change that puts an entry into the outbox in the place of [another](Kept::into_bytes), or while there is none
    /// of its name, and the agent is there.
    pub(crate) async fn enqueue(
        &self,
        agent: &AgentId,
        record: &OutboxRecord,
        queue: &QueueRecord,
        message: &[u8],
        instead_of: Option<Vec<u8>>,
    ) -> Result<Change, Error> {
        let key = self.key("outbox", agent, &record.name);
        let change = Change::new()
            .expect(&key, instead_of)
            .put(&key, record.encoded())
            .put(self.key("outbox-bytes", agent, &record.name), message)
            .put(self.key("due", agent, &record.name), encode(&queue.due(record)));
        self.while_active(agent, change).await?.ok_or_else(|| retired("send", agent))
    }

    /// Takes an entry out that was sent to nobody, unless somebody else has changed it since it was read.
    pub(crate) async fn take_out(&self, agent: &AgentId, kept: &Kept) -> Result<(), Error> {
        self.commit_while_active(agent, self.taken_out(agent, kept)).await.map(drop)
    }

    /// Makes the change that takes an entry out as it was read.
    pub(crate) fn taken_out(&self, agent: &AgentId, kept: &Kept) -> Change {
        let key = self.key("outbox", agent, &kept.record.name);
        self.without_entry(agent, &kept.record.name).expect(key, Some(kept.bytes.clone()))
    }

    /// Adds to a change that an entry has other bytes.
    pub(crate) fn put_outbox_bytes(
        &self,
        change: Change,
        agent: &AgentId,
        name: &str,
        bytes: Vec<u8>,
    ) -> Change {
        change.put(self.key("outbox-bytes", agent, name), bytes)
    }

    /// Returns an entry for a change of it.
    pub(crate) async fn kept(&self, agent: &AgentId, name: &str) -> Result<Option<Kept>, Error> {
        let key = self.key("outbox", agent, name);
        let Some(bytes) = self.store.get(&key).await? else { return Ok(None) };
        Ok(Some(Kept { record: OutboxRecord::decoded(name, &key, &bytes)?, bytes }))
    }

    /// Returns the names of all that the courier is to send for an agent.
    pub(crate) async fn queued(&self, agent: &AgentId) -> Result<Vec<String>, Error> {
        let prefix = self.key("due", agent, "");
        let found = self.store.scan(&prefix).await?;
        Ok(found.into_iter().map(|(key, _)| key[prefix.len()..].to_owned()).collect())
    }

    /// Makes the change that brings an entry from how it was read to how it is now. When it is over, it goes, unless a key or
    /// an outcome that nobody knows keeps it.
    pub(crate) async fn advance(
        &self,
        agent: &AgentId,
        kept: &Kept,
        record: &OutboxRecord,
        now: SystemTime,
    ) -> Result<Change, Error> {
        let Some(queue) = &record.queue else { return Ok(Change::new()) };
        let name = &record.name;
        let key = self.key("outbox", agent, name);
        let mut change = Change::new().expect(&key, Some(kept.bytes.clone()));
        let over = queue.is_over();
        let unknown = queue.has(RecipientState::Unknown) || queue.has(RecipientState::Unconfirmed);
        change = if over && record.content.is_none() && !unknown {
            change.remove(&key)
        } else {
            change.put(&key, record.encoded())
        };
        let due = self.key("due", agent, name);
        change = if over { change.remove(due) } else { change.put(due, encode(&queue.due(record))) };
        if over && !unknown {
            change = change.remove(self.key("outbox-bytes", agent, name));
        }
        let may_be_sent = |queue: &QueueRecord| queue.progress.iter().any(Progress::may_be_sent);
        let before = kept.record.queue.as_ref().is_some_and(may_be_sent);
        change = match (before, may_be_sent(queue)) {
            (false, true) => self.index_sent(change, agent, record, now).await?,
            (true, false) => self.unindex_sent(change, agent, &record.message_id).await?,
            _ => change,
        };
        Ok(change)
    }
}

impl Said {
    pub(crate) fn of(status: &Status) -> Self {
        Self { code: Some(status.code), enhanced: status.enhanced, text: status.text.clone() }
    }

    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self { code: None, enhanced: None, text: text.into() }
    }
}

pub(crate) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}

pub(crate) fn time(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(SystemTime::UNIX_EPOCH)
}
