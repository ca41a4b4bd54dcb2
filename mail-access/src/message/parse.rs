//! Decodes a stranger's bytes: nothing in them may stop the program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::nesting::{has_too_many_parts, without_encoded_messages};
use super::{Attachment, Contact};
use crate::MessageId;

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) message_id: Option<MessageId>,
    pub(super) in_reply_to: Option<MessageId>,
    pub(super) references: Vec<MessageId>,
    pub(super) from: Option<Contact>,
    pub(super) reply_to: Vec<Contact>,
    pub(super) to: Vec<Contact>,
    pub(super) cc: Vec<Contact>,
    pub(super) subject: String,
    pub(super) date: Option<SystemTime>,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) auto_submitted: bool,
    pub(super) delivery_report: bool,
}

pub(super) fn content(raw: &[u8]) -> Content {
    let header = header_of(raw);
    let within = if header.len() > MAX_HEADER || has_too_many_parts(raw) { cut(header) } else { raw };
    // Its debug assertions fail on some broken messages; such a one shows its header at least.
    catch_unwind(AssertUnwindSafe(|| decode(within)))
        .or_else(|_| catch_unwind(AssertUnwindSafe(|| decode(cut(header)))))
        .unwrap_or_default()
}

fn decode(raw: &[u8]) -> Content {
    let raw = without_encoded_messages(raw);
    let Some(message) = MessageParser::default().parse(&*raw) else { return Content::default() };
    let content = read(&message);
    dismantle(message);
    content
}

fn read(message: &Message<'_>) -> Content {
    Content {
        message_id: message.message_id().and_then(|id| id.parse().ok()),
        in_reply_to: ids(message.in_reply_to()).pop(),
        references: ids(message.references()),
        from: contacts(message.from()).into_iter().next(),
        reply_to: contacts(message.reply_to()),
        to: message.all_to().flat_map(|to| contacts(Some(to))).collect(),
        cc: message.all_cc().flat_map(|cc| contacts(Some(cc))).collect(),
        subject: message.subject().map(one_line).unwrap_or_default(),
        date: message.date().and_then(|date| time(date.to_timestamp())),
        text: body(message.text_bodies(), false),
        html: body(message.html_bodies(), true),
        attachments: message.attachments().map(attachment).collect(),
        auto_submitted: is_auto_submitted(message),
        delivery_report: is_delivery_report(message),
    }
}

/// Takes nested messages apart one by one: dropped as a whole they recurse, and 50 000 of them overflow the stack.
fn dismantle(message: Message<'_>) {
    let mut nested = vec![message];
    while let Some(mut message) = nested.pop() {
        let inner = message.parts.drain(..).filter_map(|part| match part.body {
            PartType::Message(inner) => Some(inner),
            _ => None,
        });
        nested.extend(inner);
    }
}

/// A text body that is HTML in truth, or the other way round, is the parser's fallback and not what was sent.
fn body<'a>(mut parts: impl Iterator<Item = &'a MessagePart<'a>>, html: bool) -> Option<String> {
    parts.find(|part| part.is_text_html() == html)?.text_contents().map(str::to_owned)
}

fn attachment(part: &MessagePart<'_>) -> Attachment {
    let content_type = part.content_type().map_or_else(
        || {
            if part.is_message() {
                "message/rfc822".to_owned()
            } else {
                "application/octet-stream".to_owned()
            }
        },
        |known| match known.subtype() {
            Some(subtype) => format!("{}/{subtype}", known.ctype()).to_ascii_lowercase(),
            None => known.ctype().to_ascii_lowercase(),
        },
    );
    Attachment::from_parts(part.attachment_name().map(one_line), content_type, part.contents().to_vec())
}

fn contacts(list: Option<&mail_parser::Address<'_>>) -> Vec<Contact> {
    let Some(list) = list else { return Vec::new() };
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

fn is_auto_submitted(message: &Message<'_>) -> bool {
    message
        .header("Auto-Submitted")
        .and_then(HeaderValue::as_text)
        .is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"))
}

fn is_delivery_report(message: &Message<'_>) -> bool {
    message.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("multipart")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"))
            && kind
                .attribute("report-type")
                .is_some_and(|report| report.eq_ignore_ascii_case("delivery-status"))
    })
}

/// Takes out what would move the cursor, turn the direction of the text or break a line.
fn one_line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.filter(|c| !TEXT_DIRECTION.contains(c)).collect::<String>().trim().to_owned()
}

fn time(seconds: i64) -> Option<SystemTime> {
    match u64::try_from(seconds) {
        Ok(after) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(after)),
        Err(_) => SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(seconds.unsigned_abs())),
    }
}

fn header_of(raw: &[u8]) -> &[u8] {
    let end = raw.windows(2).position(|pair| pair == b"\n\n" || pair == b"\n\r");
    end.map_or(raw, |end| &raw[..=end])
}

fn cut(header: &[u8]) -> &[u8] {
    &header[..header.len().min(MAX_HEADER)]
}

const MAX_HEADER: usize = 1 << 20;
const TEXT_DIRECTION: &[char] = &[
    '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_html_only_message_has_no_text_and_a_text_only_one_no_html() {
        let html = content(b"Content-Type: text/html\r\n\r\n<p>hi</p>\r\n");
        assert_eq!((html.text, html.html.as_deref().map(str::trim)), (None, Some("<p>hi</p>")));
        let text = content(b"Content-Type: text/plain\r\n\r\nhi\r\n");
        assert_eq!((text.text.as_deref().map(str::trim), text.html), (Some("hi"), None));
    }

    #[test]
    fn names_lose_what_would_deceive_a_reader() {
        let raw = "From: =?utf-8?Q?good=E2=80=AEevil?= <x@y.example>\r\n\r\n";
        assert_eq!(content(raw.as_bytes()).from.unwrap().name.as_deref(), Some("goodevil"));
    }

    #[test]
    fn a_machine_is_told_from_a_person() {
        for (raw, auto, report) in [
            ("Auto-Submitted: auto-replied\r\n\r\n", true, false),
            ("Auto-Submitted: No\r\n\r\n", false, false),
            ("Subject: x\r\n\r\n", false, false),
            (
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\nAuto-Submitted: \
                 auto-replied\r\n\r\n--b--\r\n",
                true,
                true,
            ),
        ] {
            let content = content(raw.as_bytes());
            assert_eq!((content.auto_submitted, content.delivery_report), (auto, report), "{raw:?}");
        }
    }

    /// Nested messages overflowed the stack as they were dropped, encoded ones as they were decoded.
    #[test]
    fn a_nest_of_messages_is_decoded_on_a_small_stack() {
        let nest = |depth| "Content-Type: message/rfc822\r\n\r\n".repeat(depth);
        let head = "Subject: nest\r\nContent-Type: message/rfc822\r\n";
        let encoded = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK".repeat(50_000);
        let bombs = [
            format!("{head}\r\n{}", nest(9_000)),
            format!("{head}\r\n{}", nest(100_000)),
            format!("{head}Content-Transfer-Encoding: base64\r\n\r\n{encoded}"),
        ];
        for bomb in bombs {
            let small = std::thread::Builder::new().stack_size(512 << 10);
            let content = small.spawn(move || content(bomb.as_bytes())).unwrap().join().unwrap();
            assert_eq!(content.subject, "nest");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_decoded_to_something(raw in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000)) {
            content(&raw);
        }

        #[test]
        fn broken_mime_is_decoded_to_something(parts in proptest::collection::vec(fragment(), 0..40)) {
            let decoded = content(parts.concat().as_bytes());
            proptest::prop_assert!(!decoded.subject.contains(['\r', '\n', '\0']));
        }
    }

    fn fragment() -> impl proptest::strategy::Strategy<Value = &'static str> {
        proptest::sample::select(vec![
            "Content-Type: multipart/mixed; boundary=a\r\n",
            "Content-Type: message/rfc822\r\n",
            "Content-Type: text/html; charset=utf-7\r\n",
            "Content-Transfer-Encoding: base64\r\n",
            "Content-Transfer-Encoding: quoted-printable\r\n",
            "Subject: =?utf-8?B?DQphAGI=?=\r\n",
            "From: =?x?Q?=0A?= <a@b.example>, \"\r\n",
            "References: <a@b> <c\r\n d>\r\n",
            "\r\n",
            "--a\r\n",
            "--a--\r\n",
            "=3D=\r\n",
            "text\0\r\n",
            "\u{fc}\n",
        ])
    }
}
