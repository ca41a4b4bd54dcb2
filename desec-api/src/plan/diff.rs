//! The difference between a zone and a wish.

use std::collections::{HashMap, HashSet};

use super::{
    Change, Desired, Foreign, Kept, Key, Plan, RrData, are_equal, by_key, claims::Claims, compare,
    in_the_way, refuse,
};
use crate::{
    DomainName, Error, ForeignRecord, NewRrSet, RecordType, RrSet, SubName, Ttl,
    canonical::folded,
    checks::{content, fit, flaw},
};

/// A wish that makes sense; its contents are read where they differ from what is there.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    domain: &'a DomainName,
    desired: &'a Desired,
    claims: Claims<'a>,
    sets: HashMap<Key<'a>, &'a NewRrSet>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(domain: &'a DomainName, desired: &'a Desired) -> Result<Self, Error> {
        let mut sets = HashMap::with_capacity(desired.sets.len());
        for set in &desired.sets {
            let NewRrSet { subname, rtype, .. } = set;
            if sets.insert((subname, rtype), set).is_some() {
                return Err(refuse(subname, rtype, "it is wanted twice"));
            }
        }
        alone(sets.keys().copied())?;
        Ok(Self { domain, desired, claims: Claims::of(&desired.claims), sets })
    }

    /// Checks all contents, for those who do not want to read a zone in vain.
    pub(super) fn checked(self) -> Result<Self, Error> {
        self.sets.values().try_for_each(|set| self.contents(set).map(drop))?;
        Ok(self)
    }

    pub(super) fn plan(&self, zone: &[RrSet]) -> Result<Plan, Error> {
        let mut diff = Diff::default();
        let there = by_key(zone);
        for (key, wanted) in &self.sets {
            if let Some(present) = there.get(key) {
                self.replace(present, wanted, &mut diff)?;
            } else {
                let (ttl, records) = (self.ttl(wanted), self.contents(wanted)?);
                diff.change(*key, None, Some(RrData { ttl, records }));
            }
        }
        if self.desired.prune || !self.claims.is_empty() {
            let unwanted = |set: &&RrSet| !self.sets.contains_key(&(&set.subname, &set.rtype));
            zone.iter().filter(unwanted).for_each(|set| self.clear(set, &mut diff));
        }
        let created: Vec<Key<'_>> =
            self.sets.keys().filter(|key| !there.contains_key(*key)).copied().collect();
        let goes = |set: &RrSet| self.others(set).is_empty();
        for (set, rtype) in in_the_way(zone, &created, goes) {
            diff.refuse(set, &self.others(set), rtype);
        }
        diff.into_plan(self.domain, zone.len())
    }

    fn replace(&self, present: &RrSet, wanted: &NewRrSet, diff: &mut Diff) -> Result<(), Error> {
        let ttl = if is_dynamic(present) { present.ttl } else { self.ttl(wanted) };
        if ttl == present.ttl && are_equal(&wanted.records, &present.records) {
            return Ok(());
        }
        let wanted = self.contents(wanted)?;
        let (missing, more) = compare(&present.rtype, &wanted, &present.records);
        let owned = |content: &&String| self.desired.prune || self.claims.cover(present, content);
        let (owned, foreign): (Vec<&String>, Vec<&String>) = more.into_iter().partition(owned);
        if !foreign.is_empty() {
            if self.desired.foreign == Foreign::Refuse || is_single(&present.rtype) {
                diff.refuse(present, &foreign, &present.rtype);
                return Ok(());
            }
            diff.keep(present, &foreign);
        }
        let records = if missing.is_empty() && owned.is_empty() {
            if ttl == present.ttl {
                return Ok(());
            }
            present.records.clone()
        } else if foreign.is_empty() {
            wanted
        } else {
            let records: Vec<String> = wanted.iter().chain(foreign).cloned().collect();
            fit(self.domain, &present.subname, &present.rtype, &records)?;
            records
        };
        let key = (&present.subname, &present.rtype);
        diff.change(key, Some(RrData::of(present)), Some(RrData { ttl, records }));
        Ok(())
    }

    fn contents(&self, NewRrSet { subname, rtype, records, .. }: &NewRrSet) -> Result<Vec<String>, Error> {
        contents(self.domain, subname, rtype, records)
    }

    fn ttl(&self, wanted: &NewRrSet) -> Ttl {
        self.desired.minimum_ttl.map_or(wanted.ttl, |minimum| minimum.max(wanted.ttl))
    }

    /// Takes away what is the caller's in an RRset that is not wanted.
    fn clear(&self, present: &RrSet, diff: &mut Diff) {
        let others = self.others(present);
        if others.len() == present.records.len() {
            return;
        }
        let records: Vec<String> = others.iter().map(|content| (*content).clone()).collect();
        let after = (!records.is_empty()).then_some(RrData { ttl: present.ttl, records });
        if after.is_some() {
            diff.keep(present, &others);
        }
        diff.change((&present.subname, &present.rtype), Some(RrData::of(present)), after);
    }

    /// Returns which records of an RRset that is not wanted belong to others.
    fn others<'s>(&self, set: &'s RrSet) -> Vec<&'s String> {
        let fixed = is_fixed(self.domain, &set.subname, &set.rtype);
        let pruned = self.desired.prune && !is_dynamic(set);
        let owned = |content: &String| !fixed && (pruned || self.claims.cover(set, content));
        set.records.iter().filter(|content| !owned(content)).collect()
    }
}

#[derive(Debug, Default)]
struct Diff {
    changes: Vec<Change>,
    kept: Vec<Kept>,
    foreign: Vec<ForeignRecord>,
}

impl Diff {
    fn change(&mut self, (subname, rtype): Key<'_>, before: Option<RrData>, after: Option<RrData>) {
        self.changes.push(Change { subname: subname.clone(), rtype: rtype.clone(), before, after });
    }

    fn keep(&mut self, set: &RrSet, contents: &[&String]) {
        let records = contents.iter().map(|content| (*content).clone()).collect();
        self.kept.push(Kept { subname: set.subname.clone(), rtype: set.rtype.clone(), records });
    }

    fn refuse(&mut self, set: &RrSet, contents: &[&String], wanted: &RecordType) {
        let record = |content: &&String| ForeignRecord {
            subname: set.subname.clone(),
            rtype: set.rtype.clone(),
            content: (*content).clone(),
            wanted: wanted.clone(),
        };
        self.foreign.extend(contents.iter().map(record));
    }

    fn into_plan(self, domain: &DomainName, rrsets: usize) -> Result<Plan, Error> {
        let Self { mut changes, mut kept, foreign: mut records } = self;
        if !records.is_empty() {
            records.sort();
            return Err(Error::Foreign { domain: domain.clone(), records });
        }
        changes.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        kept.sort_unstable_by(|a, b| (&a.subname, &a.rtype).cmp(&(&b.subname, &b.rtype)));
        Ok(Plan { domain: domain.clone(), changes, kept, rrsets, used_today: None })
    }
}

/// Returns the canonical contents of an RRset that shall be, each once.
pub(super) fn contents(
    domain: &DomainName,
    subname: &SubName,
    rtype: &RecordType,
    records: &[String],
) -> Result<Vec<String>, Error> {
    if records.is_empty() {
        let reason = "it has no records; leave it out and claim it to have it deleted";
        return Err(refuse(subname, rtype, reason));
    }
    if *rtype == RecordType::Ns && is_below_dedyn(domain) {
        return Err(refuse(subname, rtype, "name servers below dedyn.io cannot be changed"));
    }
    let contents =
        records.iter().map(|record| content(rtype, record).map_err(|reason| refuse(subname, rtype, &reason)));
    let mut contents = contents.collect::<Result<Vec<_>, _>>()?;
    if contents.len() > 1 {
        let mut seen = HashSet::new();
        contents.retain(|content| seen.insert(folded(rtype, content.clone())));
    }
    if let Some(flaw) = flaw(domain, subname, rtype, contents.len()) {
        return Err(refuse(subname, rtype, flaw));
    }
    fit(domain, subname, rtype, &contents)?;
    Ok(contents)
}

/// Checks that no CNAME stands beside anything else.
pub(super) fn alone<'a>(keys: impl Iterator<Item = Key<'a>> + Clone) -> Result<(), Error> {
    let is_cname = |rtype: &RecordType| *rtype == RecordType::Cname;
    let cnames: HashSet<&SubName> =
        keys.clone().filter(|(_, rtype)| is_cname(rtype)).map(|(subname, _)| subname).collect();
    let mut others = keys.filter(|(subname, rtype)| !is_cname(rtype) && cnames.contains(subname));
    match others.next() {
        Some((subname, rtype)) => Err(refuse(subname, rtype, "a CNAME is wanted at this name too")),
        None => Ok(()),
    }
}

/// Returns whether an RRset is the work of dynDNS.
fn is_dynamic(set: &RrSet) -> bool {
    matches!(set.rtype, RecordType::A | RecordType::Aaaa) && set.ttl.seconds() == DYNAMIC_TTL
}

fn is_single(rtype: &RecordType) -> bool {
    matches!(rtype, RecordType::Cname | RecordType::Dname)
}

/// Returns whether an RRset stays unless it is wanted otherwise.
pub(super) fn is_fixed(domain: &DomainName, subname: &SubName, rtype: &RecordType) -> bool {
    *rtype == RecordType::Ns && (subname.is_apex() || is_below_dedyn(domain))
}

fn is_below_dedyn(domain: &DomainName) -> bool {
    domain.as_str().ends_with(".dedyn.io")
}

const DYNAMIC_TTL: u32 = 60;
