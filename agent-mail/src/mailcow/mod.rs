//! A Mailcow server (feature `mailcow`).

mod admin;
mod aliases;
mod domains;
mod forwards;
mod mailboxes;
mod provisioner;
mod relays;
mod spam;
mod survey;

use std::fmt::Display;
use std::num::NonZeroU32;
use std::sync::Arc;

use mail_access::{Address, DomainName};
use mailcow_api::{Client, Error as MailcowError, MailboxAddress, ProblemKind, RateFrame, RateLimit};
use tokio::sync::Mutex;

use crate::{Error, ErrorKind};

/// A [`Provisioner`](crate::backend::Provisioner) and a [`MailAdmin`](crate::backend::MailAdmin) over the Mailcow API.
///
/// As a provisioner:
/// - A mailbox is ours if it carries the tag `agent-mail-<claim>`.
/// - The agent logs in with an app password that is good for IMAP and SMTP only; the mailbox's own password is random
///   and known to nobody, so that the agent's secret opens no web interface.
/// - A domain that is not there is made with room for 100 000 mailboxes of at most 10 GiB each. To have other limits,
///   make it beforehand: a domain that is there is left as it is.
///
/// A new mailbox costs four reads and two writes; on Mailcow a write's cost grows with the mailboxes of the domain.
///
/// As an administrator:
/// - A mailbox is a plan's if it carries the tag `agent-mail-plan`.
/// - A forward is a sieve filter before that of the user, known by its description. Mailcow runs one such filter of a
///   mailbox: where another one runs already, it is left and the answer is
///   [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
/// - A relay is a relay host of Mailcow, shared by all domains that name the same host, port and user. One that was made
///   here is noted by a tag of each domain that uses it, and goes when nothing uses it any more.
/// - Another name of a domain gets a copy of the domain's key.
/// - A survey takes nine or ten reads, however many mailboxes there are.
///
/// Each change looks before it writes, and one whose outcome is unknown is looked up.
#[derive(Clone, Debug)]
pub struct Mailcow {
    client: Client,
    /// Held by who changes relays: one that is new is used by nobody for a moment.
    relays: Arc<Mutex<()>>,
}

impl Mailcow {
    /// Wraps a client.
    pub fn new(client: Client) -> Self {
        Self { client, relays: Arc::default() }
    }
}

fn mailbox_address(address: &Address) -> Result<MailboxAddress, Error> {
    address.to_string().parse().map_err(|error| lift(error, "name mailbox", address))
}

fn domain_name(domain: &DomainName) -> Result<mailcow_api::DomainName, Error> {
    domain.as_str().parse().map_err(|error| lift(error, "name domain", domain))
}

fn hourly(messages: Option<u32>) -> Option<RateLimit> {
    messages.and_then(NonZeroU32::new).map(|value| RateLimit::new(value, RateFrame::Hour))
}

/// The mailbox is known to be ours: whatever else exists already doesn't make it somebody else's.
fn lift_ours(error: MailcowError, operation: &'static str, subject: &Address) -> Error {
    let kind = match kind(&error) {
        ErrorKind::AlreadyExists => ErrorKind::Rejected,
        other => other,
    };
    lift_as(kind, error, operation, subject)
}

fn lift(error: MailcowError, operation: &'static str, subject: impl Display) -> Error {
    lift_as(kind(&error), error, operation, subject)
}

fn lift_as(kind: ErrorKind, error: MailcowError, operation: &'static str, subject: impl Display) -> Error {
    // Each call looks at what is there before it writes.
    let lifted = Error::new(kind, operation, subject).with_repeatable();
    let lifted = match error.problem() {
        Some(problem) => lifted.with_code(problem.code()).with_fix(problem.fix()),
        None => lifted,
    };
    lifted.with_source(error)
}

fn kind(error: &MailcowError) -> ErrorKind {
    match error {
        MailcowError::InvalidInput { .. } => ErrorKind::InvalidInput,
        MailcowError::Refused { problem, .. } => match problem.kind() {
            ProblemKind::AlreadyExists => ErrorKind::AlreadyExists,
            ProblemKind::NotFound | ProblemKind::AccessDenied => ErrorKind::NotFound,
            _ => ErrorKind::Rejected,
        },
        MailcowError::PartlyDone { .. } if !error.outcome_unknown() => ErrorKind::Rejected,
        MailcowError::Partial { .. } | MailcowError::PartlyDone { .. } | MailcowError::Unknown { .. } => {
            ErrorKind::Interrupted
        }
        MailcowError::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        MailcowError::Unauthenticated { .. } => ErrorKind::Unauthenticated,
        MailcowError::Unavailable { .. } => ErrorKind::Unavailable,
        MailcowError::Unsupported { .. } => ErrorKind::Unsupported,
        _ => ErrorKind::Unexpected,
    }
}
