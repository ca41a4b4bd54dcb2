use std::collections::HashSet;
use std::time::SystemTime;

use url::Url;

use super::body::{self, Content};
use super::fields::{Fields, MAX_NAME};
use super::{AutoSubmitted, NewMessage, quoting};
use crate::message::{Contact, Outgoing};
use crate::{Address, Error, MessageId};

impl NewMessage {
    /// Finishes the message: checks everything, fixes the date and a new Message-ID in the domain of `from`, and
    /// encodes it. Line ends of text, HTML and calendar become CR LF.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the part, if
    /// - a name, the subject, another header field or a file name holds control characters, or a text a NUL;
    /// - the name of a header field is none or belongs to a field that is written otherwise;
    /// - a media type, a calendar, a Content-ID or the address to unsubscribe at is none;
    /// - a header field would be over 100 000 bytes long, which servers cut;
    /// - there is no recipient.
    pub fn seal(self, from: &Contact) -> Result<Outgoing, Error> {
        let message_id = MessageId::generate(from.address.domain());
        self.seal_as(from, message_id, SystemTime::now())
    }

    /// Does what [`seal`](Self::seal) does, with a Message-ID and a date of the caller's: the same ones give the same
    /// bytes.
    ///
    /// # Errors
    /// As [`seal`](Self::seal), and if the date is not one of the years 1970 to 9999.
    pub fn seal_as(self, from: &Contact, message_id: MessageId, date: SystemTime) -> Result<Outgoing, Error> {
        let recipients = self.distinct_recipients();
        let header = self.header(from, &message_id, date)?.finish();
        let bytes = self.below(&header, &message_id)?;
        let message = Outgoing::restore(from.address.clone(), recipients, message_id, bytes)?;
        Ok(message.written_here(from.address.clone()))
    }

    /// Puts the body below a finished header; the boundaries of its parts are made of the message's identity.
    pub(super) fn below(self, header: &str, message_id: &MessageId) -> Result<Vec<u8>, Error> {
        let seed = ["<", message_id.as_str(), ">"].concat();
        let Self { text, html, calendar, images, attachments, quote, .. } = self;
        let (text, html) = match quote {
            None => (text, html),
            Some(quote) => {
                let text = (text.is_some() || html.is_none()).then(|| quote.below_text(text));
                (text, html.map(|html| quote.below_html(html)))
            }
        };
        let body = body::build(Content { text, html, calendar, images, files: attachments })?;
        let mut message = Vec::with_capacity(header.len() + body.size() + 2);
        message.extend_from_slice(header.as_bytes());
        body.write(&mut message, &seed);
        if !message.ends_with(b"\r\n") {
            message.extend_from_slice(b"\r\n");
        }
        Ok(message)
    }

    /// Takes each mailbox once, whatever the case of its letters.
    fn distinct_recipients(&self) -> Vec<Address> {
        let mut all = self.recipients();
        if let (Some(only), None) = (all.next(), all.next()) {
            return vec![only.clone()];
        }
        let mut known = HashSet::new();
        self.recipients()
            .filter(|address| known.insert((address.domain(), address.local_part().to_lowercase())))
            .cloned()
            .collect()
    }

    pub(super) fn header(
        &self,
        from: &Contact,
        message_id: &MessageId,
        date: SystemTime,
    ) -> Result<Fields, Error> {
        let date = quoting::date(date).ok_or_else(|| Error::Invalid {
            what: "date",
            problem: "a header field holds dates of the years 1970 to 9999".into(),
        })?;
        let mut fields = Fields::default();
        fields.token("Date", &date)?;
        fields.ids("Message-ID", [message_id])?;
        fields.contacts("from", "From", std::slice::from_ref(from))?;
        fields.contacts("reply-to", "Reply-To", &self.reply_to)?;
        fields.contacts("to", "To", &self.to)?;
        fields.contacts("cc", "Cc", &self.cc)?;
        fields.text("subject", "Subject", &self.subject)?;
        fields.ids("In-Reply-To", &self.in_reply_to)?;
        fields.ids("References", &self.references)?;
        if let Some(kind) = self.auto_submitted {
            fields.token("Auto-Submitted", AutoSubmitted::keyword(kind))?;
        }
        if let Some(url) = &self.unsubscribe {
            check_unsubscribe(url)?;
            fields.token("List-Unsubscribe", &format!("<{url}>"))?;
            fields.token("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")?;
        }
        for (name, value) in &self.headers {
            check_name(name)?;
            fields.text("header", name, value)?;
        }
        fields.token("MIME-Version", "1.0")?;
        Ok(fields)
    }
}

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let invalid = |problem: String| Err(Error::Invalid { what: "header name", problem });
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        let shown: String = name.chars().take(MAX_NAME).collect();
        return invalid(format!(
            "{shown:?} has to be 1 to {MAX_NAME} visible ASCII characters without a colon (RFC 5322 section 2.2)"
        ));
    }
    let lower = name.to_ascii_lowercase();
    if STRUCTURE.contains(&lower.as_str()) || STRUCTURE_BEGINS.iter().any(|begin| lower.starts_with(begin)) {
        return invalid(format!("{name} has a method of its own or follows from the rest of the message"));
    }
    if TRACE.contains(&lower.as_str()) || TRACE_BEGINS.iter().any(|begin| lower.starts_with(begin)) {
        return invalid(format!("{name} is for servers on the way to write"));
    }
    Ok(())
}

/// One click needs HTTPS (RFC 8058 section 3.1).
fn check_unsubscribe(url: &str) -> Result<(), Error> {
    let scheme = url.get(..HTTPS.len()).filter(|scheme| scheme.eq_ignore_ascii_case(HTTPS));
    // `Url` finds a host behind a third slash as well.
    let has_host = scheme.is_some() && !url[HTTPS.len()..].starts_with('/') && Url::parse(url).is_ok();
    let is_written = url.bytes().all(|b| b.is_ascii_graphic() && !b"<>\",\\".contains(&b));
    if !has_host || !is_written || url.len() > MAX_URL {
        return Err(Error::Invalid {
            what: "unsubscribe",
            problem: format!(
                "it has to be an https URL with a host, of up to {MAX_URL} visible ASCII characters without quotes, \
                 commas, backslashes and angle brackets"
            ),
        });
    }
    Ok(())
}

const HTTPS: &str = "https://";
const MAX_URL: usize = 900;
const STRUCTURE: &[&str] = &[
    "auto-submitted",
    "bcc",
    "cc",
    "date",
    "from",
    "in-reply-to",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "message-id",
    "mime-version",
    "references",
    "reply-to",
    "sender",
    "subject",
    "to",
];
const STRUCTURE_BEGINS: &[&str] = &["content-"];
const TRACE: &[&str] = &[
    "apparently-to",
    "authentication-results",
    "delivered-to",
    "dkim-signature",
    "domainkey-signature",
    "envelope-to",
    "received",
    "received-spf",
    "return-path",
    "x-original-to",
];
const TRACE_BEGINS: &[&str] = &["arc-", "resent-"];
