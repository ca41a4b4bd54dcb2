//! Tells a sender why a message could not be delivered (RFC 3464).

use super::delivery::{Failure, Mail, date, header};
use super::mailbox::Letter;
use crate::MessageId;

/// Writes the report on one message; all recipients that failed stand in it together, as in a bounce of Postfix.
pub(super) fn report(mail: &Mail<'_>, failures: &[Failure]) -> Letter {
    let Mail { sender, host, queue_id, now, letter, .. } = mail;
    let message_id = MessageId::generate(host);
    let boundary = message_id.as_str().replace('@', "/");
    let date = date(*now);
    let reasons: Vec<_> = failures.iter().map(|failure| failure.status.to_string()).collect();
    let reasons = reasons.join("\r\n");
    let fields = failures.iter().map(fields).collect::<Vec<_>>().join("\r\n");
    let text = format!(
        "Received: by {host} id {queue_id}B; {date}\r\n\
         Date: {date}\r\n\
         From: Mail Delivery System <MAILER-DAEMON@{host}>\r\n\
         To: {sender}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\n\
         Message-ID: {message_id}\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Description: Notification\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         \r\n\
         This is the mail system at host {host}.\r\n\
         \r\n\
         Your message could not be delivered to these recipients:\r\n\
         \r\n\
         {reasons}\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Description: Delivery report\r\n\
         Content-Type: message/delivery-status\r\n\
         \r\n\
         Reporting-MTA: dns; {host}\r\n\
         Arrival-Date: {date}\r\n\
         \r\n\
         {fields}\r\n\
         --{boundary}\r\n\
         Content-Description: Undelivered Message Headers\r\n\
         Content-Type: text/rfc822-headers\r\n\
         Content-Transfer-Encoding: 8bit\r\n\
         \r\n"
    );
    let bytes =
        [text.as_bytes(), beginning(header(&letter.bytes)), format!("\r\n--{boundary}--\r\n").as_bytes()]
            .concat();
    Letter { message_id: Some(message_id), bytes }
}

/// Writes the fields of one recipient (RFC 3464 section 2.3).
fn fields(failure: &Failure) -> String {
    let Failure { original, address, status, .. } = failure;
    let (class, subject, detail) = status.enhanced.unwrap_or((5, 0, 0));
    format!(
        "Final-Recipient: rfc822; {address}\r\n\
         Original-Recipient: rfc822; {original}\r\n\
         Action: failed\r\n\
         Status: {class}.{subject}.{detail}\r\n\
         Diagnostic-Code: smtp; {status}\r\n"
    )
}

/// Cuts a header of monstrous length behind a whole line.
fn beginning(header: &[u8]) -> &[u8] {
    if header.len() <= MAX_HEADER {
        return header;
    }
    let end = header[..MAX_HEADER].iter().rposition(|byte| *byte == b'\n');
    &header[..end.map_or(0, |end| end + 1)]
}

/// Postfix' `bounce_size_limit`.
const MAX_HEADER: usize = 50_000;
