//! The state of the server.

use serde::Deserialize;

use crate::{Client, Error, client::Read};

impl Client {
    /// Returns the version of Mailcow, as `2026-07a`: the cheapest check of address, TLS and API key
    /// (`get/status/version`).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = mailcow_api::FakeMailcow::new().client();
    /// assert!(client.version().await?.starts_with("20"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Unauthenticated`] if the key is not accepted. Do not repeat that call.
    pub async fn version(&self) -> Result<String, Error> {
        let status: Option<Status> = self.read(VERSION, None).await?;
        status
            .map(|status| status.version)
            .ok_or(Error::Unexpected { operation: VERSION.0, reason: "it names no version".to_owned() })
    }
}

#[derive(Deserialize)]
struct Status {
    version: String,
}

const VERSION: Read = Read("get/status/version");
