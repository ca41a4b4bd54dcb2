//! Takes a message apart while it comes, in whichever pieces: the files in it, decoded, with a bound on what is held.

use std::time::SystemTime;

use mail_access::{Attachment, Received, Uid};

use super::attachments::{AttachmentHead, AttachmentPiece};
use crate::Untrusted;

/// Reads the lines of a message (RFC 2046 section 5.1).
#[derive(Debug)]
pub(super) struct Walker {
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// Whether that is a later piece of a line that was too long to be held.
    within: bool,
    /// The boundaries of the parts that are open, the innermost last.
    boundaries: Vec<Vec<u8>>,
    state: State,
    /// Pieces that are ready to be handed out.
    pub(super) ready: Vec<AttachmentPiece>,
    files: usize,
}

#[derive(Debug)]
enum State {
    Header(Vec<u8>),
    File(Decoder),
    Passing,
}

impl Walker {
    pub(super) fn new() -> Self {
        let state = State::Header(Vec::new());
        Self { line: Vec::new(), within: false, boundaries: Vec::new(), state, ready: Vec::new(), files: 0 }
    }

    /// Takes the next bytes of the message.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let room = MAX_LINE - self.line.len();
            let length = end.unwrap_or(bytes.len()).min(room);
            let (piece, rest) = bytes.split_at(length);
            self.line.extend_from_slice(piece);
            bytes = rest;
            let is_whole = end == Some(length);
            if is_whole || self.line.len() == MAX_LINE {
                let mut line = std::mem::take(&mut self.line);
                // What may belong together with what comes stays together: a line end, a byte in hexadecimal digits.
                let kept = if is_whole { 0 } else { begun(&line) };
                self.line = line.split_off(line.len() - kept);
                self.line(&line);
                self.within = !is_whole;
            }
        }
    }

    /// Takes the end of the message.
    pub(super) fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.line(&line);
        }
        self.finish_part();
    }

    fn line(&mut self, line: &[u8]) {
        if !self.within && self.is_boundary(line) {
            return;
        }
        match &mut self.state {
            State::Header(header) => {
                let is_end = !self.within && line.trim_ascii().is_empty();
                if header.len() + line.len() <= MAX_HEADER {
                    header.extend_from_slice(line);
                }
                if is_end {
                    let header = std::mem::take(header);
                    self.begin_part(&header);
                }
            }
            State::File(decoder) => {
                decoder.line(line);
                if decoder.out.len() >= PIECE {
                    let bytes = std::mem::take(&mut decoder.out);
                    self.ready.push(AttachmentPiece::Bytes(Untrusted::new(bytes)));
                }
            }
            State::Passing => {}
        }
    }

    /// Ends the part that a boundary ends, and those within it.
    fn is_boundary(&mut self, line: &[u8]) -> bool {
        let Some(line) = line.strip_prefix(b"--") else { return false };
        let line = line.trim_ascii_end();
        let is_it = |boundary: &Vec<u8>| {
            line.strip_prefix(&**boundary).is_some_and(|rest| rest.is_empty() || rest == b"--")
        };
        let Some(level) = self.boundaries.iter().rposition(is_it) else { return false };
        self.finish_part();
        let is_last = line.len() > self.boundaries[level].len();
        self.boundaries.truncate(if is_last { level } else { level + 1 });
        self.state = if is_last { State::Passing } else { State::Header(Vec::new()) };
        true
    }

    fn begin_part(&mut self, header: &[u8]) {
        self.state = State::Passing;
        let kind = value_of(header, "content-type").unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with("multipart/") {
            if let Some(boundary) = boundary_of(&kind).filter(|_| self.boundaries.len() < MAX_LEVELS) {
                self.boundaries.push(boundary.into_bytes());
            }
        } else if let Some(file) = file_of(header) {
            let encoding = value_of(header, "content-transfer-encoding").unwrap_or_default();
            self.state = State::File(Decoder::new(encoding.trim()));
            self.ready.push(AttachmentPiece::Begin(AttachmentHead::of(&file, self.files)));
            self.files += 1;
        }
    }

    fn finish_part(&mut self) {
        if let State::File(decoder) = std::mem::replace(&mut self.state, State::Passing) {
            let bytes = decoder.finish();
            if !bytes.is_empty() {
                self.ready.push(AttachmentPiece::Bytes(Untrusted::new(bytes)));
            }
            self.ready.push(AttachmentPiece::End);
        }
    }
}

/// Undoes a transfer encoding (RFC 2045 section 6).
#[derive(Debug)]
struct Decoder {
    encoding: Encoding,
    out: Vec<u8>,
    /// A line end that may belong to the boundary behind it.
    held: &'static [u8],
    /// Bits of Base64 that are no byte yet, and how many.
    bits: u32,
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    AsItIs,
    Base64,
    QuotedPrintable,
}

impl Decoder {
    fn new(encoding: &str) -> Self {
        let encoding = match encoding.to_ascii_lowercase().as_str() {
            "base64" => Encoding::Base64,
            "quoted-printable" => Encoding::QuotedPrintable,
            _ => Encoding::AsItIs,
        };
        Self { encoding, out: Vec::new(), held: b"", bits: 0, count: 0 }
    }

    fn line(&mut self, line: &[u8]) {
        if self.encoding == Encoding::Base64 {
            for byte in line {
                self.base64(*byte);
            }
            return;
        }
        self.out.extend_from_slice(std::mem::take(&mut self.held));
        let (text, end): (&[u8], &'static [u8]) = match line {
            [text @ .., b'\r', b'\n'] => (text, b"\r\n"),
            [text @ .., b'\n'] => (text, b"\n"),
            text => (text, b""),
        };
        self.held = end;
        if self.encoding == Encoding::AsItIs {
            self.out.extend_from_slice(text);
        } else {
            self.quoted_printable(if end.is_empty() { text } else { text.trim_ascii_end() });
        }
    }

    fn base64(&mut self, byte: u8) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // What stands behind it is another run of whole bytes.
                (self.bits, self.count) = (0, 0);
                return;
            }
            _ => return,
        };
        self.bits = (self.bits << 6) | u32::from(value);
        self.count += 6;
        if self.count >= 8 {
            self.count -= 8;
            self.out.push((self.bits >> self.count).to_be_bytes()[3]);
            self.bits &= (1 << self.count) - 1;
        }
    }

    fn quoted_printable(&mut self, mut text: &[u8]) {
        while let Some(at) = text.iter().position(|byte| *byte == b'=') {
            self.out.extend_from_slice(&text[..at]);
            let hex = text.get(at + 1..at + 3).and_then(|hex| {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(hex[0])? * 16 + digit(hex[1])?).ok()
            });
            match hex {
                Some(byte) => {
                    self.out.push(byte);
                    text = &text[at + 3..];
                }
                None if at + 1 == text.len() => {
                    // The line goes on.
                    self.held = b"";
                    return;
                }
                None => {
                    self.out.push(b'=');
                    text = &text[at + 1..];
                }
            }
        }
        self.out.extend_from_slice(text);
    }

    fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Returns how many bytes at the end of a piece of a line may be the beginning of something.
fn begun(piece: &[u8]) -> usize {
    let last = &piece[piece.len().saturating_sub(2)..];
    last.iter().position(|byte| matches!(byte, b'\r' | b'=')).map_or(0, |at| last.len() - at)
}

/// Tells by its header whether a part is a file, by the very judgement that reads whole messages.
fn file_of(header: &[u8]) -> Option<Attachment> {
    let uid = Uid::new(1)?;
    let message = Received::parse(uid, SystemTime::UNIX_EPOCH, false, [header, b"\r\n"].concat());
    message.attachments().first().cloned()
}

/// Returns the value of a field in one line.
fn value_of(header: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let mut value: Option<String> = None;
    for line in text.lines() {
        let is_more = line.starts_with([' ', '\t']);
        match &mut value {
            Some(value) if is_more => value.push_str(line),
            Some(_) => break,
            None if is_more => {}
            None => {
                let field = line.split_once(':').filter(|(known, _)| known.trim().eq_ignore_ascii_case(name));
                value = field.map(|(_, value)| value.trim().to_owned());
            }
        }
    }
    value
}

/// Returns the boundary that a Content-Type names: a token or a quoted text.
fn boundary_of(kind: &str) -> Option<String> {
    let lower = kind.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower[from..].find("boundary") {
        let (before, behind) = (&kind[..from + at], &kind[from + at + "boundary".len()..]);
        from += at + "boundary".len();
        let is_name = before.trim_end().ends_with(';');
        let Some(value) = behind.trim_start().strip_prefix('=').filter(|_| is_name) else { continue };
        let value = value.trim_start();
        let boundary = match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => value.split([';', ' ', '\t']).next().unwrap_or_default(),
        };
        return (1..=MAX_BOUNDARY).contains(&boundary.len()).then(|| boundary.trim_end().to_owned());
    }
    None
}

/// Bytes that are held of a line, of a header, and of a file.
const MAX_LINE: usize = 8 << 10;
const MAX_HEADER: usize = 64 << 10;
const PIECE: usize = 64 << 10;
/// How deep parts may lie in each other.
const MAX_LEVELS: usize = 64;
/// RFC 2046 allows 70; real mail has more.
const MAX_BOUNDARY: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of a message that comes in pieces of this size: names and contents.
    fn files(message: &[u8], size: usize) -> Vec<(String, Vec<u8>)> {
        let mut walker = Walker::new();
        message.chunks(size).for_each(|piece| walker.take(piece));
        walker.end();
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for piece in walker.ready {
            match piece {
                AttachmentPiece::Begin(head) => files.push((head.safe_name, Vec::new())),
                AttachmentPiece::Bytes(bytes) => files.last_mut().unwrap().1.extend(bytes.expose()),
                AttachmentPiece::End => {}
            }
        }
        files
    }

    #[test]
    fn what_comes_in_pieces_is_what_comes_whole() {
        let ada: mail_access::Address = "ada@agents.example".parse().unwrap();
        let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let message = mail_access::NewMessage::to(&ada)
            .with_text("see files")
            .with_html("<p>see <img src=\"cid:a\"></p>")
            .with_inline("a", Attachment::new("a.png", "image/png", *b"\x89PNG"))
            .with_attachment(Attachment::new("\u{fc}bersicht.bin", "application/octet-stream", all))
            .with_attachment(Attachment::new("empty", "text/plain", *b""))
            .with_attachment(Attachment::new(
                "letter.eml",
                "message/rfc822",
                *b"Subject: x\r\n\r\n--y\r\nz\r\n",
            ))
            .seal(&ada.into())
            .unwrap();
        let whole = Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, message.bytes());
        let mut expected: Vec<_> =
            whole.attachments().iter().map(|file| (file.safe_name(), file.content.clone())).collect();
        expected.sort();
        assert_eq!(expected.len(), 4);
        for size in [1, 7, 1000, 1 << 20] {
            let mut found = files(message.bytes(), size);
            found.sort();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn real_and_hostile_structures_end() {
        let part = |encoding: &str, body: &str| {
            format!(
                "Content-Type: multipart/mixed; x=1; boundary=\"b c\"\r\n\r\npreamble\r\n--b c\r\nContent-Type: \
                 application/x;\r\n name=f\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n--b c--\r\nend\r\n"
            )
        };
        for (encoding, body, content) in [
            ("7bit", "one\r\n--b\r\ntwo\r\n", "one\r\n--b\r\ntwo\r\n"),
            ("quoted-printable", "a=3D=\r\nb =\r\n=zz \r\nend", "a=b =zz\r\nend"),
            ("BASE64", "aGVs\r\nbG8=\r\n!d29ybGQ=", "helloworld"),
            ("base64", "====", ""),
        ] {
            for size in [1, 3, 4096] {
                let found = files(part(encoding, body).as_bytes(), size);
                assert_eq!(found.len(), 1, "{encoding}");
                assert_eq!(String::from_utf8_lossy(&found[0].1), content, "{encoding} in pieces of {size}");
            }
        }
        // Wherever a long line is cut.
        for length in MAX_LINE - 8..MAX_LINE + 4 {
            let long = "y".repeat(length);
            assert!(files(part("8bit", &long).as_bytes(), 4096)[0].1 == long.as_bytes(), "{length}");
            let quoted = files(part("quoted-printable", &format!("{long}=3D=\r\nz")).as_bytes(), 4096);
            assert!(quoted[0].1 == format!("{long}=z").into_bytes(), "{length}");
        }
        let nested = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n".repeat(10_000);
        assert!(files(nested.as_bytes(), 4096).is_empty());
        let long = format!("{}{}", part("7bit", &"y".repeat(1 << 20)), "--".repeat(1 << 16));
        assert_eq!(files(long.as_bytes(), 999)[0].1.len(), 1 << 20);
        assert!(files(b"boundary\r\n\r\n", 1).is_empty());
    }
}
