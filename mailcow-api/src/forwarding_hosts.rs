//! Forwarding hosts: servers that may hand in forwarded mail without being judged as its origin.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    flag::Flag,
    input, loose,
};

/// A forwarding host as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ForwardingHost {
    /// The address or network.
    pub host: String,
    /// What was asked for when it was made: a host name stands for all its addresses.
    #[serde(default, deserialize_with = "loose::text")]
    pub source: String,
    /// Whether its mail is looked through for spam.
    #[serde(rename = "keep_spam", deserialize_with = "filters_spam")]
    pub spam_filter: bool,
}

impl Client {
    /// Returns all forwarding hosts (`get/fwdhost/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn forwarding_hosts(&self) -> Result<Vec<ForwardingHost>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns the forwarding host of an address, `None` if there is none (`get/fwdhost/{host}`). A network cannot
    /// be asked for, as no name with a slash can: look into the list for it.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for a network.
    pub async fn get_forwarding_host(&self, host: &str) -> Result<Option<ForwardingHost>, Error> {
        self.read(GET, Some(host)).await
    }

    /// Adds a forwarding host, an address, a network or a name whose addresses are looked up once
    /// (`add/fwdhost`). Safe to repeat: one that is there is overwritten.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `invalid_host` if the name has no address.
    pub async fn add_forwarding_host(&self, host: &str, spam_filter: bool) -> Result<(), Error> {
        input::word(ADD.route, "host", host)?;
        self.write(ADD, host, &AddBody { hostname: host, filter_spam: Flag(spam_filter) }).await
    }

    /// Sets whether the mail of a forwarding host is looked through for spam (`edit/fwdhost`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such forwarding host.
    pub async fn set_forwarding_host_spam_filter(&self, host: &str, spam_filter: bool) -> Result<(), Error> {
        input::word(EDIT.route, "host", host)?;
        let attr = EditAttr { keep_spam: Flag(!spam_filter) };
        self.write_idempotent(EDIT, host, &EditItems { items: &[host], attr: &attr }).await
    }

    /// Deletes a forwarding host (`delete/fwdhost`). Deleting none succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_forwarding_host(&self, host: &str) -> Result<(), Error> {
        input::word(DELETE.route, "host", host)?;
        self.write(DELETE, host, &[host]).await
    }

    /// Deletes several forwarding hosts (`delete/fwdhost`). Those that do not exist count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn delete_forwarding_hosts(&self, items: &[&str]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    hostname: &'a str,
    filter_spam: Flag,
}

#[derive(Serialize)]
struct EditAttr {
    keep_spam: Flag,
}

fn filters_spam<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    loose::text(deserializer).map(|keeps_spam| keeps_spam == "no" || keeps_spam == "0")
}

const LIST: Read = Read("get/fwdhost/all");
const GET: Read = Read("get/fwdhost");
const ADD: Write = Write { route: "add/fwdhost", success: "forwarding_host_added" };
const EDIT: Write = Write { route: "edit/fwdhost", success: "object_modified" };
const DELETE: Write = Write { route: "delete/fwdhost", success: "forwarding_host_removed" };
