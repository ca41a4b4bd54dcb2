use std::net::IpAddr;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Serialize};

/// Which records a mail domain has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DnsOptions {
    /// The time to live of the records in seconds; the zone's lowest if that is higher.
    pub ttl: u32,
    /// The addresses of the mail host, for A and AAAA; empty if others publish them.
    pub addresses: Vec<IpAddr>,
    /// Who may send for the domain (RFC 7208).
    pub spf: SpfOptions,
    /// What becomes of mail that fails the checks (RFC 7489).
    pub dmarc: DmarcOptions,
    /// Whether `autoconfig` and `autodiscover` lead to the mail host.
    pub autodiscovery: bool,
    /// Whether submission over TLS is announced (RFC 8314).
    pub submissions: Service,
    /// Whether IMAP over TLS is announced (RFC 6186).
    pub imaps: Service,
    /// Whether POP3 over TLS is announced (RFC 6186).
    pub pop3s: Service,
    /// The policy that other servers have to use TLS (RFC 8461).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mta_sts: Option<MtaSts>,
    /// Who gets the reports on TLS (RFC 8460); empty for none.
    pub tls_reports_to: Vec<Address>,
    /// The certificates of the mail host's port 25 (RFC 6698); empty for none.
    pub tlsa: Vec<Tlsa>,
    /// Who may issue certificates for the domain (RFC 8659); empty for no statement.
    pub caa: Vec<CaaIssuer>,
}

impl Default for DnsOptions {
    /// MX, SPF with `~all`, DKIM, DMARC with quarantine, autoconfig and autodiscover, and the SRV records of submission
    /// and IMAP, for an hour each.
    fn default() -> Self {
        Self {
            ttl: 3600,
            addresses: Vec::new(),
            spf: SpfOptions::default(),
            dmarc: DmarcOptions::default(),
            autodiscovery: true,
            submissions: Service::Offered,
            imaps: Service::Offered,
            pop3s: Service::Unmentioned,
            mta_sts: None,
            tls_reports_to: Vec::new(),
            tlsa: Vec::new(),
            caa: Vec::new(),
        }
    }
}

/// Who may send for a domain, beside the hosts of its MX (RFC 7208).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SpfOptions {
    /// Addresses or networks, `192.0.2.0/24`.
    pub networks: Vec<String>,
    /// Domains whose policies count too, `_spf.example.org`; that of the relay is added by itself.
    pub include: Vec<String>,
    /// What holds for all others.
    pub all: SpfAll,
}

/// What an SPF policy says of all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpfAll {
    /// They probably may not: `~all`.
    #[default]
    SoftFail,
    /// They may not: `-all`.
    Fail,
}

/// What becomes of mail that fails the checks (RFC 7489).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DmarcOptions {
    /// What others are asked to do with it.
    pub policy: DmarcPolicy,
    /// The same for sub-domains; `None` for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subdomain_policy: Option<DmarcPolicy>,
    /// Who gets the daily reports (`rua`). Addresses elsewhere need a record there (RFC 7489 section 7.1).
    pub reports_to: Vec<Address>,
}

/// What others are asked to do with mail that fails the checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DmarcPolicy {
    /// Nothing.
    None,
    /// To treat it as suspicious.
    #[default]
    Quarantine,
    /// To refuse it.
    Reject,
}

/// What is said of a service in SRV records (RFC 6186).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Service {
    /// It is at the mail host.
    Offered,
    /// There is none: target `.`.
    NotOffered,
    /// Nothing.
    Unmentioned,
}

/// The policy that other servers have to use TLS (RFC 8461).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MtaSts {
    /// How strictly.
    pub mode: MtaStsMode,
    /// How long others remember it, in seconds.
    pub max_age: u32,
}

impl MtaSts {
    /// Describes a policy that others remember for a week.
    pub fn new(mode: MtaStsMode) -> Self {
        Self { mode, max_age: 604_800 }
    }
}

/// How strictly others have to use TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MtaStsMode {
    /// Mail that can't be carried over TLS is not delivered.
    Enforce,
    /// It is delivered and reported.
    Testing,
    /// As if there were no policy; for taking one back.
    None,
}

/// A certificate or key of the mail host's port 25 (RFC 6698 section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tlsa {
    /// The usage; 3 (DANE-EE) or 2 (DANE-TA) for SMTP (RFC 7672 section 3.1).
    pub usage: u8,
    /// What is matched: 0 the certificate, 1 its key.
    pub selector: u8,
    /// How: 1 by SHA-256, 2 by SHA-512.
    pub matching: u8,
    /// The digest in hex digits.
    pub digest: String,
}

/// Who may issue certificates for a domain (RFC 8659).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaaIssuer {
    /// The authority's domain, `letsencrypt.org`.
    pub issuer: DomainName,
    /// Whether it is for wildcards (`issuewild`) instead of names (`issue`).
    #[serde(default)]
    pub wildcard: bool,
}
