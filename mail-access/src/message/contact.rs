use std::fmt;

use crate::Address;

/// An address and, perhaps, the name it is shown with (RFC 5322 section 3.4, `mailbox`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Contact {
    /// The name, `Ada Lovelace`; any Unicode.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

impl Contact {
    /// Joins a name and an address.
    pub fn named(name: impl Into<String>, address: Address) -> Self {
        Self { name: Some(name.into()), address }
    }
}

impl From<Address> for Contact {
    fn from(address: Address) -> Self {
        Self { name: None, address }
    }
}

impl From<&Address> for Contact {
    fn from(address: &Address) -> Self {
        address.clone().into()
    }
}

/// Writes `Ada Lovelace <ada@agents.example>`, for people; header fields are encoded elsewhere.
impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}
