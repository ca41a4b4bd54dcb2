//! What a message is to the agent.

use super::reports;
use crate::safety::{self, Admitted};
use crate::{AgentMailbox, Error, EventKind, Inbound};

/// Finds out what a message is, asks the checks about it and tells the rules of it; `None` if the agent is not to get it.
pub(super) async fn judged(mailbox: &AgentMailbox, message: &Inbound) -> Result<Option<EventKind>, Error> {
    let kind = match reports::matched(mailbox, message).await? {
        Some(kind) => kind,
        None => match safety::admit(mailbox, message.clone()).await? {
            Admitted::Delivered(message) => EventKind::Received(Box::new(message)),
            Admitted::Dropped => return Ok(None),
        },
    };
    safety::observe(mailbox, &kind).await?;
    Ok(Some(kind))
}
