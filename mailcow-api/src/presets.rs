//! The examples that Mailcow's web UI offers for filters and spam settings.

use serde::Deserialize;

use crate::{Client, Error, client::Read, loose};

/// An example to start from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Preset {
    /// The name, as `sieve_1`.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// What it does, in the language of the server.
    #[serde(deserialize_with = "loose::text")]
    pub headline: String,
    /// The script or settings themselves.
    #[serde(deserialize_with = "loose::text")]
    pub content: String,
}

impl Client {
    /// Returns the examples of sieve filters (`get/presets/sieve`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn sieve_presets(&self) -> Result<Vec<Preset>, Error> {
        Ok(self.read(SIEVE, None).await?.unwrap_or_default())
    }

    /// Returns the examples of [`RspamdSetting`](crate::RspamdSetting)s (`get/presets/rspamd`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn rspamd_presets(&self) -> Result<Vec<Preset>, Error> {
        Ok(self.read(RSPAMD, None).await?.unwrap_or_default())
    }
}

const SIEVE: Read = Read("get/presets/sieve");
const RSPAMD: Read = Read("get/presets/rspamd");
