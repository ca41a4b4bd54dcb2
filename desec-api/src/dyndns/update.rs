//! What an update says.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    network::{IpAddress, IpNetwork},
    public::objection,
};
use crate::{DomainName, Error, SubName};

/// New addresses for names of one domain, for each family explicitly.
///
/// Both families are always sent, because the server takes what is missing from the connection and deletes
/// what it finds neither here nor there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynDnsUpdate {
    names: Vec<SubName>,
    v4: AddressChange<Ipv4Addr>,
    v6: AddressChange<Ipv6Addr>,
    own: Vec<(SubName, AddressChange<Ipv4Addr>, AddressChange<Ipv6Addr>)>,
    special: bool,
}

/// What becomes of the addresses of one family (A or AAAA).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressChange<A> {
    /// These are the addresses, at least one.
    Set(Vec<A>),
    /// What is published stays.
    Preserve,
    /// No address is left.
    Delete,
    /// The published addresses move to this network and keep the bits behind its prefix. Where nothing is
    /// published, nothing is created.
    Prefix(IpNetwork<A>),
}

impl DynDnsUpdate {
    /// Returns an update of the apex of the domain.
    pub fn new(v4: AddressChange<Ipv4Addr>, v6: AddressChange<Ipv6Addr>) -> Self {
        Self { names: vec![SubName::apex()], v4, v6, own: Vec::new(), special: false }
    }

    /// Sets the names to update, at least one, instead of the apex. A wildcard is allowed.
    pub fn with_names(mut self, names: impl IntoIterator<Item = SubName>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    /// Adds changes for `name` alone, which needn't be one of the names to update.
    ///
    /// All changes of an update happen together or not at all.
    pub fn with_own(
        mut self,
        name: SubName,
        v4: AddressChange<Ipv4Addr>,
        v6: AddressChange<Ipv6Addr>,
    ) -> Self {
        self.own.push((name, v4, v6));
        self
    }

    /// Allows addresses that are not globally routable, which are refused otherwise.
    ///
    /// For tests, whose addresses are those of documentation, and for names that are meant for a private
    /// network.
    pub fn allowing_special_addresses(mut self) -> Self {
        self.special = true;
        self
    }

    /// Returns the parameters of the request.
    pub(super) fn query(&self, domain: &DomainName) -> Result<Vec<(String, String)>, Error> {
        if self.names.is_empty() {
            return Err(invalid("it has no name; name at least the apex"));
        }
        let names: Vec<String> = self.names.iter().map(|name| host(name, domain)).collect();
        let mut query = vec![
            ("hostname".into(), names.join(",")),
            ("myipv4".into(), self.value(&self.v4)?),
            ("myipv6".into(), self.value(&self.v6)?),
        ];
        for (name, v4, v6) in &self.own {
            let host = host(name, domain);
            query.push((format!("myipv4:{host}"), self.value(v4)?));
            query.push((format!("myipv6:{host}"), self.value(v6)?));
        }
        Ok(query)
    }

    fn value<A: IpAddress>(&self, change: &AddressChange<A>) -> Result<String, Error> {
        let check = |network: &IpNetwork<A>, shown: String| match objection(network) {
            Some(objection) if !self.special => Err(invalid(&format!("{shown} is {objection}"))),
            _ => Ok(shown),
        };
        match change {
            AddressChange::Set(addresses) if addresses.is_empty() => {
                Err(invalid(&format!("it sets no {} address; say Delete or Preserve", A::FAMILY)))
            }
            AddressChange::Set(addresses) => {
                let shown =
                    addresses.iter().map(|address| check(&IpNetwork::only(*address), address.to_string()));
                Ok(shown.collect::<Result<Vec<_>, _>>()?.join(","))
            }
            AddressChange::Preserve => Ok("preserve".into()),
            AddressChange::Delete => Ok(String::new()),
            AddressChange::Prefix(network) => check(network, network.to_string()),
        }
    }
}

fn host(name: &SubName, domain: &DomainName) -> String {
    // With a dot at the end the server knows no such host.
    name.absolute(domain).trim_end_matches('.').to_owned()
}

pub(super) fn invalid(reason: &str) -> Error {
    Error::InvalidInput { what: "dynDNS update", reason: reason.into() }
}
