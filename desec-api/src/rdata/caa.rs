//! CAA: who may issue certificates.

use std::fmt;

use crate::{
    Error, RecordType,
    canonical::{Flaw, Wire, quoted, stable, tag},
};

/// Who may issue certificates for a domain (RFC 8659).
///
/// ```
/// use desec_api::{Caa, Rdata};
///
/// let caa = Caa::new(0, "issue", "letsencrypt.org")?;
/// assert_eq!(Rdata::from(caa).to_string(), r#"0 issue "letsencrypt.org""#);
/// assert!(Caa::new(0, "is sue", "letsencrypt.org").is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caa {
    flags: u8,
    tag: String,
    value: String,
}

impl Caa {
    /// Returns a property for issuers; `flags` is 128 where an issuer must refuse tags that it does not know,
    /// and 0 otherwise.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if `tag` is not 1 to 255 letters and digits, or `value` is not ASCII.
    pub fn new(flags: u8, tag: &str, value: &str) -> Result<Self, Error> {
        Self::checked(flags, tag.as_bytes(), value.as_bytes())
            .map_err(|flaw| flaw.into_error(&RecordType::Caa))
    }

    /// Returns the flags.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns the name of the property, such as `issue`, `issuewild` or `iodef`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Returns the value of the property.
    pub fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        Self::checked(wire.u8()?, wire.string()?, wire.rest())
    }

    fn checked(flags: u8, name: &[u8], value: &[u8]) -> Result<Self, Flaw> {
        let value = String::from_utf8_lossy(stable(value)?).into_owned();
        Ok(Self { flags, tag: tag(name)?.to_owned(), value })
    }
}

impl fmt::Display for Caa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = String::new();
        quoted(self.value.as_bytes(), &mut value);
        write!(f, "{} {} {value}", self.flags, self.tag)
    }
}
