//! Which records a mail domain needs in the DNS, and what of them a zone lacks. Pure: nothing here talks to anyone.
//!
//! [`wanted`] says what a [`DomainSpec`] needs in a zone, [`changes`] what of it has to be written,
//! merged with what others keep there. Whoever has no provider with an API takes [`zone_file`] or [`dns_checklist`].
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use agent_mail::DomainSpec;
//! use agent_mail::backend::{DkimKey, Zone};
//! use agent_mail::records::{changes, wanted, zone_file};
//!
//! let spec = DomainSpec::new("shop.example".parse()?, "mail.example.org".parse()?);
//! let key = DkimKey { selector: "dkim".into(), record: "v=DKIM1;k=rsa;p=MIIB".into() };
//! let keys = BTreeMap::from([(spec.domain.clone(), key)]);
//!
//! let zone = Zone::new(3600, Vec::new());
//! let report = changes(&zone, wanted(&spec, &keys, &spec.domain, zone.minimum_ttl)?)?;
//! assert_eq!((report.written.len(), report.unchanged), (8, 0));
//!
//! let after = Zone::new(3600, report.written);
//! assert!(zone_file(&spec.domain, &after.sets)?.contains("dkim._domainkey 3600 IN TXT \"v=DKIM1;k=rsa;p=MIIB\""));
//! assert_eq!(changes(&after, wanted(&spec, &keys, &spec.domain, 3600)?)?.written, []);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod checklist;
mod dmarc;
mod lexer;
mod merge;
mod mta_sts;
mod needed;
mod spf;
mod text;
mod zone_file;

use std::collections::BTreeMap;
use std::net::IpAddr;

use mail_access::DomainName;

pub(crate) use canonical::same_records;
pub use checklist::{dns_checklist, security_checklist};
pub use merge::{changes, changes_since};
pub use mta_sts::MtaStsPolicy;
pub use spf::spf_lookups;
pub use zone_file::{read_zone_file, zone_file};

pub(crate) use text::text_of;

use crate::backend::{DkimKey, RrSet};
use crate::{DomainSpec, Error, ErrorKind};

/// What a run of [`AgentMail::bootstrap_dns`](crate::AgentMail::bootstrap_dns) did, or what [`changes`] would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsReport {
    /// The RRsets that were written, as they are now; one without records was removed.
    pub written: Vec<RrSet>,
    /// How many RRsets were as they have to be.
    pub unchanged: usize,
    /// The addresses that the mail host was given, where it has a dynamic one.
    pub addresses: Vec<IpAddr>,
}

/// Returns the RRsets that a specification needs in one zone, as they stand there.
///
/// Of all that it needs these are the ones that lie in `zone`: those of the domain, of alias domains, of the mail host,
/// and of domains whose addresses get reports. `keys` has the signing keys by domain; a domain without one gets no
/// DKIM record. No record lives shorter than `minimum_ttl` seconds.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if nothing of it lies in the zone, or the options make no records: a network
/// or digest that is none, an SPF policy with more than ten look-ups, a name that is too long.
pub fn wanted(
    spec: &DomainSpec,
    keys: &BTreeMap<DomainName, DkimKey>,
    zone: &DomainName,
    minimum_ttl: u32,
) -> Result<Vec<RrSet>, Error> {
    let ttl = spec.dns.ttl.max(minimum_ttl);
    let sets: Vec<RrSet> = needed::needed(spec, keys)?
        .into_iter()
        .filter_map(|need| Some(RrSet::new(below(&need.name, zone)?, need.rtype, ttl, need.records)))
        .collect();
    if sets.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "make records", &spec.domain)
            .with_detail(format!("it does not lie in the zone {zone}"))
            .with_fix("name the zone that holds the domain"));
    }
    Ok(sets)
}

/// Returns the name below the zone; nothing if it lies elsewhere.
pub(crate) fn below<'a>(name: &'a str, zone: &DomainName) -> Option<&'a str> {
    let rest = name.strip_suffix(zone.as_str())?;
    if rest.is_empty() { Some("") } else { rest.strip_suffix('.') }
}

#[cfg(test)]
mod tests;
