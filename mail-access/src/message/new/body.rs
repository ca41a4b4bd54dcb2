//! The parts of a message, built by lettre (RFC 2045, RFC 2046).

use lettre::message::header::{ContentId, ContentTransferEncoding, ContentType};
use lettre::message::{Body, MultiPart, SinglePart, SinglePartBuilder};

use super::disposition::Disposition;
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

/// Builds the body with the header fields that describe it, ready to stand behind the message's own:
/// `mixed(alternative(text, related(html, images), calendar), files)`, without the levels that hold but one part.
pub(super) fn build(content: Content) -> Result<Vec<u8>, Error> {
    let Content { text, html, calendar, images, files } = content;
    let mut kinds = Vec::with_capacity(3);
    if text.is_some() || (html.is_none() && calendar.is_none()) {
        kinds.push(Part::Single(readable("text", ContentType::TEXT_PLAIN, text.unwrap_or_default())?));
    }
    match html {
        Some(html) => kinds.push(with_images(readable("html", ContentType::TEXT_HTML, html)?, images)?),
        None if images.is_empty() => {}
        None => return Err(invalid("inline image", "it can only be shown within HTML; set some")),
    }
    if let Some(calendar) = calendar {
        let kind = format!("text/calendar; charset=utf-8; method={}", calendar::method(&calendar)?);
        kinds.push(Part::Single(readable("calendar", media_type("calendar", &kind)?, calendar)?));
    }
    let message = if kinds.len() == 1 {
        kinds.remove(0)
    } else {
        Part::Multi(kinds.into_iter().fold(MultiPart::alternative().build(), Part::join))
    };
    if files.is_empty() {
        return Ok(message.formatted());
    }
    let mut mixed = Part::join(MultiPart::mixed().build(), message);
    for file in files {
        let part = attached(file)?;
        if !part.raw_body().is_ascii() {
            // What holds eight bits has to say so on each level (RFC 2045 section 6.4).
            mixed.headers_mut().set(ContentTransferEncoding::EightBit);
        }
        mixed = mixed.singlepart(part);
    }
    Ok(mixed.formatted())
}

enum Part {
    Single(SinglePart),
    Multi(MultiPart),
}

impl Part {
    fn join(parent: MultiPart, part: Part) -> MultiPart {
        match part {
            Part::Single(single) => parent.singlepart(single),
            Part::Multi(multi) => parent.multipart(multi),
        }
    }

    fn formatted(&self) -> Vec<u8> {
        match self {
            Part::Single(single) => {
                let mut message = single.formatted();
                if single.raw_body().ends_with(b"\r\n") {
                    // lettre ends the last line once more.
                    message.truncate(message.len() - 2);
                }
                message
            }
            Part::Multi(multi) => multi.formatted(),
        }
    }
}

fn readable(what: &'static str, kind: ContentType, text: String) -> Result<SinglePart, Error> {
    if text.contains('\0') {
        return Err(invalid(what, "it holds the character NUL, which no mail can"));
    }
    let text = with_crlf(text);
    let plain = |b: u8| b >= b' ' && b != 0x7f || matches!(b, b'\t' | b'\r' | b'\n');
    let body = if text.bytes().all(plain) {
        Body::new(text)
    } else {
        Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable)
            .map_err(|_| invalid(what, "it can't be encoded"))?
    };
    Ok(SinglePart::builder().header(kind).body(body))
}

/// Puts the images beside the HTML that shows them (RFC 2387).
fn with_images(html: SinglePart, images: Vec<InlineImage>) -> Result<Part, Error> {
    if images.is_empty() {
        return Ok(Part::Single(html));
    }
    let mut related = MultiPart::related().build();
    let kind = format!("multipart/related; type=\"text/html\"; boundary=\"{}\"", related.boundary());
    related.headers_mut().set(media_type("inline image", &kind)?);
    let mut related = related.singlepart(html);
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
        let shown = Disposition::new("inline", image.name.as_deref())?;
        let part = SinglePart::builder().header(ContentId::from(format!("<{content_id}>"))).header(shown);
        related = related.singlepart(encoded(part, &image.content_type, image.content)?);
        known.push(content_id);
    }
    Ok(Part::Multi(related))
}

fn attached(file: Attachment) -> Result<SinglePart, Error> {
    let part = SinglePart::builder().header(Disposition::new("attachment", file.name.as_deref())?);
    encoded(part, &file.content_type, file.content)
}

/// Encodes bytes as Base64, but for a message: it must not be encoded (RFC 2046 section 5.2.1), so that one which the
/// wire would not carry as it is becomes a mere file.
fn encoded(part: SinglePartBuilder, kind: &str, content: Vec<u8>) -> Result<SinglePart, Error> {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence.starts_with("multipart/") {
        return Err(invalid("attachment type", &format!("{kind:?} is no file's; it is made of parts")));
    }
    let mut kind = media_type("attachment type", kind)?;
    if essence.starts_with("message/") && !essence.starts_with("message/global") {
        if goes_as_it_is(&content) {
            let encoding = match content.is_ascii() {
                true => ContentTransferEncoding::SevenBit,
                false => ContentTransferEncoding::EightBit,
            };
            return Ok(part.header(kind).body(Body::dangerous_pre_encoded(content, encoding)));
        }
        kind = media_type("attachment type", "application/octet-stream")?;
    }
    let body = Body::new_with_encoding(content, ContentTransferEncoding::Base64)
        .map_err(|_| invalid("attachment", "it can't be encoded"))?;
    Ok(part.header(kind).body(body))
}

fn media_type(what: &'static str, kind: &str) -> Result<ContentType, Error> {
    let problem = || {
        format!(
            "{:?} is no media type such as application/pdf",
            &*kind.escape_debug().take(80).collect::<String>()
        )
    };
    if !kind.bytes().all(|b| (b' '..=b'~').contains(&b)) || kind.len() > MAX_MEDIA_TYPE {
        return Err(Error::Invalid { what, problem: problem() });
    }
    ContentType::parse(kind).map_err(|_| Error::Invalid { what, problem: problem() })
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

pub(super) fn with_crlf(text: String) -> String {
    if has_only_crlf(text.as_bytes()) {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text.as_str();
    while let Some(end) = rest.find(['\r', '\n']) {
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

const MAX_CONTENT_ID: usize = 200;
/// Characters of a line without its end (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;
const MAX_MEDIA_TYPE: usize = 400;

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
            assert_eq!(with_crlf(text.to_owned()), lines, "{text:?}");
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
