//! What became of a message (RFC 3464, RFC 6533, and what qmail and Exim write instead).

use std::fmt;

use super::header_fields::{groups, named_fields, value_of};
use super::{Attachment, clean};
use crate::{Address, MessageId};

/// A report on the delivery of an earlier message.
///
/// Anyone can send one: believe it only of a message that was sent, by its [`original`](Self::original).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// The Message-ID of the earlier message, if the report has its header.
    pub original: Option<MessageId>,
    /// The envelope's id, if the earlier message was sent with one (RFC 3461 section 4.4).
    pub envelope_id: Option<String>,
    /// The server that tells, without the kind of its name.
    pub reporting_server: Option<String>,
    /// What became of it at each recipient.
    pub recipients: Vec<RecipientReport>,
}

/// What became of a message at one recipient (RFC 3464 section 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientReport {
    /// The address that the message was to be delivered to in the end, without its kind.
    pub final_recipient: String,
    /// The address that it was sent to, if the report says so.
    pub original_recipient: Option<String>,
    /// What was done.
    pub action: DeliveryAction,
    /// The enhanced status code (RFC 3463), `(5, 1, 1)` for 5.1.1.
    pub status: Option<(u8, u16, u16)>,
    /// What the last server said, without the kind of its reply.
    pub diagnostic: Option<String>,
    /// The server that said it.
    pub remote_server: Option<String>,
}

impl RecipientReport {
    /// Returns the address that the message was sent to, as far as it is one.
    pub fn address(&self) -> Option<Address> {
        let original = self.original_recipient.as_deref().and_then(|address| address.parse().ok());
        original.or_else(|| self.final_recipient.parse().ok())
    }

    /// Tells whether the message will never get there: the action is `failed` and the status not a temporary one.
    pub fn is_permanent_failure(&self) -> bool {
        self.action == DeliveryAction::Failed && self.status.is_none_or(|(class, ..)| class == 5)
    }
}

/// What a server did with a message (RFC 3464 section 2.3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeliveryAction {
    /// It gave up.
    Failed,
    /// It could not deliver it yet and goes on trying.
    Delayed,
    /// It delivered it.
    Delivered,
    /// It handed it on to a server that doesn't report.
    Relayed,
    /// It delivered it and sent it on to several others.
    Expanded,
    /// Another word, in lower case.
    Other(String),
}

impl DeliveryAction {
    fn of(word: &str) -> Self {
        // Some servers explain in a comment.
        match word.split(['(', ' ', ';']).next().unwrap_or("").to_ascii_lowercase().as_str() {
            "failed" | "failure" => Self::Failed,
            "delayed" => Self::Delayed,
            "delivered" => Self::Delivered,
            "relayed" => Self::Relayed,
            "expanded" => Self::Expanded,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Writes the word of the report.
impl fmt::Display for DeliveryAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
            Self::Other(word) => word,
        })
    }
}

/// Reads the machine-readable part and the header of the message that came back.
pub(super) fn standard(attachments: &[Attachment]) -> Option<DeliveryReport> {
    let is_status = |file: &&Attachment| {
        matches!(&*file.content_type, "message/delivery-status" | "message/global-delivery-status")
    };
    let status = attachments.iter().find(is_status)?;
    let mut report = DeliveryReport {
        original: original_id(attachments),
        envelope_id: None,
        reporting_server: None,
        recipients: Vec::new(),
    };
    for group in groups(&status.content) {
        let value = |name: &str| {
            let found = group.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        report.envelope_id = report.envelope_id.or_else(|| value("Original-Envelope-Id"));
        report.reporting_server =
            report.reporting_server.or_else(|| value("Reporting-MTA").map(|name| untyped(&name)));
        let original_recipient = value("Original-Recipient").map(|address| recipient(&address));
        // Some servers leave one of the two out.
        let Some(final_recipient) = value("Final-Recipient")
            .map(|address| recipient(&address))
            .or_else(|| original_recipient.clone())
        else {
            continue;
        };
        let status = value("Status").and_then(|status| enhanced(&status));
        let action = match (value("Action"), status) {
            (Some(word), _) => DeliveryAction::of(&word),
            (None, Some((4, ..))) => DeliveryAction::Delayed,
            (None, Some((2, ..))) => DeliveryAction::Delivered,
            (None, _) => DeliveryAction::Failed,
        };
        report.recipients.push(RecipientReport {
            final_recipient,
            original_recipient,
            action,
            status,
            diagnostic: value("Diagnostic-Code").map(|diagnostic| untyped(&diagnostic)),
            remote_server: value("Remote-MTA").map(|name| untyped(&name)),
        });
    }
    (!report.recipients.is_empty()).then_some(report)
}

/// Reads a bounce of qmail (cr.yp.to/proto/qsbmf.txt).
pub(super) fn of_qmail(text: &str) -> Option<DeliveryReport> {
    let begin = text.find("Hi. This is the ")?;
    if begin > MAX_PREFACE {
        return None;
    }
    let (told, returned) = text[begin..].split_once("\n--- ").unwrap_or((&text[begin..], ""));
    let mut recipients = Vec::new();
    for paragraph in told.split("\n\n").skip(1) {
        let Some((address, reason)) =
            paragraph.trim_start().strip_prefix('<').and_then(|rest| rest.split_once(">:"))
        else {
            continue;
        };
        let reason = clean::one_line(reason);
        let code = reason.rfind("(#").and_then(|at| enhanced(&reason[at + 2..]));
        recipients.push(failed(address, code, reason));
    }
    let (_, header) = returned.split_once("\n\n").unwrap_or_default();
    unstandard(recipients, header)
}

/// Reads a bounce of Exim, which names the recipients in a field of the header.
pub(super) fn of_exim(failed_recipients: &[String], text: &str) -> Option<DeliveryReport> {
    if !text.contains("This message was created automatically by mail delivery software") {
        return None;
    }
    let (told, returned) = text
        .split_once("\n------ This is a copy")
        .or_else(|| text.split_once("\n----- This is a copy"))
        .unwrap_or((text, ""));
    let recipients = failed_recipients.iter().filter(|address| !address.is_empty()).map(|address| {
        let behind = told.find(&format!("\n  {address}")).map(|at| &told[at + 3 + address.len()..]);
        let paragraph = behind.and_then(|behind| behind.split("\n\n").next()).unwrap_or("");
        let reason = paragraph.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ");
        let code = reason.split_whitespace().find_map(enhanced);
        failed(address, code, clean::one_line(&reason))
    });
    let (_, header) = returned.split_once("\n\n").unwrap_or_default();
    unstandard(recipients.collect(), header)
}

fn failed(address: &str, status: Option<(u8, u16, u16)>, reason: String) -> RecipientReport {
    RecipientReport {
        final_recipient: clean::one_line(address),
        original_recipient: None,
        action: DeliveryAction::Failed,
        status,
        diagnostic: Some(reason).filter(|reason| !reason.is_empty()),
        remote_server: None,
    }
}

fn unstandard(recipients: Vec<RecipientReport>, header: &str) -> Option<DeliveryReport> {
    let original = value_of(header.trim_start().as_bytes(), "Message-ID").and_then(|id| id.parse().ok());
    (!recipients.is_empty()).then_some(DeliveryReport {
        original,
        envelope_id: None,
        reporting_server: None,
        recipients,
    })
}

/// Finds the Message-ID of what came back with a report.
pub(super) fn original_id(attachments: &[Attachment]) -> Option<MessageId> {
    let mut returned = attachments.iter().filter(|file| {
        matches!(
            &*file.content_type,
            "message/rfc822"
                | "message/global"
                | "text/rfc822-headers"
                | "message/global-headers"
                | "message/rfc822-headers"
        )
    });
    returned.find_map(|file| {
        // A blank line may stand before the header.
        let header = file.content.trim_ascii_start();
        named_fields(header).find(|(name, _)| name.eq_ignore_ascii_case("Message-ID"))?.1.parse().ok()
    })
}

/// Takes the kind off `rfc822; ada@agents.example` and decodes an address of RFC 6533.
pub(super) fn recipient(value: &str) -> String {
    let (kind, address) = value.split_once(';').unwrap_or(("", value));
    let address = address.trim();
    let address = address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address);
    if kind.trim().eq_ignore_ascii_case("utf-8") {
        clean::one_line(&unescaped(address))
    } else {
        address.to_owned()
    }
}

/// Decodes `\x{FC}` (RFC 6533 section 3).
fn unescaped(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\\x{") {
        decoded.push_str(before);
        let character = behind.split_once('}').and_then(|(hex, behind)| {
            let character = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)?;
            Some((character, behind))
        });
        let Some((character, behind)) = character else {
            decoded.push_str("\\x{");
            rest = behind;
            continue;
        };
        decoded.push(character);
        rest = behind;
    }
    decoded.push_str(rest);
    decoded
}

fn untyped(value: &str) -> String {
    match value.split_once(';') {
        Some((kind, name)) if !kind.trim().contains(char::is_whitespace) => name.trim().to_owned(),
        _ => value.to_owned(),
    }
}

fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let mut numbers = text.trim().split('.');
    let class = numbers.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
    let subject = numbers.next()?.parse().ok()?;
    let detail = numbers.next()?;
    let digits = detail.len() - detail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    Some((class, subject, detail[..digits].parse().ok()?))
}

/// Some servers put a few words of their own before qmail's.
const MAX_PREFACE: usize = 2_000;

#[cfg(test)]
mod tests;
