//! E-mail addresses of accounts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, text};

/// The e-mail address of an account. The server compares it in any letter case.
///
/// ```
/// use desec_api::EmailAddress;
///
/// assert_eq!("alice@example.com".parse::<EmailAddress>()?.as_str(), "alice@example.com");
/// assert!("alice".parse::<EmailAddress>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = Error;

    /// Parses an address. Only what no address has is refused; the server checks the rest.
    fn from_str(address: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Err(Error::InvalidInput { what: WHAT, reason: reason.into() });
        text::check(WHAT, address, LONGEST)?;
        match address.rsplit_once('@') {
            Some((local, host)) if !local.is_empty() && !host.is_empty() => {}
            _ => return refuse("it must have a name and a domain, with an @ between them"),
        }
        if address.chars().any(char::is_whitespace) {
            return refuse("it has blanks");
        }
        Ok(Self(address.into()))
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

const WHAT: &str = "e-mail address";
const LONGEST: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        for good in ["a@b.example", "\"a@b\"@example.com", "jörg@example.com"] {
            assert_eq!(good.parse::<EmailAddress>().unwrap().to_string(), good);
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in ["", "@", "a@", "@b", "not-an-address", " a@b", "a@b\n", "a b@c", &long] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }
}
