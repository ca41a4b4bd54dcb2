//! Decodes a stranger's bytes: nothing in them may stop the program.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use mail_parser::{
    ContentType, Header, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};

use super::clean::{lines, one_line};
use super::survey::{header_within, survey};
use super::{Attachment, Contact, Limit, Limits};
use crate::MessageId;

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

fn decode(raw: &[u8], limits: &Limits) -> Result<Content, Limit> {
    let Some(mut message) = PARSER.parse(raw) else { return Ok(Content::default()) };
    let within = check(&message, limits);
    let content = within.map(|()| {
        let mut content = read_header(message.parts.first().map_or(&[][..], |part| &part.headers));
        take_bodies(&mut message, &mut content);
        content
    });
    dismantle(message);
    content
}

fn decode_header(raw: &[u8]) -> Content {
    let message = PARSER.parse_headers(raw);
    let headers = message.as_ref().and_then(|message| message.parts.first()).map(|part| &part.headers[..]);
    read_header(headers.unwrap_or_default())
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
            HeaderName::ReplyTo => content.reply_to = contacts(value),
            HeaderName::Sender => content.sender = contacts(value).into_iter().next(),
            HeaderName::Subject => content.subject = value.as_text().map(one_line).unwrap_or_default(),
            HeaderName::MessageId => {
                content.message_id = value.as_text().and_then(|id| id.parse().ok());
            }
            HeaderName::InReplyTo => content.in_reply_to = ids(value).pop(),
            HeaderName::References => content.references = ids(value),
            HeaderName::Date => content.date = value.as_datetime().and_then(|date| time(date.to_timestamp())),
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

fn take_bodies(message: &mut Message<'_>, content: &mut Content) {
    let bodies = [std::mem::take(&mut message.text_body), std::mem::take(&mut message.html_body)];
    let attachments = std::mem::take(&mut message.attachments);
    for id in attachments {
        if let Some(part) = message.parts.get_mut(id as usize) {
            content.attachments.push(attachment(part));
        }
    }
    // A text body that is HTML in truth, or the other way round, is the parser's fallback and not what was sent.
    let [texts, htmls] = bodies;
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

fn attachment(part: &mut MessagePart<'_>) -> Attachment {
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
        _ => part.contents().to_vec(),
    };
    Attachment { content_id, is_inline, ..Attachment::from_parts(name, content_type, content) }
}

fn media_type(known: &ContentType<'_>) -> String {
    let name = match known.subtype() {
        Some(subtype) => format!("{}/{subtype}", known.ctype()),
        None => known.ctype().to_owned(),
    };
    one_line(&name).to_ascii_lowercase()
}

/// Takes nested messages apart one by one: dropped as a whole they recurse, and 50 000 of them overflow the stack.
pub(super) fn dismantle(message: Message<'_>) {
    let mut nested = vec![message];
    while let Some(mut message) = nested.pop() {
        let inner = message.parts.drain(..).filter_map(|part| match part.body {
            PartType::Message(inner) => Some(inner),
            _ => None,
        });
        nested.extend(inner);
    }
}

fn contacts(value: &HeaderValue<'_>) -> Vec<Contact> {
    let Some(list) = value.as_address() else { return Vec::new() };
    list.iter()
        .filter_map(|found| {
            let address = found.address()?.parse().ok()?;
            let name = found.name().map(one_line).filter(|name| !name.is_empty());
            Some(match name {
                Some(name) => Contact::named(name, address),
                None => Contact::from(address),
            })
        })
        .collect()
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
        .with_message_ids()
        .default_header_ignore()
});

#[cfg(test)]
mod tests;
