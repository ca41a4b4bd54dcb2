//! The two units of size: Mailcow takes MiB and answers bytes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::loose;

/// A size in MiB (1 048 576 bytes), the unit of every request. 0 means *unlimited* where Mailcow allows that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Mib(u32);

impl Mib {
    /// No limit at all.
    pub const UNLIMITED: Self = Self(0);

    /// Builds a size of `mib` MiB.
    pub const fn new(mib: u32) -> Self {
        Self(mib)
    }

    /// Returns the number of MiB.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0)
    }
}

/// A size in bytes, the unit of every answer.
///
/// It is signed: Mailcow reports negative space in a domain whose limits were overrun by simultaneous creates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(i64);

impl Bytes {
    /// Builds a size of `bytes` bytes.
    pub const fn new(bytes: i64) -> Self {
        Self(bytes)
    }

    /// Returns the number of bytes.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl From<Mib> for Bytes {
    fn from(size: Mib) -> Self {
        Self(i64::from(size.0) * 1_048_576)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::int(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_mib_and_an_answer_counts_bytes() {
        assert_eq!(serde_json::to_string(&Mib::new(64)).unwrap(), "64");
        assert_eq!(Bytes::from(Mib::new(64)), serde_json::from_str::<Bytes>("67108864").unwrap());
        assert_eq!(serde_json::from_str::<Bytes>("\"-73400320\"").unwrap().get(), -73_400_320);
    }
}
