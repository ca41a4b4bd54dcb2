use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{InvalidAddress, lookalike, shown};

/// A domain name in its canonical form: ASCII, lower case, without the final dot.
///
/// Letters outside ASCII are taken and kept in the form that the DNS knows them by (IDNA, RFC 5890; mapped by
/// UTS 46, not transitional).
///
/// ```
/// use mail_access::DomainName;
///
/// let domain: DomainName = "Agents.Example.".parse()?;
/// assert_eq!(domain.as_str(), "agents.example");
/// let domain: DomainName = "B\u{fc}cher.example".parse()?;
/// assert_eq!(domain.as_str(), "xn--bcher-kva.example");
/// assert_eq!(domain.to_unicode(), "b\u{fc}cher.example");
/// # Ok::<(), mail_access::InvalidAddress>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Arc<str>);

impl DomainName {
    /// Returns the name as text, `agents.example`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name for people to read: labels of the `xn--` form in their own letters, where they hold any.
    ///
    /// It may look like another name; see [`is_confusable`](Self::is_confusable).
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Tells whether the name may be read as another one: a label mixes scripts, holds a letter that Unicode lists as
    /// confusable (UTS 39), or claims to be in the `xn--` form and is not.
    ///
    /// It is a reason to look twice and no proof of ill will: `o` with a stroke and most Cyrillic words are flagged
    /// too. ASCII is not, or `m` would be for its likeness to `rn`; [`looks_like`](Self::looks_like) knows of these.
    ///
    /// ```
    /// use mail_access::DomainName;
    ///
    /// let bank: DomainName = "bank.example".parse()?;
    /// // The second letter is a Cyrillic one.
    /// let trap: DomainName = "b\u{430}nk.example".parse()?;
    /// assert!(trap.is_confusable() && trap.looks_like(&bank));
    /// assert!(!bank.is_confusable() && !bank.looks_like(&bank));
    /// # Ok::<(), mail_access::InvalidAddress>(())
    /// ```
    pub fn is_confusable(&self) -> bool {
        let (unicode, result) = idna::domain_to_unicode(&self.0);
        result.is_err() || unicode.split('.').any(lookalike::is_confusable)
    }

    /// Tells whether people may take this name for `other`, which it is not (UTS 39, equal skeletons): `paypa1` for
    /// `paypal`.
    pub fn looks_like(&self, other: &DomainName) -> bool {
        self != other && lookalike::skeleton(&self.to_unicode()) == lookalike::skeleton(&other.to_unicode())
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
            let ascii = Uts46::new()
                .to_ascii(name.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
                .map_err(|_| {
                    invalid("it holds characters that the international form of a name can't have")
                })?;
            return ascii.parse().map_err(|Self::Err { problem, .. }| invalid(problem));
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
        Ok(Self(name.to_ascii_lowercase().into()))
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

const MAX_DOMAIN: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_holds_itself_and_what_is_below() {
        let zone: DomainName = "example.org".parse().unwrap();
        for (name, within) in [("example.org", true), ("a.example.org", true), ("anexample.org", false)] {
            assert_eq!(name.parse::<DomainName>().unwrap().is_within(&zone), within, "{name}");
        }
    }

    #[test]
    fn international_names_are_kept_as_the_dns_knows_them() {
        for (text, ascii) in [
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("BU\u{308}CHER.example.", "xn--bcher-kva.example"),
            ("\u{ff41}gents.example", "agents.example"),
            ("fa\u{df}.example", "xn--fa-hia.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("\u{4f8b}\u{3002}example", "xn--fsq.example"),
            ("a\u{200b}b.example", "ab.example"),
            ("a\u{2028}b.example", ""),
            ("\u{fc}\r\n.example", ""),
            ("\u{fc}_.example", ""),
            ("-\u{fc}.example", ""),
            ("\u{202e}\u{fc}.example", ""),
            ("a\u{2024}\u{fc}.example", ""),
        ] {
            let parsed = text.parse::<DomainName>().map(|name| name.to_string());
            assert_eq!(parsed.as_deref().unwrap_or(""), ascii, "{text:?}");
        }
        assert!(
            format!("{}.example", "\u{fc}".repeat(60)).parse::<DomainName>().is_err(),
            "too long as xn--"
        );
    }

    #[test]
    fn names_that_pass_for_others_are_told() {
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        for (text, confusable) in [
            ("agents.example", false),
            ("modern1.example", false),
            ("b\u{fc}cher.example", false),
            ("\u{4f8b}.example", false),
            ("p\u{430}ypal.example", true),
            ("\u{440}\u{430}\u{443}.example", true),
            ("\u{444}a.example", true),
            ("xn--a.example", true),
        ] {
            assert_eq!(name(text).is_confusable(), confusable, "{text}");
        }
        for (one, other) in [
            ("paypa1.example", "paypal.example"),
            ("modern.example", "modem.example"),
            ("g00gle.example", "google.example"),
            ("p\u{430}ypal.example", "paypal.example"),
        ] {
            assert!(name(one).looks_like(&name(other)) && name(other).looks_like(&name(one)), "{one}");
        }
        assert!(!name("paypal.example").looks_like(&name("paypal.example")));
        assert!(!name("b\u{fc}cher.example").looks_like(&name("bucher.example")));
    }
}
