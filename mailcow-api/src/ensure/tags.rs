//! Tags that are exactly those one wants.

use super::{Wish, converge, fields, missing};
use crate::{
    Client, Domain, DomainChange, DomainName, Ensured, Error, Mailbox, MailboxAddress, MailboxChange, tags,
};

impl Client {
    /// Makes certain that a domain has exactly these tags: adds those that are missing, deletes the others, and writes
    /// nothing if it has them. Case does not count, as for the server. Safe to repeat.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, NewDomain};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let domain = NewDomain::new("agents.example.com".parse()?).with_tags(["fleet", "old"]);
    /// client.add_domain(&domain).await?;
    /// let tagged = client.ensure_domain_tags(domain.name(), &["fleet", "new"]).await?;
    /// assert_eq!(tagged.value.tags, ["fleet", "new"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `object_doesnt_exist` if there is no such domain, and [`Error::InvalidInput`] for
    /// tags that no domain can have.
    pub async fn ensure_domain_tags(
        &self,
        domain: &DomainName,
        wanted: &[&str],
    ) -> Result<Ensured<Domain>, Error> {
        converge(self, &DomainTags { domain, tags: checked("edit/domain", wanted)? }).await
    }

    /// Makes certain that a mailbox has exactly these tags: adds those that are missing, deletes the others, and writes
    /// nothing if it has them. Case does not count, as for the server. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `object_doesnt_exist` if there is no such mailbox, and [`Error::InvalidInput`]
    /// for tags that no mailbox can have.
    pub async fn ensure_mailbox_tags(
        &self,
        mailbox: &MailboxAddress,
        wanted: &[&str],
    ) -> Result<Ensured<Mailbox>, Error> {
        converge(self, &MailboxTags { mailbox, tags: checked("edit/mailbox", wanted)? }).await
    }
}

struct DomainTags<'a> {
    domain: &'a DomainName,
    tags: Vec<String>,
}

impl Wish for DomainTags<'_> {
    type Found = Domain;

    async fn read(&self, client: &Client) -> Result<Option<Domain>, Error> {
        client.get_domain(self.domain).await
    }

    async fn create(&self, _: &Client) -> Result<(), Error> {
        Err(missing("edit/domain", self.domain.as_str()))
    }

    fn differs(&self, found: &Domain) -> Vec<&'static str> {
        fields([("tags", self.distance(found) > 0)])
    }

    fn distance(&self, found: &Domain) -> usize {
        distance(&self.tags, &found.tags)
    }

    async fn change(&self, client: &Client, found: &Domain, _: &[&'static str]) -> Result<(), Error> {
        // First the old ones go, as there may not be room for all.
        let old = tags::missing(&found.tags, &self.tags);
        if !old.is_empty() {
            let old: Vec<_> = old.iter().map(String::as_str).collect();
            client.remove_domain_tags(self.domain, &old).await?;
        }
        let new = tags::missing(&self.tags, &found.tags);
        if new.is_empty() {
            return Ok(());
        }
        client.edit_domain(self.domain, &DomainChange::new().with_added_tags(new)).await
    }
}

struct MailboxTags<'a> {
    mailbox: &'a MailboxAddress,
    tags: Vec<String>,
}

impl Wish for MailboxTags<'_> {
    type Found = Mailbox;

    async fn read(&self, client: &Client) -> Result<Option<Mailbox>, Error> {
        client.get_mailbox(self.mailbox).await
    }

    async fn create(&self, _: &Client) -> Result<(), Error> {
        Err(missing("edit/mailbox", self.mailbox.as_str()))
    }

    fn differs(&self, found: &Mailbox) -> Vec<&'static str> {
        fields([("tags", self.distance(found) > 0)])
    }

    fn distance(&self, found: &Mailbox) -> usize {
        distance(&self.tags, &found.tags)
    }

    async fn change(&self, client: &Client, found: &Mailbox, _: &[&'static str]) -> Result<(), Error> {
        let old = tags::missing(&found.tags, &self.tags);
        if !old.is_empty() {
            let old: Vec<_> = old.iter().map(String::as_str).collect();
            client.remove_mailbox_tags(self.mailbox, &old).await?;
        }
        let new = tags::missing(&self.tags, &found.tags);
        if new.is_empty() {
            return Ok(());
        }
        client.edit_mailbox(self.mailbox, &MailboxChange::new().with_added_tags(new)).await
    }
}

fn checked(operation: &'static str, wanted: &[&str]) -> Result<Vec<String>, Error> {
    let wanted: Vec<_> = wanted.iter().map(|&tag| tag.to_owned()).collect();
    tags::check(operation, &wanted).map(|()| wanted)
}

fn distance(wanted: &[String], found: &[String]) -> usize {
    tags::missing(wanted, found).len() + tags::missing(found, wanted).len()
}
