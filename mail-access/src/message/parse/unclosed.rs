//! Multiparts that end before their last delimiter, as those of a message that was cut off.

use mail_parser::{Message, MimeHeaders, PartType};
use memchr::memmem;

/// Returns the close delimiters (RFC 2046 section 5.1.1) that `message` lacks.
///
/// The parser gives up a part that no delimiter ends: its text is an attachment then, and not decoded.
pub(super) fn end(message: &Message<'_>) -> Option<Vec<u8>> {
    let last = message.parts.last().filter(|part| part.is_encoding_problem)?;
    let behind = message.raw_message.get(last.offset_body as usize..)?;
    let mut delimiters = Vec::new();
    let mut part = message.parts.first()?;
    while let PartType::Multipart(children) = &part.body {
        let delimiter = format!("--{}--", part.content_type()?.attribute("boundary")?);
        if memmem::find(behind, delimiter.as_bytes()).is_none() {
            delimiters.push(format!("\r\n{delimiter}\r\n"));
        }
        part = message.parts.get(*children.last()? as usize)?;
    }
    delimiters.reverse();
    (!delimiters.is_empty()).then(|| delimiters.concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::{Content, content};
    use crate::Limits;

    fn read(raw: &str) -> Content {
        content(raw.as_bytes(), &Limits::default())
    }

    #[test]
    fn the_text_of_a_message_that_was_cut_off_stays_its_text() {
        let cut = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\n\
            Content-Transfer-Encoding: quoted-printable\n\ntw=F6 wor";
        let content = read(cut);
        assert_eq!((content.text.as_deref(), content.attachments.len()), (Some("tw\u{f6} wor"), 0));
    }

    #[test]
    fn each_multipart_is_closed_inside_out() {
        let cut = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n\
            --b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\n<p>one</p>\n";
        let content = read(cut);
        assert_eq!((content.text.as_deref(), content.html.as_deref()), (Some("one"), Some("<p>one</p>\n")));
        assert!(content.attachments.is_empty(), "{:?}", content.attachments);
    }

    #[test]
    fn an_attachment_that_was_not_closed_is_decoded() {
        let open = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee there\r\n--b\r\n\
            Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8h\r\n";
        let content = read(open);
        assert_eq!(content.text.as_deref(), Some("see there"));
        assert_eq!(content.attachments[0].content, b"hello!");
    }

    /// What can't be decoded is kept as it was sent, closed or not.
    #[test]
    fn a_broken_encoding_stays_an_attachment() {
        let part = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\
            Content-Transfer-Encoding: base64\n\n!not base64!\n";
        for raw in [part.to_owned(), format!("{part}--b--\n")] {
            let content = read(&raw);
            let sent = String::from_utf8_lossy(&content.attachments[0].content);
            assert_eq!((content.text, sent.trim_end()), (None, "!not base64!"));
        }
    }
}
