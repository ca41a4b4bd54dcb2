//! Which records a mail domain needs, and what of it a zone lacks. Pure: nothing here talks to anyone.

use mail_access::DomainName;

use crate::backend::{DkimKey, RrSet, Zone};
use crate::{Error, ErrorKind};

/// What a run of [`AgentMail::bootstrap_dns`](crate::AgentMail::bootstrap_dns) did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsReport {
    /// The RRsets that were written, as they are now.
    pub written: Vec<RrSet>,
    /// How many RRsets were as they have to be.
    pub unchanged: usize,
}

/// Returns the RRsets that the domain needs, as they stand in the zone.
pub(crate) fn records(
    domain: &DomainName,
    zone: &DomainName,
    mail_host: &DomainName,
    key: &DkimKey,
    minimum_ttl: u32,
) -> Result<Vec<RrSet>, Error> {
    let ttl = minimum_ttl.max(TTL);
    let set = |label: &str, rtype: &str, record: String| {
        Ok(RrSet::new(owner(label, domain, zone)?, rtype, ttl, vec![record]))
    };
    let host = format!("{mail_host}.");
    Ok(vec![
        set("", "MX", format!("10 {host}"))?,
        set("", "TXT", quoted("v=spf1 mx ~all"))?,
        set(&format!("{}._domainkey", key.selector.to_ascii_lowercase()), "TXT", quoted(&key.record))?,
        set("_dmarc", "TXT", quoted("v=DMARC1; p=quarantine"))?,
        set("autoconfig", "CNAME", host.clone())?,
        set("autodiscover", "CNAME", host.clone())?,
        set("_submissions._tcp", "SRV", format!("0 1 465 {host}"))?,
        set("_imaps._tcp", "SRV", format!("0 1 993 {host}"))?,
    ])
}

/// Finds what of `wanted` has to be written, merged with what others keep in the same RRsets.
pub(crate) fn plan(zone: &Zone, wanted: Vec<RrSet>) -> Result<DnsReport, Error> {
    let mut report = DnsReport { written: Vec::new(), unchanged: 0 };
    for set in wanted {
        let present = zone.find(&set.name, &set.rtype);
        let merged = match present {
            Some(present) => merge(present, set)?,
            None => without_contradiction(zone, set)?,
        };
        if present.is_some_and(|present| same_records(present, &merged)) {
            report.unchanged += 1;
        } else {
            report.written.push(merged);
        }
    }
    Ok(report)
}

fn merge(present: &RrSet, wanted: RrSet) -> Result<RrSet, Error> {
    if wanted.rtype != "TXT" {
        // Another host in MX takes the domain's mail, another in SRV or CNAME its users.
        return if same_records(present, &wanted) {
            Ok(wanted)
        } else {
            Err(contradiction(present, &wanted))
        };
    }
    // A name may carry any number of texts, but one policy of each kind, and a selector one key.
    let is_key = wanted.name.split('.').any(|label| label == "_domainkey");
    let kind = kind_of(&wanted.records[0]);
    let (same, foreign): (Vec<_>, Vec<_>) =
        present.records.iter().cloned().partition(|record| is_key || kind_of(record) == kind);
    let kept = match (kind, same.as_slice()) {
        (_, []) => wanted.records[0].clone(),
        // Mail is signed with the key that is wanted: an older one under its name verifies nothing.
        _ if is_key => wanted.records[0].clone(),
        (Kind::Spf, [policy]) => spf_with_mx(policy),
        // A policy that someone has chosen is stricter or laxer for a reason.
        (Kind::Dmarc, [policy]) => policy.clone(),
        _ => return Err(contradiction(present, &wanted)),
    };
    let ttl = present.ttl.max(wanted.ttl);
    Ok(RrSet { ttl, records: foreign.into_iter().chain([kept]).collect(), ..wanted })
}

/// What a text says to those who send and receive mail.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Dmarc,
    Other,
    Spf,
}

/// Tells a text by its version, as RFC 7208 section 4.5 and RFC 7489 section 6.4 write it.
fn kind_of(record: &str) -> Kind {
    let text = text_of(record);
    let first = |end: char| text.split(end).next().unwrap_or_default().replace([' ', '\t'], "");
    if first(' ').eq_ignore_ascii_case("v=spf1") {
        return Kind::Spf;
    }
    if first(';').eq_ignore_ascii_case("v=DMARC1") { Kind::Dmarc } else { Kind::Other }
}

/// A name with a CNAME has nothing else, and a CNAME wants its name alone (RFC 2181 section 10.1).
fn without_contradiction(zone: &Zone, wanted: RrSet) -> Result<RrSet, Error> {
    let beside = zone.sets.iter().find(|set| {
        set.name == wanted.name
            && set.rtype != wanted.rtype
            && (set.rtype == "CNAME" || wanted.rtype == "CNAME")
    });
    match beside {
        Some(present) => Err(contradiction(present, &wanted)),
        None => Ok(wanted),
    }
}

fn contradiction(present: &RrSet, wanted: &RrSet) -> Error {
    let name = if wanted.name.is_empty() { "@" } else { &wanted.name };
    Error::new(ErrorKind::AlreadyExists, "bootstrap", format!("{name} {}", wanted.rtype))
        .with_detail(format!(
            "the zone has {} {:?} and mail needs {} {:?}",
            present.rtype, present.records, wanted.rtype, wanted.records
        ))
        .with_fix("remove that record if nothing needs it, then run it again")
}

/// Lets the hosts in MX send, if the policy doesn't yet; its other terms stay (RFC 7208 section 4.6).
fn spf_with_mx(policy: &str) -> String {
    let text = text_of(policy);
    let mut terms: Vec<&str> = text.split_ascii_whitespace().collect();
    if !terms.iter().any(|term| matches!(term.to_ascii_lowercase().as_str(), "mx" | "+mx")) {
        terms.insert(1, "mx");
        return quoted(&terms.join(" "));
    }
    policy.to_owned()
}

fn owner(label: &str, domain: &DomainName, zone: &DomainName) -> Result<String, Error> {
    let below = domain.as_str().strip_suffix(zone.as_str()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "bootstrap", domain)
            .with_detail(format!("it does not lie in the zone {zone}"))
    })?;
    let labels: Vec<&str> =
        [label, below.trim_end_matches('.')].into_iter().filter(|l| !l.is_empty()).collect();
    Ok(labels.join("."))
}

fn same_records(one: &RrSet, other: &RrSet) -> bool {
    let canonical = |set: &RrSet| {
        let mut records: Vec<String> = set
            .records
            .iter()
            .map(|record| if set.rtype == "TXT" { text_of(record) } else { record.to_ascii_lowercase() })
            .collect();
        records.sort();
        records
    };
    canonical(one) == canonical(other)
}

/// Writes a text as TXT content: strings of at most 255 bytes in quotes (RFC 1035 section 3.3.14).
fn quoted(text: &str) -> String {
    let strings = text.as_bytes().chunks(255).map(|chunk| {
        let mut string = String::from('"');
        for &byte in chunk {
            match byte {
                b'"' | b'\\' => string.extend(['\\', char::from(byte)]),
                b' '..=b'~' => string.push(char::from(byte)),
                other => string.extend(format!("\\{other:03}").chars()),
            }
        }
        string + "\""
    });
    strings.collect::<Vec<_>>().join(" ")
}

/// Reads TXT content back: all its strings in one.
pub(crate) fn text_of(content: &str) -> String {
    let mut text = Vec::new();
    let mut inside = false;
    let mut bytes = content.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => inside = !inside,
            b'\\' => match bytes.next() {
                Some(first @ b'0'..=b'9') => {
                    let rest: Vec<u8> = bytes.by_ref().take(2).collect();
                    let digits: u32 = [first]
                        .iter()
                        .chain(&rest)
                        .fold(0, |sum, d| sum * 10 + u32::from(d.wrapping_sub(b'0')));
                    text.push(u8::try_from(digits).unwrap_or(b'?'));
                }
                Some(escaped) => text.push(escaped),
                None => {}
            },
            other if inside || other != b' ' => text.push(other),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Long enough to be cached well and short enough to correct a mistake on the same day.
const TTL: u32 = 3600;

#[cfg(test)]
mod tests;
