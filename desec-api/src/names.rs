//! The vocabulary of a zone: names, types and times to live.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The name of a domain, in lower case and without a dot at the end.
///
/// International names are given in their ASCII form (`xn--..`).
///
/// ```
/// use desec_api::DomainName;
///
/// let name: DomainName = "Example.com".parse()?;
/// assert_eq!(name.as_str(), "example.com");
/// assert!("example.com.".parse::<DomainName>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DomainName(String);

impl DomainName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DomainName {
    type Err = Error;

    /// Parses a domain name; upper case is folded.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.to_ascii_lowercase();
        if name.is_empty() {
            return Err(invalid("domain name", text, "it is empty"));
        }
        if name.ends_with('.') {
            return Err(invalid("domain name", text, "leave out the dot at the end"));
        }
        if name.len() > MAX_DOMAIN {
            return Err(invalid("domain name", text, "it is longer than 191 characters"));
        }
        labels(&name).map_err(|reason| invalid("domain name", text, reason))?;
        Ok(Self(name))
    }
}

impl TryFrom<String> for DomainName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// The part of a record's name left of its domain; empty for the apex.
///
/// The apex is written `@` in URLs and in this type's `Display`, and as the empty string in
/// request bodies ([`SubName::as_str`]). Both parse.
///
/// ```
/// use desec_api::SubName;
///
/// assert_eq!("@".parse::<SubName>()?, SubName::apex());
/// assert_eq!("".parse::<SubName>()?, SubName::apex());
/// assert_eq!("_dmarc".parse::<SubName>()?.as_str(), "_dmarc");
/// assert!("*.dev".parse::<SubName>().is_ok());
/// assert!("a.*.b".parse::<SubName>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SubName(String);

impl SubName {
    /// Returns the apex of a zone.
    pub fn apex() -> Self {
        Self::default()
    }

    /// Returns whether this is the apex of a zone.
    pub fn is_apex(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text used in request bodies: the empty string for the apex.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the absolute name in `domain`, with a dot at the end.
    pub fn absolute(&self, domain: &DomainName) -> String {
        if self.is_apex() { format!("{domain}.") } else { format!("{}.{domain}.", self.0) }
    }
}

impl fmt::Display for SubName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_apex() { "@" } else { &self.0 })
    }
}

impl FromStr for SubName {
    type Err = Error;

    /// Parses a subname; upper case is folded, `@` and the empty string are the apex.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.to_ascii_lowercase();
        if name == "@" || name.is_empty() {
            return Ok(Self::apex());
        }
        if name.len() > MAX_SUBNAME {
            return Err(invalid("subname", text, "it is longer than 178 characters"));
        }
        if name != "*" {
            labels(name.strip_prefix("*.").unwrap_or(&name))
                .map_err(|reason| invalid("subname", text, reason))?;
        }
        Ok(Self(name))
    }
}

impl TryFrom<String> for SubName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// A time to live in seconds, at most 86,400 (a day).
///
/// The lower bound belongs to the domain ([`Domain::minimum_ttl`](crate::Domain::minimum_ttl)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ttl(u32);

impl Ttl {
    /// Returns a time to live of `seconds`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for 0 and for more than 86,400 seconds.
    pub fn new(seconds: u32) -> Result<Self, Error> {
        if (1..=MAX_TTL).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(invalid("ttl", &seconds.to_string(), "it must be 1 to 86400 seconds"))
        }
    }

    /// Returns the time to live in seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! record_types {
    ($($variant:ident $name:literal),+ $(,)?) => {
        /// The type of an RRset. Types that this crate does not know are kept in `Other`.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RecordType {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
            /// Any other type, in upper case; obtained by parsing.
            Other(String),
        }

        impl RecordType {
            /// Returns the name of the type in upper case.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            fn of(name: String) -> Self {
                match name.as_str() {
                    $($name => Self::$variant,)+
                    _ => Self::Other(name),
                }
            }
        }
    };
}

// What deSEC lets its users write.
record_types! {
    A "A", Aaaa "AAAA", Afsdb "AFSDB", Apl "APL", Caa "CAA", Cdnskey "CDNSKEY", Cds "CDS", Cert "CERT",
    Cname "CNAME", Csync "CSYNC", Dhcid "DHCID", Dlv "DLV", Dname "DNAME", Dnskey "DNSKEY", Ds "DS",
    Eui48 "EUI48", Eui64 "EUI64", Hinfo "HINFO", Https "HTTPS", Kx "KX", L32 "L32", L64 "L64", Loc "LOC",
    Lp "LP", Mx "MX", Naptr "NAPTR", Nid "NID", Ns "NS", Openpgpkey "OPENPGPKEY", Ptr "PTR", Rp "RP",
    Smimea "SMIMEA", Spf "SPF", Srv "SRV", Sshfp "SSHFP", Svcb "SVCB", Tlsa "TLSA", Txt "TXT", Uri "URI",
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordType {
    type Err = Error;

    /// Parses a type; lower case is folded.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.to_ascii_uppercase();
        let starts_well = name.starts_with(|c: char| c.is_ascii_uppercase());
        if !starts_well || name.len() > MAX_TYPE || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let reason = "it must be 1 to 10 letters and digits, a letter first";
            return Err(invalid("record type", text, reason));
        }
        Ok(Self::of(name))
    }
}

impl Serialize for RecordType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RecordType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A moment as the server writes it: RFC 3339 in UTC, with `Z`; the fraction may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(String);

impl Timestamp {
    /// Returns the moment as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn labels(name: &str) -> Result<(), &'static str> {
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err("each part between dots must have 1 to 63 characters");
        }
        if !label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
            return Err("only letters a-z, digits, '-', '_' and dots are allowed (a '*' only as first part)");
        }
    }
    Ok(())
}

fn invalid(what: &'static str, text: &str, reason: &str) -> Error {
    // The offending text may be anything: it is shown escaped and short.
    let shown: String = text.chars().take(80).collect();
    Error::InvalidInput { what, reason: format!("{shown:?}: {reason}") }
}

const MAX_DOMAIN: usize = 191;
const MAX_SUBNAME: usize = 178;
const MAX_TYPE: usize = 10;
const MAX_TTL: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_their_limits() {
        let label = "a".repeat(63);
        let domain = format!("{label}.{label}.{label}");
        assert_eq!(domain.len(), 191);
        assert!(domain.parse::<DomainName>().is_ok());
        assert!(format!("{domain}a").parse::<DomainName>().is_err());
        assert!(format!("{label}a.example").parse::<DomainName>().is_err());
        for bad in ["", ".", "a..b", ".a", "a b", "bücher.example", "*.example.com", "a/b", "a\u{0}b"] {
            assert!(bad.parse::<DomainName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn subnames_follow_the_rule_of_the_server() {
        for good in ["*", "*.a", "_dmarc", "s1._domainkey", "WWW", "a-b", "xn--bcher-kva"] {
            assert!(good.parse::<SubName>().is_ok(), "{good:?}");
        }
        for bad in ["*a", "a.*", "*.", "a.", "..", "www ", "@.a", &"a.".repeat(100)] {
            assert!(bad.parse::<SubName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_apex_has_two_spellings() {
        let apex = SubName::apex();
        assert_eq!((apex.as_str(), apex.to_string().as_str()), ("", "@"));
        let domain: DomainName = "example.com".parse().unwrap();
        assert_eq!(apex.absolute(&domain), "example.com.");
        assert_eq!("www".parse::<SubName>().unwrap().absolute(&domain), "www.example.com.");
    }

    #[test]
    fn types_parse_to_one_spelling() {
        assert_eq!("mx".parse::<RecordType>().unwrap(), RecordType::Mx);
        assert_eq!("WALLET".parse::<RecordType>().unwrap(), RecordType::Other("WALLET".into()));
        for bad in ["", "1A", "A-B", "ABCDEFGHIJK"] {
            assert!(bad.parse::<RecordType>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_read_is_parsed() {
        let read = |text: &str| serde_json::from_value::<DomainName>(text.into());
        assert_eq!(read("Example.com").unwrap(), "example.com".parse().unwrap());
        assert!(read("..").is_err() && read("a/b").is_err());
        assert!(serde_json::from_value::<SubName>("a b".into()).is_err());
        assert!(serde_json::from_value::<RecordType>("A/".into()).is_err());
        assert_eq!(serde_json::to_value(SubName::apex()).unwrap(), "");
    }

    #[test]
    fn ttl_bounds() {
        assert!(Ttl::new(0).is_err() && Ttl::new(86_401).is_err());
        assert_eq!(Ttl::new(86_400).unwrap().seconds(), 86_400);
    }
}
