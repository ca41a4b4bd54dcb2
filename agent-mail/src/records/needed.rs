//! All records that a specification needs, wherever they have to be.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mail_access::DomainName;

use super::text::quoted;
use super::{MtaStsPolicy, dmarc, spf};
use crate::backend::DkimKey;
use crate::spec::{Service, Tlsa};
use crate::{DomainSpec, Error, ErrorKind};

/// Records of one name and type that have to be somewhere.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// The whole name, in lower case, without a dot at the end.
    pub(super) name: String,
    pub(super) rtype: &'static str,
    pub(super) records: Vec<String>,
    /// What it is for, as a sentence for people.
    pub(super) purpose: &'static str,
}

/// Returns the records of the mail host, then those of the domain, then those of each alias domain.
pub(super) fn needed(spec: &DomainSpec, keys: &BTreeMap<DomainName, DkimKey>) -> Result<Vec<Need>, Error> {
    let mut needs = Needs(Vec::new());
    needs.host(spec)?;
    for domain in std::iter::once(&spec.domain).chain(&spec.alias_domains) {
        needs.domain(spec, domain, keys.get(domain))?;
    }
    needs.checked()
}

struct Needs(Vec<Need>);

impl Needs {
    fn host(&mut self, spec: &DomainSpec) -> Result<(), Error> {
        let host = spec.mail_host.as_str();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in &spec.dns.addresses {
            match address {
                IpAddr::V4(address) => v4.push(address.to_string()),
                IpAddr::V6(address) => v6.push(address.to_string()),
            }
        }
        self.add(host, "A", v4, "The address of the mail host.");
        self.add(host, "AAAA", v6, "The IPv6 address of the mail host.");
        let tlsa = spec.dns.tlsa.iter().map(tlsa).collect::<Result<_, _>>()?;
        self.add(
            &format!("_25._tcp.{host}"),
            "TLSA",
            tlsa,
            "The certificate of port 25, for DANE; it needs DNSSEC.",
        );
        Ok(())
    }

    fn domain(&mut self, spec: &DomainSpec, domain: &DomainName, key: Option<&DkimKey>) -> Result<(), Error> {
        let host = format!("{}.", spec.mail_host);
        let dns = &spec.dns;
        self.one(domain, "", "MX", format!("10 {host}"), "Where the domain's mail goes.");
        self.one(domain, "", "TXT", quoted(&spf::wanted(spec)?), "SPF: who may send for the domain.");
        if let Some(key) = key {
            let label = format!("{}._domainkey", key.selector.to_ascii_lowercase());
            let purpose = "DKIM: the key that the domain's mail is signed with.";
            self.one(domain, &label, "TXT", quoted(&key.record), purpose);
        }
        let policy = quoted(&dmarc::wanted(spec));
        self.one(domain, "_dmarc", "TXT", policy, "DMARC: what becomes of mail that fails SPF and DKIM.");
        for other in dmarc::elsewhere(spec, domain) {
            let purpose = "DMARC: this domain takes reports about that one.";
            self.one(other, &format!("{domain}._report._dmarc"), "TXT", quoted("v=DMARC1"), purpose);
        }
        if dns.autodiscovery {
            self.host_alias(spec, domain, "autoconfig", "Where Thunderbird and others find their settings.");
            self.host_alias(spec, domain, "autodiscover", "Where Outlook and others find their settings.");
        }
        for (service, label, port, purpose) in [
            (dns.submissions, "_submissions._tcp", 465, "Where mail is submitted over TLS."),
            (dns.imaps, "_imaps._tcp", 993, "Where mail is read over TLS by IMAP."),
            (dns.pop3s, "_pop3s._tcp", 995, "Where mail is read over TLS by POP3."),
        ] {
            match service {
                Service::Offered => self.one(domain, label, "SRV", format!("0 1 {port} {host}"), purpose),
                Service::NotOffered => {
                    self.one(domain, label, "SRV", "0 0 0 .".to_owned(), "There is no such service.");
                }
                Service::Unmentioned => {}
            }
        }
        if let Some(policy) = MtaStsPolicy::of(spec)? {
            let record = quoted(&format!("v=STSv1; id={}", policy.id));
            self.one(domain, "_mta-sts", "TXT", record, "MTA-STS: which policy on TLS holds.");
            self.host_alias(spec, domain, "mta-sts", "MTA-STS: where the policy is served.");
        }
        if !dns.tls_reports_to.is_empty() {
            let record = quoted(&format!("v=TLSRPTv1; rua={}", dmarc::mailtos(&dns.tls_reports_to)));
            self.one(domain, "_smtp._tls", "TXT", record, "Who gets reports on TLS.");
        }
        let caa = dns.caa.iter().map(|issuer| {
            let tag = if issuer.wildcard { "issuewild" } else { "issue" };
            format!("0 {tag} \"{}\"", issuer.issuer)
        });
        self.add(domain.as_str(), "CAA", caa.collect(), "Who may issue certificates for the domain.");
        Ok(())
    }

    /// Leads a name to the mail host, if it isn't that host.
    fn host_alias(&mut self, spec: &DomainSpec, domain: &DomainName, label: &str, purpose: &'static str) {
        if format!("{label}.{domain}") != spec.mail_host.as_str() {
            self.one(domain, label, "CNAME", format!("{}.", spec.mail_host), purpose);
        }
    }

    fn one(
        &mut self,
        domain: &DomainName,
        label: &str,
        rtype: &'static str,
        record: String,
        purpose: &'static str,
    ) {
        let name = if label.is_empty() { domain.to_string() } else { format!("{label}.{domain}") };
        self.add(&name, rtype, vec![record], purpose);
    }

    fn add(&mut self, name: &str, rtype: &'static str, records: Vec<String>, purpose: &'static str) {
        let mut unique: Vec<String> = Vec::new();
        for record in records {
            if !unique.contains(&record) {
                unique.push(record);
            }
        }
        if !unique.is_empty() {
            self.0.push(Need { name: name.to_owned(), rtype, records: unique, purpose });
        }
    }

    fn checked(self) -> Result<Vec<Need>, Error> {
        let wrong = |need: &Need, detail: &str| {
            Error::new(ErrorKind::InvalidInput, "make records", format!("{} {}", need.name, need.rtype))
                .with_detail(detail)
        };
        for (place, need) in self.0.iter().enumerate() {
            if !is_name(&need.name) {
                return Err(wrong(need, "it is no name of labels of 1 to 63 bytes, 253 in all")
                    .with_fix("look at the DKIM selector and the length of the domain"));
            }
            for other in &self.0[..place] {
                let cname = need.rtype == "CNAME" || other.rtype == "CNAME";
                if other.name == need.name && (cname || other.rtype == need.rtype) {
                    return Err(wrong(need, &format!("the specification needs {} of the same name", other.rtype))
                        .with_fix("name the domain, its alias domains and the mail host so that each name has one purpose"));
                }
            }
        }
        Ok(self.0)
    }
}

pub(super) fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// RFC 7672 section 3.1: what others may use on port 25, and nothing else.
fn tlsa(record: &Tlsa) -> Result<String, Error> {
    let Tlsa { usage, selector, matching, digest } = record;
    let digits = match matching {
        1 => 64,
        2 => 128,
        _ => 0,
    };
    let fine = matches!(usage, 2 | 3)
        && *selector <= 1
        && digest.len() == digits
        && digest.bytes().all(|digit| digit.is_ascii_hexdigit());
    if fine {
        return Ok(format!("{usage} {selector} {matching} {}", digest.to_ascii_lowercase()));
    }
    Err(Error::new(ErrorKind::InvalidInput, "make records", format!("TLSA {usage} {selector} {matching}"))
        .with_detail("port 25 takes usage 2 or 3, selector 0 or 1, and a digest of 64 hex digits (matching 1) or 128 (2)")
        .with_fix("take 3 1 1 with the SHA-256 of the certificate's public key"))
}
