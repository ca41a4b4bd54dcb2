//! A message that came in, as an agent gets it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use mail_access::quote::{Code, Link};
use mail_access::{
    Address, Attachment, AuthenticationResults, Contact, DeliveryReport, FeedbackReport, Kind, MessageId,
    Received, TrustedServer, Uid,
};

use crate::Untrusted;

/// A message that came in. Cheap to clone.
///
/// What its author wrote is [`Untrusted`]; what the own mail system says of it is not.
#[derive(Clone)]
pub struct Inbound {
    message: Arc<Received>,
    trusted: Option<TrustedServer>,
    flags: Vec<String>,
}

impl Inbound {
    /// Makes one of a message that was read, and the server whose verdicts are believed.
    pub fn new(message: Received, trusted: Option<TrustedServer>) -> Self {
        Self { message: Arc::new(message), trusted, flags: Vec::new() }
    }

    /// Returns the whole message, for what this view doesn't show.
    pub fn message(&self) -> Untrusted<&Received> {
        Untrusted::new(&self.message)
    }

    /// Returns its number in the INBOX.
    pub fn uid(&self) -> Uid {
        self.message.uid()
    }

    /// Returns when it arrived, by the mail system's clock.
    pub fn arrived(&self) -> SystemTime {
        self.message.internal_date()
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> usize {
        self.message.size()
    }

    /// Returns its identity, which its author chose.
    pub fn message_id(&self) -> Option<Untrusted<&MessageId>> {
        self.message.message_id().map(Untrusted::new)
    }

    /// Returns the message that it answers, by its author's word.
    pub fn in_reply_to(&self) -> Option<Untrusted<&MessageId>> {
        self.message.in_reply_to().map(Untrusted::new)
    }

    /// Returns the messages before it in its thread, by its author's word.
    pub fn references(&self) -> Untrusted<&[MessageId]> {
        Untrusted::new(self.message.references())
    }

    /// Returns the bytes of the message.
    pub fn raw(&self) -> Untrusted<&[u8]> {
        Untrusted::new(self.message.raw())
    }

    /// Returns whom its header says it is from. [`verified_from`](Self::verified_from) says what the mail system found.
    pub fn from(&self) -> Option<Untrusted<&Contact>> {
        self.message.from().map(Untrusted::new)
    }

    /// Returns whom it is from, if the [trusted server](crate::AgentMailBuilder::trusted_server) found the author's
    /// domain authenticated: the address alone, as the name in front of it is the author's choice all the same.
    pub fn verified_from(&self) -> Option<&Address> {
        self.message.verified_from(self.trusted.as_ref()?).map(|contact| &contact.address)
    }

    /// Returns what the [trusted server](crate::AgentMailBuilder::trusted_server) found by SPF, DKIM and DMARC, in its
    /// own words, which quote the author's. [`verdict`](Self::verdict) is the short of it.
    pub fn authentication(&self) -> Option<Untrusted<AuthenticationResults>> {
        self.message.authentication(self.trusted.as_ref()?).map(Untrusted::new)
    }

    /// Returns the subject.
    pub fn subject(&self) -> Untrusted<&str> {
        Untrusted::new(self.message.subject())
    }

    /// Returns the text, if it has one.
    pub fn text(&self) -> Option<Untrusted<&str>> {
        self.message.text().map(Untrusted::new)
    }

    /// Returns the HTML, if it has one.
    pub fn html(&self) -> Option<Untrusted<&str>> {
        self.message.html().map(Untrusted::new)
    }

    /// Returns what is new in it: the text without quotes and signature.
    pub fn new_text(&self) -> Untrusted<Cow<'_, str>> {
        Untrusted::new(self.message.new_text())
    }

    /// Returns the one-time codes in it.
    pub fn codes(&self) -> Untrusted<Vec<Code>> {
        Untrusted::new(self.message.codes())
    }

    /// Returns the links in it.
    pub fn links(&self) -> Untrusted<Vec<Link>> {
        Untrusted::new(self.message.links())
    }

    /// Returns the attachments.
    pub fn attachments(&self) -> Untrusted<&[Attachment]> {
        Untrusted::new(self.message.attachments())
    }

    /// Returns what sort of mail it is, by its header.
    pub fn kind(&self) -> Kind {
        self.message.kind()
    }

    /// Tells whether it reports on the delivery of another message.
    pub fn is_delivery_report(&self) -> bool {
        self.message.is_delivery_report()
    }

    /// Returns the report, if it is one on the delivery of another message.
    pub fn delivery_report(&self) -> Option<Untrusted<DeliveryReport>> {
        self.message.delivery_report().map(Untrusted::new)
    }

    /// Returns the report, if it is a complaint about another message.
    pub fn feedback_report(&self) -> Option<Untrusted<FeedbackReport>> {
        self.message.feedback_report().map(Untrusted::new)
    }

    /// Returns the remarks of the [checks](crate::safety::InboundCheck) it passed.
    pub fn flags(&self) -> &[String] {
        &self.flags
    }

    /// Adds a remark.
    #[must_use]
    pub fn with_flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }
}

/// Shows what it is known by, nothing that it says.
impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("uid", &self.uid())
            .field("message_id", &self.message_id())
            .field("size", &self.size())
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}
