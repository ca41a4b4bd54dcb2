use std::time::SystemTime;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MessageBuilder, MultiPart, SinglePart};

use super::{Attachment, Contact, Outgoing, Received};
use crate::{Address, Error, MessageId};

/// A message that is being written.
///
/// ```
/// use mail_access::{Address, NewMessage};
///
/// let bob: Address = "bob@agents.example".parse()?;
/// let ada: Address = "ada@agents.example".parse()?;
/// let message = NewMessage::to(bob).with_subject("Engines").with_text("See §4.").seal(&ada.into())?;
/// assert_eq!(message.recipients().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    to: Vec<Contact>,
    cc: Vec<Contact>,
    bcc: Vec<Contact>,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    attachments: Vec<Attachment>,
    in_reply_to: Option<MessageId>,
    references: Vec<MessageId>,
}

impl NewMessage {
    /// Begins a message to one recipient.
    pub fn to(recipient: impl Into<Contact>) -> Self {
        Self { to: vec![recipient.into()], ..Self::default() }
    }

    /// Begins an answer: to the Reply-To or From of `received`, with its subject behind `Re: `, in its thread
    /// (RFC 5322 section 3.6.4).
    ///
    /// # Errors
    /// [`Error::Invalid`] if `received` names no address that an answer could go to.
    pub fn reply_to(received: &Received) -> Result<Self, Error> {
        let recipient = received.reply_to().first().or(received.from()).ok_or_else(|| Error::Invalid {
            what: "reply",
            problem: "the message names no address that an answer could go to".into(),
        })?;
        let subject = received.subject();
        let mut references = received.references().to_vec();
        references.extend(received.message_id().filter(|id| !references.contains(id)).cloned());
        if references.len() > MAX_REFERENCES {
            // The first is what names the thread, the last are what joins its branches.
            references.drain(1..=references.len() - MAX_REFERENCES);
        }
        Ok(Self {
            to: vec![recipient.clone()],
            subject: match subject.get(..3) {
                Some(start) if start.eq_ignore_ascii_case("re:") => subject.to_owned(),
                _ => format!("Re: {subject}"),
            },
            in_reply_to: received.message_id().cloned(),
            references,
            ..Self::default()
        })
    }

    /// Adds a recipient to To.
    pub fn with_to(mut self, recipient: impl Into<Contact>) -> Self {
        self.to.push(recipient.into());
        self
    }

    /// Adds a recipient to Cc.
    pub fn with_cc(mut self, recipient: impl Into<Contact>) -> Self {
        self.cc.push(recipient.into());
        self
    }

    /// Adds a recipient that no one else sees: it stands in the envelope only.
    pub fn with_bcc(mut self, recipient: impl Into<Contact>) -> Self {
        self.bcc.push(recipient.into());
        self
    }

    /// Sets the subject; any Unicode without control characters.
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Sets the plain text.
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets the HTML; beside a text it becomes the richer alternative of it.
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Adds a file.
    pub fn with_attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Returns all recipients, those of Bcc too.
    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc).map(|contact| &contact.address)
    }

    /// Returns all that was written into it as bytes: equal for equal messages and different for different ones, in
    /// this release and in later ones, so that a digest of them can be stored.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut part = |tag: u8, content: &[u8]| {
            bytes.push(tag);
            bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
            bytes.extend_from_slice(content);
        };
        for (tag, list) in [(b't', &self.to), (b'c', &self.cc), (b'b', &self.bcc)] {
            for contact in list {
                part(tag, contact.address.to_string().as_bytes());
                part(b'n', contact.name.as_deref().unwrap_or_default().as_bytes());
            }
        }
        part(b's', self.subject.as_bytes());
        for (tag, text) in [(b'p', &self.text), (b'h', &self.html)] {
            if let Some(text) = text {
                part(tag, text.as_bytes());
            }
        }
        for file in &self.attachments {
            part(b'f', file.name.as_deref().unwrap_or_default().as_bytes());
            part(b'm', file.content_type.as_bytes());
            part(b'a', &file.content);
        }
        for id in self.in_reply_to.iter().chain(&self.references) {
            part(b'r', id.as_str().as_bytes());
        }
        bytes
    }

    /// Finishes the message: checks everything, fixes the date and a new Message-ID in the domain of `from`, and
    /// encodes it. Line ends of text and HTML become CR LF.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the part, if a name, the subject or a file name holds control characters, or a
    /// media type is none.
    pub fn seal(self, from: &Contact) -> Result<Outgoing, Error> {
        let message_id = MessageId::generate(from.address.domain());
        self.seal_as(from, message_id, SystemTime::now())
    }

    /// Does what [`seal`](Self::seal) does, with a Message-ID and a date of the caller's.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_as(self, from: &Contact, message_id: MessageId, date: SystemTime) -> Result<Outgoing, Error> {
        let mut recipients: Vec<Address> = Vec::new();
        for address in self.recipients() {
            if !recipients.iter().any(|known| known.is_same_mailbox(address)) {
                recipients.push(address.clone());
            }
        }
        without_controls("subject", &self.subject)?;
        let mut builder = lettre::Message::builder()
            .date(date)
            .message_id(Some(message_id.to_string()))
            .from(mailbox("from", from)?)
            .subject(&self.subject);
        for contact in &self.to {
            builder = builder.to(mailbox("to", contact)?);
        }
        for contact in &self.cc {
            builder = builder.cc(mailbox("cc", contact)?);
        }
        if let Some(id) = &self.in_reply_to {
            builder = builder.in_reply_to(id.to_string());
        }
        if !self.references.is_empty() {
            let references: Vec<_> = self.references.iter().map(MessageId::to_string).collect();
            builder = builder.references(references.join(" "));
        }
        if self.to.is_empty() && self.cc.is_empty() && recipients.is_empty() {
            return Err(Error::Invalid {
                what: "recipients",
                problem: "a message has to have at least one".into(),
            });
        }
        let envelope = lettre::address::Envelope::new(None, vec![lettre_address("from", &from.address)?])
            .map_err(|error| Error::Invalid { what: "recipients", problem: error.to_string() })?;
        // lettre's own envelope goes unused, but without one it refuses a message that has only Bcc.
        let bytes = body(builder.envelope(envelope), self.text, self.html, self.attachments)?.formatted();
        Outgoing::restore(from.address.clone(), recipients, message_id, bytes)
    }
}

fn body(
    builder: MessageBuilder,
    text: Option<String>,
    html: Option<String>,
    attachments: Vec<Attachment>,
) -> Result<lettre::Message, Error> {
    let text = text.map(|text| with_crlf(&text));
    let html = html.map(|html| with_crlf(&html));
    let files = attachments.into_iter().map(file).collect::<Result<Vec<_>, _>>()?;
    let built = match (text, html) {
        (Some(text), Some(html)) => {
            let both = MultiPart::alternative_plain_html(text, html);
            if files.is_empty() {
                builder.multipart(both)
            } else {
                builder.multipart(
                    files.into_iter().fold(MultiPart::mixed().multipart(both), MultiPart::singlepart),
                )
            }
        }
        (text, html) => {
            let only = match html {
                Some(html) => SinglePart::html(html),
                None => SinglePart::plain(text.unwrap_or_default()),
            };
            if files.is_empty() {
                builder.singlepart(only)
            } else {
                builder.multipart(
                    files.into_iter().fold(MultiPart::mixed().singlepart(only), MultiPart::singlepart),
                )
            }
        }
    };
    built.map_err(|error| Error::Invalid { what: "message", problem: error.to_string() })
}

fn file(attachment: Attachment) -> Result<SinglePart, Error> {
    let name = attachment.name.unwrap_or_default();
    without_controls("attachment name", &name)?;
    let content_type = ContentType::parse(&attachment.content_type).map_err(|_| Error::Invalid {
        what: "attachment type",
        problem: format!("{:?} is no media type such as application/pdf", attachment.content_type),
    })?;
    let content = Body::new_with_encoding(attachment.content, ContentTransferEncoding::Base64);
    let content = content
        .map_err(|_| Error::Invalid { what: "attachment", problem: format!("{name:?} can't be encoded") })?;
    Ok(lettre::message::Attachment::new(name).body(content, content_type))
}

/// Checks first: lettre panics on a name with a line end, and drops one with a NUL without a word.
fn mailbox(what: &'static str, contact: &Contact) -> Result<Mailbox, Error> {
    if let Some(name) = &contact.name {
        without_controls(what, name)?;
    }
    Ok(Mailbox::new(contact.name.clone(), lettre_address(what, &contact.address)?))
}

fn lettre_address(what: &'static str, address: &Address) -> Result<lettre::Address, Error> {
    lettre::Address::new(address.local_part(), address.domain().as_str())
        .map_err(|error| Error::Invalid { what, problem: format!("{address}: {error}") })
}

fn without_controls(what: &'static str, text: &str) -> Result<(), Error> {
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(Error::Invalid {
            what,
            problem: format!(
                "it holds the control character {control:?}; a header field is one line of text"
            ),
        }),
        None => Ok(()),
    }
}

fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// Enough to join any real thread; the field would grow without bound in a long one.
const MAX_REFERENCES: usize = 20;

#[cfg(test)]
mod tests;
