//! Changes of passwords that are under way.

use serde::{Deserialize, Serialize};

use super::{Journal, decode, encode};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error, ErrorKind};

/// How far a change of an agent's password is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RotationRecord {
    /// By what the mail system knows the new password.
    pub(crate) label: String,
    /// Whether it works and is in the secret store.
    pub(crate) stored: bool,
}

impl Journal {
    pub(crate) async fn rotation(&self, id: &AgentId) -> Result<Option<RotationRecord>, Error> {
        self.read(&self.rotation_key(id)).await
    }

    /// Returns the agents whose passwords are being changed.
    pub(crate) async fn rotations(&self) -> Result<Vec<AgentId>, Error> {
        let prefix = format!("{}/rotation/", self.domain);
        let found = self.store.scan(&prefix).await?;
        let ids = found.iter().filter_map(|(key, bytes)| {
            let encoded = key.strip_prefix(&prefix)?.strip_suffix('/')?;
            Some(decode::<RotationRecord>(key, bytes).map(|_| AgentId::decode(encoded)))
        });
        Ok(ids.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Notes how far a change is, or with `None` that it is over.
    pub(crate) async fn note_rotation(
        &self,
        id: &AgentId,
        record: Option<&RotationRecord>,
    ) -> Result<(), Error> {
        let key = self.rotation_key(id);
        let change = match record {
            Some(record) => Change::new().put(key, encode(record)),
            None => Change::new().remove(key),
        };
        // Nothing of an agent outlives it.
        if let Some(change) = self.while_active(id, change).await?
            && self.store.commit(change).await? == Committed::Done
        {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotReady, "write state", id)
            .with_detail("another call has provisioned or retired the agent meanwhile"))
    }

    fn rotation_key(&self, id: &AgentId) -> String {
        self.key("rotation", id, "")
    }
}
