//! Decodes a stranger's bytes: nothing in them may stop the program.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use mail_parser::{
    ContentType, DateTime, Header, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders,
    PartType,
};

use super::clean::{lines, one_line};
use super::cuts::Cuts;
use super::header_fields::header_within;
use super::survey::{Seen, survey};
use super::{Attachment, Contact, Limit, Limits};
use crate::MessageId;

/// Gives the bytes of an embedded message.
type Raw<'a> = dyn Fn(&Message<'_>) -> Vec<u8> + 'a;

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) opaque: Option<Limit>,
    pub(super) message_id: Option<MessageId>,
    pub(super) in_reply_to: Option<MessageId>,
    pub(super) references: Vec<MessageId>,
    pub(super) from: Vec<Contact>,
    pub(super) sender: Option<Contact>,
    pub(super) reply_to: Vec<Contact>,
    pub(super) to: Vec<Contact>,
    pub(super) cc: Vec<Contact>,
    pub(super) subject: String,
    pub(super) date: Option<SystemTime>,
    pub(super) kind: String,
    pub(super) report_type: Option<String>,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
}

pub(super) fn content(raw: &[u8], limits: &Limits) -> Content {
    // Its debug assertions fail on some broken messages; such a one shows its header at least.
    let decoded = survey(raw, limits).and_then(|seen| {
        catch_unwind(AssertUnwindSafe(|| decode(&seen, limits))).unwrap_or(Err(Limit::Malformed))
    });
    decoded.unwrap_or_else(|limit| {
        let header = catch_unwind(|| decode_header(&header_within(raw, limits))).unwrap_or_default();
        Content { opaque: Some(limit), ..header }
    })
}

/// Reads all that the parser makes of a message.
pub(super) fn decode(seen: &Seen<'_>, limits: &Limits) -> Result<Content, Limit> {
    let (mut cuts, left) = Cuts::of(seen);
    if !cuts.is_empty()
        && let Some(mut message) = PARSER.parse(&left)
    {
        if unclosed::end(&message).is_none() && cuts.restore(&mut message, &left) {
            return read(message, limits, &|nested| cuts.raw(nested, &left, &seen.bytes));
        }
        dismantle(message);
    }
    let whole = |nested: &Message<'_>| nested.raw_message().to_vec();
    let Some(message) = PARSER.parse(&seen.bytes) else { return Ok(Content::default()) };
    let Some(end) = unclosed::end(&message) else { return read(message, limits, &whole) };
    dismantle(message);
    let closed = [&*seen.bytes, &end].concat();
    PARSER.parse(&closed).map_or_else(|| Ok(Content::default()), |message| read(message, limits, &whole))
}

fn read(mut message: Message<'_>, limits: &Limits, raw: &Raw<'_>) -> Result<Content, Limit> {
    let within = check(&message, limits);
    let content = within.map(|()| {
        let mut content = read_whole_header(&message);
        take_bodies(&mut message, &mut content, raw);
        content
    });
    dismantle(message);
    content
}

fn decode_header(raw: &[u8]) -> Content {
    PARSER.parse_headers(raw).map(|message| read_whole_header(&message)).unwrap_or_default()
}

/// Reads the header, and once more if characters are torn that may be whole.
fn read_whole_header(message: &Message<'_>) -> Content {
    let Some(part) = message.parts.first() else { return Content::default() };
    let content = read_header(&part.headers);
    let header = message.raw_message.get(..part.offset_body as usize).filter(|_| is_torn(&content));
    let joined = header.map(words::joined);
    let again = joined.as_deref().and_then(|header| PARSER.parse_headers(header));
    again.and_then(|again| Some(read_header(&again.parts.first()?.headers))).unwrap_or(content)
}

fn is_torn(content: &Content) -> bool {
    let people = content.from.iter().chain(&content.reply_to).chain(&content.to).chain(&content.cc);
    let names = people.chain(&content.sender).filter_map(|contact| contact.name.as_deref());
    names.chain([&*content.subject]).any(|text| text.contains(char::REPLACEMENT_CHARACTER))
}

/// Counts parts and measures how deep they lie in each other.
pub(super) fn check(message: &Message<'_>, limits: &Limits) -> Result<(), Limit> {
    let mut parts = 0;
    let mut inside = vec![(message, 1)];
    while let Some((message, base)) = inside.pop() {
        parts += message.parts.len();
        if parts > limits.parts() {
            return Err(Limit::Parts);
        }
        let mut depths = vec![base; message.parts.len()];
        for (id, part) in message.parts.iter().enumerate() {
            let depth = depths[id];
            if depth > limits.nesting() {
                return Err(Limit::Nesting);
            }
            match &part.body {
                PartType::Multipart(children) => {
                    for child in children {
                        // A part lies behind the one it belongs to.
                        if let Some(child) = depths.get_mut(*child as usize) {
                            *child = depth + 1;
                        }
                    }
                }
                PartType::Message(nested) => inside.push((nested, depth + 1)),
                _ => {}
            }
        }
    }
    Ok(())
}

fn read_header(headers: &[Header<'_>]) -> Content {
    let mut content = Content::default();
    for Header { name, value, .. } in headers {
        match name {
            HeaderName::From => content.from.extend(contacts(value)),
            HeaderName::To => content.to.extend(contacts(value)),
            HeaderName::Cc => content.cc.extend(contacts(value)),
            HeaderName::ReplyTo => content.reply_to = contacts(value).collect(),
            HeaderName::Sender => content.sender = contacts(value).next(),
            HeaderName::Subject => content.subject = value.as_text().map(one_line).unwrap_or_default(),
            HeaderName::MessageId => {
                content.message_id = value.as_text().and_then(|id| id.parse().ok());
            }
            HeaderName::InReplyTo => content.in_reply_to = ids(value).pop(),
            HeaderName::References => content.references = ids(value),
            HeaderName::Date => {
                let date = value.as_text().and_then(DateTime::parse_rfc822);
                content.date = date.and_then(|date| time(date.to_timestamp()));
            }
            HeaderName::ContentType => {
                let kind = value.as_content_type();
                content.kind = kind.map(media_type).unwrap_or_default();
                content.report_type =
                    kind.and_then(|kind| kind.attribute("report-type")).map(str::to_ascii_lowercase);
            }
            _ => {}
        }
    }
    content
}

fn take_bodies(message: &mut Message<'_>, content: &mut Content, raw: &Raw<'_>) {
    let bodies = [std::mem::take(&mut message.text_body), std::mem::take(&mut message.html_body)];
    let (plain, attachments): (Vec<_>, Vec<_>) =
        std::mem::take(&mut message.attachments).into_iter().partition(|id| is_text_of_no_kind(message, *id));
    for id in attachments {
        if let Some(part) = message.parts.get_mut(id as usize) {
            content.attachments.push(attachment(part, raw));
        }
    }
    // A text body that is HTML in truth, or the other way round, is the parser's fallback and not what was sent.
    let [mut texts, htmls] = bodies;
    texts.extend(plain);
    texts.sort_unstable();
    for id in texts {
        if let Some(PartType::Text(text)) = message.parts.get_mut(id as usize).map(|part| &mut part.body) {
            join(&mut content.text, std::mem::take(text));
        }
    }
    for id in htmls {
        if let Some(PartType::Html(html)) = message.parts.get_mut(id as usize).map(|part| &mut part.body) {
            join(&mut content.html, std::mem::take(html));
        }
    }
}

/// Tells a part of the type `text`, which is none and stands for `text/plain` (RFC 2045 section 5.2).
fn is_text_of_no_kind(message: &Message<'_>, id: u32) -> bool {
    let Some(part) = message.parts.get(id as usize) else { return false };
    let is_text = part.content_type().is_some_and(|kind| kind.ctype() == "text" && kind.subtype().is_none());
    is_text && part.content_disposition().is_none() && matches!(part.body, PartType::Text(_))
}

fn join(whole: &mut Option<String>, part: Cow<'_, str>) {
    let part = lines(part);
    match whole {
        None => *whole = Some(part),
        Some(whole) => {
            if !whole.is_empty() && !whole.ends_with('\n') {
                whole.push('\n');
            }
            whole.push_str(&part);
        }
    }
}

fn attachment(part: &mut MessagePart<'_>, raw: &Raw<'_>) -> Attachment {
    let content_type = match part.content_type() {
        Some(known) => media_type(known),
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "application/octet-stream".to_owned(),
    };
    let name = part.attachment_name().map(one_line).filter(|name| !name.is_empty());
    let content_id = part.content_id().map(one_line).filter(|id| !id.is_empty());
    let disposition = part.content_disposition();
    let is_inline = disposition.map_or(content_id.is_some(), ContentType::is_inline);
    let content = match &mut part.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => std::mem::take(bytes).into_owned(),
        PartType::Text(text) | PartType::Html(text) => std::mem::take(text).into_owned().into_bytes(),
        PartType::Message(nested) => raw(nested),
        PartType::Multipart(_) => Vec::new(),
    };
    Attachment { content_id, is_inline, ..Attachment::from_parts(name, content_type, content) }
}

fn media_type(known: &ContentType<'_>) -> String {
    let mut name = match known.subtype() {
        Some(subtype) => one_line(&[known.ctype(), "/", subtype].concat()),
        None => one_line(known.ctype()),
    };
    name.make_ascii_lowercase();
    name
}

/// Takes nested messages apart one by one: dropped as a whole they recurse, and 50 000 of them overflow the stack.
pub(super) fn dismantle(message: Message<'_>) {
    let mut nested = Vec::new();
    let mut next = Some(message);
    while let Some(message) = next {
        nested.extend(message.parts.into_iter().filter_map(|part| match part.body {
            PartType::Message(inner) => Some(inner),
            _ => None,
        }));
        next = nested.pop();
    }
}

fn contacts(value: &HeaderValue<'_>) -> impl Iterator<Item = Contact> {
    value.as_address().into_iter().flat_map(mail_parser::Address::iter).filter_map(|found| {
        let address = found.address()?.parse().ok()?;
        let name = found.name().map(one_line).filter(|name| !name.is_empty());
        Some(match name {
            Some(name) => Contact::named(name, address),
            None => Contact::from(address),
        })
    })
}

fn ids(value: &HeaderValue<'_>) -> Vec<MessageId> {
    match value {
        HeaderValue::Text(id) => id.parse().into_iter().collect(),
        HeaderValue::TextList(list) => list.iter().filter_map(|id| id.parse().ok()).collect(),
        _ => Vec::new(),
    }
}

fn time(seconds: i64) -> Option<SystemTime> {
    match u64::try_from(seconds) {
        Ok(after) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(after)),
        Err(_) => SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(seconds.unsigned_abs())),
    }
}

/// Takes the fields that are read here and passes over the rest.
static PARSER: LazyLock<MessageParser> = LazyLock::new(|| {
    MessageParser::new()
        .with_minimal_headers()
        .without_header(HeaderName::Bcc)
        .without_header(HeaderName::ContentDescription)
        .without_header(HeaderName::ContentLocation)
        .header_address(HeaderName::Sender)
        // Read as a date, one that ends in `UT` and LF would take the field behind it along.
        .header_raw(HeaderName::Date)
        .with_message_ids()
        .default_header_ignore()
});

mod unclosed;
mod words;

#[cfg(test)]
mod tests;
