//! Addresses and domain names (RFC 5321 section 4.1.2, RFC 6531, RFC 5890).

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

mod domain;
mod lookalike;
#[cfg(feature = "serde")]
mod text;

pub use domain::DomainName;

/// A mail address: a local part and a [`DomainName`] (RFC 5321 section 4.1.2, `Mailbox`).
///
/// The local part keeps its case and may be quoted (`"a b"@agents.example`). It may hold letters outside ASCII
/// (RFC 6531), which only servers that offer SMTPUTF8 take: [`needs_smtputf8`](Self::needs_smtputf8). Any that RFC
/// 5321 allows is taken, `-oQ` too: others choose theirs, and no command line is made of it here.
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
    local: Arc<str>,
}

impl Address {
    /// Joins a local part and a domain. Letters outside ASCII are brought into their composed form (NFC, RFC 6532
    /// section 3.1).
    ///
    /// # Errors
    /// [`InvalidAddress`] if the local part is not one of RFC 5321 or 6531, holds invisible characters, is over 64
    /// bytes, or the whole is over 254 bytes.
    pub fn new(local_part: &str, domain: DomainName) -> Result<Self, InvalidAddress> {
        let invalid = |problem| InvalidAddress { kind: "address", text: shown(local_part), problem };
        let composed: Cow<'_, str> =
            if local_part.is_ascii() { local_part.into() } else { local_part.nfc().collect() };
        if composed.is_empty() || composed.len() > MAX_LOCAL {
            return Err(invalid("the local part has to be 1 to 64 bytes long"));
        }
        if !is_dot_atom(&composed) && !is_quoted_string(&composed) {
            return Err(invalid("the local part holds characters that a mail address can't have"));
        }
        if composed.len() + 1 + domain.as_str().len() > MAX_ADDRESS {
            return Err(invalid("the whole address has to be at most 254 bytes long"));
        }
        Ok(Self { domain, local: composed.into() })
    }

    /// Returns the part before the `@`, as it was written.
    pub fn local_part(&self) -> &str {
        &self.local
    }

    /// Returns the part before the `@` with its ASCII letters in lower case; most are written so.
    pub(crate) fn local_part_in_lower_case(&self) -> Arc<str> {
        if self.local.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.local.to_ascii_lowercase().into()
        } else {
            Arc::clone(&self.local)
        }
    }

    /// Returns the part after the `@`.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Tells whether a mail server takes both for one mailbox: the same but for the case of letters.
    pub fn is_same_mailbox(&self, other: &Address) -> bool {
        self.domain == other.domain
            && (self.local.eq_ignore_ascii_case(&other.local)
                || (!self.local.is_ascii() && self.local.to_lowercase() == other.local.to_lowercase()))
    }

    /// Tells whether only a server that offers SMTPUTF8 takes it: the local part holds letters outside ASCII
    /// (RFC 6531). A domain never needs it.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// Tells whether it may be read as another address: the local part or the domain does what
    /// [`DomainName::is_confusable`] describes.
    pub fn is_confusable(&self) -> bool {
        lookalike::is_confusable(&self.local) || self.domain.is_confusable()
    }

    /// Tells whether people may take it for `other`, which it is not, as in [`DomainName::looks_like`].
    pub fn looks_like(&self, other: &Address) -> bool {
        let alike =
            |one: &str, other: &str| one == other || lookalike::skeleton(one) == lookalike::skeleton(other);
        !self.is_same_mailbox(other)
            && alike(&self.local, &other.local)
            && (self.domain == other.domain || self.domain.looks_like(&other.domain))
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
        f.write_str(&self.local)?;
        f.write_str("@")?;
        f.write_str(self.domain.as_str())
    }
}

impl From<&Address> for String {
    fn from(address: &Address) -> Self {
        [address.local_part(), "@", address.domain.as_str()].concat()
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
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || ATEXT_MARKS.contains(c) || is_letter(c))
    })
}

fn is_quoted_string(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let fine = match c {
            '"' => false,
            '\\' => chars.next().is_some_and(|escaped| (' '..='~').contains(&escaped)),
            other => (' '..='~').contains(&other) || is_letter(other),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// Tells whether a character outside ASCII can be seen (RFC 6531 section 3.3 allows all of them): one that can't
/// makes an address that looks like another.
fn is_letter(c: char) -> bool {
    !c.is_ascii()
        && !c.is_control()
        && !c.is_whitespace()
        && !INVISIBLE.iter().any(|range| range.contains(&c))
}

/// An error is read by people and written to logs: the start of a hostile text is enough.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

const ATEXT_MARKS: &str = "!#$%&'*+-/=?^_`{|}~";
const MAX_LOCAL: usize = 64;
const MAX_ADDRESS: usize = 254;
const INVISIBLE: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{e0000}'..='\u{e0fff}',
];

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
            ("-oQ/tmp@agents.example", "-oQ/tmp@agents.example"),
            ("ada@b\u{fc}cher.example", "ada@xn--bcher-kva.example"),
            ("do\u{308}rte@agents.example", "d\u{f6}rte@agents.example"),
            ("\"d\u{f6} rte\"@agents.example", "\"d\u{f6} rte\"@agents.example"),
            ("a\u{200b}b@agents.example", ""),
            ("a\u{202e}b@agents.example", ""),
            ("a\u{a0}b@agents.example", ""),
            ("a\u{85}b@agents.example", ""),
            ("\"a\\\u{fc}\"@agents.example", ""),
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
    fn only_a_local_part_outside_ascii_needs_smtputf8() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        assert!(address("d\u{f6}rte@agents.example").needs_smtputf8());
        assert!(!address("doerte@b\u{fc}cher.example").needs_smtputf8());
        assert!(address("D\u{d6}RTE@agents.example").is_same_mailbox(&address("d\u{f6}rte@agents.example")));
    }

    #[test]
    fn addresses_that_pass_for_others_are_told() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let (ada, trap) = (address("ada@agents.example"), address("\u{430}da@agents.example"));
        assert!(trap.is_confusable() && trap.looks_like(&ada) && !ada.is_confusable());
        assert!(address("ada@modern.example").looks_like(&address("ada@modem.example")));
        assert!(!ada.looks_like(&address("ADA@agents.example")), "it is the same mailbox");
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
