//! SVCB and HTTPS: how to reach a service.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::Fqdn;
use crate::canonical::{
    Flaw, Wire,
    svcb::{self, Params},
};

/// How to reach a service (RFC 9460): the content of [`Rdata::Svcb`](crate::Rdata::Svcb) and
/// [`Rdata::Https`](crate::Rdata::Https).
///
/// The server refuses parameters beside priority 0, `no-default-alpn` without `alpn`, and mandatory
/// parameters that are missing.
///
/// ```
/// use desec_api::{Rdata, Svcb};
///
/// let https = Svcb::new(1, ".".parse()?).with_port(8443).with_alpn(["h2", "h3"]);
/// assert_eq!(Rdata::Https(https).to_string(), "1 . alpn=h2,h3 port=8443");
/// let alias = Svcb::new(0, "www.example.net".parse()?);
/// assert_eq!(Rdata::Https(alias).to_string(), "0 www.example.net.");
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Svcb {
    /// Lower ones are tried first; 0 says that `target` stands for this name.
    pub priority: u16,
    /// The host; the root stands for the name of the record itself.
    pub target: Fqdn,
    params: Params<'static>,
}

impl Svcb {
    /// Returns a service at a host, without parameters.
    pub fn new(priority: u16, target: Fqdn) -> Self {
        Self { priority, target, params: Params::new() }
    }

    /// Says which protocols the service speaks beside the usual one. Names are refused that have not 1 to
    /// 255 bytes, or that have blanks, `;`, parentheses, or what is no visible ASCII.
    pub fn with_alpn(self, protocols: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let protocols: Vec<_> = protocols.into_iter().collect();
        self.with_param(svcb::ALPN, svcb::alpn(protocols.iter().map(AsRef::as_ref)))
    }

    /// Says that the service does not speak the usual protocol.
    pub fn with_no_default_alpn(self) -> Self {
        self.with_param(svcb::NO_DEFAULT_ALPN, [])
    }

    /// Says at which port the service is.
    pub fn with_port(self, port: u16) -> Self {
        self.with_param(svcb::PORT, port.to_be_bytes())
    }

    /// Says at which IPv4 addresses the service probably is.
    pub fn with_ipv4_hints(self, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        let octets: Vec<u8> = addresses.into_iter().flat_map(|address| address.octets()).collect();
        self.with_param(svcb::IPV4HINT, octets)
    }

    /// Says at which IPv6 addresses the service probably is.
    pub fn with_ipv6_hints(self, addresses: impl IntoIterator<Item = Ipv6Addr>) -> Self {
        let octets: Vec<u8> = addresses.into_iter().flat_map(|address| address.octets()).collect();
        self.with_param(svcb::IPV6HINT, octets)
    }

    /// Says how to encrypt the first message to the service.
    pub fn with_ech(self, config: impl Into<Vec<u8>>) -> Self {
        self.with_param(svcb::ECH, config)
    }

    /// Says which parameters a client must understand, by their numbers.
    pub fn with_mandatory(self, keys: impl IntoIterator<Item = u16>) -> Self {
        let mut keys: Vec<u16> = keys.into_iter().collect();
        keys.sort_unstable();
        let value: Vec<u8> = keys.into_iter().flat_map(u16::to_be_bytes).collect();
        self.with_param(svcb::MANDATORY, value)
    }

    /// Sets any parameter by its number, to a value as it travels (RFC 9460, section 14.3).
    pub fn with_param(mut self, key: u16, value: impl Into<Vec<u8>>) -> Self {
        self.params.insert(key, value.into().into());
        self
    }

    /// Returns the protocols that the service speaks beside the usual one, if they are named.
    pub fn alpn(&self) -> Option<Vec<&[u8]>> {
        svcb::alpn_ids(self.param(svcb::ALPN)?)
    }

    /// Returns the port, if one is named.
    pub fn port(&self) -> Option<u16> {
        Some(u16::from_be_bytes(self.param(svcb::PORT)?.try_into().ok()?))
    }

    /// Returns the IPv4 addresses at which the service probably is.
    pub fn ipv4_hints(&self) -> impl Iterator<Item = Ipv4Addr> {
        let octets = self.param(svcb::IPV4HINT).unwrap_or_default();
        octets.as_chunks::<4>().0.iter().map(|octets| (*octets).into())
    }

    /// Returns the IPv6 addresses at which the service probably is.
    pub fn ipv6_hints(&self) -> impl Iterator<Item = Ipv6Addr> {
        let octets = self.param(svcb::IPV6HINT).unwrap_or_default();
        octets.as_chunks::<16>().0.iter().map(|octets| (*octets).into())
    }

    /// Returns the value of a parameter as it travels.
    pub fn param(&self, key: u16) -> Option<&[u8]> {
        self.params.get(&key).map(AsRef::as_ref)
    }

    /// Returns the parameters in the order of their numbers, with their values as they travel.
    pub fn params(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.params.iter().map(|(key, value)| (*key, value.as_ref()))
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        let bare = Self::new(wire.u16()?, Fqdn::read(wire)?);
        let params = svcb::params(wire)?;
        Ok(params.into_iter().fold(bare, |service, (key, value)| service.with_param(key, value)))
    }
}

impl fmt::Display for Svcb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut params = String::new();
        svcb::print(&self.params, &mut params);
        write!(f, "{} {}{params}", self.priority, self.target)
    }
}
