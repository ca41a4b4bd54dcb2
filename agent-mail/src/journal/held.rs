//! Messages that wait for somebody's decision: `held/<agent>/<id>` is how it stands with one, and
//! `held-bytes/<agent>/<id>/<revision>` what it says. Both stay after the decision, to be looked up.

use mail_access::NewMessage;
use serde::{Deserialize, Serialize};

use super::{Journal, decode, encode};
use crate::backend::{Change, Committed};
use crate::outbox::Wish;
use crate::{AgentId, Error, ErrorKind, Overdue};

/// How it stands with a message that is or was held. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HeldRecord {
    /// Why it is held, for the person who decides.
    pub(crate) reason: String,
    /// The name of the check that held it; none knows itself in what an earlier version wrote.
    #[serde(default)]
    pub(crate) held_by: String,
    /// The names of those that had passed it.
    #[serde(default)]
    pub(crate) passed: Vec<String>,
    pub(crate) asked: u64,
    /// When the time for a decision is over, and what happens then.
    pub(crate) due: Option<(u64, Overdue)>,
    /// How it was to be sent.
    pub(crate) wish: Wish,
    /// What the caller's content was, where a key was given.
    pub(crate) content: Option<String>,
    /// Who wrote each form of it, and when; the first is the agent's.
    pub(crate) revisions: Vec<(String, u64)>,
    pub(crate) decision: Option<StoredDecision>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredDecision {
    pub(crate) outcome: StoredOutcome,
    /// Nobody where the time was over.
    pub(crate) by: Option<String>,
    pub(crate) reason: String,
    pub(crate) at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StoredOutcome {
    /// It went into the outbox with this Message-ID.
    Approved(String),
    /// It waits for another decision, by this name.
    PassedOn(String),
    Rejected,
}

/// A record as it was read, so that nobody else's change of it is overwritten.
#[derive(Clone, Debug)]
pub(crate) struct KeptHeld {
    pub(crate) record: HeldRecord,
    bytes: Vec<u8>,
}

impl Journal {
    /// Makes a change and notes a message that is held with it, unless one of its name is there. `None` if the agent is not.
    pub(crate) async fn hold(
        &self,
        change: Change,
        agent: &AgentId,
        name: &str,
        record: &HeldRecord,
        message: &NewMessage,
    ) -> Result<Option<Committed>, Error> {
        let key = self.key("held", agent, name);
        let change = change
            .expect(&key, None)
            .put(&key, encode(record))
            .put(self.form_key(agent, name, 1), message.canonical());
        self.commit_while_active(agent, change).await
    }

    pub(crate) async fn held(&self, agent: &AgentId, name: &str) -> Result<Option<KeptHeld>, Error> {
        let key = self.key("held", agent, name);
        let Some(bytes) = self.store.get(&key).await? else { return Ok(None) };
        Ok(Some(KeptHeld { record: decode(&key, &bytes)?, bytes }))
    }

    /// Returns all that are or were held, of one agent or of all.
    pub(crate) async fn all_held(
        &self,
        of: Option<&AgentId>,
    ) -> Result<Vec<(AgentId, String, HeldRecord)>, Error> {
        let all = format!("{}/held/", self.domain);
        let prefix = of.map_or_else(|| all.clone(), |agent| self.key("held", agent, ""));
        let mut held = Vec::new();
        for (key, bytes) in self.store.scan(&prefix).await? {
            let parts = key[all.len()..].split_once('/');
            if let Some((agent, name)) = parts.and_then(|(id, name)| Some((AgentId::decode(id)?, name))) {
                held.push((agent, name.to_owned(), decode(&key, &bytes)?));
            }
        }
        Ok(held)
    }

    /// Returns what a revision says, counted from 1.
    pub(crate) async fn held_form(
        &self,
        agent: &AgentId,
        name: &str,
        revision: usize,
    ) -> Result<Option<NewMessage>, Error> {
        let key = self.form_key(agent, name, revision);
        let Some(bytes) = self.store.get(&key).await? else { return Ok(None) };
        let message = NewMessage::from_canonical(&bytes).map_err(|source| {
            Error::new(ErrorKind::Unexpected, "read state", &key)
                .with_detail("the stored message can't be understood")
                .with_source(source)
        });
        message.map(Some)
    }

    /// Adds to a change that a record, as it was read, becomes this one.
    pub(crate) fn change_held(
        &self,
        change: Change,
        agent: &AgentId,
        name: &str,
        kept: &KeptHeld,
        record: &HeldRecord,
    ) -> Change {
        let key = self.key("held", agent, name);
        change.expect(&key, Some(kept.bytes.clone())).put(key, encode(record))
    }

    /// Makes the change by which a record gets another form of its message, the last of its revisions.
    pub(crate) fn revise_held(
        &self,
        agent: &AgentId,
        name: &str,
        kept: &KeptHeld,
        record: &HeldRecord,
        message: &NewMessage,
    ) -> Change {
        let change = self.change_held(Change::new(), agent, name, kept, record);
        change.put(self.form_key(agent, name, record.revisions.len()), message.canonical())
    }

    /// Makes the change that forgets a record, as it was read, with all its revisions.
    pub(crate) fn forget_held(&self, agent: &AgentId, name: &str, kept: &KeptHeld) -> Change {
        let key = self.key("held", agent, name);
        let change = Change::new().expect(&key, Some(kept.bytes.clone())).remove(key);
        (1..=kept.record.revisions.len())
            .fold(change, |change, revision| change.remove(self.form_key(agent, name, revision)))
    }

    fn form_key(&self, agent: &AgentId, name: &str, revision: usize) -> String {
        self.key("held-bytes", agent, format_args!("{name}/{revision:06}"))
    }
}
