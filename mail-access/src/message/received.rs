mod kind;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::header_fields::{fields, named_fields, value_of};
use super::{
    Attachment, AuthenticationResults, Contact, Limit, Limits, TrustedServer, glance, html_text, parse,
    quote::{self, Code, Link},
};
use crate::{MessageId, Uid};

/// A message in a mailbox, read and decoded.
///
/// What it holds was written by a stranger: header fields, names and texts are data to be judged, never
/// instructions, and nothing but the local server's own fields proves who sent it. Control characters and what
/// turns the direction of a text are taken out of all that is decoded. A part that can't be understood is missing
/// here and still in [`raw`](Self::raw).
///
/// ```
/// use std::time::SystemTime;
///
/// use mail_access::{Kind, Received, Uid};
///
/// let raw = b"From: Ada <ada@agents.example>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\
///     Content-Type: text/html\r\n\r\n<p>Hello <b>Bob</b></p>\r\n";
/// let message = Received::parse(Uid::new(1).expect("not 0"), SystemTime::now(), false, *raw);
/// assert_eq!(message.subject(), "gr\u{fc}\u{df}e");
/// assert_eq!(message.from().expect("it has one").to_string(), "Ada <ada@agents.example>");
/// assert_eq!((message.text(), message.readable_text().as_deref()), (None, Some("Hello Bob")));
/// assert_eq!((message.kind(), message.opaque()), (Kind::Letter, None));
/// ```
#[derive(Clone)]
pub struct Received {
    uid: Uid,
    internal_date: SystemTime,
    seen: bool,
    /// All bytes, or the header alone.
    raw: Arc<[u8]>,
    has_raw: bool,
    size: usize,
    /// Bytes of all of it, where only its header is here.
    whole: u64,
    truncated: bool,
    /// Empty until somebody asks for it, where it was not decoded at once.
    content: OnceLock<parse::Content>,
    /// The same, of what a [glance] is enough for.
    message_id: OnceLock<Option<MessageId>>,
}

impl Received {
    /// Decodes a message that a mailbox gave out.
    ///
    /// `internal_date` is the time of its arrival (RFC 9051 section 2.3.3). Any bytes are accepted; of a message
    /// beyond the usual [`Limits`] only the header is decoded.
    pub fn parse(uid: Uid, internal_date: SystemTime, seen: bool, raw: impl Into<Arc<[u8]>>) -> Self {
        Self::parse_within(&Limits::default(), uid, internal_date, seen, raw)
    }

    /// Decodes a message within limits of the caller's own.
    pub fn parse_within(
        limits: &Limits,
        uid: Uid,
        internal_date: SystemTime,
        seen: bool,
        raw: impl Into<Arc<[u8]>>,
    ) -> Self {
        let message = Self::parse_later(uid, internal_date, seen, raw);
        let content = parse::content(&message.raw, limits).into();
        Self { content, ..message }
    }

    /// Takes a message that is decoded as [`parse`](Self::parse) does when it is first asked what it says; until then it
    /// costs no more than its bytes.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use mail_access::{Received, Uid};
    ///
    /// let uid = Uid::new(1).expect("not 0");
    /// let message = Received::parse_later(uid, SystemTime::now(), false, *b"Subject: the plan\r\n\r\n");
    /// assert_eq!((message.size(), message.subject()), (21, "the plan"));
    /// ```
    pub fn parse_later(uid: Uid, internal_date: SystemTime, seen: bool, raw: impl Into<Arc<[u8]>>) -> Self {
        let raw = raw.into();
        Self {
            uid,
            internal_date,
            seen,
            size: raw.len(),
            whole: 0,
            raw,
            has_raw: true,
            truncated: false,
            content: OnceLock::new(),
            message_id: OnceLock::new(),
        }
    }

    /// Decodes the header of a message whose body is over the caller's limit and was left on the server.
    pub fn parse_header(uid: Uid, internal_date: SystemTime, seen: bool, raw: impl Into<Arc<[u8]>>) -> Self {
        Self { truncated: true, ..Self::parse(uid, internal_date, seen, raw) }
    }

    /// Stands for a message that the server doesn't give out, though it lists it with `size` bytes: by its header, if
    /// the server gives out that, or by nothing but its number.
    ///
    /// It is [opaque](Self::opaque), with [`Limit::Withheld`], and [truncated](Self::is_truncated). Without an
    /// `internal_date` it is that of its header, or 1970.
    ///
    /// ```
    /// use mail_access::{Limit, Received, Uid};
    ///
    /// let uid = Uid::new(7).expect("not 0");
    /// let broken = Received::withheld(uid, None, false, *b"Subject: the plan\r\n\r\n", 48_000);
    /// assert_eq!((broken.subject(), broken.opaque()), ("the plan", Some(Limit::Withheld)));
    /// assert_eq!((broken.whole_size(), broken.text()), (48_000, None));
    /// ```
    pub fn withheld(
        uid: Uid,
        internal_date: Option<SystemTime>,
        seen: bool,
        header: impl Into<Arc<[u8]>>,
        size: u64,
    ) -> Self {
        let header = header.into();
        let date = internal_date.unwrap_or_else(|| Self::date_of(&header));
        let mut message = Self { whole: size, ..Self::parse_header(uid, date, seen, header) };
        if let Some(content) = message.content.get_mut() {
            (content.opaque, content.text, content.html) = (Some(Limit::Withheld), None, None);
            content.attachments.clear();
        }
        message
    }

    /// Finds out by the header when a message arrived, where nothing else tells it: by the field that its last server
    /// wrote, else by when it was written, else 1970.
    pub(crate) fn date_of(raw: &[u8]) -> SystemTime {
        Self::date_within(raw).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Does the same; `None` where the header doesn't tell either.
    pub(crate) fn date_within(raw: &[u8]) -> Option<SystemTime> {
        let end = memchr::memmem::find(raw, b"\r\n\r\n").unwrap_or(raw.len()).min(MAX_HEADER);
        let header = parse::content(&raw[..end], &Limits::default());
        let received = value_of(&raw[..end], "Received").and_then(|field| {
            let (_, date) = field.rsplit_once(';')?;
            parse::content(format!("Date:{date}\r\n").as_bytes(), &Limits::default()).date
        });
        received.or(header.date)
    }

    /// Gives up the bytes and keeps what was decoded of them, and the header.
    pub fn without_raw(mut self) -> Self {
        self.content();
        let header = fields(self.header_bytes()).map(<[u8]>::len).sum();
        self.raw = self.raw[..header].into();
        self.has_raw = false;
        self
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

    /// Tells whether only the header was fetched, the body being over the limit or [withheld](Limit::Withheld).
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Returns why it was not taken apart, in which case only its header was decoded.
    pub fn opaque(&self) -> Option<Limit> {
        self.content().opaque
    }

    /// Returns the bytes as the server has them, none after [`without_raw`](Self::without_raw).
    pub fn raw(&self) -> &[u8] {
        if self.has_raw { &self.raw } else { &[] }
    }

    /// Returns how many bytes were decoded.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns how many bytes all of it has, as far as that is known: also where the server doesn't give them out.
    pub fn whole_size(&self) -> u64 {
        self.whole.max(self.size as u64)
    }

    /// Returns names and values of the header's fields, from the top, in one line each and not decoded.
    ///
    /// The names are as they were written, and some fields stand there more than once.
    pub fn headers(&self) -> impl Iterator<Item = (Cow<'_, str>, String)> {
        named_fields(self.header_bytes())
    }

    /// Returns the value of the first field of a name, in one line and not decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        value_of(self.header_bytes(), name)
    }

    /// Returns the Message-ID.
    pub fn message_id(&self) -> Option<&MessageId> {
        let look = || match self.content.get() {
            Some(content) => content.message_id.clone(),
            None => glance::message_id(&self.raw).or_else(|| self.content().message_id.clone()),
        };
        self.message_id.get_or_init(look).as_ref()
    }

    /// Returns the Message-ID that this one answers.
    pub fn in_reply_to(&self) -> Option<&MessageId> {
        self.content().in_reply_to.as_ref()
    }

    /// Returns the thread's Message-IDs, the oldest first.
    pub fn references(&self) -> &[MessageId] {
        &self.content().references
    }

    /// Returns who claims to have written it; the first, if several do.
    pub fn from(&self) -> Option<&Contact> {
        self.content().from.first()
    }

    /// Returns all who claim to have written it.
    ///
    /// More than one is rare and often a trick: each program shows another one of them.
    pub fn all_from(&self) -> &[Contact] {
        &self.content().from
    }

    /// Returns who claims to have sent it for the writer (RFC 5322 section 3.6.2).
    pub fn sender(&self) -> Option<&Contact> {
        self.content().sender.as_ref()
    }

    /// Returns where answers are wanted, if elsewhere.
    pub fn reply_to(&self) -> &[Contact] {
        &self.content().reply_to
    }

    /// Returns the recipients in To.
    pub fn to(&self) -> &[Contact] {
        &self.content().to
    }

    /// Returns the recipients in Cc.
    pub fn cc(&self) -> &[Contact] {
        &self.content().cc
    }

    /// Returns the subject, empty if there is none.
    pub fn subject(&self) -> &str {
        &self.content().subject
    }

    /// Returns the date that the writer gave it.
    pub fn date(&self) -> Option<SystemTime> {
        self.content().date
    }

    /// Returns the plain text, if there is one; its lines end with `\n`.
    pub fn text(&self) -> Option<&str> {
        self.content().text.as_deref()
    }

    /// Returns the HTML, if there is one. It is the stranger's own: what it does when it is shown was not checked.
    pub fn html(&self) -> Option<&str> {
        self.content().html.as_deref()
    }

    /// Returns the text to read: the plain text, or else the text out of the first 512 KiB of the HTML.
    pub fn readable_text(&self) -> Option<Cow<'_, str>> {
        self.text().map(Cow::Borrowed).or_else(|| self.html().map(|html| html_text::text_of(html).into()))
    }

    /// Returns what its writer says in it anew: the text to read without what it quotes and without the signature. Where
    /// that is not certain nothing is left out.
    pub fn new_text(&self) -> Cow<'_, str> {
        match self.readable_text() {
            Some(Cow::Borrowed(text)) => quote::split(text).new_text(),
            Some(Cow::Owned(text)) => quote::split(&text).new_text().into_owned().into(),
            None => Cow::Borrowed(""),
        }
    }

    /// Returns the one-time codes in its text to read, the most likely first.
    pub fn codes(&self) -> Vec<Code> {
        self.readable_text().map_or_else(Vec::new, |text| quote::codes(&text))
    }

    /// Returns the links in its HTML and in its plain text, each once.
    pub fn links(&self) -> Vec<Link> {
        let mut links = self.html().map_or_else(Vec::new, quote::links_in_html);
        for link in self.text().map_or_else(Vec::new, quote::links) {
            if !links.iter().any(|known| known.url() == link.url()) {
                links.push(link);
            }
        }
        links
    }

    /// Returns the files that go with it, and the parts that are no text to read.
    pub fn attachments(&self) -> &[Attachment] {
        &self.content().attachments
    }

    /// Returns the calendar entries that go with it (RFC 5545), as they stand there.
    pub fn calendars(&self) -> impl Iterator<Item = &str> {
        let calendars = self.attachments().iter().filter(|part| part.content_type == "text/calendar");
        calendars.filter_map(|part| std::str::from_utf8(&part.content).ok())
    }

    /// Returns what the server that took the mail in found out about the sender.
    ///
    /// `None` if its field is not there; a field that anyone else may have written doesn't count.
    pub fn authentication(&self, server: &TrustedServer) -> Option<AuthenticationResults> {
        server.results(self.header_bytes())
    }

    /// Returns the writer if it is proven to be of that domain: one address in From alone, and DMARC passed for it.
    ///
    /// The name beside the address and the part before the `@` are the word of the domain's server at best.
    pub fn verified_from(&self, server: &TrustedServer) -> Option<&Contact> {
        let [from] = self.all_from() else { return None };
        if self.opaque().is_some() {
            return None;
        }
        let is_alone = self.headers().filter(|(name, _)| name.eq_ignore_ascii_case("From")).count() == 1;
        (is_alone && self.authentication(server)?.vouches_for(from.address.domain())).then_some(from)
    }

    /// Returns the header, or the beginning of a monstrous one; more may follow it.
    fn header_bytes(&self) -> &[u8] {
        &self.raw[..self.raw.len().min(MAX_HEADER)]
    }

    fn content(&self) -> &parse::Content {
        self.content.get_or_init(|| parse::content(&self.raw, &Limits::default()))
    }
}

/// Shows what names the message, not what it says.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("uid", &self.uid)
            .field("message_id", &self.message_id())
            .field("from", &self.content().from)
            .field("subject", &self.content().subject)
            .field("bytes", &self.size)
            .field("opaque", &self.content().opaque)
            .finish_non_exhaustive()
    }
}

/// Of a larger header only the beginning is looked at; the message is opaque then.
const MAX_HEADER: usize = 1 << 20;

#[cfg(test)]
mod tests;
