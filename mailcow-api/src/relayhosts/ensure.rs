//! Relay hosts that are as one wants them, and their assignment.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{LIST, NewRelayhost, Relayhost, RelayhostChange, RelayhostId};
use crate::{
    Client, Domain, DomainChange, DomainName, Ensured, Error, Mailbox, MailboxAddress, MailboxChange,
    ensure::{Wish, converge, fields, missing},
    loose,
};

impl Client {
    /// Makes certain that there is a relay host of that host name and user name, that it has that password and that it
    /// is active, and writes nothing if it is so. Safe to repeat, also after a dropped call; of several alike the oldest
    /// counts.
    ///
    /// Mailcow would make a second one. Clones of this client take turns; separate clients and programs that create the
    /// same one at the same moment must take care of that themselves.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, NewRelayhost, Outcome};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let wanted = NewRelayhost::new("[smtp.example.net]:587").with_login("relay:user", "Fake-Passw0rd-1".into());
    /// let relay = client.ensure_relayhost(&wanted).await?.value;
    /// assert_eq!(client.ensure_relayhost(&wanted).await?.outcome(), Outcome::Unchanged);
    /// # let domain = "agents.example.com".parse()?;
    /// # client.add_domain(&mailcow_api::NewDomain::new("agents.example.com".parse()?)).await?;
    /// let domain = client.ensure_domain_relayhost(&domain, Some(relay.id)).await?;
    /// assert_eq!(domain.outcome(), Outcome::Changed(&["relayhost"]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_relayhost`](Self::add_relayhost).
    pub async fn ensure_relayhost(&self, wanted: &NewRelayhost) -> Result<Ensured<Relayhost>, Error> {
        let _turn = self.turn(format!("relayhost {}", wanted.hostname)).await;
        let Ensured { value, how, changed, differs } = converge(self, wanted).await?;
        Ok(Ensured { value: value.relayhost, how, changed, differs })
    }

    /// Makes certain that the mail of a domain leaves through this relay host, or through none, and writes nothing if
    /// it does. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `object_doesnt_exist` if there is no such domain. Mailcow does not look whether
    /// there is such a relay host.
    pub async fn ensure_domain_relayhost(
        &self,
        domain: &DomainName,
        relayhost: Option<RelayhostId>,
    ) -> Result<Ensured<Domain>, Error> {
        converge(self, &DomainRelay { domain, relayhost }).await
    }

    /// Makes certain that the mail of a mailbox leaves through this relay host, or through that of its domain, and
    /// writes nothing if it does. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `object_doesnt_exist` if there is no such mailbox. Mailcow does not look whether
    /// there is such a relay host.
    pub async fn ensure_mailbox_relayhost(
        &self,
        mailbox: &MailboxAddress,
        relayhost: Option<RelayhostId>,
    ) -> Result<Ensured<Mailbox>, Error> {
        converge(self, &MailboxRelay { mailbox, relayhost }).await
    }
}

/// A relay host with the password that the server sends along.
#[derive(Deserialize)]
pub(crate) struct Stored {
    #[serde(flatten)]
    relayhost: Relayhost,
    #[serde(default, deserialize_with = "loose::secret")]
    password: SecretString,
}

impl Wish for NewRelayhost {
    type Found = Stored;

    async fn read(&self, client: &Client) -> Result<Option<Stored>, Error> {
        let username = self.login.as_ref().map_or("", |(username, _)| username);
        let all: Vec<Stored> = client.read(LIST, None).await?.unwrap_or_default();
        let is_same = |found: &Stored| {
            found.relayhost.hostname.eq_ignore_ascii_case(&self.hostname)
                && same_login(&found.relayhost.username, username)
        };
        Ok(all.into_iter().filter(is_same).min_by_key(|found| found.relayhost.id))
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_relayhost(self).await
    }

    fn differs(&self, found: &Stored) -> Vec<&'static str> {
        let other = |(_, wanted): &(String, SecretString)| {
            !same_login(wanted.expose_secret(), found.password.expose_secret())
        };
        fields([("password", self.login.as_ref().is_some_and(other)), ("active", !found.relayhost.active)])
    }

    async fn change(&self, client: &Client, found: &Stored, _: &[&'static str]) -> Result<(), Error> {
        let mut change = RelayhostChange::new().with_active(true);
        // Always sent, so that it does not matter how Mailcow would keep it.
        change.login = Some(self.login.clone().unwrap_or_default());
        client.edit_relayhost(found.relayhost.id, &change).await
    }
}

struct DomainRelay<'a> {
    domain: &'a DomainName,
    relayhost: Option<RelayhostId>,
}

impl Wish for DomainRelay<'_> {
    type Found = Domain;

    async fn read(&self, client: &Client) -> Result<Option<Domain>, Error> {
        client.get_domain(self.domain).await
    }

    async fn create(&self, _: &Client) -> Result<(), Error> {
        Err(missing("edit/domain", self.domain.as_str()))
    }

    fn differs(&self, found: &Domain) -> Vec<&'static str> {
        fields([("relayhost", found.relayhost != self.relayhost)])
    }

    async fn change(&self, client: &Client, _: &Domain, _: &[&'static str]) -> Result<(), Error> {
        client.edit_domain(self.domain, &DomainChange::new().with_relayhost(self.relayhost)).await
    }
}

struct MailboxRelay<'a> {
    mailbox: &'a MailboxAddress,
    relayhost: Option<RelayhostId>,
}

impl Wish for MailboxRelay<'_> {
    type Found = Mailbox;

    async fn read(&self, client: &Client) -> Result<Option<Mailbox>, Error> {
        client.get_mailbox(self.mailbox).await
    }

    async fn create(&self, _: &Client) -> Result<(), Error> {
        Err(missing("edit/mailbox", self.mailbox.as_str()))
    }

    fn differs(&self, found: &Mailbox) -> Vec<&'static str> {
        fields([("relayhost", found.settings.relayhost != self.relayhost)])
    }

    async fn change(&self, client: &Client, _: &Mailbox, _: &[&'static str]) -> Result<(), Error> {
        client.edit_mailbox(self.mailbox, &MailboxChange::new().with_relayhost(self.relayhost)).await
    }
}

/// Compares two halves of a login, in which Mailcow puts one backslash or several before each colon.
pub(crate) fn same_login(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let parts: Vec<_> = text.split(':').collect();
        let last = parts.len() - 1;
        let strip = |(at, part): (usize, &&str)| {
            if at == last { (*part).to_owned() } else { part.trim_end_matches('\\').to_owned() }
        };
        parts.iter().enumerate().map(strip).collect::<Vec<_>>()
    };
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_logins_are_the_same_and_others_are_not() {
        for stored in ["rel:ay", "rel\\:ay", "rel\\\\:ay"] {
            assert!(same_login("rel:ay", stored));
        }
        for other in ["relay", "rel:ay:", "rel:ay\\", "x:ay", ""] {
            assert!(!same_login("rel:ay", other), "{other:?} counts as the same");
        }
    }
}
