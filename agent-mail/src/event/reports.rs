//! Delivery reports and complaints, matched with what was sent.

use mail_access::{Address, DeliveryAction, DeliveryReport, FeedbackReport, MessageId, RecipientReport};

use crate::journal::SentRecord;
use crate::{AgentMailbox, Error, EventKind, Inbound, RecipientResult, SendReport, Untrusted};

/// Finds out whether a message reports on one that the agent sent; `None` if it is mail like any other.
///
/// Anyone can write a report, so that one counts only if it names a message of this agent and one of its recipients. A
/// report that names failures and delays tells the failures; what it says besides stands in it.
pub(super) async fn matched(mailbox: &AgentMailbox, message: &Inbound) -> Result<Option<EventKind>, Error> {
    if !may_report(message.raw().expose()) {
        return Ok(None);
    }
    if let Some(report) = message.delivery_report() {
        let report = report.expose();
        let Some((id, sent)) = original(mailbox, report.original.as_ref()).await? else { return Ok(None) };
        let told = |action| told(&report, &sent, &action);
        let failed = told(DeliveryAction::Failed);
        if !failed.is_empty() {
            return Ok(Some(EventKind::Bounced(send_report(id, &sent, failed, message))));
        }
        let delayed = told(DeliveryAction::Delayed);
        return Ok(
            (!delayed.is_empty()).then(|| EventKind::Deferred(send_report(id, &sent, delayed, message)))
        );
    }
    if let Some(report) = message.feedback_report() {
        let report = report.expose();
        let Some((id, sent)) = original(mailbox, report.original.as_ref()).await? else { return Ok(None) };
        let by = complainers(&report, &sent);
        return Ok(Some(EventKind::Complaint(send_report(id, &sent, by, message))));
    }
    Ok(None)
}

/// Tells by a glance at the header whether a message may be a report; most mail needs no closer look, and so isn't decoded
/// before its reader asks for it. All reports are of a kind of their own (RFC 6522), or without a return path (RFC 5321
/// section 4.5.5), or from the mail system by their own word.
fn may_report(raw: &[u8]) -> bool {
    let mut begin = 0;
    // Whether a folded line belongs to a field that may hold the type of the message.
    let mut in_type = false;
    for end in memchr::memchr_iter(b'\n', raw).chain([raw.len()]) {
        let line = &raw[begin..end];
        let first = match line {
            [] | b"\r" => return false,
            [first, ..] => first.to_ascii_lowercase(),
        };
        in_type = first == b'c' || (in_type && matches!(first, b' ' | b'\t'));
        let tells = match first {
            _ if in_type => holds(line, "multipart/report"),
            b'r' => begins(line, "return-path:") && holds(line, "<>"),
            b'f' => begins(line, "from:") && (holds(line, "mailer-daemon") || holds(line, "postmaster")),
            b'x' => begins(line, "x-failed-recipients:"),
            _ => false,
        };
        if tells {
            return true;
        }
        begin = (end + 1).min(raw.len());
    }
    false
}

fn begins(line: &[u8], name: &str) -> bool {
    line.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
}

fn holds(line: &[u8], part: &str) -> bool {
    let first = part.as_bytes()[0];
    // The first letter alone tells nearly all places.
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), line).any(|place| {
        let found = line.get(place..place + part.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(part.as_bytes()))
    })
}

async fn original(
    mailbox: &AgentMailbox,
    id: Option<&MessageId>,
) -> Result<Option<(MessageId, SentRecord)>, Error> {
    let Some(id) = id else { return Ok(None) };
    let sent = mailbox.inner().journal.sent(mailbox.id(), id).await?;
    Ok(sent.map(|sent| (id.clone(), sent)))
}

fn send_report(
    id: MessageId,
    sent: &SentRecord,
    recipients: Vec<RecipientResult>,
    message: &Inbound,
) -> SendReport {
    let report = Some(Box::new(message.clone()));
    SendReport { key: sent.key.clone(), report, ..SendReport::new(id, recipients) }
}

/// Returns what a report says of recipients with whom this was done.
fn told(report: &DeliveryReport, sent: &SentRecord, action: &DeliveryAction) -> Vec<RecipientResult> {
    let done = report.recipients.iter().filter(|told| told.action == *action);
    done.filter_map(|told| {
        let recipient = meant(told, sent)?;
        Some(RecipientResult {
            code: told.status.map(|(class, ..)| u16::from(class) * 100),
            enhanced: told.status,
            text: Untrusted::new(told.diagnostic.clone().unwrap_or_default()),
            ..RecipientResult::new(recipient.clone())
        })
    })
    .collect()
}

/// Finds the recipient as the sender named them: by the address it was sent to, by the one it came to in the end, or as
/// the only one there was.
fn meant<'a>(told: &RecipientReport, sent: &'a SentRecord) -> Option<&'a Address> {
    let named = |text: &str| {
        let address: Address = text.parse().ok()?;
        sent.recipients.iter().find(|recipient| recipient.is_same_mailbox(&address))
    };
    let original = told.original_recipient.as_deref().and_then(named);
    original.or_else(|| named(&told.final_recipient)).or(match &*sent.recipients {
        [only] => Some(only),
        _ => None,
    })
}

/// Returns the recipients who complained: those that the report names, else all, as many complaints name nobody.
fn complainers(report: &FeedbackReport, sent: &SentRecord) -> Vec<RecipientResult> {
    let is_named = |recipient: &&Address| {
        let named =
            |text: &String| text.parse::<Address>().is_ok_and(|named| recipient.is_same_mailbox(&named));
        report.original_recipients.iter().any(named)
    };
    let named: Vec<&Address> = sent.recipients.iter().filter(is_named).collect();
    let by = if named.is_empty() { sent.recipients.iter().collect() } else { named };
    by.into_iter().cloned().map(RecipientResult::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_finds_what_may_be_a_report_and_lets_letters_pass() {
        for report in [
            "Subject: x\r\nContent-Type: multipart/report; boundary=b\r\n\r\n",
            "content-type:\r\n\tMultipart/Report;\r\n boundary=b\r\n\r\n",
            "Return-Path: <>\r\n\r\n",
            "From: Mail Delivery System <MAILER-DAEMON@x.example>\r\n\r\n",
            "Subject: x\nX-Failed-Recipients: bob@x.example\n\n",
            "Subject: x\r\nFrom: postmaster@x.example",
        ] {
            assert!(may_report(report.as_bytes()), "{report}");
        }
        for letter in [
            "",
            "\r\nContent-Type: multipart/report\r\n",
            "Return-Path: <ada@x.example>\r\nFrom: ada@x.example\r\nContent-Type: text/plain\r\n\r\nmultipart/report",
            "Subject: multipart/report\r\nTo: <>\r\n\r\n",
            "Subject: x\n\nFrom: postmaster@x.example\n",
            "Content-Type: multipart/repor",
        ] {
            assert!(!may_report(letter.as_bytes()), "{letter}");
        }
    }
}
