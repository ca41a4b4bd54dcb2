//! What the zone lacks, as its provider has it.

use mail_access::DomainName;
use tokio::time::timeout;

use super::catalogue::remedy;
use super::{Complaint, Diagnosis, Doctor, Remedy, late};
use crate::backend::{DkimKey, ServedDomain, Zone};
use crate::bootstrap::text_of;

impl Doctor {
    pub(super) async fn look_at_zone(&self, walk: &mut Diagnosis, served: Option<&ServedDomain>) {
        let Some((dns, name)) = &self.dns else { return walk.skip("zone", "no DNS provider was given") };
        let zone = timeout(self.deadline, dns.zone(name)).await;
        match zone.unwrap_or_else(|_| Err(late("read zone", name))) {
            Err(error) => walk.failed("zone", &error),
            Ok(zone) => match below(self.address.domain(), name) {
                None => walk.found("zone", NOT_IN_ZONE, format!("{} and {name}", self.address.domain())),
                Some(below) => {
                    let view = View { zone: &zone, name, below };
                    match walk.complaint {
                        Complaint::NotReceiving => view.look_at_mx(walk),
                        Complaint::NotSending | Complaint::HighSpamScore => {
                            view.look_at_proofs(walk, served.and_then(|served| served.dkim.as_ref()));
                        }
                        Complaint::CannotCreate => {}
                    }
                }
            },
        }
        walk.done("zone");
    }
}

/// A domain within its zone.
struct View<'a> {
    zone: &'a Zone,
    name: &'a DomainName,
    /// The domain below the zone, empty at its apex.
    below: &'a str,
}

impl View<'_> {
    fn look_at_mx(&self, walk: &mut Diagnosis) {
        let Some(mx) = self.zone.find(self.below, "MX") else {
            return walk.found("zone", NO_MX, format!("no MX at {}", self.shown("")));
        };
        for record in &mx.records {
            let host = record.split_ascii_whitespace().nth(1).unwrap_or_default();
            if host == "." {
                walk.found("zone", NULL_MX, record.clone());
                continue;
            }
            let Ok(host) = host.trim_end_matches('.').to_ascii_lowercase().parse::<DomainName>() else {
                walk.found("zone", BAD_MX, record.clone());
                continue;
            };
            // A host elsewhere is for the readiness checks to look up.
            let Some(at) = below(&host, self.name) else { continue };
            if self.zone.find(at, "CNAME").is_some() {
                walk.found("zone", MX_IS_ALIAS, record.clone());
            } else if self.zone.find(at, "A").is_none() && self.zone.find(at, "AAAA").is_none() {
                walk.found("zone", MX_WITHOUT_ADDRESS, record.clone());
            }
        }
    }

    fn look_at_proofs(&self, walk: &mut Diagnosis, key: Option<&DkimKey>) {
        let spf: Vec<String> = self.texts("").into_iter().filter(|text| begins(text, "v=spf1")).collect();
        match spf.as_slice() {
            [] => walk.found("zone", NO_SPF, format!("no v=spf1 at {}", self.shown(""))),
            [policy] if policy.contains("+all") => walk.found("zone", OPEN_SPF, policy.clone()),
            [_] => {}
            several => walk.found("zone", SEVERAL_SPF, several.join(" and ")),
        }
        if let Some(key) = key {
            let label = format!("{}._domainkey", key.selector.to_ascii_lowercase());
            let published = self.texts(&label);
            match published.as_slice() {
                [] => walk.found("zone", NO_DKIM, format!("no TXT at {}", self.shown(&label))),
                [text] if key_of(text) == key_of(&key.record) => {}
                [_] => walk.found("zone", OTHER_DKIM, self.shown(&label)),
                _ => walk.found("zone", SEVERAL_DKIM, self.shown(&label)),
            }
        }
        let dmarc = self.texts("_dmarc");
        match dmarc.iter().filter(|text| begins(text, "v=dmarc1")).count() {
            0 => walk.found("zone", NO_DMARC, format!("no v=DMARC1 at {}", self.shown("_dmarc"))),
            1 => {}
            _ => walk.found("zone", SEVERAL_DMARC, self.shown("_dmarc")),
        }
    }

    fn texts(&self, label: &str) -> Vec<String> {
        let set = self.zone.find(&self.owner(label), "TXT");
        set.map_or_else(Vec::new, |set| set.records.iter().map(|record| text_of(record)).collect())
    }

    fn owner(&self, label: &str) -> String {
        let labels: Vec<&str> = [label, self.below].into_iter().filter(|part| !part.is_empty()).collect();
        labels.join(".")
    }

    fn shown(&self, label: &str) -> String {
        let owner = self.owner(label);
        if owner.is_empty() { self.name.to_string() } else { format!("{owner}.{}", self.name) }
    }
}

/// Returns what stands before the zone's name, empty for the name itself.
fn below<'a>(domain: &'a DomainName, zone: &DomainName) -> Option<&'a str> {
    let before = domain.as_str().strip_suffix(zone.as_str())?;
    if before.is_empty() { Some("") } else { before.strip_suffix('.') }
}

fn begins(text: &str, version: &str) -> bool {
    text.to_ascii_lowercase().replace(' ', "").starts_with(version)
}

/// Takes the public key out of a record (RFC 6376 section 3.6.1).
fn key_of(record: &str) -> String {
    let tags = record.split(';').filter_map(|tag| tag.trim().strip_prefix("p="));
    tags.map(|key| key.replace([' ', '\t'], "")).collect()
}

const NOT_IN_ZONE: Remedy = remedy(
    "domain_not_in_zone",
    "the domain of the address doesn't lie in the zone that was given",
    "name the zone that holds the domain's records",
);
const NO_MX: Remedy = remedy(
    "no_mx",
    "the domain has no MX record, so that other servers don't know where its mail goes",
    "publish an MX that names the mail host",
);
const NULL_MX: Remedy = remedy(
    "null_mx",
    "the domain says by its MX that it takes no mail (RFC 7505)",
    "publish an MX that names the mail host in its place",
);
const BAD_MX: Remedy = remedy(
    "bad_mx",
    "an MX record names no host",
    "publish it as a number and the name of the mail host with a final dot",
);
const MX_IS_ALIAS: Remedy = remedy(
    "mx_is_alias",
    "the host that the MX names is a CNAME, which many servers refuse (RFC 2181 section 10.3)",
    "let the MX name the host itself, or give the name its own A and AAAA records",
);
const MX_WITHOUT_ADDRESS: Remedy = remedy(
    "mx_without_address",
    "the host that the MX names has no address",
    "publish A and AAAA records of the mail host",
);
const NO_SPF: Remedy = remedy(
    "no_spf",
    "the domain has no SPF record, so that nobody can tell its mail from forged mail",
    "publish v=spf1 mx -all, with the include of a relay if there is one",
);
const SEVERAL_SPF: Remedy = remedy(
    "several_spf",
    "the domain has more than one SPF record, which counts as none (RFC 7208 section 4.5)",
    "merge them into one",
);
const OPEN_SPF: Remedy =
    remedy("open_spf", "the SPF record lets everybody send in the domain's name", "end it with -all or ~all");
const NO_DKIM: Remedy = remedy(
    "no_dkim_record",
    "the key that the mail system signs with is not published",
    "publish the mail system's record under its selector",
);
const OTHER_DKIM: Remedy = remedy(
    "other_dkim_key",
    "the published key is not the one that the mail system signs with, so that every signature fails",
    "publish the mail system's record in its place",
);
const SEVERAL_DKIM: Remedy = remedy(
    "several_dkim_keys",
    "there is more than one key under one selector, of which none counts",
    "keep the mail system's record alone",
);
const NO_DMARC: Remedy = remedy(
    "no_dmarc",
    "the domain has no DMARC record, which large receivers ask for",
    "publish v=DMARC1; p=quarantine at _dmarc",
);
const SEVERAL_DMARC: Remedy =
    remedy("several_dmarc", "there is more than one DMARC record, of which none counts", "keep one of them");
