use std::fmt::Debug;

use async_trait::async_trait;
use mail_access::DomainName;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Holds the zone of a domain (terms as in RFC 9499).
#[async_trait]
pub trait DnsProvider: Debug + Send + Sync + 'static {
    /// Returns a zone with all its RRsets.
    ///
    /// # Contract
    /// - It is the present state, all of it: an RRset that is not in the answer is not in the zone. What the provider
    ///   keeps by itself (SOA, signatures) is left out.
    /// - It reads only.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the provider has no such zone for these credentials.
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error>;

    /// Replaces RRsets of a zone.
    ///
    /// # Contract
    /// - Each given RRset takes the place of the one with its name and type, records and TTL as a whole. One
    ///   without records removes it; removing what is not there is fine.
    /// - RRsets that are not given stay as they are.
    /// - All of it happens or nothing: if one is refused, none is written. No RRsets: nothing is sent.
    /// - It is safe to repeat. A dropped call leaves all of it done or nothing.
    ///
    /// Worked example: a zone holds `@ MX "10 a."` and `@ TXT "x"`.
    ///
    /// | given | afterwards |
    /// |---|---|
    /// | `@ MX "10 b."` | `@ MX "10 b."`, `@ TXT "x"` |
    /// | `@ MX` without records | `@ TXT "x"` |
    /// | `@ MX "10 b."`, `c CNAME "d"` (no final dot) | as before: refused |
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) or [`Rejected`](crate::ErrorKind::Rejected) if a record is
    /// not one, [`NotFound`](crate::ErrorKind::NotFound) for a foreign zone,
    /// [`RateLimited`](crate::ErrorKind::RateLimited).
    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error>;
}

/// A zone as its provider has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Zone {
    /// The lowest TTL in seconds that the provider takes.
    pub minimum_ttl: u32,
    /// The RRsets, in no particular order.
    pub sets: Vec<RrSet>,
    /// How many writes the provider allows, where it says so.
    pub budget: Option<DnsBudget>,
}

impl Zone {
    /// Makes a zone of its parts.
    pub fn new(minimum_ttl: u32, sets: Vec<RrSet>) -> Self {
        Self { minimum_ttl, sets, budget: None }
    }

    /// Adds how many writes the provider allows.
    pub fn with_budget(mut self, budget: DnsBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Returns the RRset with this name and type.
    pub fn find(&self, name: &str, rtype: &str) -> Option<&RrSet> {
        self.sets.iter().find(|set| set.name == name && set.rtype == rtype)
    }
}

/// How many writes to a zone its provider allows in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsBudget {
    /// How many were made in the last day.
    pub used: usize,
    /// How many there may be.
    pub limit: usize,
}

/// All records of one name and one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RrSet {
    /// The name below the zone, in lower case; empty for the zone's apex.
    pub name: String,
    /// The type in capitals, `MX`.
    pub rtype: String,
    /// The time to live in seconds.
    pub ttl: u32,
    /// The records in presentation format (RFC 1035 section 5.1): names with their final dot, texts in quotes.
    pub records: Vec<String>,
}

impl RrSet {
    /// Makes an RRset of its parts.
    pub fn new(name: impl Into<String>, rtype: impl Into<String>, ttl: u32, records: Vec<String>) -> Self {
        Self { name: name.into(), rtype: rtype.into(), ttl, records }
    }
}
