//! Where an event stands, and how it is acknowledged there.

use mail_access::{Position, Uid};

use crate::backend::{Change, Committed};
use crate::journal::{Identity, Journal};
use crate::{AgentId, Error};

/// Where the journal knows an event by.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A message of the INBOX.
    Inbox(Position, Identity),
    /// A record of the journal, by its key.
    Journal(String),
    /// A message in the journal, which never was in the INBOX.
    Letter(String, Identity),
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
            Self::Letter(..) => {
                while let Some(change) = self.settled_once(journal, agent).await? {
                    if journal.commit_while_active(agent, change).await? != Some(Committed::Conflict) {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// Names the event, in this run of the program and in later ones.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Inbox(_, identity) | Self::Letter(_, identity) => identity.content(),
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
            Self::Letter(key, identity) => {
                let settled = journal.noted_settled_once(key).await?;
                Ok(settled.map(|change| journal.known_handled(change, agent, identity)))
            }
        }
    }
}
