use std::fmt;

use sha2::{Digest, Sha256};

/// The name of some bytes: 128 bits of their SHA-256, in hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut digits = [0; 32];
        for (two, byte) in digits.chunks_exact_mut(2).zip(digest) {
            two.copy_from_slice(&[byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
        }
        Self(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hex digits are ASCII")
    }
}

/// Writes the digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    Fingerprint::of(bytes).as_str().to_owned()
}

const HEX: &[u8; 16] = b"0123456789abcdef";
