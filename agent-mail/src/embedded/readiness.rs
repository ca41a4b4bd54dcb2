//! What a world in memory answers to those who look at it from outside.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_access::DomainName;

use super::{Embedded, lock};
use crate::backend::RrSet;
use crate::readiness::{
    Answer, Certificate, Greeting, LookUp, LookUpError, Probe, ProbeError, REVERSE, Readiness, Record,
    RecordData, RecordType, Security, Server, reversed,
};
use crate::records::text_of;

impl Embedded {
    /// Looks at the world as others see it: its zone, with a parent that leads to it, the mail host `mail.<domain>`
    /// with an address, a name for that and open ports, and the keys of its own provisioning.
    ///
    /// The domain is ready as soon as its records are there. A system in this world has no
    /// [`SendGate`](crate::readiness::SendGate) unless it is given one: there is no outside to be protected.
    pub fn readiness(&self) -> Readiness {
        let world = Arc::new(self.clone());
        Readiness::new(world.clone(), world.clone()).with_keys(world)
    }

    fn mail_host(&self) -> String {
        format!("mail.{}", self.0.domain)
    }

    /// Returns all records of a name.
    fn records_of(&self, name: &str) -> Vec<RecordData> {
        let domain = self.0.domain.as_str();
        let sets = lock(&self.0.records).clone();
        let label = if name == domain {
            Some("")
        } else {
            name.strip_suffix(domain).and_then(|l| l.strip_suffix('.'))
        };
        let own = |label: &str| -> Vec<RecordData> {
            sets.iter().filter(|set| set.name == label).flat_map(contents).collect()
        };
        let mut found = label.map(own).unwrap_or_default();
        if name == domain {
            found.push(RecordData::Soa(1));
        }
        if name == domain.split_once('.').map_or("", |(_, parent)| parent) {
            found.push(RecordData::Ns(PARENT_SERVER.into()));
        }
        if name == PARENT_SERVER {
            found.push(RecordData::A(PARENT_ADDRESS));
        }
        let servers = own("").into_iter().filter_map(|data| match data {
            RecordData::Ns(host) => Some(host),
            _ => None,
        });
        let is_host = name == self.mail_host() && !found.iter().any(|data| data.address().is_some());
        if is_host {
            found.push(RecordData::A(HOST_ADDRESS));
        }
        if servers.clone().any(|server| server == name) && !found.iter().any(|data| data.address().is_some())
        {
            found.push(RecordData::A(SERVER_ADDRESS));
        }
        if name.rsplit('.').next() == Some("arpa") {
            let host = self.mail_host();
            let addresses = self.records_of(&host);
            let mut addresses = addresses.iter().filter_map(RecordData::address);
            if addresses.any(|address| reversed(address, REVERSE) == name) {
                found.push(RecordData::Ptr(host));
            }
        }
        found
    }
}

#[async_trait]
impl LookUp for Embedded {
    async fn look_up(&self, server: Server, name: &str, rtype: RecordType) -> Result<Answer, LookUpError> {
        let domain = self.0.domain.as_str();
        let mut answer = Answer::default();
        if server == Server::At(PARENT_ADDRESS.into()) {
            let all = self.records_of(domain);
            let servers = all.into_iter().filter(|data| name == domain && data.rtype() == RecordType::Ns);
            answer.authority = servers.map(|data| Record::new(name, data)).collect();
            return Ok(answer);
        }
        answer.is_authoritative = server == Server::At(SERVER_ADDRESS.into());
        if !answer.is_authoritative && server != Server::Recursive {
            return Err(LookUpError::Unreachable("nobody is there".into()));
        }
        let mut at = name.to_owned();
        for _ in 0..8 {
            let all = self.records_of(&at);
            answer.is_no_name = all.is_empty();
            let alias = all.iter().find(|data| data.rtype() == RecordType::Cname).cloned();
            let found = all.into_iter().filter(|data| data.rtype() == rtype);
            answer.records.extend(found.map(|data| Record::new(at.clone(), data)));
            match alias {
                Some(RecordData::Cname(target)) if rtype != RecordType::Cname => {
                    answer.records.push(Record::new(at, RecordData::Cname(target.clone())));
                    at = target;
                }
                _ => break,
            }
        }
        Ok(answer)
    }
}

#[async_trait]
impl Probe for Embedded {
    async fn probe(
        &self,
        address: IpAddr,
        port: u16,
        security: Security,
        name: &DomainName,
    ) -> Result<Greeting, ProbeError> {
        let host = self.mail_host();
        if name.as_str() != host || !self.records_of(&host).iter().any(|data| data.address() == Some(address))
        {
            return Err(ProbeError::Closed("nobody is there".into()));
        }
        let in_90_days = SystemTime::now() + Duration::from_hours(90 * 24);
        let certificate =
            (security != Security::Plain).then(|| Certificate::new(vec![host.clone()], in_90_days));
        match (port, security) {
            (25 | 587, Security::Plain) | (465, Security::Tls) | (587, Security::StartTls) => {
                Ok(Greeting::new(format!("220 {host} ESMTP"), certificate))
            }
            (993, Security::Tls) => Ok(Greeting::new("* OK IMAP4rev1", certificate)),
            _ => Err(ProbeError::Closed("nobody listens".into())),
        }
    }
}

/// Reads the records of a set that anyone here asks for.
fn contents(set: &RrSet) -> Vec<RecordData> {
    let name = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
    let read = |record: &String| {
        let mut fields = record.split(' ');
        Some(match set.rtype.as_str() {
            "A" => RecordData::A(record.parse().ok()?),
            "AAAA" => RecordData::Aaaa(record.parse().ok()?),
            "CNAME" => RecordData::Cname(name(record)),
            "MX" => RecordData::Mx { preference: fields.next()?.parse().ok()?, host: name(fields.next()?) },
            "NS" => RecordData::Ns(name(record)),
            "PTR" => RecordData::Ptr(name(record)),
            "TXT" => RecordData::Txt(text_of(record).into_bytes()),
            _ => return None,
        })
    };
    set.records.iter().filter_map(read).collect()
}

/// Addresses for documentation (RFC 5737): nobody has them.
const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 25);
const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
const PARENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 54);
const PARENT_SERVER: &str = "parent.invalid";
