use thiserror::Error;

use crate::{Address, DomainName};

/// Why a [`PostOffice`](crate::PostOffice) did not do what its administrator asked; nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostOfficeError {
    /// The address is a mailbox or an alias already.
    #[error("{0} exists already; choose another address or remove that one first")]
    AddressExists(Address),
    /// The domain has a catch-all already.
    #[error("@{0} exists already; remove that catch-all first")]
    CatchAllExists(DomainName),
    /// The domain is hosted here, or another name of a domain, already.
    #[error("{0} is hosted already; choose another name or remove that one first")]
    DomainExists(DomainName),
    /// The domain has mailboxes or aliases.
    #[error("{0} is not empty; remove its mailboxes, aliases and other names first")]
    DomainNotEmpty(DomainName),
    /// An alias has to lead somewhere.
    #[error("an alias has to have at least one target")]
    NoTarget,
    /// There is no alias of this name.
    #[error("there is no alias {0}")]
    UnknownAlias(Address),
    /// The domain is not hosted here.
    #[error("{0} is not hosted here; add the domain first")]
    UnknownDomain(DomainName),
    /// There is no mailbox of this name.
    #[error("there is no mailbox {0}")]
    UnknownMailbox(Address),
}
