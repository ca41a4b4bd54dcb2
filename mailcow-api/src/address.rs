//! The names a Mailcow server is asked about, checked before anything is sent.
//!
//! Mailcow splits some fields at blanks, commas and semicolons and creates what is left, so a bad name must never
//! reach it.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::Error;

/// A mail domain in its ASCII form: lower case, at least two labels, no trailing dot.
///
/// Internationalised names are turned into their `xn--` form.
///
/// ```
/// use mailcow_api::DomainName;
///
/// let domain: DomainName = "Bücher.example".parse()?;
/// assert_eq!(domain.as_str(), "xn--bcher-kva.example");
/// # Ok::<(), mailcow_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DomainName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Ok(url::Host::Domain(name)) = url::Host::parse(text) else {
            return Err(invalid(DOMAIN, "it is not a host name"));
        };
        if name.len() > 253 {
            return Err(invalid(DOMAIN, "it is longer than 253 bytes"));
        }
        if name.split('.').count() < 2 {
            return Err(invalid(DOMAIN, "it has only one label"));
        }
        if !name.split('.').all(is_label) {
            return Err(invalid(
                DOMAIN,
                "each label is 1 to 63 letters, digits or inner hyphens, with no trailing dot",
            ));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DomainName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The address of a mailbox, lower case as Mailcow stores it.
///
/// ```
/// use mailcow_api::MailboxAddress;
///
/// let address: MailboxAddress = "Agent-7@Agents.Example.com".parse()?;
/// assert_eq!(address.as_str(), "agent-7@agents.example.com");
/// assert_eq!(address.local_part(), "agent-7");
/// # Ok::<(), mailcow_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxAddress {
    text: String,
    domain: DomainName,
}

impl MailboxAddress {
    /// Builds the address of `local_part` in `domain`.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if the local part is not a dot-atom of RFC 5322 of at most 64 bytes, or
    /// holds a `/`: Mailcow could store such a mailbox but never show it again.
    pub fn new(local_part: &str, domain: DomainName) -> Result<Self, Error> {
        let is_dot_atom = local_part.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext));
        if !is_dot_atom || local_part.len() > 64 {
            return Err(invalid(
                ADDRESS,
                "the part before the @ is 1 to 64 letters, digits or one of !#$%&'*+-=?^_`{|}~, with single dots \
                 between them",
            ));
        }
        let text = format!("{}@{domain}", local_part.to_ascii_lowercase());
        if text.len() > 254 {
            return Err(invalid(ADDRESS, "it is longer than 254 bytes"));
        }
        Ok(Self { text, domain })
    }

    /// Returns the whole address as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the part before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..self.text.len() - self.domain.as_str().len() - 1]
    }

    /// Returns the domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }
}

impl FromStr for MailboxAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (local_part, domain) = text.rsplit_once('@').ok_or_else(|| invalid(ADDRESS, "it has no @"))?;
        Self::new(local_part, domain.parse()?)
    }
}

impl fmt::Display for MailboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for MailboxAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-=?^_`{|}~".contains(&byte)
}

fn invalid(operation: &'static str, reason: &str) -> Error {
    Error::InvalidInput { operation, reason: reason.to_owned() }
}

const DOMAIN: &str = "a domain name";
const ADDRESS: &str = "a mailbox address";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mailcow_would_split_are_refused() {
        for bad in [
            "",
            "example",
            "not a domain!",
            "a.example,b.example",
            "a.example.",
            "-a.example",
            "a..b",
            "192.0.2.1",
        ] {
            assert!(bad.parse::<DomainName>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn addresses_that_mailcow_would_split_are_refused() {
        for bad in [
            "no-at.example.com",
            "@agents.example.com",
            "bad address@agents.example.com",
            "a;b@agents.example.com",
            "a,b@agents.example.com",
            "a/b@agents.example.com",
            "a\n@agents.example.com",
            ".a@agents.example.com",
            "a..b@agents.example.com",
            "a@b@agents.example.com",
            "ä@agents.example.com",
        ] {
            assert!(bad.parse::<MailboxAddress>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn unusual_but_valid_addresses_keep_their_parts() {
        let address: MailboxAddress = "O'Brien+R&D@sub.Example.org".parse().unwrap();
        assert_eq!(address.local_part(), "o'brien+r&d");
        assert_eq!(address.domain().as_str(), "sub.example.org");
        assert_eq!(address.to_string(), "o'brien+r&d@sub.example.org");
    }

    #[test]
    fn lengths_are_bounded() {
        let long = "a".repeat(65);
        assert!(format!("{long}@example.org").parse::<MailboxAddress>().is_err());
        assert!(format!("{}@example.org", &long[1..]).parse::<MailboxAddress>().is_ok());
        assert!(format!("{}.org", "a".repeat(64)).parse::<DomainName>().is_err());
    }
}
