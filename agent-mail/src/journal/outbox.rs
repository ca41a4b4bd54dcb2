//! What was to be sent: written before the first byte goes out, closed when the outcome is known.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use mail_access::{Address, MessageId, Outgoing};
use serde::{Deserialize, Serialize};

use super::agents::retired;
use super::queue::QueueRecord;
use super::{Journal, decode, encode};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error, ErrorKind, Usage};

/// A message on its way out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutboxRecord {
    /// The entry's name: of the caller's key, or of the Message-ID.
    pub(crate) name: String,
    /// What the caller's content was, where a key was given.
    pub(crate) content: Option<String>,
    /// That key, where it is known: an older release didn't keep it.
    pub(crate) key: Option<String>,
    pub(crate) message_id: MessageId,
    pub(crate) recipients: Vec<Address>,
    pub(crate) created: SystemTime,
    pub(crate) outcome: Outcome,
    /// How far it is, if the courier sends it.
    pub(crate) queue: Option<QueueRecord>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Not known: it is being sent, or the program ended or the link was lost on the way; or the courier has it.
    Open,
    /// The mail system has taken it for `accepted`, and refused the others with these words.
    Sent { accepted: Vec<String>, refused: Vec<(String, u16, String)> },
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    content: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    message_id: Cow<'a, str>,
    recipients: Cow<'a, [Address]>,
    created: u64,
    outcome: Cow<'a, Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<Cow<'a, QueueRecord>>,
}

/// How far an entry is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) queue: Option<&'a QueueRecord>,
    pub(crate) outcome: &'a Outcome,
}

impl Journal {
    /// Writes a message down before it is sent. If the name is taken, that entry is returned instead.
    pub(crate) async fn open_outbox(
        &self,
        agent: &AgentId,
        record: &OutboxRecord,
        message: &Outgoing,
    ) -> Result<Option<OutboxRecord>, Error> {
        loop {
            let change = self.opening(agent, record, message).await?;
            match self.commit_as_seen(agent, change).await? {
                Some(Committed::Done) => return Ok(None),
                Some(Committed::Conflict) => {}
                None => return Err(retired("send", agent)),
            }
            if let Some(earlier) = self.outbox_entry(agent, &record.name).await? {
                return Ok(Some(earlier));
            }
        }
    }

    /// Makes the change that writes a message down before it is sent, while its name is free. One without a key has a name
    /// that is its own.
    pub(crate) async fn opening(
        &self,
        agent: &AgentId,
        record: &OutboxRecord,
        message: &Outgoing,
    ) -> Result<Change, Error> {
        let key = self.key("outbox", agent, &record.name);
        let free = if record.key.is_some() { Change::new().expect(&key, None) } else { Change::new() };
        let change = free
            .put(key, record.encoded())
            .put(self.key("outbox-bytes", agent, &record.name), message.bytes());
        self.index_sent(change, agent, record, record.created).await
    }

    pub(crate) async fn outbox_entry(
        &self,
        agent: &AgentId,
        name: &str,
    ) -> Result<Option<OutboxRecord>, Error> {
        Ok(self.kept(agent, name).await?.map(|kept| kept.record))
    }

    /// Returns all entries of which something is not known, or still to be done.
    pub(crate) async fn open_entries(&self, agent: &AgentId) -> Result<Vec<OutboxRecord>, Error> {
        let prefix = self.key("outbox", agent, "");
        let mut open = Vec::new();
        for (key, bytes) in self.store.scan(&prefix).await? {
            let record = OutboxRecord::decoded(&key[prefix.len()..], &key, &bytes)?;
            if record.outcome == Outcome::Open {
                open.push(record);
            }
        }
        Ok(open)
    }

    /// Returns the bytes of an open entry's message.
    pub(crate) async fn outbox_bytes(&self, agent: &AgentId, name: &str) -> Result<Vec<u8>, Error> {
        let key = self.key("outbox-bytes", agent, name);
        self.store.get(&key).await?.ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "read state", key).with_detail("the stored message is missing")
        })
    }

    /// Notes the outcome, and returns what it counts. Under a key of the caller's it is kept, so that the key's next use finds it.
    /// `size` is that of the message in bytes, where the caller knows it.
    pub(crate) async fn close_outbox(
        &self,
        agent: &AgentId,
        before: Stage<'_>,
        record: &OutboxRecord,
        now: SystemTime,
        size: Option<usize>,
    ) -> Result<Usage, Error> {
        loop {
            let key = self.key("outbox", agent, &record.name);
            let change = Change::new().remove(self.key("outbox-bytes", agent, &record.name));
            let (change, step) = self.tally_step(change, agent, now, (before, record), size).await?;
            let change = match record.content {
                Some(_) => change.put(key, record.encoded()),
                None => change.remove(key),
            };
            if self.commit_as_seen(agent, change).await? != Some(Committed::Conflict) {
                return Ok(step);
            }
        }
    }

    /// Forgets an entry that is known not to have been sent, and counts whom it was refused for.
    pub(crate) async fn drop_unsent(
        &self,
        agent: &AgentId,
        record: &OutboxRecord,
        refused: Usage,
        now: SystemTime,
    ) -> Result<(), Error> {
        let change = self.without_entry(agent, &record.name);
        let change = self.tally(change, agent, now, record.message_id.as_str(), refused).await?;
        let change = self.unindex_sent(change, agent, &record.message_id).await?;
        self.write_while_active(agent, || change.clone()).await
    }

    /// Forgets an entry that the caller gives up.
    pub(crate) async fn drop_outbox(&self, agent: &AgentId, name: &str) -> Result<(), Error> {
        self.write_while_active(agent, || self.without_entry(agent, name)).await
    }

    pub(super) fn without_entry(&self, agent: &AgentId, name: &str) -> Change {
        let kinds = ["outbox", "outbox-bytes", "due"];
        kinds.into_iter().fold(Change::new(), |change, kind| change.remove(self.key(kind, agent, name)))
    }
}

impl OutboxRecord {
    pub(crate) fn stage(&self) -> Stage<'_> {
        Stage { queue: self.queue.as_ref(), outcome: &self.outcome }
    }

    pub(super) fn encoded(&self) -> Vec<u8> {
        encode(&Stored::from(self))
    }

    pub(super) fn decoded(name: &str, key: &str, bytes: &[u8]) -> Result<Self, Error> {
        decode::<Stored<'_>>(key, bytes)?.into_record(name.to_owned(), key)
    }
}

impl<'a> From<&'a OutboxRecord> for Stored<'a> {
    fn from(record: &'a OutboxRecord) -> Self {
        let age = record.created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            content: record.content.as_deref().map(Cow::Borrowed),
            key: record.key.as_deref().map(Cow::Borrowed),
            message_id: Cow::Borrowed(record.message_id.as_str()),
            recipients: Cow::Borrowed(&record.recipients),
            created: age.as_secs(),
            outcome: Cow::Borrowed(&record.outcome),
            queue: record.queue.as_ref().map(Cow::Borrowed),
        }
    }
}

impl Stored<'_> {
    fn into_record(self, name: String, key: &str) -> Result<OutboxRecord, Error> {
        let message_id = self.message_id.parse().map_err(|_| {
            Error::new(ErrorKind::Unexpected, "read state", key).with_detail("the stored Message-ID is none")
        })?;
        Ok(OutboxRecord {
            name,
            content: self.content.map(Cow::into_owned),
            key: self.key.map(Cow::into_owned),
            message_id,
            recipients: self.recipients.into_owned(),
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(self.created),
            outcome: self.outcome.into_owned(),
            queue: self.queue.map(Cow::into_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::Claim;
    use crate::journal::{AgentRecord, Phase};
    use crate::{MemoryState, Way};

    fn ada(claim: u128) -> AgentRecord {
        AgentRecord {
            id: "ada".parse().unwrap(),
            address: "ada@a.example".parse().unwrap(),
            claim: Claim::of_random(claim),
            phase: Phase::Active,
            created: SystemTime::UNIX_EPOCH,
            way: Way::Mailbox,
            birth: None,
            moving: None,
        }
    }

    fn record(text: &str) -> OutboxRecord {
        OutboxRecord {
            name: "k1".to_owned(),
            content: Some(text.to_owned()),
            key: Some("key".to_owned()),
            message_id: "1@a.example".parse().unwrap(),
            recipients: vec!["b@b.example".parse().unwrap()],
            created: SystemTime::UNIX_EPOCH,
            outcome: Outcome::Open,
            queue: None,
        }
    }

    #[tokio::test]
    async fn an_agent_that_changed_since_it_was_seen_is_looked_at_again() {
        let journal = Journal::new(Arc::new(MemoryState::default()), "a.example".parse().unwrap());
        let (agent, now) = (ada(1), SystemTime::UNIX_EPOCH);
        journal.begin_agent(&agent).await.unwrap();
        let hers = journal.of(&agent.claim);
        hers.close_outbox(&agent.id, record("one").stage(), &record("one"), now, None).await.unwrap();
        let moved = AgentRecord { way: Way::Hub, ..agent.clone() };
        journal.note_move(&agent, &moved).await.unwrap();
        hers.close_outbox(&agent.id, record("one").stage(), &record("two"), now, None).await.unwrap();
        assert_eq!(hers.outbox_entry(&agent.id, "k1").await.unwrap(), Some(record("two")));
    }

    #[tokio::test]
    async fn what_ends_after_its_agent_leaves_nothing_to_a_later_one() {
        let journal = Journal::new(Arc::new(MemoryState::default()), "a.example".parse().unwrap());
        let (first, second) = (ada(1), ada(2));
        journal.begin_agent(&first).await.unwrap();
        let now = SystemTime::UNIX_EPOCH;
        let hers = journal.of(&first.claim);
        hers.close_outbox(&first.id, record("first").stage(), &record("first"), now, None).await.unwrap();
        assert!(journal.outbox_entry(&first.id, "k1").await.unwrap().is_some());
        let retiring = journal.enter(first, Phase::Retiring).await.unwrap();
        hers.close_outbox(&retiring.id, record("late").stage(), &record("late"), now, None).await.unwrap();
        journal.forget_agent(&retiring, None).await.unwrap();
        hers.close_outbox(&retiring.id, record("late").stage(), &record("late"), now, None).await.unwrap();
        assert_eq!(journal.outbox_entry(&retiring.id, "k1").await.unwrap(), None);

        journal.begin_agent(&second).await.unwrap();
        hers.close_outbox(&second.id, record("late").stage(), &record("late"), now, None).await.unwrap();
        assert_eq!(journal.outbox_entry(&second.id, "k1").await.unwrap(), None);
        journal
            .of(&second.claim)
            .close_outbox(&second.id, record("second").stage(), &record("second"), now, None)
            .await
            .unwrap();
        hers.drop_unsent(&second.id, &record("late"), Usage::default(), now).await.unwrap();
        hers.drop_outbox(&second.id, "k1").await.unwrap();
        assert_eq!(journal.outbox_entry(&second.id, "k1").await.unwrap(), Some(record("second")));
    }
}
