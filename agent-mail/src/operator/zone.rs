//! The records of a domain as steps.

use std::borrow::Cow;

use mail_access::DomainName;

use super::Step;
use super::ledger::Made;
use super::seen::Seen;
use crate::backend::{DkimKey, RrSet, Zone};
use crate::{DomainSpec, Error, records};

/// What a specification needs in a zone, and what of it has to be written.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) wanted: Vec<RrSet>,
    pub(super) written: Vec<RrSet>,
}

impl Records {
    /// Works them out. Without a key there is no record of one.
    pub(super) fn of(
        spec: &DomainSpec,
        key: Option<&DkimKey>,
        name: &DomainName,
        zone: &Zone,
        earlier: &[RrSet],
    ) -> Result<Self, Error> {
        let names = signing(spec).cloned();
        let keys = key.map(|key| names.map(|name| (name, key.clone())).collect()).unwrap_or_default();
        let wanted = records::wanted(spec, &keys, name, zone.minimum_ttl)?;
        let mut written = records::changes_since(zone, wanted.clone(), earlier)?.written;
        written.sort_by(|one, other| (&one.name, &one.rtype).cmp(&(&other.name, &other.rtype)));
        Ok(Self { wanted, written })
    }

    pub(super) fn steps(&self, zone: &Zone) -> impl Iterator<Item = Step> {
        self.written.iter().cloned().map(|set| {
            let old = zone.find(&set.name, &set.rtype).cloned();
            Step::Record { old, new: Some(set).filter(|set| !set.records.is_empty()) }
        })
    }
}

/// Returns the steps that write the records of a key that is not there yet.
pub(super) fn key_steps(spec: &DomainSpec, name: &DomainName, zone: &Zone) -> Vec<Step> {
    let selector = spec.dkim.selector.to_ascii_lowercase();
    let owners = signing(spec).filter(|domain| domain.is_within(name)).map(|domain| {
        let below = domain.as_str().strip_suffix(name.as_str()).unwrap_or_default();
        format!("{selector}._domainkey.{below}").trim_end_matches('.').to_owned()
    });
    owners.map(|owner| Step::KeyRecord { old: zone.find(&owner, "TXT").cloned(), name: owner }).collect()
}

/// Returns what the records are worked out for: other names that a plan made and that stay, as nothing is pruned, keep
/// their records too.
pub(super) fn published<'a>(spec: &'a DomainSpec, seen: &Seen) -> Cow<'a, DomainSpec> {
    let made = |name: &DomainName| seen.ledger.made.contains(&Made::AliasDomain(name.clone()));
    let served = seen.served().alias_domains.iter();
    let left = served.filter(|name| made(name) && !spec.alias_domains.contains(name));
    let left: Vec<_> = left.cloned().collect();
    if spec.prune || left.is_empty() {
        return Cow::Borrowed(spec);
    }
    let mut spec = spec.clone();
    spec.alias_domains.extend(left);
    Cow::Owned(spec)
}

/// Returns the names that mail is signed for, all with one key.
fn signing(spec: &DomainSpec) -> impl Iterator<Item = &DomainName> {
    [&spec.domain].into_iter().chain(&spec.alias_domains)
}

/// Tells whether the zone has just these records where the step writes.
pub(super) fn is(seen: &Seen, step: &Step, records: Option<&RrSet>) -> bool {
    let Some(zone) = &seen.zone else { return false };
    let place = match step {
        Step::Record { old, new } => new.as_ref().or(old.as_ref()).map(|set| (&*set.name, &*set.rtype)),
        Step::KeyRecord { name, .. } => Some((&**name, "TXT")),
        _ => None,
    };
    match (place.and_then(|(name, rtype)| zone.find(name, rtype)), records) {
        (None, None) => true,
        (Some(present), Some(records)) => {
            present.ttl == records.ttl && records::same_records(present, records)
        }
        _ => false,
    }
}

/// Returns the RRsets that a provider has to be given for these steps.
pub(super) fn writes(steps: &[Step]) -> Vec<RrSet> {
    let write = |step: &Step| match step {
        Step::Record { new: Some(set), .. } => Some(set.clone()),
        Step::Record { old: Some(set), new: None } => Some(RrSet { records: Vec::new(), ..set.clone() }),
        _ => None,
    };
    steps.iter().filter_map(write).collect()
}
