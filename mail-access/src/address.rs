//! Addresses and domain names (RFC 5321 section 4.1.2, RFC 5890).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A domain name in its canonical form: ASCII, lower case, without the final dot.
///
/// ```
/// use mail_access::DomainName;
///
/// let domain: DomainName = "Agents.Example.".parse()?;
/// assert_eq!(domain.as_str(), "agents.example");
/// # Ok::<(), mail_access::InvalidAddress>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// Returns the name as text, `agents.example`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this name is `zone` itself or lies below it.
    pub fn is_within(&self, zone: &DomainName) -> bool {
        self.0.strip_suffix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for DomainName {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |problem| InvalidAddress { kind: "domain name", text: shown(text), problem };
        let name = text.strip_suffix('.').unwrap_or(text);
        if !name.is_ascii() {
            return Err(invalid("it holds letters outside ASCII; write it in its xn-- form"));
        }
        if name.is_empty() || name.len() > MAX_DOMAIN {
            return Err(invalid("it has to be 1 to 253 characters long"));
        }
        for label in name.split('.') {
            if label.is_empty() || label.len() > 63 {
                return Err(invalid("each label has to be 1 to 63 characters long"));
            }
            if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(invalid("only letters, digits, hyphens and dots are allowed"));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(invalid("a label must not begin or end with a hyphen"));
            }
        }
        if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
            return Err(invalid("the last label must not be a number; an IP address is no domain name"));
        }
        Ok(Self(name.to_ascii_lowercase().into_boxed_str()))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A mail address: a local part and a [`DomainName`] (RFC 5321 section 4.1.2, `Mailbox`).
///
/// The local part keeps its case and may be quoted (`"a b"@agents.example`); letters outside ASCII are refused,
/// as the servers this crate talks to don't offer SMTPUTF8.
///
/// ```
/// use mail_access::Address;
///
/// let ada: Address = "ada+news@Agents.Example".parse()?;
/// assert_eq!(ada.local_part(), "ada+news");
/// assert_eq!(ada.domain().as_str(), "agents.example");
/// assert_eq!(ada.to_string(), "ada+news@agents.example");
/// # Ok::<(), mail_access::InvalidAddress>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    domain: DomainName,
    local: Box<str>,
}

impl Address {
    /// Joins a local part and a domain.
    ///
    /// # Errors
    /// [`InvalidAddress`] if the local part is not one of RFC 5321 or the whole is over 254 characters.
    pub fn new(local_part: &str, domain: DomainName) -> Result<Self, InvalidAddress> {
        let invalid = |problem| InvalidAddress { kind: "address", text: shown(local_part), problem };
        if local_part.is_empty() || local_part.len() > MAX_LOCAL {
            return Err(invalid("the local part has to be 1 to 64 characters long"));
        }
        if !is_dot_atom(local_part) && !is_quoted_string(local_part) {
            return Err(invalid("the local part holds characters that a mail address can't have"));
        }
        if local_part.len() + 1 + domain.as_str().len() > MAX_ADDRESS {
            return Err(invalid("the whole address has to be at most 254 characters long"));
        }
        Ok(Self { domain, local: local_part.into() })
    }

    /// Returns the part before the `@`, as it was written.
    pub fn local_part(&self) -> &str {
        &self.local
    }

    /// Returns the part after the `@`.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Tells whether a mail server takes both for one mailbox: the same but for the case of letters.
    pub fn is_same_mailbox(&self, other: &Address) -> bool {
        self.domain == other.domain && self.local.eq_ignore_ascii_case(&other.local)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |problem| InvalidAddress { kind: "address", text: shown(text), problem };
        let (local, domain) = text.rsplit_once('@').ok_or_else(|| invalid("it has no @"))?;
        let domain = domain.parse().map_err(|InvalidAddress { problem, .. }| invalid(problem))?;
        Self::new(local, domain).map_err(|InvalidAddress { problem, .. }| invalid(problem))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}@{}\"", self.local.escape_debug(), self.domain)
    }
}

/// A text that is no domain name or no mail address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text:?} is no {kind}: {problem}")]
pub struct InvalidAddress {
    kind: &'static str,
    text: String,
    problem: &'static str,
}

fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || ATEXT_MARKS.contains(&b))
    })
}

fn is_quoted_string(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'"' => false,
            b'\\' => bytes.next().is_some_and(|escaped| (b' '..=b'~').contains(&escaped)),
            other => (b' '..=b'~').contains(&other),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// An error is read by people and written to logs: the start of a hostile text is enough.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

const ATEXT_MARKS: &[u8] = b"!#$%&'*+-/=?^_`{|}~";
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 253;
const MAX_ADDRESS: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_once_and_canonical() {
        for (text, canonical) in [
            ("ada@agents.example", "ada@agents.example"),
            ("Ada@AGENTS.example.", "Ada@agents.example"),
            ("\"a b\\\"c\"@x.example", "\"a b\\\"c\"@x.example"),
            ("a@b@xn--bcher-kva.example", ""),
            ("ada", ""),
            ("@agents.example", ""),
            ("a..b@agents.example", ""),
            (".a@agents.example", ""),
            ("a b@agents.example", ""),
            ("a\r\nRCPT TO:<b@x>@agents.example", ""),
            ("\"a\r\nb\"@agents.example", ""),
            ("ada@192.0.2.1", ""),
            ("ada@-x.example", ""),
            ("ada@b\u{fc}cher.example", ""),
            ("d\u{f6}rte@agents.example", ""),
        ] {
            let parsed = text.parse::<Address>().map(|address| address.to_string());
            assert_eq!(parsed.as_deref().unwrap_or(""), canonical, "{text:?}");
        }
    }

    #[test]
    fn lengths_are_limited() {
        let domain: DomainName = "agents.example".parse().unwrap();
        assert!(Address::new(&"a".repeat(64), domain.clone()).is_ok());
        assert!(Address::new(&"a".repeat(65), domain).is_err());
        assert!(format!("{}.example", "a".repeat(64)).parse::<DomainName>().is_err());
        assert!(["a."; 127].concat().parse::<DomainName>().is_ok(), "253 characters and the final dot");
        assert!(["a."; 128].concat().parse::<DomainName>().is_err());
    }

    #[test]
    fn the_case_of_letters_makes_no_other_mailbox() {
        let ada: Address = "ada@agents.example".parse().unwrap();
        assert!(ada.is_same_mailbox(&"ADA@Agents.example".parse().unwrap()));
        assert!(!ada.is_same_mailbox(&"ad@agents.example".parse().unwrap()));
    }

    #[test]
    fn a_zone_holds_itself_and_what_is_below() {
        let zone: DomainName = "example.org".parse().unwrap();
        for (name, within) in [("example.org", true), ("a.example.org", true), ("anexample.org", false)] {
            assert_eq!(name.parse::<DomainName>().unwrap().is_within(&zone), within, "{name}");
        }
    }

    #[test]
    fn an_error_shows_what_was_wrong_without_control_characters() {
        let error = "a\r\n@b".parse::<Address>().unwrap_err().to_string();
        assert_eq!(
            error,
            r#""a\r\n@b" is no address: the local part holds characters that a mail address can't have"#
        );
    }
}
