//! DS and TLSA: which keys to expect.

use std::fmt;

use crate::canonical::{Flaw, Wire, hex};

/// The digest of a key of a delegated zone (RFC 4034, section 5).
///
/// The server refuses a digest that is not as long as its type says.
///
/// ```
/// use desec_api::{Ds, Rdata};
///
/// let ds = Ds::new(12345, 13, 2, [0xab; 32]);
/// assert_eq!(Rdata::from(ds).to_string(), format!("12345 13 2 {}", "ab".repeat(32)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ds {
    /// A number to find the key by.
    pub key_tag: u16,
    /// The algorithm of the key.
    pub algorithm: u8,
    /// How the digest was made: 2 is SHA-256, 4 is SHA-384.
    pub digest_type: u8,
    /// The digest.
    pub digest: Vec<u8>,
}

impl Ds {
    /// Returns the digest of a key.
    pub fn new(key_tag: u16, algorithm: u8, digest_type: u8, digest: impl Into<Vec<u8>>) -> Self {
        Self { key_tag, algorithm, digest_type, digest: digest.into() }
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        Ok(Self::new(wire.u16()?, wire.u8()?, wire.u8()?, wire.rest()))
    }
}

impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.key_tag, self.algorithm, self.digest_type, digits(&self.digest))
    }
}

/// A certificate or key to expect of a TLS server (RFC 6698).
///
/// The server refuses it without data.
///
/// ```
/// use desec_api::{Rdata, Tlsa};
///
/// let tlsa = Tlsa::new(3, 1, 1, [0xab; 32]);
/// assert_eq!(Rdata::from(tlsa).to_string(), format!("3 1 1 {}", "ab".repeat(32)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tlsa {
    /// Whose certificate or key it is: 3 is that of the server itself.
    pub usage: u8,
    /// What is matched: 0 is the certificate, 1 its public key.
    pub selector: u8,
    /// What the data is: 0 is all of it, 1 its SHA-256, 2 its SHA-512.
    pub matching: u8,
    /// The data.
    pub data: Vec<u8>,
}

impl Tlsa {
    /// Returns a certificate or key to expect.
    pub fn new(usage: u8, selector: u8, matching: u8, data: impl Into<Vec<u8>>) -> Self {
        Self { usage, selector, matching, data: data.into() }
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        Ok(Self::new(wire.u8()?, wire.u8()?, wire.u8()?, wire.rest()))
    }
}

impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.usage, self.selector, self.matching, digits(&self.data))
    }
}

fn digits(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    hex(bytes, usize::MAX, "", &mut text);
    text
}
