//! What a BCC map can be about.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Client, Error, client::Read, loose};

/// The domains and addresses that a BCC map can be about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BccDestinations {
    /// The domains.
    #[serde(deserialize_with = "loose::texts")]
    pub domains: Vec<String>,
    /// The alias domains.
    #[serde(deserialize_with = "loose::texts")]
    pub alias_domains: Vec<String>,
    /// The mailboxes, each with all of its addresses.
    #[serde(deserialize_with = "mailboxes")]
    pub mailboxes: BTreeMap<String, Vec<String>>,
}

impl Client {
    /// Returns the domains and addresses that a BCC map can be about (`get/bcc-destination-options`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn bcc_destinations(&self) -> Result<BccDestinations, Error> {
        Ok(self.read(GET, None).await?.unwrap_or_default())
    }
}

fn mailboxes<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    loose::object_if_any(deserializer).map(Option::unwrap_or_default)
}

const GET: Read = Read("get/bcc-destination-options");
