//! What a fleet remembers: which agents are paused, and which addresses are not given again yet.

use std::time::{Duration, SystemTime};

use super::{Journal, millis, time};
use crate::backend::Change;
use crate::{AgentId, Error};

impl Journal {
    /// Returns the agents that are paused, and whether the fleet as a whole is.
    pub(crate) async fn paused(&self) -> Result<(Vec<AgentId>, bool), Error> {
        let prefix = format!("{}/fleet/", self.domain);
        let found = self.store.scan(&prefix).await?;
        let paused = found.iter().filter_map(|(key, _)| key[prefix.len()..].strip_suffix("/paused"));
        let all = self.store.get(&self.all_paused_key()).await?.is_some();
        Ok((paused.filter_map(AgentId::decode).collect(), all))
    }

    /// Notes that an agent is paused, or not any more. Of an agent that isn't there nothing is noted.
    pub(crate) async fn note_paused(&self, agent: &AgentId, paused: bool) -> Result<(), Error> {
        let key = self.key("fleet", agent, "paused");
        let change = Change::new();
        let change = if paused { change.put(key, "") } else { change.remove(key) };
        while self.commit_while_active(agent, change.clone()).await?
            == Some(crate::backend::Committed::Conflict)
        {}
        Ok(())
    }

    pub(crate) async fn note_all_paused(&self, paused: bool) -> Result<(), Error> {
        let (key, change) = (self.all_paused_key(), Change::new());
        self.write(if paused { change.put(key, "") } else { change.remove(key) }).await
    }

    /// Returns the agents that have events of the journal which nobody acknowledged.
    pub(crate) async fn with_happened(&self) -> Result<Vec<AgentId>, Error> {
        let prefix = format!("{}/{}/", self.domain, super::happened::HAPPENED);
        let mut agents = Vec::new();
        for (key, _) in self.store.scan(&prefix).await? {
            let agent = key[prefix.len()..].split('/').next().and_then(AgentId::decode);
            if agent.is_some() && agents.last() != agent.as_ref() {
                agents.extend(agent);
            }
        }
        Ok(agents)
    }

    /// Adds to the change that forgets an agent that its address is not given again before a time.
    pub(super) fn entomb(&self, change: Change, agent: &AgentId, until: SystemTime) -> Change {
        change.put(self.tombstone_key(agent), millis(until).to_string())
    }

    /// Returns how long the address of an agent isn't given again, if it isn't. A tombstone that is over is removed.
    pub(crate) async fn tombstone(
        &self,
        agent: &AgentId,
        now: SystemTime,
    ) -> Result<Option<Duration>, Error> {
        let key = self.tombstone_key(agent);
        let Some(bytes) = self.store.get(&key).await? else { return Ok(None) };
        let until = String::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).map(time);
        match until.and_then(|until| until.duration_since(now).ok()).filter(|left| !left.is_zero()) {
            Some(left) => Ok(Some(left)),
            None => self.write(Change::new().remove(key)).await.map(|()| None),
        }
    }

    fn all_paused_key(&self) -> String {
        format!("{}/fleet-paused", self.domain)
    }

    /// It outlives the agent, and so it is of a kind that isn't forgotten with one.
    fn tombstone_key(&self, agent: &AgentId) -> String {
        self.key("tombstone", agent, "")
    }
}
