/// Takes a multi-line answer out of what a server sends, in whatever pieces it comes: dots that were put before lines
/// are taken off, and a line of one dot is the end (RFC 1939 section 3). Only CR LF ends a line.
#[derive(Debug, Default)]
pub(super) struct Unstuffer {
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    /// Behind the dot that a line begins with, which is held back.
    Dot,
    /// Behind such a dot and a CR.
    DotCr,
    Within,
    /// Behind a CR.
    Cr,
}

impl Unstuffer {
    /// Appends what is content, and returns how many bytes it took and whether they end the answer.
    pub(super) fn take(&mut self, bytes: &[u8], content: &mut Vec<u8>) -> (usize, bool) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            self.place = match (self.place, byte) {
                (Place::LineStart, b'.') => Place::Dot,
                (Place::Dot, b'\r') => Place::DotCr,
                (Place::DotCr, b'\n') => return (at, true),
                (place, byte) => {
                    if place == Place::DotCr {
                        content.push(b'\r');
                    }
                    let is_after_cr = matches!(place, Place::Cr | Place::DotCr);
                    content.push(byte);
                    match byte {
                        b'\n' if is_after_cr => Place::LineStart,
                        b'\r' => Place::Cr,
                        _ => {
                            let rest = &bytes[at..];
                            let plain = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
                            content.extend_from_slice(&rest[..plain]);
                            at += plain;
                            Place::Within
                        }
                    }
                }
            };
        }
        (at, false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unstuffed(pieces: &[&[u8]]) -> Option<Vec<u8>> {
        let (mut unstuffer, mut content) = (Unstuffer::default(), Vec::new());
        for (number, piece) in pieces.iter().enumerate() {
            let (taken, is_end) = unstuffer.take(piece, &mut content);
            if is_end {
                return (number + 1 == pieces.len() && taken == piece.len()).then_some(content);
            }
            assert_eq!(taken, piece.len());
        }
        None
    }

    #[test]
    fn only_a_line_of_one_dot_is_the_end() {
        for (sent, content) in [
            (&b".\r\n"[..], Some(&b""[..])),
            (b"a\r\n.\r\n", Some(b"a\r\n")),
            (b"..\r\n.\r\n", Some(b".\r\n")),
            (b"...a\r\n.\r\n", Some(b"..a\r\n")),
            (b".a\r\n.\r\n", Some(b"a\r\n")),
            (b"a\n.\n\r\n.\r\n", Some(b"a\n.\n\r\n")),
            (b"a\n.\r\n\r\n.\r\n", Some(b"a\n.\r\n\r\n")),
            (b"a\r.\r\nb\r\n.\r\n", Some(b"a\r.\r\nb\r\n")),
            (b".\ra\r\n.\r\n", Some(b"\ra\r\n")),
            (b".\r\r\n.\r\n", Some(b"\r\r\n")),
            (b"\r\r\n.\r\n", Some(b"\r\r\n")),
            (b"a\r\n.\r\nb", None),
            (b"a\r\n.", None),
            (b"a\r\n.\r", None),
            (b"a.\r\n", None),
        ] {
            assert_eq!(unstuffed(&[sent]).as_deref(), content, "{:?}", String::from_utf8_lossy(sent));
        }
    }

    proptest! {
        #[test]
        fn what_was_stuffed_comes_back_however_it_is_cut(
            words in proptest::collection::vec(proptest::sample::select(vec!["\r\n", ".", "\r", "\n", "a", "\0", ".\r\n"]), 0..40),
            cuts in proptest::collection::vec(1_usize..7, 1..20),
        ) {
            let message = format!("{}\r\n", words.concat());
            let mut sent = Vec::new();
            let mut at_start = true;
            for (at, byte) in message.bytes().enumerate() {
                if at_start && byte == b'.' {
                    sent.push(b'.');
                }
                sent.push(byte);
                at_start = message[..=at].ends_with("\r\n");
            }
            sent.extend_from_slice(b".\r\n");
            let mut pieces = Vec::new();
            let mut rest = &sent[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            prop_assert_eq!(unstuffed(&pieces), Some(message.into_bytes()));
        }
    }
}
