use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use mail_access::DomainName;

use crate::Error;

/// Knows the public addresses of the mail host, where they are not fixed. [`PublicAddresses`] is one that knows them
/// beforehand.
#[async_trait]
pub trait PublicAddressSource: Debug + Send + Sync + 'static {
    /// Looks the addresses up.
    ///
    /// # Contract
    /// - The addresses are those of now. [`PublicAddress::Absent`] is said only where it is certain that there is none: a
    ///   published one is then removed. Who can't tell says [`PublicAddress::Unknown`].
    /// - Who asks several and gets different answers gives an error, none of them.
    /// - It reads only; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// [`NotReady`](crate::ErrorKind::NotReady) if those who were asked disagree,
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if nobody answers.
    async fn addresses(&self) -> Result<PublicAddresses, Error>;
}

/// Publishes addresses that move, so that others forget them soon.
#[async_trait]
pub trait DynamicDns: Debug + Send + Sync + 'static {
    /// Gives a host its addresses.
    ///
    /// # Contract
    /// - Afterwards the host has, of each family, the one address that was found, or none if it is absent. Of a family
    ///   that is unknown it has what it had.
    /// - Both families change together, or none. Other records stay.
    /// - It is safe to repeat. A dropped call leaves all of it done or nothing.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for a foreign zone, [`Rejected`](crate::ErrorKind::Rejected) or
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an address that the provider doesn't take,
    /// [`RateLimited`](crate::ErrorKind::RateLimited).
    async fn refresh(
        &self,
        zone: &DomainName,
        host: &DomainName,
        addresses: &PublicAddresses,
    ) -> Result<(), Error>;
}

/// The public addresses of a host, one of each family at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicAddresses {
    /// The IPv4 address.
    pub v4: PublicAddress<Ipv4Addr>,
    /// The IPv6 address.
    pub v6: PublicAddress<Ipv6Addr>,
}

impl PublicAddresses {
    /// Returns the addresses that are known.
    pub fn found(&self) -> Vec<IpAddr> {
        let v4 = self.v4.found().map(IpAddr::V4);
        v4.into_iter().chain(self.v6.found().map(IpAddr::V6)).collect()
    }
}

#[async_trait]
impl PublicAddressSource for PublicAddresses {
    async fn addresses(&self) -> Result<PublicAddresses, Error> {
        Ok(*self)
    }
}

/// What is known of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicAddress<A> {
    /// This is the address.
    Found(A),
    /// There is certainly none.
    Absent,
    /// Nothing is known.
    Unknown,
}

impl<A> PublicAddress<A> {
    /// Writes the address in another form.
    pub fn map<B>(self, form: impl FnOnce(A) -> B) -> PublicAddress<B> {
        match self {
            Self::Found(address) => PublicAddress::Found(form(address)),
            Self::Absent => PublicAddress::Absent,
            Self::Unknown => PublicAddress::Unknown,
        }
    }
}

impl<A: Copy> PublicAddress<A> {
    /// Returns the address, if it is known.
    pub fn found(&self) -> Option<A> {
        match self {
            Self::Found(address) => Some(*address),
            Self::Absent | Self::Unknown => None,
        }
    }
}
