use std::fmt;

use super::{Attachment, Contact};
use crate::{Address, MessageId};

mod body;
mod calendar;
mod canonical;
mod disposition;
mod draft;
mod fields;
mod mime;
mod quoted_printable;
mod quoting;
mod reply;
mod seal;
mod subject;

use quoting::Quote;
pub use subject::base_subject;

/// A message that is being written.
///
/// Nothing is checked before [`seal`](Self::seal), and everything then: what could add a header field, a recipient
/// or a second message is refused or encoded.
///
/// ```
/// use mail_access::{Address, Attachment, NewMessage};
///
/// let bob: Address = "bob@agents.example".parse()?;
/// let ada: Address = "ada@agents.example".parse()?;
/// let message = NewMessage::to(bob)
///     .with_subject("Engines")
///     .with_text("See §4.")
///     .with_html("<p>See <img src=\"cid:sketch\"> in §4.</p>")
///     .with_inline("sketch", Attachment::new("sketch.png", "image/png", *b"\x89PNG"))
///     .with_attachment(Attachment::new("engines.pdf", "application/pdf", *b"%PDF-"))
///     .with_header("X-Agent-Hops", "1")
///     .seal(&ada.into())?;
/// assert_eq!(message.recipients().len(), 1);
/// assert_eq!(message.size(), message.bytes().len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NewMessage {
    to: Vec<Contact>,
    cc: Vec<Contact>,
    bcc: Vec<Contact>,
    reply_to: Vec<Contact>,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    quote: Option<Quote>,
    calendar: Option<String>,
    images: Vec<InlineImage>,
    attachments: Vec<Attachment>,
    in_reply_to: Option<MessageId>,
    references: Vec<MessageId>,
    auto_submitted: Option<AutoSubmitted>,
    unsubscribe: Option<String>,
    headers: Vec<(String, String)>,
}

impl NewMessage {
    /// Begins a message to one recipient.
    pub fn to(recipient: impl Into<Contact>) -> Self {
        Self { to: vec![recipient.into()], ..Self::default() }
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

    /// Adds an address to Reply-To, where answers are to go instead of to the sender.
    pub fn with_reply_to(mut self, contact: impl Into<Contact>) -> Self {
        self.reply_to.push(contact.into());
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

    /// Adds an image that the HTML shows where it says `<img src="cid:..">` with this Content-ID (RFC 2387, RFC 2392).
    ///
    /// The Content-ID is of letters, digits and `-_.+@`; a name of the file is not needed.
    pub fn with_inline(mut self, content_id: impl Into<String>, image: Attachment) -> Self {
        self.images.push(InlineImage { content_id: content_id.into(), image });
        self
    }

    /// Sets a calendar object (RFC 5545) that the reader's program may act on, as an alternative to the text (RFC
    /// 6047): an invitation (`METHOD:REQUEST`), the answer to one (`METHOD:REPLY`). It has to name its METHOD.
    ///
    /// ```
    /// use mail_access::{Address, NewMessage};
    ///
    /// let invitation = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//agents//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
    ///     UID:1@agents.example\r\nDTSTAMP:20260801T090000Z\r\nDTSTART:20260901T090000Z\r\n\
    ///     ORGANIZER:mailto:ada@agents.example\r\nATTENDEE:mailto:bob@agents.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    /// let bob: Address = "bob@agents.example".parse()?;
    /// let ada: Address = "ada@agents.example".parse()?;
    /// let sealed = NewMessage::to(bob).with_text("On Tuesday?").with_calendar(invitation).seal(&ada.into())?;
    /// assert!(String::from_utf8_lossy(sealed.bytes()).contains("method=REQUEST"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_calendar(mut self, calendar: impl Into<String>) -> Self {
        self.calendar = Some(calendar.into());
        self
    }

    /// Adds a file.
    ///
    /// It arrives byte for byte. One of the type `message/rfc822` can't be encoded (RFC 2046 section 5.2.1): if it
    /// holds a NUL, a line over 998 bytes or one that ends otherwise than in CR LF, it goes as
    /// `application/octet-stream`.
    pub fn with_attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Says that a program wrote it, so that other programs don't answer (RFC 3834).
    ///
    /// ```
    /// use mail_access::{Address, AutoSubmitted, NewMessage};
    ///
    /// let bob: Address = "bob@agents.example".parse()?;
    /// let ada: Address = "ada@agents.example".parse()?;
    /// let sealed = NewMessage::to(bob).with_auto_submitted(AutoSubmitted::Generated).seal(&ada.into())?;
    /// assert!(String::from_utf8_lossy(sealed.bytes()).contains("Auto-Submitted: auto-generated\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_auto_submitted(mut self, kind: AutoSubmitted) -> Self {
        self.auto_submitted = Some(kind);
        self
    }

    /// Sets the https URL where a reader's program takes the reader off the list with one POST, without asking (RFC
    /// 8058): List-Unsubscribe and List-Unsubscribe-Post.
    ///
    /// Programs trust it only if a DKIM signature covers both fields, which the server writes.
    pub fn with_unsubscribe(mut self, url: impl Into<String>) -> Self {
        self.unsubscribe = Some(url.into());
        self
    }

    /// Adds a header field of one's own, behind those that were added before. Any Unicode without control characters
    /// may be its value.
    ///
    /// Those that make up the message (From, Subject, Content-Type ..) and those that servers write on the way
    /// (Received, DKIM-Signature ..) are refused.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns the contacts of the To field.
    pub fn to_contacts(&self) -> &[Contact] {
        &self.to
    }

    /// Returns the contacts of the Cc field.
    pub fn cc(&self) -> &[Contact] {
        &self.cc
    }

    /// Returns those who get it without being named in it.
    pub fn bcc(&self) -> &[Contact] {
        &self.bcc
    }

    /// Returns the subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the text, without the quote that sealing puts below it.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns the HTML, without the quote that sealing puts below it.
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }

    /// Returns the attachments.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Returns the message that it answers.
    pub fn in_reply_to(&self) -> Option<&MessageId> {
        self.in_reply_to.as_ref()
    }

    /// Returns the messages before it in its thread, the oldest first.
    pub fn references(&self) -> &[MessageId] {
        &self.references
    }

    /// Returns how far a program and not a person wrote it (RFC 3834), if it says so.
    pub fn auto_submitted(&self) -> Option<AutoSubmitted> {
        self.auto_submitted
    }

    /// Returns the header fields of the caller's own, names and values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns all recipients, those of Bcc too.
    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc).map(|contact| &contact.address)
    }
}

/// How a program came to write a message (RFC 3834 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AutoSubmitted {
    /// On its own account, as a report or a reminder.
    Generated,
    /// In answer to a message.
    Replied,
}

impl AutoSubmitted {
    fn keyword(self) -> &'static str {
        match self {
            Self::Generated => "auto-generated",
            Self::Replied => "auto-replied",
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct InlineImage {
    content_id: String,
    image: Attachment,
}

/// Shows whom it goes to and what it has, not what it says: texts hold codes and secrets of others.
impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |text: &Option<String>| text.as_ref().map(String::len);
        f.debug_struct("NewMessage")
            .field("to", &self.to)
            .field("cc", &self.cc)
            .field("bcc", &self.bcc)
            .field("subject", &self.subject)
            .field("text_bytes", &bytes(&self.text))
            .field("html_bytes", &bytes(&self.html))
            .field("images", &self.images.len())
            .field("attachments", &self.attachments)
            .field("in_reply_to", &self.in_reply_to)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
