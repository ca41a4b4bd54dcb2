//! What was sent, by Message-ID: what delivery reports, complaints and answers are matched with.
//!
//! `<period>/<fingerprint of the Message-ID>` holds an entry, `period` the latest period. A period is as long as entries
//! are kept at least; when one begins, all before the one before are dropped. An entry takes about 250 bytes with its
//! key, and 40 for each recipient beyond the first.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use mail_access::{Address, MessageId};
use serde::{Deserialize, Serialize};

use super::queue::{millis, time};
use super::{Fingerprint, Journal, OutboxRecord, encode};
use crate::backend::Change;
use crate::{AgentId, Error};

/// A message that was sent, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentRecord {
    /// The name of its entry in the outbox, which is there no more if it had no key.
    pub(crate) name: String,
    /// The caller's key, where one was given.
    pub(crate) key: Option<String>,
    /// All whom it is for.
    pub(crate) recipients: Vec<Address>,
    /// When it was first tried.
    pub(crate) time: SystemTime,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    recipients: Cow<'a, [Address]>,
    time: u64,
}

impl Journal {
    /// Finds a message of an agent by its identity, as long as it is remembered.
    pub(crate) async fn sent(&self, agent: &AgentId, id: &MessageId) -> Result<Option<SentRecord>, Error> {
        let stored = match self.sent_key(agent, id).await? {
            Some(key) => self.read::<Stored<'_>>(&key).await?,
            None => None,
        };
        Ok(stored.map(|stored| SentRecord {
            name: stored.name.into_owned(),
            key: stored.key.map(Cow::into_owned),
            recipients: stored.recipients.into_owned(),
            time: time(stored.time),
        }))
    }

    /// Adds to a change that a message is about to be sent.
    pub(super) async fn index_sent(
        &self,
        mut change: Change,
        agent: &AgentId,
        record: &OutboxRecord,
        now: SystemTime,
    ) -> Result<Change, Error> {
        let latest = self.latest_period(agent).await?;
        // A clock that goes back must not put it where nobody looks.
        let period = self.period(now).max(latest.unwrap_or(0));
        if latest != Some(period) {
            let prefix = self.key("sent", agent, "");
            for (key, _) in self.store.scan(&prefix).await? {
                let of = key[prefix.len()..].split_once('/').and_then(|(of, _)| of.parse::<u64>().ok());
                if of.is_some_and(|of| of + 1 < period) {
                    change = change.remove(key);
                }
            }
            change = change.put(self.key("sent", agent, "period"), encode(&period));
        }
        let stored = Stored {
            name: Cow::Borrowed(&record.name),
            key: record.key.as_deref().map(Cow::Borrowed),
            recipients: Cow::Borrowed(&record.recipients),
            time: millis(now),
        };
        Ok(change.put(self.place(agent, period, &record.message_id), encode(&stored)))
    }

    /// Adds to a change that a message is known not to have been sent.
    pub(super) async fn unindex_sent(
        &self,
        change: Change,
        agent: &AgentId,
        id: &MessageId,
    ) -> Result<Change, Error> {
        Ok(match self.sent_key(agent, id).await? {
            Some(key) => change.remove(key),
            None => change,
        })
    }

    async fn sent_key(&self, agent: &AgentId, id: &MessageId) -> Result<Option<String>, Error> {
        let Some(latest) = self.latest_period(agent).await? else { return Ok(None) };
        for period in [Some(latest), latest.checked_sub(1)].into_iter().flatten() {
            let key = self.place(agent, period, id);
            if self.store.get(&key).await?.is_some() {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    async fn latest_period(&self, agent: &AgentId) -> Result<Option<u64>, Error> {
        self.read(&self.key("sent", agent, "period")).await
    }

    fn period(&self, now: SystemTime) -> u64 {
        millis(now) / self.sent_kept.max(Duration::from_secs(1)).as_millis().try_into().unwrap_or(u64::MAX)
    }

    fn place(&self, agent: &AgentId, period: u64, id: &MessageId) -> String {
        let print = Fingerprint::of(id.as_str().as_bytes());
        self.key("sent", agent, format_args!("{period:010}/{print}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::MemoryState;
    use crate::backend::StateStore;
    use crate::journal::Outcome;

    #[tokio::test]
    async fn what_was_sent_is_remembered_for_its_time_and_then_forgotten() {
        let store = Arc::new(MemoryState::default());
        let journal = Journal::new(store.clone(), "a.example".parse().unwrap())
            .with_sent_kept(Duration::from_secs(100));
        let ada: AgentId = "ada".parse().unwrap();
        let send = async |at: u64| {
            let id: MessageId = format!("{at}@a.example").parse().unwrap();
            let record = OutboxRecord {
                name: format!("m{at}"),
                content: None,
                key: Some("key".to_owned()),
                message_id: id,
                recipients: vec!["b@b.example".parse().unwrap()],
                created: time(0),
                outcome: Outcome::Open,
                queue: None,
            };
            let change = journal.index_sent(Change::new(), &ada, &record, time(at * 1000)).await.unwrap();
            journal.write(change).await.unwrap();
        };
        let known =
            async |at: u64| journal.sent(&ada, &format!("{at}@a.example").parse().unwrap()).await.unwrap();
        for at in [950, 1000, 1099] {
            send(at).await;
        }
        assert_eq!(known(950).await.unwrap().name, "m950");
        assert_eq!(known(1000).await.unwrap().key.as_deref(), Some("key"));
        send(1199).await;
        assert!(known(1000).await.is_some(), "it is 199 seconds old, and kept for 100 to 200");
        assert!(known(950).await.is_none());
        // The clock goes back.
        send(20).await;
        assert_eq!(known(20).await.unwrap().time, time(20_000));
        send(1200).await;
        let left: Vec<_> = store.scan("").await.unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(left.len(), 4, "1199, 20 and 1200, and the period: {left:?}");
        let bytes: usize =
            store.scan("").await.unwrap().iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(bytes < 4 * 250, "{bytes}");

        let id = "1200@a.example".parse().unwrap();
        let change = journal.unindex_sent(Change::new(), &ada, &id).await.unwrap();
        journal.write(change).await.unwrap();
        assert!(known(1200).await.is_none());
    }
}
