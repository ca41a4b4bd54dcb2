use std::net::IpAddr;

use mail_access::DomainName;

use crate::DomainSpec;
use crate::backend::DkimKey;
use crate::spec::Relay;

/// What is looked at: a domain and what is known of how its mail travels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The domain.
    pub domain: DomainName,
    /// The host that its MX has to name.
    pub mail_host: DomainName,
    /// The addresses that the host has to have; empty for any.
    pub addresses: Vec<IpAddr>,
    /// The host through which its mail to the outside leaves.
    pub relay: Option<Relay>,
    /// Other names of the domain, to which mail stays inside.
    pub alias_domains: Vec<DomainName>,
    /// The key that its mail is signed with; `None` to have it asked for.
    pub dkim: Option<DkimKey>,
    /// The name servers that the world has to be led to for the domain: those of the zone that is meant; empty for any,
    /// or to have them asked for.
    pub name_servers: Vec<DomainName>,
    /// Whether the names for mail programs (`autoconfig`, `autodiscover`) are wanted.
    pub autodiscovery: bool,
    /// A host elsewhere whose port 25 is tried, to learn whether that port leads out from here; `None` for the mail
    /// host's own.
    pub outside: Option<DomainName>,
}

impl Target {
    /// Describes a domain whose mail leaves its host directly.
    pub fn new(domain: DomainName, mail_host: DomainName) -> Self {
        Self {
            domain,
            mail_host,
            addresses: Vec::new(),
            relay: None,
            alias_domains: Vec::new(),
            dkim: None,
            name_servers: Vec::new(),
            autodiscovery: true,
            outside: None,
        }
    }

    /// Sets the addresses that the host has to have.
    pub fn with_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Sets the host through which mail leaves.
    pub fn with_relay(mut self, relay: Relay) -> Self {
        self.relay = Some(relay);
        self
    }

    /// Sets the domain's other names.
    pub fn with_alias_domains(mut self, names: impl IntoIterator<Item = DomainName>) -> Self {
        self.alias_domains = names.into_iter().collect();
        self
    }

    /// Sets the key that the mail is signed with.
    pub fn with_dkim(mut self, key: DkimKey) -> Self {
        self.dkim = Some(key);
        self
    }

    /// Sets the name servers of the zone that is meant. Where others still serve the domain, as before a move, the report
    /// says so.
    pub fn with_name_servers(mut self, hosts: impl IntoIterator<Item = DomainName>) -> Self {
        self.name_servers = hosts.into_iter().collect();
        self
    }

    /// Doesn't ask for the names for mail programs.
    pub fn without_autodiscovery(mut self) -> Self {
        self.autodiscovery = false;
        self
    }

    /// Sets a host elsewhere whose port 25 is tried.
    pub fn with_outside(mut self, host: DomainName) -> Self {
        self.outside = Some(host);
        self
    }
}

/// What a specification says of it.
impl From<&DomainSpec> for Target {
    fn from(spec: &DomainSpec) -> Self {
        Self {
            addresses: spec.dns.addresses.clone(),
            relay: spec.relay.clone(),
            alias_domains: spec.alias_domains.clone(),
            autodiscovery: spec.dns.autodiscovery,
            ..Self::new(spec.domain.clone(), spec.mail_host.clone())
        }
    }
}
