//! Who an agent is, and which address that gives it.

use std::fmt;
use std::str::FromStr;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, ErrorKind};

/// The name by which a program knows an agent: any text, as the program has it.
///
/// Two different names never share an address, and the address tells the name again: lower-case letters, digits,
/// `.` and `-` stay, `_` is doubled, and every other byte becomes `_` and two hex digits.
///
/// | agent | local part with the prefix `agent_` |
/// |---|---|
/// | `ada` | `agent_ada` |
/// | `order-bot.7` | `agent_order-bot.7` |
/// | `order_bot` | `agent_order__bot` |
/// | `Ada` | `agent__41da` |
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(Box<str>);

impl AgentId {
    /// Returns the name as the program gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that stands in addresses and in stored keys: only `a-z 0-9 . - _`.
    pub(crate) fn encoded(&self) -> String {
        let mut encoded = String::with_capacity(self.0.len());
        self.encode_into(&mut encoded);
        encoded
    }

    /// Writes that form behind a text.
    pub(crate) fn encode_into(&self, encoded: &mut String) {
        let bytes = self.0.as_bytes();
        let stays = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if bytes.first() != Some(&b'-') && bytes.iter().all(stays) {
            return encoded.push_str(&self.0);
        }
        for (at, &byte) in bytes.iter().enumerate() {
            // A dot at the end, doubled, or anything but a letter or digit at the start is no legal local part
            // of its own.
            let inside = at > 0 && bytes.get(at + 1).is_some_and(|next| *next != b'.');
            match byte {
                b'a'..=b'z' | b'0'..=b'9' => encoded.push(char::from(byte)),
                b'-' if at > 0 => encoded.push('-'),
                b'.' if inside => encoded.push('.'),
                b'_' if at > 0 => encoded.push_str("__"),
                other => {
                    encoded.push('_');
                    encoded.push(char::from(HEX[usize::from(other >> 4)]));
                    encoded.push(char::from(HEX[usize::from(other & 15)]));
                }
            }
        }
    }

    /// Returns the name that an [`encoded`](Self::encoded) form came from.
    pub(crate) fn decode(encoded: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(encoded.len());
        let mut rest = encoded.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'_' => match rest.next()? {
                    b'_' => b'_',
                    high => (hex_value(high)? << 4) | hex_value(rest.next()?)?,
                },
                other => other,
            });
        }
        let id: Self = String::from_utf8(bytes).ok()?.parse().ok()?;
        (id.encoded() == encoded).then_some(id)
    }
}

impl FromStr for AgentId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        if name.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "name agent", "\"\"")
                .with_detail("an agent's name has to have at least one character"));
        }
        Ok(Self(name.into()))
    }
}

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.escape_debug().to_string())
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What stands before an agent's name in its address, and the domain behind it.
#[derive(Clone, Debug)]
pub(crate) struct AddressRule {
    prefix: Box<str>,
    domain: DomainName,
}

impl AddressRule {
    pub(crate) fn new(prefix: &str, domain: DomainName) -> Result<Self, Error> {
        let invalid = |detail| {
            Err(Error::new(ErrorKind::InvalidInput, "set prefix", format!("{prefix:?}")).with_detail(detail))
        };
        if !prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)) {
            return invalid("a prefix holds only a-z, 0-9, dot, hyphen and underscore, such as agent_");
        }
        if prefix.starts_with(['.', '-', '_']) || prefix.ends_with('.') || prefix.contains("..") {
            return invalid(
                "a prefix begins with a letter or digit and has no dot at its end nor two in a row",
            );
        }
        Ok(Self { prefix: prefix.into(), domain })
    }

    pub(crate) fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Gives the agent its address, or says clearly why there can be none.
    pub(crate) fn address(&self, id: &AgentId) -> Result<Address, Error> {
        let local = format!("{}{}", self.prefix, id.encoded());
        Address::new(&local, self.domain.clone()).map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "name agent", id)
                .with_detail(format!(
                    "its local part would be {} characters long, and a mail address allows 64",
                    local.len()
                ))
                .with_fix(
                    "use a shorter name; capitals and other characters than a-z 0-9 . - count up to three",
                )
                .with_source(source)
        })
    }

    /// Finds the agent that an address belongs to, whether or not there is one.
    pub(crate) fn agent(&self, address: &Address) -> Option<AgentId> {
        if *address.domain() != self.domain {
            return None;
        }
        let local = address.local_part().to_ascii_lowercase();
        let base = local.split_once('+').map_or(local.as_str(), |(base, _)| base);
        AgentId::decode(base.strip_prefix(&*self.prefix)?)
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    HEX.iter().position(|known| *known == digit).and_then(|value| u8::try_from(value).ok())
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule() -> AddressRule {
        AddressRule::new("agent_", "agents.example".parse().unwrap()).unwrap()
    }

    #[test]
    fn names_become_addresses() {
        for (name, local) in [
            ("ada", "agent_ada"),
            ("order-bot.7", "agent_order-bot.7"),
            ("order_bot", "agent_order__bot"),
            ("Ada", "agent__41da"),
            ("-x", "agent__2dx"),
            ("a.", "agent_a_2e"),
            ("a..b", "agent_a_2e.b"),
            ("a b", "agent_a_20b"),
            ("ö", "agent__c3_b6"),
            ("a+b@c", "agent_a_2bb_40c"),
            ("\r\n", "agent__0d_0a"),
        ] {
            let id: AgentId = name.parse().unwrap();
            let address = rule().address(&id).unwrap();
            assert_eq!(address.local_part(), local, "{name:?}");
            assert_eq!(rule().agent(&address).as_ref(), Some(&id));
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_refused_with_the_length() {
        let fits: AgentId = "a".repeat(58).parse().unwrap();
        assert!(rule().address(&fits).is_ok());
        let error = rule().address(&"A".repeat(20).parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("66 characters"), "{error}");
        assert!("".parse::<AgentId>().is_err());
    }

    #[test]
    fn addresses_of_others_are_nobody() {
        for other in [
            "ada@agents.example",
            "agent_ada@other.example",
            "agent__4@agents.example",
            "agent_@agents.example",
        ] {
            assert_eq!(rule().agent(&other.parse().unwrap()), None, "{other}");
        }
        let tagged = "Agent_Ada+news@agents.example".parse().unwrap();
        assert_eq!(rule().agent(&tagged), Some("ada".parse().unwrap()));
    }

    #[test]
    fn a_prefix_that_makes_no_address_is_refused() {
        for (prefix, fine) in
            [("agent_", true), ("", true), ("a.b-", true), ("A", false), ("a.", false), ("_", false)]
        {
            assert_eq!(
                AddressRule::new(prefix, "agents.example".parse().unwrap()).is_ok(),
                fine,
                "{prefix:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_two_names_share_an_address(name in "(?s).{1,60}", prefix in "[a-z]{0,3}") {
            let id: AgentId = name.parse().unwrap();
            let rule = AddressRule::new(&prefix, "agents.example".parse().unwrap()).unwrap();
            match rule.address(&id) {
                // What tells the name again can't belong to two.
                Ok(address) => prop_assert_eq!(rule.agent(&address), Some(id)),
                Err(_) => prop_assert!(id.encoded().len() + prefix.len() > 64),
            }
        }
    }
}
