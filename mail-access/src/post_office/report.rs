//! Tells a sender what became of a message (RFC 3464), in the shape of Postfix.

use std::fmt::Display;
use std::time::SystemTime;

use super::mail::{Mail, date, header};
use super::mailbox::Letter;
use crate::{Address, DeliveryReports, MessageId, Status};

/// What became of a message on the way to one recipient.
pub(super) struct Fate {
    pub(super) action: Action,
    /// As the sender wrote it.
    original: String,
    /// Where aliases led to.
    address: String,
    status: Status,
}

impl Fate {
    pub(super) fn new(original: &Address, address: &dyn Display, action: Action, status: Status) -> Self {
        Self { action, original: original.to_string(), address: address.to_string(), status }
    }

    /// Writes the fields of one recipient (RFC 3464 section 2.3).
    fn fields(&self) -> String {
        let Self { action, original, address, status } = self;
        let (class, subject, detail) = status.enhanced.unwrap_or((5, 0, 0));
        format!(
            "Final-Recipient: rfc822; {address}\r\n\
             Original-Recipient: rfc822; {original}\r\n\
             Action: {}\r\n\
             Status: {class}.{subject}.{detail}\r\n\
             Diagnostic-Code: smtp; {status}\r\n",
            action.words().name
        )
    }
}

/// RFC 3464 section 2.3.3. Postfix says `relayed` of what Dovecot took, as LMTP servers don't report themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Failed,
    Delayed,
    Relayed,
}

struct Words {
    name: &'static str,
    subject: &'static str,
    text: &'static str,
    content: &'static str,
}

impl Action {
    fn words(self) -> Words {
        match self {
            Self::Failed => Words {
                name: "failed",
                subject: "Undelivered Mail Returned to Sender",
                text: "Your message could not be delivered to these recipients:",
                content: "Undelivered Message",
            },
            Self::Delayed => Words {
                name: "delayed",
                subject: "Delayed Mail (still being retried)",
                text: "Your message could not be delivered to these recipients yet. It is tried again:",
                content: "Delayed Message",
            },
            Self::Relayed => Words {
                name: "relayed",
                subject: "Successful Mail Delivery Report",
                text: "Your message was delivered to these recipients:",
                content: "Message",
            },
        }
    }
}

/// Writes the report on one message; all recipients with the same fate stand in it together.
pub(super) fn report(mail: &Mail, action: Action, fates: &[Fate], now: SystemTime) -> Letter {
    let Mail { sender, host, queue_id, .. } = mail;
    let message_id = MessageId::generate(host);
    let boundary = message_id.as_str().replace('@', "/");
    let (arrived, date) = (date(mail.now), date(now));
    let Words { subject, text, content, .. } = action.words();
    let reasons = fates.iter().map(|fate| fate.status.to_string()).collect::<Vec<_>>().join("\r\n");
    let fields = fates.iter().map(Fate::fields).collect::<Vec<_>>().join("\r\n");
    let envelope_id = mail.reports.as_ref().and_then(DeliveryReports::envelope_id);
    let envelope_id = envelope_id.map_or_else(String::new, |id| format!("Original-Envelope-Id: {id}\r\n"));
    let (kind, returned) = returned(mail, action);
    let part = match kind {
        "message/rfc822" => content.to_owned(),
        _ => format!("{content} Headers"),
    };
    let text = format!(
        "Received: by {host} id {queue_id}B; {date}\r\n\
         Date: {date}\r\n\
         From: Mail Delivery System <MAILER-DAEMON@{host}>\r\n\
         To: {sender}\r\n\
         Subject: {subject}\r\n\
         Message-ID: {message_id}\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Description: Notification\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         \r\n\
         This is the mail system at host {host}.\r\n\
         \r\n\
         {text}\r\n\
         \r\n\
         {reasons}\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Description: Delivery report\r\n\
         Content-Type: message/delivery-status\r\n\
         \r\n\
         Reporting-MTA: dns; {host}\r\n\
         {envelope_id}\
         X-Postfix-Queue-ID: {queue_id}\r\n\
         X-Postfix-Sender: rfc822; {sender}\r\n\
         Arrival-Date: {arrived}\r\n\
         \r\n\
         {fields}\r\n\
         --{boundary}\r\n\
         Content-Description: {part}\r\n\
         Content-Type: {kind}\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         \r\n"
    );
    let bytes = [text.as_bytes(), returned, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    Letter { message_id: Some(message_id), bytes }
}

/// Chooses what goes back: the whole of a small message that failed, if the sender doesn't say otherwise.
fn returned(mail: &Mail, action: Action) -> (&'static str, &[u8]) {
    let bytes = &mail.letter.bytes;
    let whole = mail.reports.as_ref().and_then(DeliveryReports::wants_whole_message).unwrap_or(true);
    if whole && action == Action::Failed && bytes.len() <= MAX_RETURNED {
        return ("message/rfc822", bytes);
    }
    ("text/rfc822-headers", beginning(header(bytes)))
}

/// Cuts a header of monstrous length behind a whole line.
fn beginning(header: &[u8]) -> &[u8] {
    if header.len() <= MAX_RETURNED {
        return header;
    }
    let end = header[..MAX_RETURNED].iter().rposition(|byte| *byte == b'\n');
    &header[..end.map_or(0, |end| end + 1)]
}

/// Postfix' `bounce_size_limit`.
const MAX_RETURNED: usize = 50_000;
