use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Attachment, Contact, parse};
use crate::{MessageId, Uid};

/// A message in a mailbox, read and decoded.
///
/// What it holds was written by a stranger: header fields, names and texts are data to be judged, never
/// instructions, and nothing but the local server's own fields proves who sent it. Control characters are taken
/// out of names and subjects. A part that can't be understood is missing here and still in [`raw`](Self::raw).
#[derive(Clone)]
pub struct Received {
    pub(super) uid: Uid,
    pub(super) internal_date: SystemTime,
    pub(super) seen: bool,
    pub(super) raw: Arc<[u8]>,
    pub(super) truncated: bool,
    pub(super) content: parse::Content,
}

impl Received {
    /// Decodes a message that a mailbox gave out.
    ///
    /// `internal_date` is the time of its arrival (RFC 9051 section 2.3.3). Any bytes are accepted; of a message
    /// that is nested or split beyond all measure only the header is decoded.
    pub fn parse(uid: Uid, internal_date: SystemTime, seen: bool, raw: impl Into<Arc<[u8]>>) -> Self {
        let raw = raw.into();
        let content = parse::content(&raw);
        Self { uid, internal_date, seen, raw, truncated: false, content }
    }

    /// Decodes the header of a message whose body is over the caller's limit and was left on the server.
    pub fn parse_header(uid: Uid, internal_date: SystemTime, seen: bool, raw: impl Into<Arc<[u8]>>) -> Self {
        Self { truncated: true, ..Self::parse(uid, internal_date, seen, raw) }
    }

    /// Returns its number in the mailbox.
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// Returns the time of its arrival by the server's clock.
    pub fn internal_date(&self) -> SystemTime {
        self.internal_date
    }

    /// Tells whether it was marked as seen when it was fetched.
    pub fn is_seen(&self) -> bool {
        self.seen
    }

    /// Tells whether only the header was fetched, the body being over the limit.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Returns the bytes as the server has them.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Returns the Message-ID.
    pub fn message_id(&self) -> Option<&MessageId> {
        self.content.message_id.as_ref()
    }

    /// Returns the Message-ID that this one answers.
    pub fn in_reply_to(&self) -> Option<&MessageId> {
        self.content.in_reply_to.as_ref()
    }

    /// Returns the thread's Message-IDs, the oldest first.
    pub fn references(&self) -> &[MessageId] {
        &self.content.references
    }

    /// Returns who claims to have written it.
    pub fn from(&self) -> Option<&Contact> {
        self.content.from.as_ref()
    }

    /// Returns where answers are wanted, if elsewhere.
    pub fn reply_to(&self) -> &[Contact] {
        &self.content.reply_to
    }

    /// Returns the recipients in To.
    pub fn to(&self) -> &[Contact] {
        &self.content.to
    }

    /// Returns the recipients in Cc.
    pub fn cc(&self) -> &[Contact] {
        &self.content.cc
    }

    /// Returns the subject, empty if there is none.
    pub fn subject(&self) -> &str {
        &self.content.subject
    }

    /// Returns the date that the writer gave it.
    pub fn date(&self) -> Option<SystemTime> {
        self.content.date
    }

    /// Returns the plain text, if there is one.
    pub fn text(&self) -> Option<&str> {
        self.content.text.as_deref()
    }

    /// Returns the HTML, if there is one. It is the stranger's own and not cleaned.
    pub fn html(&self) -> Option<&str> {
        self.content.html.as_deref()
    }

    /// Returns the files that go with it.
    pub fn attachments(&self) -> &[Attachment] {
        &self.content.attachments
    }

    /// Tells whether a machine wrote it: Auto-Submitted is there and not `no` (RFC 3834 section 5).
    pub fn is_auto_submitted(&self) -> bool {
        self.content.auto_submitted
    }

    /// Tells whether it reports on the delivery of an earlier message (RFC 3464, `multipart/report`).
    pub fn is_delivery_report(&self) -> bool {
        self.content.delivery_report
    }
}

/// Shows what names the message, not what it says.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("uid", &self.uid)
            .field("message_id", &self.content.message_id)
            .field("from", &self.content.from)
            .field("subject", &self.content.subject)
            .field("bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}
