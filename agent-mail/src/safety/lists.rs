//! Whom agents may write to, hear from and answer.

use std::fmt;
use std::str::FromStr;

use mail_access::{Address, DomainName};

use crate::{Error, ErrorKind};

/// Whom a rule is about: `ada@b.example` (that mailbox), `b.example` (that domain alone) or `*.b.example` (all domains
/// below it, not itself).
///
/// A rule for a mailbox is one for its tagged addresses too (`ada+news@`), and for any case of its letters.
///
/// ```
/// use agent_mail::safety::Party;
///
/// let below: Party = "*.b.example".parse()?;
/// assert!(below.includes(&"ada@mail.b.example".parse()?));
/// assert!(!below.includes(&"ada@b.example".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Party {
    /// One mailbox.
    Address(Address),
    /// All mailboxes of a domain, without those of the domains below it.
    Domain(DomainName),
    /// All mailboxes of all domains below one.
    Subdomains(DomainName),
}

impl Party {
    /// Tells whether an address is meant.
    pub fn includes(&self, address: &Address) -> bool {
        match self {
            Self::Address(own) => own.is_same_mailbox(address) || own.is_same_mailbox(&untagged(address)),
            Self::Domain(domain) => domain == address.domain(),
            Self::Subdomains(domain) => {
                let above = address.domain().as_str().strip_suffix(domain.as_str());
                above.is_some_and(|above| above.ends_with('.'))
            }
        }
    }

    /// The narrower rule counts before the wider.
    fn rank(&self) -> usize {
        match self {
            Self::Address(_) => usize::MAX,
            Self::Domain(_) => usize::MAX - 1,
            Self::Subdomains(domain) => domain.as_str().len(),
        }
    }
}

impl FromStr for Party {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |source: mail_access::InvalidAddress| {
            Error::new(ErrorKind::InvalidInput, "read party", format!("{text:?}"))
                .with_fix("write an address, a domain, or *. and a domain")
                .with_source(source)
        };
        if text.contains('@') {
            return text.parse().map(Self::Address).map_err(wrong);
        }
        match text.strip_prefix("*.") {
            Some(domain) => domain.parse().map(Self::Subdomains).map_err(wrong),
            None => text.parse().map(Self::Domain).map_err(wrong),
        }
    }
}

/// Writes what [`FromStr`] reads.
impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => f.write_str(domain.as_str()),
            Self::Subdomains(domain) => write!(f, "*.{}", domain.as_str()),
        }
    }
}

/// Which way mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// An agent writes of its own accord.
    Send,
    /// An agent gets mail.
    Receive,
    /// An agent answers.
    Reply,
}

/// The rules for all directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    direction: Direction,
    allows: bool,
    party: Party,
}

impl Lists {
    pub(super) fn add(&mut self, direction: Direction, allows: bool, party: Party) {
        self.0.push(Rule { direction, allows, party });
    }

    /// The narrowest rule that is about the address decides, of two as narrow the one that blocks. Without one the address
    /// is allowed unless others are listed as allowed.
    pub(super) fn allow(&self, direction: Direction, address: &Address) -> bool {
        let rules = || self.0.iter().filter(|rule| rule.direction == direction);
        let about = rules().filter(|rule| rule.party.includes(address));
        match about.max_by_key(|rule| (rule.party.rank(), !rule.allows)) {
            Some(rule) => rule.allows,
            None => !rules().any(|rule| rule.allows),
        }
    }

    /// Tells whether a rule blocks the address by name, whatever is allowed.
    pub(super) fn block(&self, direction: Direction, address: &Address) -> bool {
        let mut blocks = self.0.iter().filter(|rule| rule.direction == direction && !rule.allows);
        blocks.any(|rule| rule.party.includes(address)) && !self.allow(direction, address)
    }

    pub(super) fn has_allowed(&self, direction: Direction) -> bool {
        self.0.iter().any(|rule| rule.direction == direction && rule.allows)
    }
}

fn untagged(address: &Address) -> Address {
    let base = address.local_part().split_once('+').map(|(base, _)| base);
    let plain = base.and_then(|base| Address::new(base, address.domain().clone()).ok());
    plain.unwrap_or_else(|| address.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rules<'a> = &'a [(bool, &'a str)];

    fn lists(rules: Rules<'_>) -> Lists {
        let mut lists = Lists::default();
        for (allows, party) in rules {
            lists.add(Direction::Send, *allows, party.parse().unwrap());
        }
        lists
    }

    #[test]
    fn the_narrowest_rule_decides() {
        let cases: &[(Rules<'_>, &str, bool)] = &[
            (&[], "a@x.example", true),
            (&[(false, "x.example")], "a@x.example", false),
            (&[(false, "x.example")], "a@y.x.example", true),
            (&[(false, "*.x.example")], "a@y.x.example", false),
            (&[(false, "*.x.example")], "a@yx.example", true),
            (&[(true, "x.example")], "a@x.example", true),
            (&[(true, "x.example")], "a@y.example", false),
            (&[(true, "x.example"), (false, "a@x.example")], "A@x.example", false),
            (&[(true, "x.example"), (false, "a@x.example")], "a+tag@x.example", false),
            (&[(true, "x.example"), (false, "a@x.example")], "b@x.example", true),
            (&[(false, "x.example"), (true, "a@x.example")], "a@x.example", true),
            (&[(false, "*.example"), (true, "*.x.example")], "a@y.x.example", true),
            (&[(true, "x.example"), (false, "x.example")], "a@x.example", false),
        ];
        for (rules, address, allowed) in cases {
            let lists = lists(rules);
            let address = address.parse().unwrap();
            assert_eq!(lists.allow(Direction::Send, &address), *allowed, "{rules:?} {address}");
            assert!(lists.allow(Direction::Receive, &address), "another direction has no rules");
        }
    }

    #[test]
    fn a_party_is_written_as_it_is_read() {
        for text in ["ada@b.example", "b.example", "*.b.example"] {
            assert_eq!(text.parse::<Party>().unwrap().to_string(), text);
        }
        for wrong in ["", "*.", "a@@b", "*", "a b.example"] {
            assert_eq!(wrong.parse::<Party>().unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong:?}");
        }
    }
}
