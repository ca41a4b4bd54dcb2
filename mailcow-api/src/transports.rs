//! Transports: which server the mail to a destination goes to.

mod ensure;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose,
    relayhosts::{login, username},
};

number_id!(
    /// The number by which Mailcow knows a transport.
    TransportId,
    "the id of a transport"
);

/// A transport to be created.
#[derive(Clone, Debug)]
pub struct NewTransport {
    destination: String,
    nexthop: String,
    login: Option<(String, SecretString)>,
    mx_based: bool,
    active: bool,
}

impl NewTransport {
    /// Builds an active transport of the mail to `destination` (a domain, an address, or `*`) to the server
    /// `nexthop`, as `[mx.example.com]:25`.
    pub fn new(destination: &str, nexthop: &str) -> Self {
        Self {
            destination: destination.to_owned(),
            nexthop: nexthop.to_owned(),
            login: None,
            mx_based: false,
            active: true,
        }
    }

    /// Sets the login at the next server.
    pub fn with_login(mut self, username: &str, password: SecretString) -> Self {
        self.login = Some((username.to_owned(), password));
        self
    }

    /// Sets whether the destination is a regular expression for the names of mail servers, false by default.
    pub fn with_mx_based(mut self, mx_based: bool) -> Self {
        self.mx_based = mx_based;
        self
    }

    /// Sets whether it is used at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on a transport; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct TransportChange {
    destination: Option<String>,
    nexthop: Option<String>,
    login: Option<(String, SecretString)>,
    mx_based: Option<bool>,
    active: Option<bool>,
}

impl TransportChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the destination.
    pub fn with_destination(mut self, destination: &str) -> Self {
        self.destination = Some(destination.to_owned());
        self
    }

    /// Sets the next server.
    pub fn with_nexthop(mut self, nexthop: &str) -> Self {
        self.nexthop = Some(nexthop.to_owned());
        self
    }

    /// Sets the login at the next server.
    pub fn with_login(mut self, username: &str, password: SecretString) -> Self {
        self.login = Some((username.to_owned(), password));
        self
    }

    /// Sets whether the destination is a regular expression for the names of mail servers.
    pub fn with_mx_based(mut self, mx_based: bool) -> Self {
        self.mx_based = Some(mx_based);
        self
    }

    /// Sets whether it is used at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

/// A transport as the server shows it, without the password that the server sends along.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Transport {
    /// The id.
    pub id: TransportId,
    /// The destination it is for.
    pub destination: String,
    /// The next server; Mailcow puts an IP address into brackets.
    pub nexthop: String,
    /// The user name there, freed of the escapes Mailcow stores it with; empty if it needs no login.
    #[serde(default, deserialize_with = "username")]
    pub username: String,
    /// Whether the destination is a regular expression for the names of mail servers.
    #[serde(default, rename = "is_mx_based", deserialize_with = "loose::flag")]
    pub mx_based: bool,
    /// Whether it is used at all.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
}

impl Client {
    /// Returns all transports (`get/transport/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn transports(&self) -> Result<Vec<Transport>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns a transport, `None` if there is none of that id (`get/transport/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_transport(&self, id: TransportId) -> Result<Option<Transport>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a transport (`add/transport`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `transport_dest_exists`, `invalid_destination` and
    /// `invalid_nexthop`.
    pub async fn add_transport(&self, new: &NewTransport) -> Result<(), Error> {
        input::word(ADD.route, "destination", &new.destination)?;
        input::word(ADD.route, "next server", &new.nexthop)?;
        let (username, password) = login(ADD, new.login.as_ref())?.unwrap_or_default();
        let attr = Attr {
            destination: Some(&new.destination),
            nexthop: Some(&new.nexthop),
            username: Some(username),
            password: Some(password),
            is_mx_based: Some(Flag(new.mx_based)),
            active: Some(Flag(new.active)),
        };
        self.write(ADD, &new.destination, &attr).await
    }

    /// Changes a transport (`edit/transport`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `relayhost_invalid` if there is none of that id.
    pub async fn edit_transport(&self, id: TransportId, change: &TransportChange) -> Result<(), Error> {
        for (what, text) in [("destination", &change.destination), ("next server", &change.nexthop)] {
            text.as_ref().map_or(Ok(()), |text| input::word(EDIT.route, what, text))?;
        }
        let (username, password) = login(EDIT, change.login.as_ref())?.unzip();
        let attr = Attr {
            destination: change.destination.as_deref(),
            nexthop: change.nexthop.as_deref(),
            username,
            password,
            is_mx_based: change.mx_based.map(Flag),
            active: change.active.map(Flag),
        };
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: &attr }).await
    }

    /// Deletes a transport (`delete/transport`). Deleting none succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_transport(&self, id: TransportId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several transports (`delete/transport`). Those that do not exist count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn delete_transports(&self, items: &[TransportId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Default, PartialEq, Serialize)]
struct Attr<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nexthop: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_mx_based: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
}

const LIST: Read = Read("get/transport/all");
const GET: Read = Read("get/transport");
// The codes are those of a relay host.
const ADD: Write = Write { route: "add/transport", success: "relayhost_added" };
const EDIT: Write = Write { route: "edit/transport", success: "object_modified" };
const DELETE: Write = Write { route: "delete/transport", success: "relayhost_removed" };
