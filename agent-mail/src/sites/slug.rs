use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, ErrorKind};

/// The name of a tenant's site: a label as host names have them (RFC 1123 section 2.1), in lower case.
///
/// Labels that mean something else in a mail zone are refused (`autoconfig`, `mta-sts`, ..), and those with two hyphens
/// in the third and fourth place, which are kept for international names (RFC 5891 section 4.2.3.1).
///
/// ```
/// use agent_mail::sites::Slug;
///
/// let slug: Slug = "blue-shop".parse()?;
/// assert_eq!(slug.as_str(), "blue-shop");
/// for hostile in ["", "Blue", "-x", "../etc", "a.b", "xn--pypal-4ve", "autoconfig"] {
///     assert!(hostile.parse::<Slug>().is_err());
/// }
/// # Ok::<(), agent_mail::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

impl Slug {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |rule: &str| {
            let cut: String = text.chars().take(MAX_LABEL).collect();
            let rest = if cut.len() < text.len() { ".." } else { "" };
            Err(Error::new(ErrorKind::InvalidInput, "name site", format!("{cut:?}{rest}"))
                .with_detail(rule)
                .with_fix("take a name like blue-shop"))
        };
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > MAX_LABEL {
            return refused("the name of a site has to be 1 to 63 characters long");
        }
        if !bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-') {
            return refused("the name of a site may hold a-z, 0-9 and hyphens only");
        }
        if bytes.first() == Some(&b'-') || bytes.last() == Some(&b'-') {
            return refused("the name of a site must not begin or end with a hyphen");
        }
        if bytes.get(2..4) == Some(b"--") {
            return refused("two hyphens in the third and fourth place are kept for international names");
        }
        if RESERVED.contains(&text) {
            return refused("the name means something else in a mail zone");
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const MAX_LABEL: usize = 63;

/// Names that mail programs and servers look up below a domain, and those of its hosts.
const RESERVED: &[&str] = &[
    "autoconfig",
    "autodiscover",
    "imap",
    "localhost",
    "mail",
    "mta-sts",
    "mx",
    "ns",
    "openpgpkey",
    "pop",
    "pop3",
    "smtp",
    "webmail",
    "wpad",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_one_label_and_nothing_else() {
        for good in ["a", "7", "blue-shop", "a--b", &"a".repeat(63)] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        let hostile = [
            "",
            "-",
            "-a",
            "a-",
            "A",
            "a_b",
            "a.b",
            "a b",
            "a/b",
            "..",
            "../a",
            "a%2fb",
            "a\0",
            "a\n",
            "ä",
            "a\u{200b}",
            "ab--c",
            "xn--e1afmkfd",
            "mail",
            "mx",
            "autoconfig",
            "_dmarc",
            "*",
            "@",
            "a@b",
            "{slug}",
            "$(id)",
        ];
        for hostile in hostile.into_iter().chain([&*"a".repeat(64), &*"x".repeat(100_000)]) {
            let error = hostile.parse::<Slug>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{hostile:?}");
            assert!(error.to_string().len() < 300 && !error.to_string().contains(['\n', '\0']));
        }
    }

    #[test]
    fn serde_checks_it_too() {
        assert_eq!(serde_json::from_str::<Slug>("\"shop\"").unwrap().as_str(), "shop");
        assert!(serde_json::from_str::<Slug>("\"../shop\"").is_err());
    }
}
