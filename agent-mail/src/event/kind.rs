use mail_access::{Address, MessageId};

use crate::{Inbound, Untrusted};

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A message came in.
    Received(Box<Inbound>),
    /// The mail system has taken charge of a message of this agent, for these recipients.
    Sent(SendReport),
    /// A message of this agent is not delivered yet and is tried again, by the outbox or by a mail server.
    Deferred(SendReport),
    /// A message of this agent was not taken in the time it was given, for these recipients, and isn't tried any more. If no
    /// courier ran in that time it was never tried; a result without words tells that.
    Expired(SendReport),
    /// The mail system refused a message of this agent for these recipients, for good.
    Refused(SendReport),
    /// Nobody can tell whether a message of this agent was taken for these recipients, and it isn't tried any more.
    Unconfirmed(SendReport),
    /// A message of this agent was taken and couldn't be delivered to these recipients after all (RFC 3464).
    Bounced(SendReport),
    /// A recipient of a message of this agent complained about it (RFC 5965).
    Complaint(SendReport),
    /// The mail system has numbered the mailbox anew. What was handled is not handed out again. It is told when the mailbox is
    /// read next, before the mail in it.
    MailboxReset {
        /// The UIDVALIDITY before.
        before: u32,
        /// The UIDVALIDITY from now on.
        now: u32,
    },
}

/// What became of a message that was sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SendReport {
    /// The message's identity, as its [`Receipt`](crate::Receipt) names it.
    pub message_id: MessageId,
    /// The key that the caller sent it with, if any.
    pub key: Option<String>,
    /// The recipients that this is about, and what was said of each.
    pub recipients: Vec<RecipientResult>,
    /// The mail by which it is known, for what a mail server reported later.
    pub report: Option<Box<Inbound>>,
}

/// What was said of one recipient of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientResult {
    /// Who was to get it, as the sender named them.
    pub recipient: Address,
    /// The reply code (RFC 5321 section 4.2) or the first digit of the status in hundreds, if one was given: 250, 450, 550.
    pub code: Option<u16>,
    /// The enhanced status code (RFC 3463), if one was given.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The words of the server.
    pub text: Untrusted<String>,
}

impl SendReport {
    /// Makes a report of its parts.
    pub fn new(message_id: MessageId, recipients: Vec<RecipientResult>) -> Self {
        Self { message_id, key: None, recipients, report: None }
    }
}

impl RecipientResult {
    /// Makes a result without codes and words.
    pub fn new(recipient: Address) -> Self {
        Self { recipient, code: None, enhanced: None, text: Untrusted::new(String::new()) }
    }
}
