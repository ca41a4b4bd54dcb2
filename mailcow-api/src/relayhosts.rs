//! Relay hosts: servers that the mail of a domain or mailbox leaves through.

mod ensure;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose,
};

number_id!(
    /// The number by which Mailcow knows a relay host. A domain or mailbox refers to it.
    RelayhostId,
    "the id of a relay host"
);

/// A relay host to be created.
#[derive(Clone, Debug)]
pub struct NewRelayhost {
    hostname: String,
    login: Option<(String, SecretString)>,
}

impl NewRelayhost {
    /// Builds a relay host without a login at `hostname`, as `[smtp.example.com]:587`.
    pub fn new(hostname: &str) -> Self {
        Self { hostname: hostname.to_owned(), login: None }
    }

    /// Sets the login there.
    pub fn with_login(mut self, username: &str, password: SecretString) -> Self {
        self.login = Some((username.to_owned(), password));
        self
    }
}

/// What to change on a relay host; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct RelayhostChange {
    hostname: Option<String>,
    login: Option<(String, SecretString)>,
    active: Option<bool>,
}

impl RelayhostChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where it is, as `[smtp.example.com]:587`.
    pub fn with_hostname(mut self, hostname: &str) -> Self {
        self.hostname = Some(hostname.to_owned());
        self
    }

    /// Sets the login there.
    pub fn with_login(mut self, username: &str, password: SecretString) -> Self {
        self.login = Some((username.to_owned(), password));
        self
    }

    /// Sets whether it is used at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

/// A relay host as the server shows it, without the password that the server sends along.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Relayhost {
    /// The id.
    pub id: RelayhostId,
    /// Where it is, as `[smtp.example.com]:587`.
    pub hostname: String,
    /// The user name there, freed of the escapes Mailcow stores it with; empty if it needs no login.
    #[serde(default, deserialize_with = "username")]
    pub username: String,
    /// Whether it is used at all.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// The domains that send through it.
    #[serde(default, deserialize_with = "loose::list")]
    pub used_by_domains: Vec<String>,
    /// The mailboxes that send through it.
    #[serde(default, deserialize_with = "loose::list")]
    pub used_by_mailboxes: Vec<String>,
}

pub(crate) use self::ensure::same_login;

impl Client {
    /// Returns all relay hosts (`get/relayhost/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn relayhosts(&self) -> Result<Vec<Relayhost>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns a relay host, `None` if there is none of that id (`get/relayhost/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_relayhost(&self, id: RelayhostId) -> Result<Option<Relayhost>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a relay host (`add/relayhost`). **Not** safe to repeat: a second one is made, and no id comes back.
    ///
    /// A domain uses it by [`DomainChange::with_relayhost`](crate::DomainChange::with_relayhost), a mailbox by
    /// [`MailboxChange::with_relayhost`](crate::MailboxChange::with_relayhost).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `invalid_host`.
    pub async fn add_relayhost(&self, new: &NewRelayhost) -> Result<(), Error> {
        input::word(ADD.route, "host name", &new.hostname)?;
        let (username, password) = login(ADD, new.login.as_ref())?.unwrap_or_default();
        let body = AddBody { hostname: &new.hostname, username, password };
        self.write(ADD, &new.hostname, &body).await
    }

    /// Changes a relay host (`edit/relayhost`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `relayhost_invalid` if there is none of that id.
    pub async fn edit_relayhost(&self, id: RelayhostId, change: &RelayhostChange) -> Result<(), Error> {
        if let Some(hostname) = &change.hostname {
            input::word(EDIT.route, "host name", hostname)?;
        }
        let (username, password) = login(EDIT, change.login.as_ref())?.unzip();
        let attr = EditAttr {
            hostname: change.hostname.as_deref(),
            username,
            password,
            active: change.active.map(Flag),
        };
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: &attr }).await
    }

    /// Deletes a relay host and releases the domains that use it (`delete/relayhost`). Deleting none succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_relayhost(&self, id: RelayhostId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several relay hosts (`delete/relayhost`). Those that do not exist count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn delete_relayhosts(&self, items: &[RelayhostId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    hostname: &'a str,
    username: &'a str,
    password: &'a str,
}

#[derive(Default, PartialEq, Serialize)]
struct EditAttr<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
}

/// How a domain or mailbox refers to a relay host: by its id, by 0 to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum RelayhostRef {
    None(u8),
    Id(RelayhostId),
}

impl From<Option<RelayhostId>> for RelayhostRef {
    fn from(id: Option<RelayhostId>) -> Self {
        id.map_or(Self::None(0), Self::Id)
    }
}

/// Checks a login for a relay host or a transport and returns its two halves.
pub(crate) fn login(
    write: Write,
    login: Option<&(String, SecretString)>,
) -> Result<Option<(&str, &str)>, Error> {
    let Some((username, password)) = login else { return Ok(None) };
    input::optional_line(write.route, "user name", username)?;
    input::optional_line(write.route, "password", password.expose_secret())?;
    Ok(Some((username, password.expose_secret())))
}

/// Reads a user name, in which Mailcow writes `\:` for a colon.
pub(crate) fn username<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    loose::text(deserializer).map(|name| name.replace("\\:", ":"))
}

const LIST: Read = Read("get/relayhost/all");
const GET: Read = Read("get/relayhost");
const ADD: Write = Write { route: "add/relayhost", success: "relayhost_added" };
const EDIT: Write = Write { route: "edit/relayhost", success: "object_modified" };
const DELETE: Write = Write { route: "delete/relayhost", success: "relayhost_removed" };
