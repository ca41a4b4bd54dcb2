use std::net::{Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use mail_access::DomainName;

use super::{Embedded, lock};
use crate::backend::{DnsProvider, DynamicDns, PublicAddress, PublicAddresses, RrSet, Zone};
use crate::records::below;
use crate::{Error, ErrorKind};

#[async_trait]
impl DnsProvider for Embedded {
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error> {
        self.own(name, "read zone")?;
        Ok(Zone::new(MINIMUM_TTL, lock(&self.0.records).clone()))
    }

    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error> {
        self.own(zone, "write zone")?;
        for set in sets {
            if let Err(problem) = check(set) {
                let name = if set.name.is_empty() { "@" } else { &set.name };
                return Err(Error::new(ErrorKind::Rejected, "write zone", format!("{name} {}", set.rtype))
                    .with_detail(problem));
            }
        }
        let mut records = lock(&self.0.records);
        let mut next = records.clone();
        for set in sets {
            next.retain(|old| old.name != set.name || old.rtype != set.rtype);
            if !set.records.is_empty() {
                next.push(set.clone());
            }
        }
        for cname in next.iter().filter(|set| set.rtype == "CNAME") {
            if next.iter().any(|other| other.name == cname.name && other.rtype != "CNAME") {
                return Err(Error::new(ErrorKind::Rejected, "write zone", format!("{} CNAME", cname.name))
                    .with_detail("a name with a CNAME can have no other records"));
            }
        }
        *records = next;
        Ok(())
    }
}

#[async_trait]
impl DynamicDns for Embedded {
    async fn refresh(
        &self,
        zone: &DomainName,
        host: &DomainName,
        addresses: &PublicAddresses,
    ) -> Result<(), Error> {
        self.own(zone, "refresh address")?;
        let refused = |kind, detail| Error::new(kind, "refresh address", host).with_detail(detail);
        let name = below(host.as_str(), zone)
            .ok_or_else(|| refused(ErrorKind::NotFound, "it does not lie in the zone"))?;
        let mut records = lock(&self.0.records);
        if records.iter().any(|set| set.name == name && set.rtype == "CNAME") {
            return Err(refused(ErrorKind::Rejected, "a name with a CNAME can have no other records"));
        }
        let mut set = |rtype: &str, known: PublicAddress<String>| {
            if known == PublicAddress::Unknown {
                return;
            }
            records.retain(|old| old.name != name || old.rtype != rtype);
            if let PublicAddress::Found(address) = known {
                records.push(RrSet::new(name, rtype, DYNAMIC_TTL, vec![address]));
            }
        };
        set("A", addresses.v4.map(|address| address.to_string()));
        set("AAAA", addresses.v6.map(|address| address.to_string()));
        Ok(())
    }
}

impl Embedded {
    fn own(&self, zone: &DomainName, operation: &'static str) -> Result<(), Error> {
        if *zone == self.0.domain { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, operation, zone)) }
    }
}

pub(super) fn new_zone() -> Vec<RrSet> {
    vec![RrSet::new("", "NS", MINIMUM_TTL, vec!["ns1.example.".into(), "ns2.example.".into()])]
}

fn check(set: &RrSet) -> Result<(), &'static str> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && (label == "*"
                || label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)))
    };
    if !set.name.is_empty() && !set.name.split('.').all(label) {
        return Err("the name has to be labels of a-z, 0-9, hyphen and underscore");
    }
    if set.rtype.is_empty() || !set.rtype.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return Err("the type has to be written in capitals");
    }
    if set.records.is_empty() {
        return Ok(());
    }
    if !(MINIMUM_TTL..=MAXIMUM_TTL).contains(&set.ttl) {
        return Err("the TTL has to be 3600 to 86400 seconds");
    }
    if set.rtype == "CNAME" && (set.records.len() > 1 || set.name.is_empty()) {
        return Err("a CNAME stands alone, and never at the apex");
    }
    if set.records.iter().all(|record| is_record(&set.rtype, record)) {
        Ok(())
    } else {
        Err("a record is none of its type; names end in a dot, texts stand in quotes")
    }
}

fn is_record(rtype: &str, record: &str) -> bool {
    let fields: Vec<&str> = record.split(' ').collect();
    let number = |field: &&str| field.parse::<u16>().is_ok();
    let host = |field: &&str| field.len() > 1 && field.ends_with('.');
    match rtype {
        "A" => record.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => record.parse::<Ipv6Addr>().is_ok(),
        "CNAME" | "NS" | "PTR" => fields.len() == 1 && host(&record),
        "MX" => matches!(&fields[..], [preference, name] if number(preference) && host(name)),
        "SRV" => {
            matches!(&fields[..], [numbers @ .., name] if numbers.len() == 3 && numbers.iter().all(number) && (*name == "." || host(name)))
        }
        "TXT" => record.len() >= 2 && record.starts_with('"') && record.ends_with('"') && record.is_ascii(),
        _ => !record.is_empty() && !record.contains(|c: char| c.is_control()),
    }
}

/// As deSEC does.
const DYNAMIC_TTL: u32 = 60;
const MINIMUM_TTL: u32 = 3600;
const MAXIMUM_TTL: u32 = 86400;
