//! What a search looks through: header fields and text parts, decoded and else as they were written.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use mail_parser::parsers::MessageStream;
use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::Limits;
use super::parse::{check, dismantle};
use super::survey::{fields, header_within, survey};

/// All text of a message.
#[derive(Debug, Default)]
pub(crate) struct Searched {
    /// The header and those of its parts and of embedded messages, a line for each field.
    pub(crate) headers: Vec<String>,
    /// The text parts, those of embedded messages among them.
    pub(crate) bodies: Vec<String>,
}

/// Decodes it all; of a message beyond the usual [`Limits`] only the header.
pub(crate) fn searched(raw: &[u8]) -> Searched {
    let limits = Limits::default();
    let taken_apart = survey(raw, &limits).ok().and_then(|seen| {
        // Its debug assertions fail on some broken messages.
        catch_unwind(AssertUnwindSafe(|| take_apart(&seen, &limits))).ok().flatten()
    });
    taken_apart.unwrap_or_else(|| Searched {
        headers: vec![header_text(&header_within(raw, &limits))],
        bodies: Vec::new(),
    })
}

/// Decodes the values of all fields of a name in the message's own header.
pub(crate) fn field_values(raw: &[u8], name: &str) -> Vec<String> {
    let header = header_within(raw, &Limits::default());
    let named = fields(&header).filter_map(split);
    named.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| decoded(value)).collect()
}

fn take_apart(raw: &[u8], limits: &Limits) -> Option<Searched> {
    let message = PARSER.parse(raw)?;
    let searched = check(&message, limits).ok().map(|()| gather(&message));
    dismantle(message);
    searched
}

fn gather(message: &Message<'_>) -> Searched {
    let mut searched = Searched::default();
    let mut inside = vec![message];
    while let Some(message) = inside.pop() {
        for part in &message.parts {
            let header = part.offset_header as usize..part.offset_body as usize;
            searched.headers.push(header_text(message.raw_message.get(header).unwrap_or_default()));
            match &part.body {
                PartType::Text(text) | PartType::Html(text) => searched.bodies.push(text.to_string()),
                PartType::Message(nested) => inside.push(nested),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) if is_of_messages(part) => {
                    searched.bodies.push(String::from_utf8_lossy(bytes).into_owned());
                }
                _ => {}
            }
        }
    }
    searched
}

/// Tells the reports of mail systems, which are text of another name.
fn is_of_messages(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("message"))
}

fn header_text(header: &[u8]) -> String {
    let mut text = String::new();
    for (name, value) in fields(header).filter_map(split) {
        text.extend([&name, ": ", &decoded(value), "\r\n"]);
    }
    text
}

fn split(field: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let colon = memchr::memchr(b':', field)?;
    Some((String::from_utf8_lossy(field[..colon].trim_ascii()), &field[colon + 1..]))
}

/// Unfolds a value and decodes its encoded words (RFC 2047).
fn decoded(value: &[u8]) -> String {
    let line = [value.trim_ascii_end(), b"\n"].concat();
    let read = || match MessageStream::new(&line).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    };
    catch_unwind(read).unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned())
}

/// Takes from the headers of parts what decodes these, and passes over the rest.
static PARSER: LazyLock<MessageParser> =
    LazyLock::new(|| MessageParser::new().with_mime_headers().default_header_ignore());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded_and_decoded() {
        let raw = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus?=\r\n =?utf-8?q?_K=C3=B6ln?= now\r\n\
            X-Odd: one\r\n\ttwo  three\r\nx-odd:\r\nTo: \xff raw\r\n\r\nX-Odd: body\r\n";
        assert_eq!(field_values(raw, "subject"), ["Gr\u{fc}\u{df}e aus K\u{f6}ln now"]);
        assert_eq!(field_values(raw, "X-ODD"), ["one two  three", ""]);
        assert_eq!(field_values(raw, "to"), ["\u{fffd} raw"]);
        assert!(field_values(raw, "cc").is_empty());
    }

    #[test]
    fn texts_are_those_of_text_parts_and_of_embedded_messages() {
        let raw = "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\
            Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            caf=E9 long=\r\nline\r\n--b\r\nContent-Type: application/octet-stream\r\nX-Part: of a part\r\n\r\nblob\r\n\
            --b\r\nContent-Type: text/html\r\n\r\n<b>bold</b>\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
            Action: failed\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n";
        let Searched { headers, bodies } = searched(raw.as_bytes());
        let (headers, bodies) = (headers.concat(), bodies.join("|"));
        for (text, in_headers, in_bodies) in [
            ("Subject: outer\r\n", true, false),
            ("Subject: inner\r\n", true, false),
            ("X-Part: of a part", true, false),
            ("caf\u{e9} longline", false, true),
            ("<b>bold</b>", false, true),
            ("Action: failed", false, true),
            ("inner text", false, true),
            ("blob", false, false),
            ("preamble", false, false),
        ] {
            assert_eq!((headers.contains(text), bodies.contains(text)), (in_headers, in_bodies), "{text}");
        }
    }

    #[test]
    fn of_a_message_beyond_the_limits_only_the_header_is_searched() {
        let parts = "--b\r\n\r\nx\r\n".repeat(10_001);
        let raw =
            format!("Subject: many\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
        let Searched { headers, bodies } = searched(raw.as_bytes());
        assert!(headers.concat().contains("Subject: many\r\n"));
        assert!(bodies.is_empty());
    }
}
