//! What is noted of agents and threads: `facts/<agent>/<key>`, `thread/<agent>/facts/<thread>/<key>`, and by
//! `thread/<agent>/answer/<fingerprint of a Message-ID>` which answer a message got.

use std::collections::BTreeMap;

use mail_access::MessageId;
use serde_json::Value;

use super::{Fingerprint, Journal, decode, encode};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error, ErrorKind};

impl Journal {
    /// Notes a fact of an agent or of one of its threads, as JSON, or forgets it.
    pub(crate) async fn note_fact(
        &self,
        agent: &AgentId,
        thread: Option<&str>,
        key: &str,
        value: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let key = format!("{}{key}", self.facts_prefix(agent, thread));
        let change = match value {
            Some(value) => Change::new().put(key, value),
            None => Change::new().remove(key),
        };
        loop {
            match self.commit_while_active(agent, change.clone()).await? {
                Some(Committed::Done) => return Ok(()),
                Some(Committed::Conflict) => {}
                None => {
                    return Err(Error::new(ErrorKind::NotFound, "note metadata", agent)
                        .with_detail("the agent was retired"));
                }
            }
        }
    }

    pub(crate) async fn facts(
        &self,
        agent: &AgentId,
        thread: Option<&str>,
    ) -> Result<BTreeMap<String, Value>, Error> {
        let prefix = self.facts_prefix(agent, thread);
        let found = self.store.scan(&prefix).await?;
        found.iter().map(|(key, bytes)| Ok((key[prefix.len()..].to_owned(), decode(key, bytes)?))).collect()
    }

    /// Returns by which Message-ID a message was answered.
    pub(crate) async fn answer(&self, agent: &AgentId, to: &MessageId) -> Result<Option<String>, Error> {
        self.read(&self.answer_key(agent, to)).await
    }

    /// Adds to a change that a message is answered, if it wasn't.
    pub(crate) fn note_answer(
        &self,
        change: Change,
        agent: &AgentId,
        to: &MessageId,
        answer: &MessageId,
    ) -> Change {
        let key = self.answer_key(agent, to);
        change.expect(&key, None).put(key, encode(&answer.as_str()))
    }

    fn answer_key(&self, agent: &AgentId, to: &MessageId) -> String {
        self.key("thread", agent, format_args!("answer/{}", Fingerprint::of(to.as_str().as_bytes())))
    }

    fn facts_prefix(&self, agent: &AgentId, thread: Option<&str>) -> String {
        match thread {
            Some(thread) => self.key("thread", agent, format_args!("facts/{thread}/")),
            None => self.key("facts", agent, ""),
        }
    }
}
