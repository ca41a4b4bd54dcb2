//! What of the wanted records a zone lacks, merged with what others keep in it.

use super::DnsReport;
use super::canonical::{contains, same_records};
use super::spf;
use super::text::{Kind, kind_of, quoted, text_of};
use crate::backend::{RrSet, Zone};
use crate::{Error, ErrorKind};

/// Finds what of `wanted` has to be written to a zone.
///
/// - Records of others stay: texts, policies of DMARC and TLS reports, authorities in CAA, certificates in TLSA. An SPF
///   policy gets the terms that it lacks, so that there is exactly one.
/// - Addresses are replaced, but for those that dynDNS keeps, which live for 60 seconds.
/// - A set without records is wanted to be away.
/// - What is there in another spelling is there, and counts as unchanged.
///
/// What is written makes the next call find nothing.
///
/// # Errors
/// [`AlreadyExists`](ErrorKind::AlreadyExists), naming what is there and what is needed, for all that contradicts: a
/// foreign MX or SRV, a CNAME beside others, two SPF policies, one that would need more than ten look-ups, a name that
/// is delegated away. Nothing is to be written then.
pub fn changes(zone: &Zone, wanted: Vec<RrSet>) -> Result<DnsReport, Error> {
    changes_since(zone, wanted, &[])
}

/// Does what [`changes`] does, knowing what the caller wanted `earlier`: records that only an earlier wish asked for
/// are the caller's own, and are replaced or removed.
///
/// # Errors
/// As [`changes`].
pub fn changes_since(zone: &Zone, wanted: Vec<RrSet>, earlier: &[RrSet]) -> Result<DnsReport, Error> {
    let mut report = DnsReport::default();
    let mut contradictions = Vec::new();
    let removed = earlier.iter().filter(|old| !wanted.iter().any(|set| same_place(set, old)));
    let removed: Vec<RrSet> = removed.map(|old| RrSet { records: Vec::new(), ..old.clone() }).collect();
    // A CNAME takes the place of addresses in the same write, and the other way round.
    let mut leaving: Vec<RrSet> = removed.iter().filter_map(|set| without_ours(zone, set, earlier)).collect();
    let changed = |set: &&RrSet| zone.find(&set.name, &set.rtype).is_some_and(|old| !same_records(old, set));
    report.written.extend(leaving.iter().filter(changed).cloned());
    leaving.extend(wanted.iter().filter(|set| set.records.is_empty()).cloned());
    for set in wanted {
        let known = earlier.iter().find(|old| same_place(&set, old));
        match place(zone, &set, known, &leaving) {
            Ok(None) => report.unchanged += 1,
            Ok(Some(merged)) => report.written.push(merged),
            Err(problem) => contradictions.push((set, problem)),
        }
    }
    let Some((first, _)) = contradictions.first() else { return Ok(report) };
    let problems: Vec<&str> = contradictions.iter().map(|(_, problem)| problem.as_str()).collect();
    Err(Error::new(ErrorKind::AlreadyExists, "bootstrap", place_of(first))
        .with_detail(problems.join("; "))
        .with_fix("remove that record if nothing needs it, then run it again"))
}

/// Returns the set as it has to be written; nothing if it is so already.
fn place(
    zone: &Zone,
    wanted: &RrSet,
    earlier: Option<&RrSet>,
    leaving: &[RrSet],
) -> Result<Option<RrSet>, String> {
    let Some(present) = zone.find(&wanted.name, &wanted.rtype) else {
        if wanted.records.is_empty() {
            return Ok(None);
        }
        return without_contradiction(zone, wanted, leaving).map(Some);
    };
    if is_dynamic(present) && wanted.ttl != DYNDNS_TTL {
        return Ok(None);
    }
    if wanted.records.is_empty() {
        return Ok(Some(wanted.clone()));
    }
    let records = merge(present, wanted, earlier.map_or(&[], |old| &old.records))?;
    let foreign = records.iter().any(|record| !contains(&wanted.rtype, &wanted.records, record));
    // Where others keep something too, their time to live is theirs.
    let ttl = if foreign { present.ttl.max(wanted.ttl) } else { wanted.ttl };
    let merged = RrSet { ttl, records, ..wanted.clone() };
    let same = same_records(present, &merged) && (foreign || present.ttl == ttl);
    Ok((!same).then_some(merged))
}

fn merge(present: &RrSet, wanted: &RrSet, earlier: &[String]) -> Result<Vec<String>, String> {
    let is_ours = |record: &String| contains(&wanted.rtype, &wanted.records, record);
    let was_ours = |record: &String| contains(&wanted.rtype, earlier, record);
    match wanted.rtype.as_str() {
        "TXT" => texts(present, wanted, earlier),
        "A" | "AAAA" => Ok(wanted.records.clone()),
        "CAA" | "TLSA" => {
            let others = present.records.iter().filter(|record| !is_ours(record) && !was_ours(record));
            Ok(others.chain(&wanted.records).cloned().collect())
        }
        // Another host in MX takes the domain's mail, another in SRV or CNAME its users.
        _ if same_records(present, wanted) || present.records.iter().all(was_ours) => {
            Ok(wanted.records.clone())
        }
        _ => Err(contradiction(present, wanted)),
    }
}

/// A name may carry any number of texts, but one policy of each kind, and a selector one key.
fn texts(present: &RrSet, wanted: &RrSet, earlier: &[String]) -> Result<Vec<String>, String> {
    let [record] = wanted.records.as_slice() else { return Err(contradiction(present, wanted)) };
    let kind = kind_of(record);
    let is_key = wanted.name.split('.').any(|label| label == "_domainkey");
    let (same, foreign): (Vec<&String>, Vec<&String>) =
        present.records.iter().partition(|other| is_key || kind_of(other) == kind);
    let kept = match (kind, same.as_slice()) {
        // Mail is signed with the key that is wanted: an older one under its name verifies nothing. And the policy on
        // TLS is served from our file, so that its mark has to be ours.
        _ if same.is_empty() || is_key || kind == Kind::MtaSts => record.clone(),
        (Kind::Spf, [policy]) => {
            let before = earlier.iter().find(|old| kind_of(old) == Kind::Spf).map(|old| text_of(old));
            let joined = spf::merge(&text_of(policy), &text_of(record), before.as_deref());
            quoted(&joined.map_err(|problem| format!("{}: {problem}", place_of(wanted)))?)
        }
        (Kind::Dmarc | Kind::TlsReports, [policy]) if contains("TXT", earlier, policy) => record.clone(),
        // A policy that someone has chosen is stricter or laxer for a reason.
        (Kind::Dmarc | Kind::TlsReports, [policy]) => (*policy).clone(),
        _ => return Err(contradiction(present, wanted)),
    };
    Ok(foreign.into_iter().cloned().chain([kept]).collect())
}

/// Returns what is left of a set that is wanted no more; nothing if it is not there or not ours.
fn without_ours(zone: &Zone, set: &RrSet, earlier: &[RrSet]) -> Option<RrSet> {
    let present = zone.find(&set.name, &set.rtype)?;
    let ours = earlier.iter().find(|old| same_place(old, set))?;
    if is_dynamic(present) && ours.ttl != DYNDNS_TTL {
        return None;
    }
    let left = present.records.iter().filter(|record| !contains(&set.rtype, &ours.records, record));
    Some(RrSet { ttl: present.ttl, records: left.cloned().collect(), ..set.clone() })
}

/// A name with a CNAME has nothing else, a CNAME wants its name alone (RFC 2181 section 10.1), and below a delegation
/// nothing of this zone is seen (RFC 1034 section 4.2.1).
fn without_contradiction(zone: &Zone, wanted: &RrSet, leaving: &[RrSet]) -> Result<RrSet, String> {
    let beside = zone.sets.iter().find(|set| {
        let leaves = leaving.iter().any(|gone| gone.records.is_empty() && same_place(gone, set));
        let alone = set.rtype == "CNAME" || wanted.rtype == "CNAME";
        let cut = set.rtype == "NS" && !set.name.is_empty() && is_below(&wanted.name, &set.name);
        !leaves && ((set.name == wanted.name && set.rtype != wanted.rtype && alone) || cut)
    });
    match beside {
        Some(present) => Err(contradiction(present, wanted)),
        None => Ok(wanted.clone()),
    }
}

fn contradiction(present: &RrSet, wanted: &RrSet) -> String {
    format!(
        "the zone has {} {:?} and mail needs {} {:?}",
        place_of(present),
        present.records,
        place_of(wanted),
        wanted.records
    )
}

fn place_of(set: &RrSet) -> String {
    let name = if set.name.is_empty() { "@" } else { &set.name };
    format!("{name} {}", set.rtype)
}

fn same_place(one: &RrSet, other: &RrSet) -> bool {
    one.name == other.name && one.rtype == other.rtype
}

fn is_below(name: &str, above: &str) -> bool {
    name.strip_suffix(above).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Tells whether dynDNS keeps it, unless the zone's own records live as short.
fn is_dynamic(present: &RrSet) -> bool {
    present.ttl == DYNDNS_TTL && (present.rtype == "A" || present.rtype == "AAAA")
}

/// What dynDNS gives its records, in seconds.
const DYNDNS_TTL: u32 = 60;
