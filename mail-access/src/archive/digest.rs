use std::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a message's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Digests what a server may make of the bytes when it files them: lines that all end with CR LF, the last one too.
    pub(super) fn of_canonical(bytes: &[u8]) -> Self {
        if is_canonical(bytes) {
            return Self::of(bytes);
        }
        let mut lines = Vec::with_capacity(bytes.len() + bytes.len() / 32 + 2);
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            lines.extend_from_slice(b"\r\n");
        }
        Self::of(&lines)
    }

    pub(super) fn parse(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 2 * bytes.len() || !hex.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Writes it in hex.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Tells whether every line ends with CR LF, the last one too, and neither of them stands alone.
pub(super) fn is_canonical(bytes: &[u8]) -> bool {
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines.all(|line| line.strip_suffix(b"\r\n").is_some_and(|line| memchr::memchr(b'\r', line).is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read() {
        let digest = Digest::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), hex);
        assert_eq!(Digest::parse(hex), Some(digest));
        for bad in ["", "ba", &hex.replace('b', "x"), &format!("{hex}00"), &"\u{fc}".repeat(32)] {
            assert_eq!(Digest::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn line_ends_make_no_other_message() {
        for (one, other, same) in [
            (&b"a\r\nb\r\n"[..], &b"a\nb"[..], true),
            (b"a\r\n", b"a", true),
            (b"a\r\n", b"a\r\n\r\n", false),
            (b"a\rb\r\n", b"a\rb\n", true),
            (b"a\rb\r\n", b"ab\r\n", false),
        ] {
            assert_eq!(Digest::of_canonical(one) == Digest::of_canonical(other), same, "{one:?}");
        }
        assert!(
            is_canonical(b"") && is_canonical(b"a\r\n") && !is_canonical(b"a\r\r\n") && !is_canonical(b"\n")
        );
    }
}
