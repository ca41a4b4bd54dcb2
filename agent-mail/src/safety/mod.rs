//! What stands between an agent that acts by itself and the world: checks on what it sends and on what it gets.

mod checks;
mod policy;
mod suppression;
mod switch;

use mail_access::NewMessage;

pub use checks::{Admission, InboundCheck, Letter, OutboundCheck, Ruling};
pub use policy::Policy;
pub(crate) use suppression::observe;
pub use suppression::{Suppressed, SuppressionReason};
pub(crate) use switch::{STOPPED, may_send};
pub use switch::{Scope, Stop};

use crate::drafts::{self, Errand};
use crate::{AgentMailbox, Error, ErrorKind, Inbound};

/// Asks the checks about a message that is to be sent, and returns it as they leave it.
pub(crate) async fn release(
    mailbox: &AgentMailbox,
    message: NewMessage,
    errand: &Errand,
) -> Result<NewMessage, Error> {
    let checks = &mailbox.inner().system.system().outbound;
    if checks.is_empty() {
        return Ok(message);
    }
    let stopped = |kind, reason| Error::new(kind, "send", mailbox.id()).with_detail(reason);
    let mut letter = Letter::new(mailbox.id().clone(), mailbox.address().clone(), message);
    for (at, check) in checks.iter().enumerate() {
        if errand.released.as_ref().is_some_and(|released| released.passes(at)) {
            continue;
        }
        match check.check(&letter).await? {
            Ruling::Pass => {}
            Ruling::Change(message) => letter.message = *message,
            Ruling::Hold(reason) => {
                return Err(drafts::hold(mailbox, &letter.message, errand, at, reason, None).await?);
            }
            Ruling::HoldFor { reason, at_most, then } => {
                let time_out = Some((at_most, then));
                return Err(drafts::hold(mailbox, &letter.message, errand, at, reason, time_out).await?);
            }
            Ruling::Later(after) => {
                let later = Error::new(ErrorKind::RateLimited, "send", mailbox.id());
                return Err(later.with_retry_after(Some(after)));
            }
            Ruling::Refuse(reason) => {
                return Err(stopped(ErrorKind::PermissionDenied, reason)
                    .with_fix("change the message, or the rules that this agent sends by"));
            }
        }
    }
    Ok(letter.message)
}

/// What the checks say of a message that came in.
pub(crate) enum Admitted {
    Delivered(Inbound),
    Dropped,
}

/// Asks the checks about a message that came in.
pub(crate) async fn admit(mailbox: &AgentMailbox, mut message: Inbound) -> Result<Admitted, Error> {
    for check in &mailbox.inner().system.system().inbound {
        match check.check(mailbox.id(), &message).await? {
            Admission::Deliver => {}
            Admission::Flag(remark) => message = message.with_flag(remark),
            Admission::Drop(reason) => {
                tracing::info!(agent = %mailbox.id(), uid = %message.uid(), reason, "message dropped");
                return Ok(Admitted::Dropped);
            }
        }
    }
    Ok(Admitted::Delivered(message))
}
