//! Transports that are as one wants them.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{LIST, NewTransport, Transport, TransportChange};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge, fields},
    loose,
    relayhosts::same_login,
};

impl Client {
    /// Makes certain that there is a transport for that destination and that it is as wanted, login included, and
    /// writes nothing if it is. Safe to repeat, also after a dropped call.
    ///
    /// # Errors
    /// As [`add_transport`](Self::add_transport), but not because it exists.
    pub async fn ensure_transport(&self, wanted: &NewTransport) -> Result<Ensured<Transport>, Error> {
        let Ensured { value, how, changed, differs } = converge(self, wanted).await?;
        Ok(Ensured { value: value.transport, how, changed, differs })
    }
}

/// A transport with the password that the server sends along.
#[derive(Deserialize)]
pub(crate) struct Stored {
    #[serde(flatten)]
    transport: Transport,
    #[serde(default, deserialize_with = "loose::secret")]
    password: SecretString,
}

impl Wish for NewTransport {
    type Found = Stored;

    async fn read(&self, client: &Client) -> Result<Option<Stored>, Error> {
        let all: Vec<Stored> = client.read(LIST, None).await?.unwrap_or_default();
        let is_same = |found: &Stored| found.transport.destination.eq_ignore_ascii_case(&self.destination);
        Ok(all.into_iter().find(is_same))
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_transport(self).await
    }

    fn differs(&self, found: &Stored) -> Vec<&'static str> {
        let (username, password) =
            self.login.as_ref().map_or(("", ""), |(username, password)| (username, password.expose_secret()));
        fields([
            ("nexthop", !bracketed(&self.nexthop).eq_ignore_ascii_case(&found.transport.nexthop)),
            ("username", !same_login(username, &found.transport.username)),
            ("password", !same_login(password, found.password.expose_secret())),
            ("is_mx_based", self.mx_based != found.transport.mx_based),
            ("active", self.active != found.transport.active),
        ])
    }

    async fn change(&self, client: &Client, found: &Stored, _: &[&'static str]) -> Result<(), Error> {
        let mut change = TransportChange::new()
            .with_nexthop(&self.nexthop)
            .with_mx_based(self.mx_based)
            .with_active(self.active);
        // Always sent, so that it does not matter how Mailcow would keep it.
        change.login = Some(self.login.clone().unwrap_or_default());
        client.edit_transport(found.transport.id, &change).await
    }
}

/// Mailcow puts a bare address into brackets.
fn bracketed(nexthop: &str) -> String {
    if nexthop.parse::<IpAddr>().is_ok() { format!("[{nexthop}]") } else { nexthop.to_owned() }
}
