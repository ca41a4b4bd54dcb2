//! Reads a policy (RFC 7208 section 4.6.1 and 5). A mistake anywhere spoils the whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::macros;

/// A policy: its directives in order, and where to go on when none matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(super) directives: Vec<Directive>,
    pub(super) redirect: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) qualifier: Qualifier,
    pub(super) mechanism: Mechanism,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qualifier {
    Fail,
    Neutral,
    Pass,
    SoftFail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    A { domain: Option<String>, prefix: Prefix },
    All,
    Exists(String),
    Include(String),
    Ip(IpAddr, u8),
    Mx { domain: Option<String>, prefix: Prefix },
    Ptr(Option<String>),
}

/// How many bits of an address count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

impl Policy {
    /// Tells whether a text is a policy at all: `v=spf1`, alone or with terms behind it.
    pub(crate) fn is_one(text: &str) -> bool {
        text.get(..VERSION.len()).is_some_and(|version| version.eq_ignore_ascii_case(VERSION))
            && matches!(text.as_bytes().get(VERSION.len()), None | Some(b' '))
    }

    /// Returns the domains that it includes with a pass.
    pub(crate) fn includes(&self) -> impl Iterator<Item = &str> {
        self.directives.iter().filter(|directive| directive.qualifier == Qualifier::Pass).filter_map(
            |directive| match &directive.mechanism {
                Mechanism::Include(domain) => Some(domain.as_str()),
                _ => None,
            },
        )
    }
}

impl FromStr for Policy {
    /// The term that is wrong.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut directives, mut redirect, mut explanation) = (Vec::new(), None, false);
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            let wrong = || format!("`{}` is no term of SPF", term.chars().take(80).collect::<String>());
            match modifier(term) {
                Some((name, value)) => {
                    let known = ["redirect", "exp"].iter().any(|known| name.eq_ignore_ascii_case(known));
                    let is_sound = if known { macros::is_domain(value) } else { macros::is_sound(value) };
                    if !is_sound {
                        return Err(wrong());
                    }
                    let twice = if name.eq_ignore_ascii_case("redirect") {
                        redirect.replace(value.to_owned()).is_some()
                    } else {
                        name.eq_ignore_ascii_case("exp") && std::mem::replace(&mut explanation, true)
                    };
                    if twice {
                        return Err(format!("`{name}` stands there twice"));
                    }
                }
                None => directives.push(directive(term).ok_or_else(wrong)?),
            }
        }
        Ok(Self { directives, redirect })
    }
}

/// Splits `name=value`; a mechanism has a colon or a slash before any equals sign.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let mut bytes = name.bytes();
    let is_name = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    is_name.then_some((name, value))
}

fn directive(term: &str) -> Option<Directive> {
    let (qualifier, rest) = match term.split_at_checked(1)? {
        ("+", rest) => (Qualifier::Pass, rest),
        ("-", rest) => (Qualifier::Fail, rest),
        ("~", rest) => (Qualifier::SoftFail, rest),
        ("?", rest) => (Qualifier::Neutral, rest),
        _ => (Qualifier::Pass, term),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    let required =
        || argument.strip_prefix(':').filter(|domain| macros::is_domain(domain)).map(str::to_owned);
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if argument.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(required()?),
        "exists" => Mechanism::Exists(required()?),
        "ptr" if argument.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(required()?)),
        "ip4" => {
            let (address, prefix) = network(argument.strip_prefix(':')?, 32)?;
            Mechanism::Ip(address.parse::<Ipv4Addr>().ok()?.into(), prefix)
        }
        "ip6" => {
            let (address, prefix) = network(argument.strip_prefix(':')?, 128)?;
            Mechanism::Ip(address.parse::<Ipv6Addr>().ok()?.into(), prefix)
        }
        "a" => {
            let (domain, prefix) = domain_and_prefix(argument)?;
            Mechanism::A { domain, prefix }
        }
        "mx" => {
            let (domain, prefix) = domain_and_prefix(argument)?;
            Mechanism::Mx { domain, prefix }
        }
        _ => return None,
    };
    Some(Directive { qualifier, mechanism })
}

fn network(text: &str, bits: u8) -> Option<(&str, u8)> {
    match text.split_once('/') {
        Some((address, length)) => Some((address, prefix_length(length, bits)?)),
        None => Some((text, bits)),
    }
}

/// Reads `[:domain][/4][//6]`.
fn domain_and_prefix(argument: &str) -> Option<(Option<String>, Prefix)> {
    // A slash may stand in a macro too: the prefix is what is left of digits and slashes at the end.
    let end = argument.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/').len();
    let start = argument[end..].find('/').map_or(argument.len(), |at| end + at);
    let (domain, prefix) = argument.split_at(start);
    let (v4, v6) = match prefix.split_once("//") {
        Some((v4, v6)) => (v4, prefix_length(v6, 128)?),
        None => (prefix, 128),
    };
    let v4 = match v4.strip_prefix('/') {
        Some(length) => prefix_length(length, 32)?,
        None if v4.is_empty() => 32,
        None => return None,
    };
    let domain = match domain.strip_prefix(':') {
        Some(domain) if macros::is_domain(domain) => Some(domain.to_owned()),
        None if domain.is_empty() => None,
        _ => return None,
    };
    Some((domain, Prefix { v4, v6 }))
}

fn prefix_length(text: &str, bits: u8) -> Option<u8> {
    let is_number = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|length| is_number && *length <= bits)
}

const VERSION: &str = "v=spf1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_known_by_its_version() {
        for text in ["v=spf1", "V=SPF1 -all", "v=spf1  mx"] {
            assert!(Policy::is_one(text), "{text}");
        }
        for text in ["v=spf10 mx", "v=spf1\tmx", " v=spf1", "spf1", "v=DMARC1", "", "v=spf\u{e9}"] {
            assert!(!Policy::is_one(text), "{text:?}");
        }
    }

    #[test]
    fn every_kind_of_term_is_read() {
        let policy: Policy = "v=spf1 a mx/24//64 a:x.example/8 ip4:192.0.2.0/24 ip6:2001:db8::/32 \
             ?include:_spf.example -exists:%{ir}.%{v}.x.example ptr ~all redirect=y.example exp=z.example other=1"
            .parse()
            .unwrap();
        let kinds: Vec<_> = policy.directives.iter().map(|directive| directive.mechanism.clone()).collect();
        assert_eq!(kinds[1], Mechanism::Mx { domain: None, prefix: Prefix { v4: 24, v6: 64 } });
        assert_eq!(
            kinds[2],
            Mechanism::A { domain: Some("x.example".into()), prefix: Prefix { v4: 8, v6: 128 } }
        );
        assert_eq!(kinds[3], Mechanism::Ip("192.0.2.0".parse().unwrap(), 24));
        assert_eq!(kinds[4], Mechanism::Ip("2001:db8::".parse().unwrap(), 32));
        assert_eq!((kinds.len(), policy.redirect.as_deref()), (9, Some("y.example")));
        assert_eq!(policy.includes().count(), 0, "one that is neutral lets nobody pass");
    }

    #[test]
    fn a_mistake_anywhere_is_one_of_the_whole() {
        for term in [
            "mxx",
            "all:x",
            "ip4",
            "ip4:192.0.2.300",
            "ip4:192.0.2.0/33",
            "ip4:192.0.2.0/024",
            "ip6:192.0.2.1",
            "include",
            "include:",
            "a:",
            "a/33",
            "mx//129",
            "exists",
            "exists:%{x}",
            "include:%(d)",
            "-",
            "redirect=a.example redirect=b.example",
            "redirect=",
            "a:x.example/",
            "ip4:192.0.2.0/24/8",
            "a//",
            "ptr:",
            "\u{e9}",
            "a:%",
        ] {
            let text = format!("v=spf1 mx {term} -all");
            assert!(text.parse::<Policy>().is_err(), "{term}");
        }
    }
}
