//! What stands between an agent that acts by itself and the world: the rules and checks on what it sends and on what it
//! gets.
//!
//! [`Policy`] has the rules; [`OutboundCheck`] and [`InboundCheck`] are checks of the program's own. Whatever the rules,
//! [`stop_sending`](crate::AgentMail::stop_sending) stops an agent, a domain or a fleet.
//!
//! What an agent's code holds is an [`AgentMailbox`], which leads to its own mail and nowhere else:
//!
//! ```
//! use agent_mail::{AgentMailbox, Error, NewMessage};
//!
//! async fn work(mailbox: AgentMailbox) -> Result<(), Error> {
//!     mailbox.send(NewMessage::to(mailbox.address())).await.map(|_| ())
//! }
//! ```
//!
//! It can't name another agent, nor reach the system, a password or a key of an administrator:
//!
//! ```compile_fail,E0599
//! async fn work(mailbox: agent_mail::AgentMailbox) {
//!     let _ = mailbox.open(&"bob".parse().unwrap()).await;
//! }
//! ```
//!
//! ```compile_fail,E0599
//! fn work(mailbox: agent_mail::AgentMailbox) {
//!     let _ = mailbox.password();
//! }
//! ```
//!
//! ```compile_fail,E0616
//! fn work(mailbox: agent_mail::AgentMailbox) {
//!     let _ = &mailbox.0;
//! }
//! ```
//!
//! ```compile_fail,E0624
//! fn work(mailbox: agent_mail::AgentMailbox) {
//!     let _ = mailbox.inner();
//! }
//! ```

mod auto_reply;
mod budget;
mod chain;
mod checks;
mod filters;
mod lists;
mod mirror;
mod pairs;
mod policy;
mod redaction;
mod reply;
mod secrets_in;
mod spending;
mod suppression;
mod switch;
mod verdict;

use mail_access::NewMessage;

pub use auto_reply::{AutoReplies, AutoReply, Silence};
pub use budget::{Budget, Ramp};
use chain::Chain;
pub use checks::{Admission, InboundCheck, Letter, OutboundCheck, Ruling};
pub use lists::{Direction, Party};
pub use policy::Policy;
pub use redaction::Redaction;
pub(crate) use reply::{answer, answer_all};
pub(crate) use spending::{Cost, commit};
pub(crate) use suppression::observe;
pub use suppression::{Suppressed, SuppressionReason};
pub(crate) use switch::{STOPPED, may_send};
pub use switch::{Scope, Stop};
pub use verdict::{Finding, Standing, Verdict, Warning};

use crate::drafts::{self, Errand, Holder};
use crate::{AgentMailbox, Error, ErrorKind, Inbound, observe};

/// Tells whether any check is asked.
pub(crate) fn asks(mailbox: &AgentMailbox) -> bool {
    Chain::of(mailbox.inner().system.system()).len() > 0
}

/// Asks the rules and the checks about a message that is to be sent, and returns it as they leave it, with what it is to be
/// [counted](commit) for.
pub(crate) async fn examine(
    mailbox: &AgentMailbox,
    message: NewMessage,
    errand: &Errand,
) -> Result<(NewMessage, Option<Cost>), Error> {
    let system = mailbox.inner().system.system();
    if system.policy.is_none() && system.outbound.is_empty() {
        return Ok((message, None));
    }
    let chain = Chain::of(system);
    let mut letter = Letter::new(mailbox.id().clone(), mailbox.address().clone(), message);
    if let Some(policy) = &system.policy {
        obey(mailbox, policy, &mut letter, errand, &chain).await?;
    }
    let changed = chain.ask(mailbox, &mut letter, errand, chain.filters..chain.len()).await?;
    if let Some(policy) = system.policy.as_ref().filter(|_| changed) {
        obey(mailbox, policy, &mut letter, errand, &chain).await?;
    }
    let cost = system.policy.as_ref().map(|policy| Cost::of(policy, &letter.message));
    Ok((letter.message, cost))
}

/// Lets a message pass all rules that count nothing.
async fn obey(
    mailbox: &AgentMailbox,
    policy: &Policy,
    letter: &mut Letter,
    errand: &Errand,
    chain: &Chain<'_>,
) -> Result<(), Error> {
    permit(mailbox, policy, &letter.message).await?;
    if chain.ask(mailbox, letter, errand, 0..chain.filters).await? {
        permit(mailbox, policy, &letter.message).await?;
    }
    // Nobody's approval is for a secret.
    if let Some(redaction) = &policy.redaction {
        let own = mailbox.inner().system.system().secrets.get(mailbox.address()).await?;
        let ruling = redaction.judge(&letter.message, own.as_ref());
        let ruling = observe::ruled("redaction", mailbox.id(), ruling);
        let nobody = || Holder { name: String::new(), passed: Vec::new() };
        rule(mailbox, letter, ruling, errand, nobody).await?;
    }
    Ok(())
}

/// Tells whether a message may go to those to whom it is.
async fn permit(mailbox: &AgentMailbox, policy: &Policy, message: &NewMessage) -> Result<(), Error> {
    let system = &mailbox.inner().system;
    let direction = if message.in_reply_to().is_some() { Direction::Reply } else { Direction::Send };
    for recipient in message.recipients() {
        if !policy.lists.allow(direction, recipient) {
            let error = refused(mailbox, format!("the rules don't let it write to {recipient}"));
            return Err(observe::stopped("lists", mailbox.id(), error));
        }
        if let Some(suppressed) = system.suppression(recipient).await? {
            let why = match suppressed.reason {
                SuppressionReason::Bounced => "mail to that address came back",
                SuppressionReason::Complained => "its owner complained",
                SuppressionReason::Unsubscribed => "its owner wants no more mail",
                SuppressionReason::Manual => "somebody decided so",
            };
            let error = refused(mailbox, format!("{recipient} gets no mail: {why}")).with_code("suppressed");
            return Err(observe::stopped("suppression", mailbox.id(), error));
        }
    }
    Ok(())
}

/// Does what a check said, and tells whether that changed the message.
async fn rule(
    mailbox: &AgentMailbox,
    letter: &mut Letter,
    ruling: Ruling,
    errand: &Errand,
    holder: impl FnOnce() -> Holder + Send,
) -> Result<bool, Error> {
    match ruling {
        Ruling::Pass => Ok(false),
        Ruling::Change(message) => {
            letter.message = *message;
            Ok(true)
        }
        Ruling::Hold(reason) => {
            let holding = drafts::hold(mailbox, &letter.message, errand, holder(), reason, None);
            Err(Box::pin(holding).await?)
        }
        Ruling::HoldFor { reason, at_most, then } => {
            let time_out = Some((at_most, then));
            let holding = drafts::hold(mailbox, &letter.message, errand, holder(), reason, time_out);
            Err(Box::pin(holding).await?)
        }
        Ruling::Later(after) => {
            let error = Error::new(ErrorKind::RateLimited, "send", mailbox.id());
            Err(error.with_code(ASK_LATER).with_retry_after(Some(after)))
        }
        Ruling::Refuse(reason) => Err(refused(mailbox, reason)),
    }
}

fn refused(mailbox: &AgentMailbox, reason: String) -> Error {
    Error::new(ErrorKind::PermissionDenied, "send", mailbox.id())
        .with_detail(reason)
        .with_fix("change the message, or the rules that this agent sends by")
}

/// What the rules and checks say of a message that came in.
pub(crate) enum Admitted {
    Delivered(Inbound),
    Dropped,
}

/// Asks the rules and the checks about a message that came in.
pub(crate) async fn admit(mailbox: &AgentMailbox, mut message: Inbound) -> Result<Admitted, Error> {
    let system = mailbox.inner().system.system();
    if let Some(policy) = &system.policy {
        if !lets_in(policy, &message, system.trusted.is_some()) {
            observe::dropped("lists", mailbox, &message);
            tracing::info!(agent = %mailbox.id(), uid = %message.uid(), "message dropped by the rules");
            return Ok(Admitted::Dropped);
        }
        let authors = message.message().expose().all_from();
        if authors.iter().any(|author| author.address.is_same_mailbox(mailbox.address())) {
            message = message.with_flag("the agent's own");
        }
        for warning in message.verdict().warnings {
            message = message.with_flag(warning.to_string());
        }
    }
    for check in &system.inbound {
        match observe::inbound(&**check, mailbox, &message).await? {
            Admission::Deliver => {}
            Admission::Flag(remark) => message = message.with_flag(remark),
            // The reason may repeat what is in the message.
            Admission::Drop(_) => {
                tracing::info!(agent = %mailbox.id(), uid = %message.uid(), "message dropped");
                return Ok(Admitted::Dropped);
            }
        }
    }
    Ok(Admitted::Delivered(message))
}

/// A block counts whoever is named as an author; to be allowed one has to be proven, where the own server can prove it.
fn lets_in(policy: &Policy, message: &Inbound, is_judged: bool) -> bool {
    let authors = message.message().expose().all_from();
    let is_blocked = |author: &mail_access::Contact| policy.lists.block(Direction::Receive, &author.address);
    if authors.iter().any(is_blocked) {
        return false;
    }
    if !policy.lists.has_allowed(Direction::Receive) {
        return true;
    }
    let author = match (is_judged, authors) {
        (true, _) => message.verified_from(),
        (false, [author]) => Some(&author.address),
        (false, _) => None,
    };
    author.is_some_and(|author| policy.lists.allow(Direction::Receive, author))
}

/// The code of the error that says that a check wants to be asked later.
pub(crate) const ASK_LATER: &str = "ask_later";
