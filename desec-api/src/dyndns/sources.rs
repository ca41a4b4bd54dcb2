//! Where the own public address is learnt.

use std::{
    error::Error as StdError,
    fmt::Debug,
    net::{Ipv4Addr, Ipv6Addr},
};

use async_trait::async_trait;

/// Knows the public addresses of this machine, or whatever the names shall point to.
///
/// [`PublicAddresses`] itself is a source that never changes; [`CheckIp`](crate::CheckIp) asks deSEC;
/// [`Agreement`](crate::Agreement) asks several.
#[async_trait]
pub trait AddressSource: Debug + Send + Sync + 'static {
    /// Looks the addresses up.
    ///
    /// # Contract
    /// - [`PublicAddress::Absent`] is returned only where it is certain that there is no address of this
    ///   family: the published one is then deleted. Whoever cannot tell says [`PublicAddress::Unknown`].
    /// - If nothing can be said of either family, the answer is an error.
    /// - The addresses are those of now, not remembered from an earlier look-up that worked.
    /// - The future may be dropped at any point, which leaves nothing behind. The caller bounds the time.
    async fn addresses(&self) -> Result<PublicAddresses, AddressError>;
}

/// The public addresses of a machine, one of each family at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicAddresses {
    /// The IPv4 address.
    pub v4: PublicAddress<Ipv4Addr>,
    /// The IPv6 address.
    pub v6: PublicAddress<Ipv6Addr>,
}

/// A public address as a source sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicAddress<A> {
    /// This is the address.
    Found(A),
    /// There is certainly none; a published one is to be deleted.
    Absent,
    /// Not asked, or not known; a published one stays.
    Unknown,
}

impl PublicAddresses {
    /// Returns whether nothing is known of either family.
    pub fn is_unknown(&self) -> bool {
        self.v4 == PublicAddress::Unknown && self.v6 == PublicAddress::Unknown
    }
}

#[async_trait]
impl AddressSource for PublicAddresses {
    async fn addresses(&self) -> Result<PublicAddresses, AddressError> {
        Ok(*self)
    }
}

/// The public addresses could not be learnt. What is published stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// A look-up failed.
    #[error("cannot learn the public address: {reason}")]
    Failed {
        /// What went wrong.
        reason: String,
        /// The cause.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// Sources contradict each other.
    #[error("cannot learn the public address: the sources disagree about {family} ({}); check them", .answers.join(", "))]
    Disagreement {
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// The different answers.
        answers: Vec<String>,
    },
    /// Too few sources answered.
    #[error("cannot learn the public address: {answered} of {needed} needed sources answer")]
    TooFew {
        /// How many sources answered, for the family that more of them know.
        answered: usize,
        /// How many are needed.
        needed: usize,
        /// Why one of the others did not.
        source: Option<Box<AddressError>>,
    },
}

impl AddressError {
    /// Returns the error of a look-up that failed.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), source: None }
    }

    /// Returns the error of a look-up that failed because of `source`, whose text `reason` must not repeat.
    pub fn failed_by(reason: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Failed { reason: reason.into(), source: Some(Box::new(source)) }
    }
}
