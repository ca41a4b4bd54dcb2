//! What a message is to the agent.

use super::reports;
use crate::safety::{self, Admitted};
use crate::{AgentMailbox, Error, EventKind, Inbound};

/// Tells whether anybody is asked or told about messages that come.
pub(super) fn has_judges(mailbox: &AgentMailbox) -> bool {
    let system = mailbox.inner().system.system();
    system.policy.is_some() || !system.inbound.is_empty()
}

/// Finds out what a message is, asks the checks about it and tells the rules of it; `None` if the agent is not to get it.
pub(super) async fn judged(mailbox: &AgentMailbox, message: &Inbound) -> Result<Option<EventKind>, Error> {
    let system = mailbox.inner().system.system();
    // What rules and checks need is large, and most systems have none.
    let kind = match reports::matched(mailbox, message).await? {
        Some(kind) => kind,
        None if !has_judges(mailbox) => EventKind::Received(Box::new(message.clone())),
        None => match Box::pin(safety::admit(mailbox, message.clone())).await? {
            Admitted::Delivered(message) => EventKind::Received(Box::new(message)),
            Admitted::Dropped => return Ok(None),
        },
    };
    if system.policy.is_some() {
        Box::pin(safety::observe(mailbox, &kind)).await?;
    }
    Ok(Some(kind))
}
