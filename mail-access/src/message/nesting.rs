//! Keeps a stranger's message from being nested deeper than the parser can bear.

use std::borrow::Cow;
use std::ops::Range;

/// Tells whether there are more parts than any letter has: each but plain text has a Content-Type.
pub(super) fn has_too_many_parts(raw: &[u8]) -> bool {
    lines(raw).filter(|line| is_field(&raw[line.clone()], TYPE)).nth(MAX_PARTS).is_some()
}

/// Blanks the encoding of parts that may be messages: the parser decodes such a part and then recurses through all
/// that is nested in it, until the stack overflows. RFC 2046 section 5.2.1 allows no encoding there; such a part stays
/// readable as it came.
///
/// Any lines up to an empty one are taken for a header, so that nothing the parser takes for one is missed.
pub(super) fn without_encoded_messages(raw: &[u8]) -> Cow<'_, [u8]> {
    let has_digest = raw.windows(DIGEST.len()).any(|window| window.eq_ignore_ascii_case(DIGEST));
    let mut cleaned = Cow::Borrowed(raw);
    let mut header = Header::default();
    for line in lines(raw) {
        let text = &raw[line.clone()];
        if text.trim_ascii().is_empty() {
            header.blank_encodings(has_digest, &mut cleaned);
            header = Header::default();
        } else {
            header.read(text, line);
        }
    }
    header.blank_encodings(has_digest, &mut cleaned);
    cleaned
}

#[derive(Default)]
struct Header {
    current: Option<Field>,
    encodings: Vec<Range<usize>>,
    content_type: Option<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Field {
    Encoding,
    Type,
}

impl Header {
    fn read(&mut self, text: &[u8], line: Range<usize>) {
        let folded = text.starts_with(b" ") || text.starts_with(b"\t");
        let mut value = line;
        if !folded {
            self.current = match text {
                text if is_field(text, ENCODING) => Some(Field::Encoding),
                text if is_field(text, TYPE) => Some(Field::Type),
                _ => None,
            };
            let colon = text.iter().position(|&byte| byte == b':').unwrap_or(text.len() - 1);
            value.start += colon + 1;
        }
        match self.current {
            Some(Field::Encoding) => self.encodings.push(value),
            Some(Field::Type) => {
                let from = text.len() - value.len();
                self.content_type.get_or_insert_default().extend_from_slice(&text[from..]);
            }
            None => {}
        }
    }

    fn blank_encodings(&self, has_digest: bool, cleaned: &mut Cow<'_, [u8]>) {
        let may_be_message = match &self.content_type {
            Some(value) => !HARMLESS.iter().any(|kind| {
                let value = value.trim_ascii_start();
                value.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind))
            }),
            // A part of a digest is a message unless it says otherwise (RFC 2046 section 5.1.5).
            None => has_digest,
        };
        if may_be_message && !self.encodings.is_empty() {
            let bytes = cleaned.to_mut();
            for range in &self.encodings {
                let value = &mut bytes[range.clone()];
                value.iter_mut().filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| *byte = b' ');
            }
        }
    }
}

/// Gives the lines as ranges, with their ends.
fn lines(raw: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    raw.split_inclusive(|&byte| byte == b'\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        range
    })
}

fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
}

const TYPE: &[u8] = b"content-type";
const ENCODING: &[u8] = b"content-transfer-encoding";
const DIGEST: &[u8] = b"digest";
const HARMLESS: &[&[u8]] =
    &[b"text/", b"image/", b"audio/", b"video/", b"application/", b"multipart/", b"font/", b"model/"];
const MAX_PARTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encodings_of_what_may_be_a_message_are_blanked() {
        let blank = " ".repeat(6);
        for (before, after) in [
            ("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nx", None),
            ("Content-Transfer-Encoding: base64\r\n\r\nx", None),
            ("Content-Type: message/rfc822\r\n\r\nx", None),
            (
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nx",
                Some(format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {blank}\r\n\r\nx")),
            ),
            (
                "content-transfer-encoding:\r\n\tBASE64\r\nCONTENT-TYPE:\r\n Message/Global\r\n",
                Some(format!(
                    "content-transfer-encoding:\r\n\t{blank}\r\nCONTENT-TYPE:\r\n Message/Global\r\n"
                )),
            ),
            (
                "Content-Type: (a comment) message/rfc822\nContent-Transfer-Encoding: base64\n\nx",
                Some(format!(
                    "Content-Type: (a comment) message/rfc822\nContent-Transfer-Encoding: {blank}\n\nx"
                )),
            ),
            (
                "Content-Type: multipart/digest\n\n--b\nContent-Transfer-Encoding: base64\n\nx",
                Some(format!(
                    "Content-Type: multipart/digest\n\n--b\nContent-Transfer-Encoding: {blank}\n\nx"
                )),
            ),
        ] {
            let cleaned = without_encoded_messages(before.as_bytes());
            assert_eq!(String::from_utf8_lossy(&cleaned), after.unwrap_or_else(|| before.to_owned()));
        }
    }

    #[test]
    fn parts_are_counted() {
        assert!(!has_too_many_parts("Content-type: a/b\r\n\r\n".repeat(MAX_PARTS).as_bytes()));
        assert!(has_too_many_parts("Content-type: a/b\r\n\r\n".repeat(MAX_PARTS + 1).as_bytes()));
    }
}
