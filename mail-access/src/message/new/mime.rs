//! The tree of parts, written in one go (RFC 2045, RFC 2046).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::quoted_printable;

/// A part of a message.
pub(super) enum Part {
    /// One that holds something.
    Single {
        /// Its header fields, without that of the encoding.
        header: String,
        body: Body,
    },
    /// One that is made of others.
    Multi {
        /// The media type and its parameters, without the boundary.
        kind: &'static str,
        parts: Vec<Part>,
    },
}

/// What a part holds, and how it goes over the wire.
pub(super) enum Body {
    /// As it is, which has to be fit for it: `7bit` or `8bit`.
    Ready(&'static str, Vec<u8>),
    /// A text whose lines end in CR LF as quoted-printable.
    QuotedPrintable {
        text: String,
        /// How many of its bytes are not visible ASCII or blanks.
        unusual: usize,
    },
    /// As Base64, from the bytes themselves.
    Base64(Vec<u8>),
}

impl Part {
    pub(super) fn multi(kind: &'static str, parts: Vec<Part>) -> Self {
        Self::Multi { kind, parts }
    }

    /// Writes it behind what is there: the fields of a message's header. Its boundaries follow from the seed.
    pub(super) fn write(self, out: &mut Vec<u8>, seed: &str) {
        self.write_with(out, &mut Boundaries { seed, drawn: 0 });
    }

    fn write_with(self, out: &mut Vec<u8>, boundaries: &mut Boundaries<'_>) {
        match self {
            Self::Single { header, body } => {
                let encoding = body.encoding();
                text(out, &[&header, "Content-Transfer-Encoding: ", encoding, "\r\n\r\n"]);
                body.write(out);
            }
            Self::Multi { kind, parts } => {
                let boundary = boundaries.draw(&parts);
                text(out, &["Content-Type: multipart/", kind, "; boundary=\"", &boundary, "\"\r\n"]);
                if parts.iter().any(Self::is_eight_bit) {
                    // What holds eight bits has to say so on each level (RFC 2045 section 6.4).
                    text(out, &["Content-Transfer-Encoding: 8bit\r\n"]);
                }
                text(out, &["\r\n"]);
                for part in parts {
                    text(out, &["--", &boundary, "\r\n"]);
                    part.write_with(out, boundaries);
                    // This line end belongs to the boundary.
                    text(out, &["\r\n"]);
                }
                text(out, &["--", &boundary, "--\r\n"]);
            }
        }
    }

    /// Estimates the size from above, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Single { header, body } => header.len() + body.size() + OVERHEAD,
            Self::Multi { parts, .. } => parts.iter().map(Self::size).sum::<usize>() + 2 * OVERHEAD,
        }
    }

    fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Single { header, body } => {
                let plain = if let Body::Ready(_, content) = body { content.as_slice() } else { &[] };
                [header.as_bytes(), plain].iter().any(|place| memchr::memmem::find(place, text).is_some())
            }
            Self::Multi { parts, .. } => parts.iter().any(|part| part.holds(text)),
        }
    }

    fn is_eight_bit(&self) -> bool {
        match self {
            Self::Single { body, .. } => body.encoding() == EIGHT_BIT,
            Self::Multi { parts, .. } => parts.iter().any(Self::is_eight_bit),
        }
    }
}

impl Body {
    fn encoding(&self) -> &'static str {
        match self {
            Self::Ready(encoding, _) => encoding,
            Self::QuotedPrintable { .. } => "quoted-printable",
            Self::Base64(_) => "base64",
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Ready(_, content) => content.len(),
            Self::QuotedPrintable { text, unusual } => quoted_printable::size(text.len(), *unusual),
            Self::Base64(content) => content.len().div_ceil(LINE) * (ENCODED + 2),
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Ready(_, content) => out.extend_from_slice(&content),
            Self::QuotedPrintable { text, .. } => quoted_printable::write(&text, out),
            Self::Base64(content) => {
                let mut line = [b'\r'; ENCODED + 2];
                line[ENCODED + 1] = b'\n';
                let (whole, rest) = content.as_chunks::<LINE>();
                for bytes in whole {
                    if STANDARD.encode_slice(bytes, &mut line[..ENCODED]).is_ok() {
                        out.extend_from_slice(&line);
                    }
                }
                text(out, &[&STANDARD.encode(rest)]);
            }
        }
    }
}

fn text(out: &mut Vec<u8>, texts: &[&str]) {
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

/// The boundaries of one message: the same seed gives the same ones.
struct Boundaries<'a> {
    seed: &'a str,
    drawn: u64,
}

impl Boundaries<'_> {
    /// Neither Base64 nor quoted-printable holds `=_`, and what goes as it is has been looked at: who knows the seed
    /// beforehand can't write a part that ends early.
    fn draw(&mut self, parts: &[Part]) -> String {
        loop {
            self.drawn += 1;
            let number = crate::hash::of(&[self.seed.as_bytes(), &self.drawn.to_le_bytes()]);
            let boundary = format!("=_{number:032x}");
            if !parts.iter().any(|part| part.holds(boundary.as_bytes())) {
                return boundary;
            }
        }
    }
}

pub(super) const EIGHT_BIT: &str = "8bit";
pub(super) const SEVEN_BIT: &str = "7bit";
/// The bytes of a line of Base64, and the characters they become.
const LINE: usize = 57;
const ENCODED: usize = 76;
/// The boundary lines and fields around a part.
const OVERHEAD: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_cut_into_lines() {
        for length in [0, 1, 56, 57, 58, 114, 115, 1000] {
            let content = vec![b'x'; length];
            let mut out = Vec::new();
            Body::Base64(content.clone()).write(&mut out);
            assert!(out.split(|byte| *byte == b'\n').all(|line| line.len() <= 77));
            out.retain(|byte| !b"\r\n".contains(byte));
            assert_eq!(STANDARD.decode(out).unwrap(), content);
        }
    }

    #[test]
    fn the_size_is_never_too_small() {
        let file = |length| Part::Single {
            header: "Content-Type: a/b\r\n".into(),
            body: Body::Base64(vec![0; length]),
        };
        for length in [0, 1, 57, 58, 10_000] {
            let part = Part::multi(
                "mixed",
                vec![file(length), Part::multi("related; type=\"text/html\"", vec![file(1)])],
            );
            let size = part.size();
            let mut out = Vec::new();
            part.write(&mut out, "seed");
            assert!(out.len() <= size, "{} {size}", out.len());
        }
    }
}
