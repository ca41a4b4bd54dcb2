//! Sending without a note of it.

use mail_access::{NewMessage, Submission};

use super::Receipt;
use super::direct::{examine, gone, pass, refused_by, seal};
use crate::backend::{Change, Committed};
use crate::drafts::Errand;
use crate::mail::lift;
use crate::safety::{self, Cost};
use crate::{AgentMailbox, Error, Usage, observe};

pub(crate) async fn send_unnoted(mailbox: &AgentMailbox, message: NewMessage) -> Result<Receipt, Error> {
    let (inner, id) = (mailbox.inner(), mailbox.id());
    let system = inner.system.system();
    let begun = system.chance.now();
    let (message, cost) = examine(mailbox, message, &Errand::default()).await?;
    let message = seal(mailbox, message, begun)?;
    pass(mailbox, message.recipients()).await?;
    match cost {
        Some(cost) => Box::pin(charge(mailbox, &cost)).await?,
        None if inner.journal.is_active(id).await? => {}
        None => return Err(gone(mailbox)),
    }
    match inner.login.submit(&*system.mail, &message).await {
        Ok(Submission { accepted, refused, .. }) => {
            let step = Usage::of_submission(accepted.len(), refused.len());
            observe::counted(&step, begun, system.chance.now());
            Ok(Receipt::new(message.message_id().clone(), accepted, refused))
        }
        Err(source) => {
            let refused = refused_by(&source, message.recipients().len());
            observe::counted(&refused, begun, begun);
            Err(lift(source, "send", id))
        }
    }
}

/// Takes what a message costs, while the agent is there.
async fn charge(mailbox: &AgentMailbox, cost: &Cost) -> Result<(), Error> {
    loop {
        match safety::commit(mailbox, std::slice::from_ref(cost), Change::new()).await? {
            Some(Committed::Done) => return Ok(()),
            Some(Committed::Conflict) => {}
            None => return Err(gone(mailbox)),
        }
    }
}
