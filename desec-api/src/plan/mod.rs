//! A zone as it is wanted, what has to be written for it, and the writing.

mod apply;
mod claims;
mod cost;
mod desired;
mod diff;
mod objections;
mod show;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

pub(crate) use self::objections::list;
pub use self::{
    apply::Applied,
    claims::Claim,
    cost::Cost,
    desired::{Desired, Foreign},
    objections::{ForeignRecord, StaleRrSet},
};
use crate::{
    Client, DomainName, Error, RecordType, RrSet, RrSetPatch, SubName, Ttl,
    canonical::{comparable, folded},
    checks::flaw,
};

impl Client {
    /// Returns what has to be written so that the zone of `domain` is as `desired`.
    ///
    /// Costs one read for each 500 RRsets of the zone, and writes nothing. A dropped call leaves nothing
    /// behind. The plan can be shown, stored, and given to [`apply`](Self::apply).
    ///
    /// # Errors
    /// - [`Error::InvalidInput`], before anything is sent, for what no zone can be: see [`Desired::plan`].
    /// - [`Error::Foreign`] if records that the caller does not own stand against it.
    /// - [`Error::NotFound`] if the domain does not exist or belongs to another account.
    ///
    /// ```
    /// use desec_api::{Desired, DomainName, FakeDesec, NewRrSet, RecordType, SubName, Ttl};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let (domain, ttl): (DomainName, _) = ("example.com".parse()?, Ttl::new(3600)?);
    /// let fake = FakeDesec::new();
    /// fake.add_domain(&domain, ttl);
    /// let client = fake.client()?;
    ///
    /// let mx = NewRrSet::new(SubName::apex(), RecordType::Mx, ttl, ["10 mail.example.net.".into()]);
    /// let plan = client.plan(&domain, &Desired::new([mx])).await?;
    /// assert!(plan.to_string().contains("+ @ MX 3600 10 mail.example.net."));
    /// client.apply(&plan).await?;
    /// assert_eq!(fake.calls().len(), 3, "two reads, one write");
    /// # Ok::<(), desec_api::Error>(()) }).unwrap();
    /// ```
    pub async fn plan(&self, domain: &DomainName, desired: &Desired) -> Result<Plan, Error> {
        let wanted = desired.wanted(domain)?.checked()?;
        let zone = self.zone(domain).await?;
        Ok(Plan { used_today: self.writes_today(domain), ..wanted.plan(&zone)? })
    }
}

/// What has to be written so that a zone is as wanted.
///
/// `Display` shows it like a diff, with what it costs in the last line. It can be stored and read back with
/// serde; what is read back is checked as if it had been planned, but not against the zone: that is what
/// [`Client::apply`] does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Plan {
    domain: DomainName,
    changes: Vec<Change>,
    kept: Vec<Kept>,
    /// How many RRsets the zone has.
    rrsets: usize,
    #[serde(skip)]
    used_today: Option<usize>,
}

impl Plan {
    /// Returns the domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Returns what changes, sorted by name and type.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns the records of others that stay in RRsets that are wanted or claimed, sorted by name and type.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// Returns whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What becomes of one RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// The name, relative to the domain.
    pub subname: SubName,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: RecordType,
    /// What is there; `None` if it is created.
    pub before: Option<RrData>,
    /// What shall be there; `None` if it is deleted.
    pub after: Option<RrData>,
}

impl Change {
    // Only what differs: the server keeps the rest, even a TTL that it would not take again (dynDNS).
    fn patch(&self) -> RrSetPatch {
        let patch = RrSetPatch::new(self.subname.clone(), self.rtype.clone());
        let (before, Some(after)) = (&self.before, &self.after) else { return patch.with_records([]) };
        let differs =
            |part: fn(&RrData, &RrData) -> bool| before.as_ref().is_none_or(|before| part(before, after));
        let ttl = differs(|a, b| a.ttl != b.ttl).then_some(after.ttl);
        let records = differs(|a, b| a.records != b.records).then_some(&after.records);
        let patch = ttl.into_iter().fold(patch, RrSetPatch::with_ttl);
        records.into_iter().cloned().fold(patch, RrSetPatch::with_records)
    }

    fn key(&self) -> Key<'_> {
        (&self.subname, &self.rtype)
    }
}

/// The time to live and the records of an RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RrData {
    /// The time to live.
    pub ttl: Ttl,
    /// The contents in canonical form, in no particular order.
    pub records: Vec<String>,
}

impl RrData {
    fn of(set: &RrSet) -> Self {
        Self { ttl: set.ttl, records: set.records.clone() }
    }
}

/// Records of others that stay in an RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Kept {
    /// The name, relative to the domain.
    pub subname: SubName,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: RecordType,
    /// The contents.
    pub records: Vec<String>,
}

/// A plan as it was stored, by whomever.
#[derive(Deserialize)]
struct Unchecked {
    domain: DomainName,
    changes: Vec<Change>,
    kept: Vec<Kept>,
    rrsets: usize,
}

impl TryFrom<Unchecked> for Plan {
    type Error = Error;

    fn try_from(Unchecked { domain, mut changes, kept, rrsets }: Unchecked) -> Result<Self, Error> {
        for Change { subname, rtype, before, after } in &mut changes {
            if before == after {
                return Err(refuse(subname, rtype, "the plan does not change it"));
            }
            match after {
                Some(after) => {
                    Ttl::new(after.ttl.seconds())?;
                    after.records = diff::contents(&domain, subname, rtype, &after.records)?;
                }
                None if diff::is_fixed(&domain, subname, rtype) => {
                    return Err(refuse(subname, rtype, "name servers are not deleted"));
                }
                None => {
                    let flaw = flaw(&domain, subname, rtype, 0).map(|flaw| refuse(subname, rtype, flaw));
                    flaw.map_or(Ok(()), Err)?;
                }
            }
        }
        changes.sort_by(|a, b| a.key().cmp(&b.key()));
        if let Some([Change { subname, rtype, .. }, _]) =
            changes.array_windows().find(|[one, next]| one.key() == next.key())
        {
            return Err(refuse(subname, rtype, "it is given twice"));
        }
        diff::alone(changes.iter().filter(|change| change.after.is_some()).map(Change::key))?;
        Ok(Self { domain, changes, kept, rrsets, used_today: None })
    }
}

/// What tells an RRset of a zone from the others.
type Key<'a> = (&'a SubName, &'a RecordType);

fn by_key(zone: &[RrSet]) -> HashMap<Key<'_>, &RrSet> {
    zone.iter().map(|set| ((&set.subname, &set.rtype), set)).collect()
}

/// Returns what stands in the way of `created` RRsets because nothing can be beside a CNAME, each with the
/// type that it is in the way of. RRsets for which `goes` is true do not count.
fn in_the_way<'a>(
    zone: &'a [RrSet],
    created: &[Key<'a>],
    goes: impl Fn(&RrSet) -> bool,
) -> Vec<(&'a RrSet, &'a RecordType)> {
    let created: HashMap<&SubName, &RecordType> = created.iter().copied().collect();
    if created.is_empty() {
        return Vec::new();
    }
    let clashes = |set: &'a RrSet| {
        let rtype = *created.get(&set.subname)?;
        let apart = set.rtype != *rtype && (set.rtype == RecordType::Cname || *rtype == RecordType::Cname);
        (apart && !goes(set)).then_some((set, rtype))
    };
    zone.iter().filter_map(clashes).collect()
}

/// Returns which of `wanted`, in canonical form, are missing in `present`, and which of `present` are more than
/// `wanted`.
fn compare<'a>(
    rtype: &RecordType,
    wanted: &'a [String],
    present: &'a [String],
) -> (Vec<&'a String>, Vec<&'a String>) {
    // Those that are spelled differently are compared by what they say.
    let (missing, more) = (without(wanted, present), without(present, wanted));
    let missing: Vec<_> =
        missing.into_iter().map(|content| (folded(rtype, content.clone()), content)).collect();
    let more: Vec<_> = more.into_iter().map(|content| (comparable(rtype, content), content)).collect();
    let said = |contents: &[(String, &'a String)], others: &[(String, &'a String)]| {
        let others = Set::of(others.iter().map(|(key, _)| key));
        let only = contents.iter().filter(|(key, _)| !others.contains(key));
        only.map(|(_, content)| *content).collect()
    };
    (said(&missing, &more), said(&more, &missing))
}

/// Returns whether two sets of contents are spelled the same.
fn are_equal(one: &[String], other: &[String]) -> bool {
    without(one, other).is_empty() && without(other, one).is_empty()
}

fn without<'a>(contents: &'a [String], others: &[String]) -> Vec<&'a String> {
    if contents == others {
        return Vec::new();
    }
    let others = Set::of(others.iter());
    contents.iter().filter(|content| !others.contains(content)).collect()
}

/// Contents to look for. A few are found faster one by one than by their hashes.
enum Set<'a> {
    Few(Vec<&'a String>),
    Many(HashSet<&'a String>),
}

impl<'a> Set<'a> {
    fn of(contents: impl ExactSizeIterator<Item = &'a String>) -> Self {
        if contents.len() <= FEW { Self::Few(contents.collect()) } else { Self::Many(contents.collect()) }
    }

    fn contains(&self, content: &String) -> bool {
        match self {
            Self::Few(contents) => contents.contains(&content),
            Self::Many(contents) => contents.contains(content),
        }
    }
}

fn refuse(subname: &SubName, rtype: &RecordType, reason: &str) -> Error {
    Error::InvalidInput { what: "RRsets", reason: format!("{subname} {rtype}: {reason}") }
}

const FEW: usize = 8;
