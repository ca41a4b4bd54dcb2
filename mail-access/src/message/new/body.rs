//! What a body is made of, checked and encoded.

use std::borrow::Cow;

use lettre::message::header::ContentType;
use memchr::{memchr, memchr2, memrchr};

use super::disposition::disposition;
use super::mime::{Body, EIGHT_BIT, Part, SEVEN_BIT};
use super::{Attachment, InlineImage, calendar};
use crate::Error;
use crate::message::outgoing::has_only_crlf;

/// What a body is made of.
pub(super) struct Content {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) calendar: Option<String>,
    pub(super) images: Vec<InlineImage>,
    pub(super) files: Vec<Attachment>,
}

/// Builds `mixed(alternative(text, related(html, images), calendar), files)`, without the levels that hold but one
/// part.
pub(super) fn build(content: Content) -> Result<Part, Error> {
    let Content { text, html, calendar, images, files } = content;
    let mut kinds = Vec::with_capacity(3);
    if text.is_some() || (html.is_none() && calendar.is_none()) {
        kinds.push(readable("text", "text/plain; charset=utf-8", text.unwrap_or_default())?);
    }
    match html {
        Some(html) => kinds.push(with_images(readable("html", "text/html; charset=utf-8", html)?, images)?),
        None if images.is_empty() => {}
        None => return Err(invalid("inline image", "it can only be shown within HTML; set some")),
    }
    if let Some(calendar) = calendar {
        let kind = format!("text/calendar; charset=utf-8; method={}", calendar::method(&calendar)?);
        kinds.push(readable("calendar", &kind, calendar)?);
    }
    let message = if kinds.len() == 1 { kinds.remove(0) } else { Part::multi("alternative", kinds) };
    if files.is_empty() {
        return Ok(message);
    }
    let mut parts = vec![message];
    for file in files {
        let shown = disposition("attachment", file.name.as_deref())?;
        parts.push(encoded(&shown, &file.content_type, file.content)?);
    }
    Ok(Part::multi("mixed", parts))
}

fn readable(what: &'static str, kind: &str, text: String) -> Result<Part, Error> {
    let text = with_crlf(text.into());
    let header = ["Content-Type: ", kind, "\r\n"].concat();
    if is_plain(text.as_bytes()) {
        return Ok(Part::Single { header, body: Body::Ready(SEVEN_BIT, text.into_bytes()) });
    }
    if memchr(0, text.as_bytes()).is_some() {
        return Err(invalid(what, "it holds the character NUL, which no mail can"));
    }
    let unusual = unusual(text.as_bytes());
    let body = if unusual <= text.len() / 3 {
        Body::QuotedPrintable { unusual, text }
    } else {
        Body::Base64(text.into_bytes())
    };
    Ok(Part::Single { header, body })
}

/// Tells whether a text with the line ends of the wire arrives as it is.
fn is_plain(text: &[u8]) -> bool {
    let is_visible = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    if !text.chunks(CHUNK).all(|some| some.iter().fold(true, |all, byte| all & is_visible(byte))) {
        return false;
    }
    let mut begin = 0;
    // The last line end that comes early enough: the lines before it are shorter still.
    while text.len() - begin > MAX_PLAIN_LINE {
        match memrchr(b'\n', &text[begin..=begin + MAX_PLAIN_LINE]) {
            Some(end) => begin += end + 1,
            None => return false,
        }
    }
    true
}

/// Counts the bytes that are neither visible ASCII nor blanks; the compiler makes a count of many at once of it.
fn unusual(text: &[u8]) -> usize {
    let is_unusual = |byte: &u8| u8::from(!matches!(byte, b' '..=b'~'));
    text.chunks(usize::from(u8::MAX)).map(|some| usize::from(some.iter().map(is_unusual).sum::<u8>())).sum()
}

/// Puts the images beside the HTML that shows them (RFC 2387).
fn with_images(html: Part, images: Vec<InlineImage>) -> Result<Part, Error> {
    if images.is_empty() {
        return Ok(html);
    }
    let mut parts = vec![html];
    let mut known = Vec::with_capacity(images.len());
    for InlineImage { content_id, image } in images {
        if !is_content_id(&content_id) || known.contains(&content_id) {
            return Err(invalid(
                "inline image",
                &format!(
                    "{content_id:?} has to be 1 to 200 letters, digits and -_.+@, and stand for one image"
                ),
            ));
        }
        let shown = disposition("inline", image.name.as_deref())?;
        let header = format!("Content-ID: <{content_id}>\r\n{shown}");
        parts.push(encoded(&header, &image.content_type, image.content)?);
        known.push(content_id);
    }
    Ok(Part::multi("related; type=\"text/html\"", parts))
}

/// Encodes bytes as Base64, but for a message: it must not be encoded (RFC 2046 section 5.2.1), so that one which the
/// wire would not carry as it is becomes a mere file.
fn encoded(header: &str, kind: &str, content: Vec<u8>) -> Result<Part, Error> {
    check_media_type(kind)?;
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence.starts_with("multipart/") {
        return Err(invalid("attachment type", &format!("{kind:?} is no file's; it is made of parts")));
    }
    let is_message = essence.starts_with("message/") && !essence.starts_with("message/global");
    let (kind, body) = if !is_message {
        (kind, Body::Base64(content))
    } else if !goes_as_it_is(&content) {
        ("application/octet-stream", Body::Base64(content))
    } else {
        (kind, Body::Ready(if content.is_ascii() { SEVEN_BIT } else { EIGHT_BIT }, content))
    };
    Ok(Part::Single { header: format!("Content-Type: {}\r\n{header}", kind.trim()), body })
}

fn check_media_type(kind: &str) -> Result<(), Error> {
    let is_written = kind.len() <= MAX_MEDIA_TYPE && kind.bytes().all(|b| (b' '..=b'~').contains(&b));
    if is_written && ContentType::parse(kind).is_ok() {
        return Ok(());
    }
    let shown: String = kind.chars().take(80).collect();
    Err(invalid("attachment type", &format!("{shown:?} is no media type such as application/pdf")))
}

/// Content-IDs are written into a URL (RFC 2392), where other characters would have to be escaped.
fn is_content_id(id: &str) -> bool {
    (1..=MAX_CONTENT_ID).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+@".contains(&b))
}

fn goes_as_it_is(content: &[u8]) -> bool {
    has_only_crlf(content)
        && !content.contains(&0)
        && content
            .split(|&byte| byte == b'\n')
            .all(|line| line.strip_suffix(b"\r").unwrap_or(line).len() <= MAX_LINE)
}

pub(super) fn with_crlf(text: Cow<'_, str>) -> String {
    if has_only_crlf(text.as_bytes()) {
        return text.into_owned();
    }
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    let mut rest = &*text;
    while let Some(end) = memchr2(b'\r', b'\n', rest.as_bytes()) {
        lines.push_str(&rest[..end]);
        lines.push_str("\r\n");
        rest = rest[end..].strip_prefix("\r\n").unwrap_or(&rest[end + 1..]);
    }
    lines.push_str(rest);
    lines
}

fn invalid(what: &'static str, problem: &str) -> Error {
    Error::Invalid { what, problem: problem.to_owned() }
}

/// Bytes that are looked at in one go.
const CHUNK: usize = 1024;
const MAX_CONTENT_ID: usize = 200;
/// Characters of a line without its end (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;
const MAX_MEDIA_TYPE: usize = 400;
/// Characters of a line with its CR that every program shows and none cuts (RFC 2045 section 6.7).
const MAX_PLAIN_LINE: usize = 77;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_those_of_the_wire() {
        for (text, lines) in [
            ("a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd"),
            ("\n\r", "\r\n\r\n"),
            ("\r\r\n", "\r\n\r\n"),
            ("a\r\n", "a\r\n"),
            ("", ""),
        ] {
            assert_eq!(with_crlf(text.into()), lines, "{text:?}");
        }
    }

    #[test]
    fn short_lines_of_visible_ascii_are_plain() {
        let line = |length: usize| "x".repeat(length) + "\r\n";
        for (text, plain) in [
            (String::new(), true),
            ("x".repeat(77), true),
            ("x".repeat(78), false),
            (line(76), true),
            (line(77), false),
            (line(76) + &line(0) + &line(76) + &line(1).repeat(100) + &"x".repeat(77), true),
            (line(76).repeat(100) + &line(77), false),
            (line(76).repeat(100) + &"x".repeat(78), false),
            (line(1) + &line(77) + &line(1), false),
            (line(60).repeat(100) + "\t~ !\r\n", true),
            (line(60).repeat(100) + "\u{7f}", false),
            (line(60).repeat(100) + "\0", false),
            (line(60).repeat(100) + "\u{e9}" + &line(60).repeat(100), false),
        ] {
            assert_eq!(is_plain(text.as_bytes()), plain, "{text:?}");
        }
    }

    #[test]
    fn only_what_the_wire_carries_goes_unencoded() {
        for (content, fine) in [
            (&b"a\r\n"[..], true),
            (b"\xff\r\n", true),
            (b"a\n", false),
            (b"a\0", false),
            (&[b'x'; 998], true),
            (&[b'x'; 999], false),
        ] {
            assert_eq!(goes_as_it_is(content), fine);
        }
    }
}
