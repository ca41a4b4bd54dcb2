//! Where an event stands, and how it is acknowledged there.

use mail_access::{Position, Uid};

use crate::backend::Change;
use crate::journal::{Identity, Journal};
use crate::{AgentId, Error};

/// Where the journal knows an event by.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A message of the INBOX.
    Inbox(Position, Identity),
    /// A record of the journal, by its key.
    Journal(String),
}

impl Place {
    /// Notes that the event was handled; safe to repeat.
    pub(super) async fn settle(&self, journal: &Journal, agent: &AgentId) -> Result<(), Error> {
        match self {
            Self::Inbox(at, identity) => match Uid::new(at.uid) {
                Some(uid) => journal.settle(agent, at.uid_validity, uid, identity).await,
                None => Ok(()),
            },
            Self::Journal(key) => journal.settle_noted(key).await,
        }
    }

    /// Names the event, in this run of the program and in later ones.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Inbox(_, identity) => identity.content(),
            Self::Journal(key) => key,
        }
    }

    /// Makes the change that acknowledges the event if nobody did; `None` if somebody has.
    pub(crate) async fn settled_once(
        &self,
        journal: &Journal,
        agent: &AgentId,
    ) -> Result<Option<Change>, Error> {
        match self {
            Self::Inbox(at, identity) => match Uid::new(at.uid) {
                Some(uid) => journal.settled_once(agent, at.uid_validity, uid, identity).await,
                None => Ok(None),
            },
            Self::Journal(key) => journal.noted_settled_once(key).await,
        }
    }
}
