//! What agents note for themselves: `notes/<agent>/<key of the agent's own>`.

use super::Journal;
use crate::{AgentId, Error};

impl Journal {
    pub(crate) async fn note(&self, agent: &AgentId, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.get(&self.note_key(agent, key)).await
    }

    pub(crate) fn note_key(&self, agent: &AgentId, key: &str) -> String {
        self.key("notes", agent, key)
    }
}
