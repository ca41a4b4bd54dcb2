//! Aliases that are as one wants them.

use super::{Alias, AliasChange, AliasTarget, NewAlias};
use crate::{
    Client, Ensured, Error, MailboxAddress,
    ensure::{Wish, converge, fields},
    flag::Flag,
};

impl Client {
    /// Makes certain that an alias exists and leads where it should, and writes nothing if it does. Safe to repeat,
    /// also after a dropped call. A catch-all is an alias too, and so is a forward to another server.
    ///
    /// ```
    /// use mailcow_api::{AliasAddress, FakeMailcow, MailboxAddress, NewAlias, NewDomain, Outcome};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let domain = "agents.example.com".parse()?;
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let elsewhere: MailboxAddress = "archive@example.net".parse()?;
    /// let wanted = NewAlias::new(AliasAddress::catch_all(&domain), elsewhere);
    /// assert_eq!(client.ensure_alias(&wanted).await?.outcome(), Outcome::Created);
    /// assert_eq!(client.ensure_alias(&wanted).await?.outcome(), Outcome::Unchanged);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_alias`](Self::add_alias): among others [`Error::Refused`] with `is_alias_or_mailbox` if the address is
    /// that of a mailbox.
    pub async fn ensure_alias(&self, wanted: &NewAlias) -> Result<Ensured<Alias>, Error> {
        converge(self, wanted).await
    }
}

impl Wish for NewAlias {
    type Found = Alias;

    async fn read(&self, client: &Client) -> Result<Option<Alias>, Error> {
        client.get_alias(&self.address).await
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_alias(self).await
    }

    fn differs(&self, found: &Alias) -> Vec<&'static str> {
        let attr = &self.attr;
        let other = |wanted: Option<Flag>, found: bool| wanted.is_some_and(|flag| flag.0 != found);
        let comment =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_some_and(|text| text != found);
        fields([
            ("goto", sorted(self.target.addresses()) != sorted(found.targets.iter().map(String::as_str))),
            ("active", other(attr.active, found.active)),
            ("sogo_visible", other(attr.sogo_visible, found.webmail_visible)),
            ("sender_allowed", other(attr.sender_allowed, found.sender_allowed)),
            ("internal", other(attr.internal, found.internal)),
            ("public_comment", comment(&attr.public_comment, &found.public_comment)),
            ("private_comment", comment(&attr.private_comment, &found.private_comment)),
        ])
    }

    async fn change(&self, client: &Client, found: &Alias, fields: &[&'static str]) -> Result<(), Error> {
        let (attr, has) = (&self.attr, |field| fields.contains(&field));
        let change = AliasChange {
            address: None,
            // Mailcow wants the target again for an alias that discards or learns.
            target: Some(self.target.clone()),
            active: attr.active.filter(|_| has("active")),
            sogo_visible: attr.sogo_visible.filter(|_| has("sogo_visible")),
            sender_allowed: attr.sender_allowed.filter(|_| has("sender_allowed")),
            internal: attr.internal.filter(|_| has("internal")),
            public_comment: attr.public_comment.clone().filter(|_| has("public_comment")),
            private_comment: attr.private_comment.clone().filter(|_| has("private_comment")),
            expand_alias: None,
        };
        client.edit_alias(found.id, &change).await
    }
}

impl AliasTarget {
    /// The addresses by which Mailcow shows it.
    fn addresses(&self) -> Vec<&str> {
        match self {
            Self::Addresses(list) => list.iter().map(MailboxAddress::as_str).collect(),
            Self::Discard => vec!["null@localhost"],
            Self::LearnSpam => vec!["spam@localhost"],
            Self::LearnHam => vec!["ham@localhost"],
        }
    }
}

/// Mailcow keeps no order and no case.
fn sorted<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut addresses: Vec<_> = addresses.into_iter().map(str::to_lowercase).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
