//! The state of the server.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{Bytes, Client, Error, client::Read, loose};

/// A container of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Container {
    /// Its id or name, for [`Client::container_stats`].
    #[serde(rename = "container", deserialize_with = "loose::text")]
    pub id: String,
    /// What it does, as `running`.
    #[serde(deserialize_with = "loose::text")]
    pub state: String,
    /// Since when (RFC 3339).
    #[serde(default, deserialize_with = "loose::text")]
    pub started_at: String,
    /// Its image with the version.
    #[serde(default, deserialize_with = "loose::text")]
    pub image: String,
}

/// What a container uses, as Docker tells it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ContainerStats {
    /// When it was measured (RFC 3339).
    #[serde(default, rename = "read", deserialize_with = "loose::text")]
    pub measured_at: String,
    /// Use of the processors.
    #[serde(default)]
    pub cpu_stats: Value,
    /// Use of memory.
    #[serde(default)]
    pub memory_stats: Value,
    /// All other fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// The disk that holds all mail. Sizes are in the words of `df -h`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MailStorage {
    /// The device.
    #[serde(deserialize_with = "loose::text")]
    pub disk: String,
    /// How much is used, as `11G`.
    #[serde(deserialize_with = "loose::text")]
    pub used: String,
    /// How much there is, as `252G`.
    #[serde(deserialize_with = "loose::text")]
    pub total: String,
    /// How much is used in percent, as `13%`.
    #[serde(deserialize_with = "loose::text")]
    pub used_percent: String,
}

/// The host of the server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct HostStatus {
    /// Its processors.
    pub cpu: HostCpu,
    /// Its memory.
    pub memory: HostMemory,
    /// For how many seconds it has been running.
    #[serde(default, deserialize_with = "loose::float")]
    pub uptime: f64,
    /// Its clock, in local time without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub system_time: String,
    /// What it is, as `x86_64`.
    #[serde(default, deserialize_with = "loose::text")]
    pub architecture: String,
}

/// The processors of the host.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct HostCpu {
    /// How many there are.
    #[serde(deserialize_with = "loose::int")]
    pub cores: i64,
    /// How much is used, in percent.
    #[serde(deserialize_with = "loose::float")]
    pub usage: f64,
}

/// The memory of the host.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct HostMemory {
    /// How much there is.
    pub total: Bytes,
    /// How much is used, in percent.
    #[serde(deserialize_with = "loose::float")]
    pub usage: f64,
}

/// The addresses under which the host is seen from the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct HostAddresses {
    /// By IPv4, if at all.
    #[serde(default, deserialize_with = "address")]
    pub ipv4: Option<IpAddr>,
    /// By IPv6, if at all.
    #[serde(default, deserialize_with = "address")]
    pub ipv6: Option<IpAddr>,
}

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
        let status: Option<Version> = self.read(VERSION, None).await?;
        status
            .map(|status| status.version)
            .ok_or(Error::Unexpected { operation: VERSION.0, reason: "it names no version".to_owned() })
    }

    /// Returns the containers by the name of their service, as `postfix-mailcow` (`get/status/containers`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn containers(&self) -> Result<BTreeMap<String, Container>, Error> {
        Ok(self.read(CONTAINERS, None).await?.unwrap_or_default())
    }

    /// Returns what a container uses, the newest measurement last (`get/status/container/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn container_stats(&self, id: &str) -> Result<Vec<ContainerStats>, Error> {
        Ok(self.read(CONTAINER, Some(id)).await?.unwrap_or_default())
    }

    /// Returns the disk that holds all mail, `None` if the server does not tell (`get/status/vmail`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mail_storage(&self) -> Result<Option<MailStorage>, Error> {
        self.read(STORAGE, None).await
    }

    /// Returns the state of the host, `None` if the server does not tell (`get/status/host`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn host_status(&self) -> Result<Option<HostStatus>, Error> {
        self.read(HOST, None).await
    }

    /// Returns the addresses under which the host is seen from the internet; the server asks a service of Mailcow's
    /// makers for them (`get/status/host/ip`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn host_addresses(&self) -> Result<HostAddresses, Error> {
        Ok(self.read(ADDRESSES, None).await?.unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// Reads an address; anything that is none (false, or a text of an error) counts as absent.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().and_then(|text| text.trim().parse().ok()))
}

const VERSION: Read = Read("get/status/version");
const CONTAINERS: Read = Read("get/status/containers");
const CONTAINER: Read = Read("get/status/container");
const STORAGE: Read = Read("get/status/vmail");
const HOST: Read = Read("get/status/host");
const ADDRESSES: Read = Read("get/status/host/ip");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_absent() {
        let read = |json| serde_json::from_str::<HostAddresses>(json).unwrap();
        let found = read(r#"{"ipv4":"192.0.2.7\n","ipv6":"2001:db8::7"}"#);
        assert_eq!(found.ipv4, Some("192.0.2.7".parse().unwrap()));
        assert_eq!(found.ipv6, Some("2001:db8::7".parse().unwrap()));
        assert_eq!(read(r#"{"ipv4":false,"ipv6":"<html>"}"#), HostAddresses::default());
    }
}
