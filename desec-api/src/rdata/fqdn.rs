//! Absolute names.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use crate::{
    DomainName, Error,
    canonical::{Flaw, Wire, is_word, print_name, read_name},
};

/// An absolute name, such as that of a mail server.
///
/// It is shown with a dot at the end, and parses with or without. It keeps its letter case, which does not
/// count in comparisons. Labels of other scripts become their ASCII form (`xn--..`), but for those that the
/// standards read differently (such as `ß`): these must be given in the ASCII form that is meant.
/// `.` alone is the root.
///
/// ```
/// use desec_api::Fqdn;
///
/// let name: Fqdn = "Mail.Example.com".parse()?;
/// assert_eq!(name.as_str(), "Mail.Example.com.");
/// assert_eq!(name, "mail.example.com.".parse()?);
/// assert_eq!("bücher.example".parse::<Fqdn>()?.as_str(), "xn--bcher-kva.example.");
/// assert!("a..b".parse::<Fqdn>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fqdn(String);

impl Fqdn {
    /// Returns the name as text, with a dot at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is the root of all names.
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        let mut text = String::new();
        print_name(&wire.name()?, &mut text);
        Ok(Self(text))
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Fqdn {
    type Err = Error;

    /// Parses a name; escapes are those of RFC 1035, section 5.1.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut wire = Vec::new();
        let read = match read_name(text, &mut wire) {
            _ if !is_word(text) => Err(Flaw::Malformed("a name has no blanks, quotes or parentheses".into())),
            Err(Flaw::Relative) if text != "@" => {
                wire.clear();
                read_name(&format!("{text}."), &mut wire)
            }
            read => read,
        };
        read.and_then(|()| Self::read(&mut Wire(&wire))).map_err(|flaw| {
            // The offending text may be anything: it is shown escaped and short.
            let shown: String = text.chars().take(80).collect();
            Error::InvalidInput { what: "name", reason: format!("{shown:?}: {}", flaw.reason()) }
        })
    }
}

impl From<&DomainName> for Fqdn {
    fn from(domain: &DomainName) -> Self {
        Self(format!("{domain}."))
    }
}

impl PartialEq for Fqdn {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Fqdn {}

impl Hash for Fqdn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_end_in_a_dot() {
        for (text, name) in [("a", "a."), (".", "."), (r"a\.b", r"a\.b."), (r"a\.", r"a\..")] {
            assert_eq!(text.parse::<Fqdn>().unwrap().as_str(), name);
        }
        assert!(".".parse::<Fqdn>().unwrap().is_root());
        let long = ["a"; 128].join(".");
        for bad in
            ["", "@", "..", ".a", "a b", " a", "a;b", "\"a\"", "(a)", "a\n", r"a\", "stra\u{df}e.de", &long]
        {
            assert!(bad.parse::<Fqdn>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_is_a_name() {
        let domain: DomainName = "example.com".parse().unwrap();
        assert_eq!(Fqdn::from(&domain), "EXAMPLE.com".parse().unwrap());
    }

    proptest! {
        #[test]
        fn a_name_reads_as_it_shows(text in any::<String>(), plain in "[a-zA-Z.\\\\é0-9_-]{1,20}") {
            for text in [text, plain] {
                if let Ok(name) = text.parse::<Fqdn>() {
                    prop_assert_eq!(name.as_str().parse::<Fqdn>().unwrap().0, name.0);
                }
            }
        }
    }
}
