//! MX and SRV: which host offers a service.

use std::fmt;

use super::Fqdn;
use crate::canonical::{Flaw, Wire};

/// A mail server (RFC 1035, section 3.3.9).
///
/// The server refuses names with an underscore. The root with preference 0 says that there is no mail
/// (RFC 7505).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Mx {
    /// Lower ones are tried first.
    pub preference: u16,
    /// The mail server.
    pub exchange: Fqdn,
}

impl Mx {
    /// Returns a mail server of a preference.
    pub fn new(preference: u16, exchange: Fqdn) -> Self {
        Self { preference, exchange }
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        Ok(Self::new(wire.u16()?, Fqdn::read(wire)?))
    }
}

impl fmt::Display for Mx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.preference, self.exchange)
    }
}

/// Where a service is (RFC 2782).
///
/// The server refuses targets with an underscore. The root says that there is no such service.
///
/// ```
/// use desec_api::{Rdata, Srv};
///
/// let imaps = Srv::new(0, 1, 993, "mail.example.com".parse()?);
/// assert_eq!(Rdata::from(imaps).to_string(), "0 1 993 mail.example.com.");
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Fqdn,
}

impl Srv {
    /// Returns a service at a port of a host.
    pub fn new(priority: u16, weight: u16, port: u16, target: Fqdn) -> Self {
        Self { priority, weight, port, target }
    }

    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Self, Flaw> {
        Ok(Self::new(wire.u16()?, wire.u16()?, wire.u16()?, Fqdn::read(wire)?))
    }
}

impl fmt::Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.priority, self.weight, self.port, self.target)
    }
}
