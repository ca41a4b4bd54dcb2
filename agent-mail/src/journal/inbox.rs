//! How far an agent has read: its place in the INBOX, what was handed out, what was handled.
//!
//! - `position`: everything up to here was handed out or skipped.
//! - `pending/<uidvalidity>-<uid>`: handed out and not acknowledged.
//! - `known/<fingerprint>`: `o` for handed out, `h` for handled, by content and by Message-ID. It outlives a new
//!   UIDVALIDITY, and grows by about 200 bytes with each message.

use mail_access::{MessageId, Position, Received, Uid};
use serde::{Deserialize, Serialize};

use super::{Journal, encode, fingerprint};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error};

/// What tells that two messages are the same: their bytes, and the Message-ID that a copy shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    content: String,
    message_id: Option<String>,
}

impl Identity {
    pub(crate) fn of(message: &Received) -> Self {
        Self {
            content: fingerprint(message.raw()),
            message_id: message.message_id().map(|id: &MessageId| fingerprint(id.as_str().as_bytes())),
        }
    }

    /// Tells whether one may be a copy of the other.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.content == other.content || (self.message_id.is_some() && self.message_id == other.message_id)
    }
}

/// What is known of a message that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    New,
    /// It, or one with its Message-ID, was handed out before.
    Offered,
    /// It was handed out and acknowledged.
    Handled,
}

/// Where the reading of an INBOX stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inbox {
    pub(crate) position: Option<Position>,
    /// Handed out and not acknowledged, in the position's UIDVALIDITY.
    pub(crate) pending: Vec<(Uid, Identity)>,
}

#[derive(Serialize, Deserialize)]
struct StoredPosition {
    uid_validity: u32,
    uid: u32,
}

impl Journal {
    pub(crate) async fn inbox(&self, agent: &AgentId) -> Result<Inbox, Error> {
        let position = self.position(agent).await?;
        let mut pending = Vec::new();
        if let Some(position) = position {
            let prefix = self.key("inbox", agent, &format!("pending/{:010}-", position.uid_validity));
            for (key, bytes) in self.store.scan(&prefix).await? {
                if let Some(uid) = key[prefix.len()..].parse().ok().and_then(Uid::new) {
                    pending.push((uid, super::decode(&key, &bytes)?));
                }
            }
        }
        Ok(Inbox { position, pending })
    }

    pub(crate) async fn position(&self, agent: &AgentId) -> Result<Option<Position>, Error> {
        let stored: Option<StoredPosition> = self.read(&self.key("inbox", agent, "position")).await?;
        Ok(stored.map(|StoredPosition { uid_validity, uid }| Position { uid_validity, uid }))
    }

    pub(crate) async fn known(&self, agent: &AgentId, identity: &Identity) -> Result<Known, Error> {
        match self.store.get(&self.known_key(agent, &identity.content)).await?.as_deref() {
            Some(HANDLED) => return Ok(Known::Handled),
            Some(_) => return Ok(Known::Offered),
            None => {}
        }
        match &identity.message_id {
            Some(id) if self.store.get(&self.known_key(agent, id)).await?.is_some() => Ok(Known::Offered),
            _ => Ok(Known::New),
        }
    }

    /// Notes that messages are about to be handed out and that the reading goes on behind `to`.
    ///
    /// `Conflict` says that another reader of this mailbox was there meanwhile; nothing was noted.
    pub(crate) async fn offer(
        &self,
        agent: &AgentId,
        from: Option<Position>,
        to: Position,
        offered: &[(Uid, Identity)],
    ) -> Result<Committed, Error> {
        let key = self.key("inbox", agent, "position");
        let stored = |at: Position| encode(&StoredPosition { uid_validity: at.uid_validity, uid: at.uid });
        let mut change = Change::new().expect(&key, from.map(stored)).put(&key, stored(to));
        if from.is_some_and(|from| from.uid_validity != to.uid_validity) {
            // Their numbers mean nothing any more; what they were stays known by content.
            for (old, _) in self.store.scan(&self.key("inbox", agent, "pending/")).await? {
                change = change.remove(old);
            }
        }
        for (uid, identity) in offered {
            change = change.put(self.pending_key(agent, to.uid_validity, *uid), encode(identity));
            for print in std::iter::once(&identity.content).chain(&identity.message_id) {
                let key = self.known_key(agent, print);
                if self.store.get(&key).await?.is_none() {
                    change = change.expect(&key, None).put(key, OFFERED);
                }
            }
        }
        self.store.commit(change).await
    }

    /// Notes that a message was handled; safe to repeat.
    pub(crate) async fn settle(
        &self,
        agent: &AgentId,
        uid_validity: u32,
        uid: Uid,
        identity: &Identity,
    ) -> Result<(), Error> {
        let mut change = Change::new().remove(self.pending_key(agent, uid_validity, uid));
        for print in std::iter::once(&identity.content).chain(&identity.message_id) {
            change = change.put(self.known_key(agent, print), HANDLED);
        }
        self.write(change).await
    }

    /// Drops messages from those handed out that are gone from the mailbox.
    pub(crate) async fn drop_pending(
        &self,
        agent: &AgentId,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        let gone = |change: Change, uid: &Uid| change.remove(self.pending_key(agent, uid_validity, *uid));
        self.write(uids.iter().fold(Change::new(), gone)).await
    }

    fn pending_key(&self, agent: &AgentId, uid_validity: u32, uid: Uid) -> String {
        self.key("inbox", agent, &format!("pending/{uid_validity:010}-{:010}", uid.get()))
    }

    fn known_key(&self, agent: &AgentId, print: &str) -> String {
        self.key("inbox", agent, &format!("known/{print}"))
    }
}

const OFFERED: &[u8] = b"o";
const HANDLED: &[u8] = b"h";
