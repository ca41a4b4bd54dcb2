//! Where an answer goes: to the author, not to wherever the author says.

use mail_access::{Contact, NewMessage};

use crate::mail::lift;
use crate::{AgentMailbox, Error, ErrorKind, Inbound};

/// Begins an answer to a message, to all who had it but the agent: to the author as [`answer`] does, and in Cc to the
/// others, whom the author chose. A Reply-To is followed as far as that one follows it.
///
/// # Errors
/// As [`answer`].
pub(crate) fn answer_all(mailbox: &AgentMailbox, message: &Inbound) -> Result<NewMessage, Error> {
    let received = message.message().expose();
    let target = target(mailbox, message)?;
    let own = std::slice::from_ref(mailbox.address());
    if target.address.is_same_mailbox(mailbox.address()) {
        let all = NewMessage::reply_all_to(received, own);
        return all.map_err(|source| lift(source, "reply", mailbox.id()));
    }
    let mut answer = NewMessage::answer_to(received, target.clone());
    let mut known = vec![target.address.clone(), mailbox.address().clone()];
    for other in received.to().iter().chain(received.cc()) {
        if !known.iter().any(|known| known.is_same_mailbox(&other.address)) {
            known.push(other.address.clone());
            // The names of others are the author's choice.
            answer = answer.with_cc(other.address.clone());
        }
    }
    Ok(answer)
}

/// Begins an answer to a message, to the one address that it may go to.
///
/// That is the one in From. With a [trusted server](crate::AgentMailBuilder::trusted_server) that one has to be
/// [verified](Inbound::verified_from), unless the policy answers others too; without one nothing is known and From is taken
/// at its word. A Reply-To is followed if it is of the author's domain or the policy allows it; any other is left aside
/// (and is among the [warnings](super::Verdict::warnings)).
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if the message names nobody,
/// [`PermissionDenied`](ErrorKind::PermissionDenied) if nobody vouches for its author.
pub(crate) fn answer(mailbox: &AgentMailbox, message: &Inbound) -> Result<NewMessage, Error> {
    let received = message.message().expose();
    Ok(NewMessage::answer_to(received, target(mailbox, message)?.clone()))
}

fn target<'a>(mailbox: &AgentMailbox, message: &'a Inbound) -> Result<&'a Contact, Error> {
    let system = mailbox.inner().system.system();
    let received = message.message().expose();
    let wrong = |kind, detail| Error::new(kind, "reply", mailbox.id()).with_detail(detail);
    let from = received.from().ok_or_else(|| {
        wrong(ErrorKind::InvalidInput, "the message names no address that an answer could go to")
    })?;
    let policy = system.policy.as_ref();
    let answers_anybody = policy.is_some_and(|policy| policy.answers_unverified);
    if system.trusted.is_some() && !answers_anybody && message.verified_from().is_none() {
        return Err(wrong(ErrorKind::PermissionDenied, "the trusted server doesn't vouch for its author")
            .with_fix(
                "write a new message to an address you know, or allow it by Policy::answering_unverified",
            ));
    }
    let elsewhere = received.reply_to().first().filter(|asked| {
        let is_allowed = |party: &super::Party| party.includes(&asked.address);
        asked.address.domain() == from.address.domain()
            || policy.is_some_and(|policy| policy.answers_elsewhere.iter().any(is_allowed))
    });
    Ok(elsewhere.unwrap_or(from))
}
