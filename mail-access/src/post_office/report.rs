//! Tells a sender what became of a message (RFC 3464), in the shape of Postfix.

use std::fmt::Display;
use std::time::SystemTime;

use super::folder::Letter;
use super::mail::{Mail, date, header};
use crate::{Address, DeliveryReports, DomainName, MessageId, Status, hash};

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

    /// Writes the fields of one recipient (RFC 3464 section 2.3). What no server said is Postfix' own word.
    fn fields(&self, host: &DomainName) -> String {
        let Self { action, original, address, status } = self;
        let (class, subject, detail) = status.enhanced.unwrap_or((5, 0, 0));
        let diagnostic = match status.code {
            0 => folded(&format!("Diagnostic-Code: X-Postfix; {}", status.text)),
            _ => {
                format!("Remote-MTA: dns; {host}\r\n{}", folded(&format!("Diagnostic-Code: smtp; {status}")))
            }
        };
        format!(
            "Final-Recipient: rfc822; {address}\r\n\
             Original-Recipient: rfc822;{original}\r\n\
             Action: {}\r\n\
             Status: {class}.{subject}.{detail}\r\n\
             {diagnostic}\r\n",
            action.words().name
        )
    }

    /// Writes what people read about one recipient.
    fn sentence(&self, host: &DomainName) -> String {
        let Self { original, address, status, .. } = self;
        let expanded =
            if original == address { String::new() } else { format!(" (expanded from <{original}>)") };
        folded(&match status.code {
            0 => format!("<{address}>{expanded}: {}", status.text),
            _ => format!("<{address}>{expanded}: host {host} said: {status}"),
        })
    }
}

/// RFC 3464 section 2.3.3. Postfix says `relayed` of what Dovecot took, as LMTP servers don't report themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Failed,
    Delayed,
    Relayed,
    /// It went on to the targets of an alias; told together with what became of them.
    Expanded,
}

struct Words {
    name: &'static str,
    subject: &'static str,
    text: &'static str,
    /// What comes back.
    content: &'static str,
}

impl Action {
    fn words(self) -> Words {
        let delivered = Words {
            name: "relayed",
            subject: "Successful Mail Delivery Report",
            text: "Your message was successfully delivered to the destination(s)\r\nlisted below.",
            content: "Message",
        };
        match self {
            Self::Failed => Words {
                name: "failed",
                subject: "Undelivered Mail Returned to Sender",
                text: "I'm sorry to have to inform you that your message could not\r\nbe delivered to one or more \
                       recipients. It's attached below.",
                content: "Undelivered Message",
            },
            Self::Delayed => Words {
                name: "delayed",
                subject: "Delayed Mail (still being retried)",
                text: "Your message could not be delivered yet.\r\nIt will be retried. You don't need to send it again.",
                content: "Delayed Message",
            },
            Self::Relayed => delivered,
            Self::Expanded => Words { name: "expanded", ..delivered },
        }
    }
}

/// Writes the report on one message; all recipients with the same fate stand in it together.
pub(super) fn report(mail: &Mail, action: Action, fates: &[Fate], now: SystemTime) -> Letter {
    let Mail { sender, host, queue_id, .. } = mail;
    let number = hash::of(&[
        mail.message.message_id().as_str().as_bytes(),
        queue_id.as_bytes(),
        action.words().name.as_bytes(),
        fates.first().map_or("", |fate| &fate.address).as_bytes(),
        &now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_le_bytes(),
    ]);
    let message_id = MessageId::of_random(number, host);
    let boundary = message_id.as_str().replace('@', "/");
    let (arrived, date) = (date(mail.now), date(now));
    let Words { subject, text, content, .. } = action.words();
    let reasons = fates.iter().map(|fate| fate.sentence(host)).collect::<Vec<_>>().join("\r\n\r\n");
    let fields = fates.iter().map(|fate| fate.fields(host)).collect::<Vec<_>>().join("\r\n");
    let envelope_id = mail.reports.as_ref().and_then(DeliveryReports::envelope_id);
    let envelope_id = envelope_id.map_or_else(String::new, |id| format!("Original-Envelope-Id: {id}\r\n"));
    let (kind, returned) = returned(mail, action);
    let part = match kind {
        "message/rfc822" => content.to_owned(),
        _ => format!("{content} Headers"),
    };
    let text = format!(
        "Received: by {host} (Postfix)\r\n\tid {queue_id}B; {date}\r\n\
         Date: {date}\r\n\
         From: Mail Delivery System <MAILER-DAEMON@{host}>\r\n\
         Subject: {subject}\r\n\
         To: {sender}\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         Message-Id: {message_id}\r\n\
         \r\n\
         This is a MIME-encapsulated message.\r\n\
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
         \x20                  The mail system\r\n\
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
         \r\n\
         Return-Path: <{sender}>\r\n"
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

/// Breaks a line at blanks where it would pass 79 characters, as far as there are some.
fn folded(line: &str) -> String {
    let (mut folded, mut column) = (String::with_capacity(line.len() + 8), 0);
    for (place, word) in line.split(' ').enumerate() {
        let width = word.chars().count();
        if place > 0 {
            let fits = column + 1 + width < LINE;
            folded += if fits { " " } else { "\r\n    " };
            column = if fits { column + 1 } else { 4 };
        }
        folded += word;
        column += width;
    }
    folded
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
/// Where Postfix breaks lines.
const LINE: usize = 80;
