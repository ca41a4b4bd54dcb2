use std::fmt::{self, Debug, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use async_trait::async_trait;

/// Asks name servers (RFC 1034). Names are in lower case and without their final dot; the root is empty.
#[async_trait]
pub trait LookUp: Debug + Send + Sync + 'static {
    /// Asks one server for the records of one name and type.
    ///
    /// # Contract
    /// - [`Server::Recursive`] follows aliases: the answer holds the CNAMEs on the way and the records at its end.
    /// - [`Server::At`] says what that server itself has, and asks nobody else.
    /// - A name that is not there, or has no such records, is an answer and no error.
    /// - It ends within seconds, by an error if need be. It reads only; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// [`LookUpError`] if it stays unknown what the server would say.
    async fn look_up(&self, server: Server, name: &str, rtype: RecordType) -> Result<Answer, LookUpError>;
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Server {
    /// The server that looks everywhere and remembers, as those who send and receive mail use one.
    Recursive,
    /// The server at an address, for what it has itself.
    At(IpAddr),
}

/// The types of records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// The name that another one stands for.
    Cname,
    /// The zone's key (RFC 4034 section 2).
    Dnskey,
    /// The digest of a signed zone's key, at its parent (RFC 4034 section 5).
    Ds,
    /// Who takes a domain's mail.
    Mx,
    /// A zone's name server.
    Ns,
    /// The name of an address.
    Ptr,
    /// The begin of a zone.
    Soa,
    /// Text.
    Txt,
}

impl Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Dnskey => "DNSKEY",
            Self::Ds => "DS",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Ptr => "PTR",
            Self::Soa => "SOA",
            Self::Txt => "TXT",
        })
    }
}

/// What a server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Whether there is no such name at all (NXDOMAIN, RFC 8020).
    pub is_no_name: bool,
    /// Whether the server says it of its own zone (AA, RFC 1035 section 4.1.1).
    pub is_authoritative: bool,
    /// What was asked for, and the aliases on the way to it.
    pub records: Vec<Record>,
    /// Who would know more.
    pub authority: Vec<Record>,
}

impl Answer {
    /// Makes an answer of records.
    pub fn of(records: Vec<Record>) -> Self {
        Self { records, ..Self::default() }
    }

    /// Follows the aliases of a name through the answer, and returns the contents at their end.
    ///
    /// The second value is the name that they lead to, if there is an alias at all.
    pub(crate) fn contents(&self, name: &str, rtype: RecordType) -> (Vec<&RecordData>, Option<&str>) {
        let mut at = name;
        let mut alias = None;
        for _ in 0..LONGEST_CHAIN {
            let here = || self.records.iter().filter(|record| record.name == at).map(|record| &record.data);
            let found: Vec<_> = here().filter(|data| data.rtype() == rtype).collect();
            let next = here().find_map(|data| match data {
                RecordData::Cname(target) => Some(target.as_str()),
                _ => None,
            });
            match next {
                Some(target) if found.is_empty() => (at, alias) = (target, Some(target)),
                _ => return (found, alias),
            }
        }
        (Vec::new(), alias)
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: String,
    /// What it says.
    pub data: RecordData,
}

impl Record {
    /// Makes a record of its parts.
    pub fn new(name: impl Into<String>, data: RecordData) -> Self {
        Self { name: name.into(), data }
    }
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name.
    Cname(String),
    /// A key, as it is on the wire.
    Dnskey(Vec<u8>),
    /// A digest of a key, as it is on the wire.
    Ds(Vec<u8>),
    /// Who takes mail; the lowest preference comes first. An empty host takes none (RFC 7505).
    Mx {
        /// The rank.
        preference: u16,
        /// The host.
        host: String,
    },
    /// A name server.
    Ns(String),
    /// A host.
    Ptr(String),
    /// The zone's serial number.
    Soa(u32),
    /// Text, its strings in one.
    Txt(Vec<u8>),
}

impl RecordData {
    /// Returns the type.
    pub fn rtype(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Cname(_) => RecordType::Cname,
            Self::Dnskey(_) => RecordType::Dnskey,
            Self::Ds(_) => RecordType::Ds,
            Self::Mx { .. } => RecordType::Mx,
            Self::Ns(_) => RecordType::Ns,
            Self::Ptr(_) => RecordType::Ptr,
            Self::Soa(_) => RecordType::Soa,
            Self::Txt(_) => RecordType::Txt,
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::A(address) => Some((*address).into()),
            Self::Aaaa(address) => Some((*address).into()),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Txt(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        }
    }
}

/// Why it stays unknown what a server would say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookUpError {
    /// It could not be reached, with the system's words.
    Unreachable(String),
    /// It gave no answer in the time.
    Silent(Duration),
    /// It answered that it can't or won't say (SERVFAIL, REFUSED, ..).
    Refused(String),
    /// Its answer is none.
    Malformed(String),
}

impl Display for LookUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the name server can't be reached: {why}"),
            Self::Silent(time) => write!(f, "the name server gave no answer in {} s", time.as_secs()),
            Self::Refused(code) => write!(f, "the name server answered {code}"),
            Self::Malformed(why) => write!(f, "the name server's answer can't be read: {why}"),
        }
    }
}

impl std::error::Error for LookUpError {}

/// Returns the name by which an address is looked up in reverse, below `suffixes` for IPv4 and IPv6 (RFC 1035 section
/// 3.5, RFC 3596 section 2.5; RFC 5782 section 2 for lists).
pub(crate) fn reversed(address: IpAddr, (v4, v6): (&str, &str)) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.{v4}")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.{v6}", labels.join("."))
        }
    }
}

pub(crate) const REVERSE: (&str, &str) = ("in-addr.arpa", "ip6.arpa");
/// Servers give up at about as many.
const LONGEST_CHAIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_followed_and_a_circle_ends() {
        let alias = |name: &str, target: &str| Record::new(name, RecordData::Cname(target.into()));
        let a = Record::new("c", RecordData::A(Ipv4Addr::LOCALHOST));
        let answer = Answer::of(vec![alias("b", "c"), a.clone(), alias("a", "b")]);
        assert_eq!(answer.contents("a", RecordType::A), (vec![&a.data], Some("c")));
        assert_eq!(answer.contents("c", RecordType::A), (vec![&a.data], None));
        assert_eq!(answer.contents("a", RecordType::Cname).0.len(), 1, "the alias itself can be asked for");
        let circle = Answer::of(vec![alias("a", "b"), alias("b", "a")]);
        assert!(circle.contents("a", RecordType::A).0.is_empty());
    }

    #[test]
    fn addresses_are_written_in_reverse() {
        assert_eq!(reversed("192.0.2.25".parse().unwrap(), REVERSE), "25.2.0.192.in-addr.arpa");
        assert_eq!(reversed("::ffff:192.0.2.25".parse().unwrap(), REVERSE), "25.2.0.192.in-addr.arpa");
        let six = reversed("2001:db8::25".parse().unwrap(), REVERSE);
        assert!(six.starts_with("5.2.0.0.") && six.ends_with("8.b.d.0.1.0.0.2.ip6.arpa"), "{six}");
    }
}
