//! Lists of mailboxes, and the tags they are found by.

use super::Mailbox;
use crate::{
    Client, DomainName, Error, MailboxAddress,
    client::{Read, Target, Write},
    input, tags,
};

impl Client {
    /// Returns all mailboxes of the server (`get/mailbox/all`).
    ///
    /// The time grows with the square of their number: 5000 in one domain were measured to take 13 s.
    /// [`mailboxes_reduced`](Self::mailboxes_reduced) takes a seventh of it.
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailboxes(&self) -> Result<Vec<Mailbox>, Error> {
        self.list_mailboxes(["all"].into()).await
    }

    /// Returns the mailboxes of some domains (`get/mailbox/all/{domains}`).
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for no domain.
    pub async fn mailboxes_of(&self, domains: &[DomainName]) -> Result<Vec<Mailbox>, Error> {
        self.list_mailboxes(["all", joined(domains)?.as_str()].into()).await
    }

    /// Returns the mailboxes of all domains that have at least one of the tags (`get/mailbox/all` with `tags`).
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for no tag or one that no mailbox can have.
    pub async fn mailboxes_tagged(&self, tags: &[&str]) -> Result<Vec<Mailbox>, Error> {
        let tags = tags::query(GET.0, tags)?;
        self.list_mailboxes(Target::from(["all"]).with_query("tags", tags)).await
    }

    /// Returns the mailboxes of one domain that have at least one of the tags (`get/mailbox/{domain}?tags=`).
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for no tag or one that no mailbox can have.
    pub async fn mailboxes_of_tagged(
        &self,
        domain: &DomainName,
        tags: &[&str],
    ) -> Result<Vec<Mailbox>, Error> {
        let tags = tags::query(GET.0, tags)?;
        self.list_mailboxes(Target::from([domain.as_str()]).with_query("tags", tags)).await
    }

    /// Returns all mailboxes of the server without their limits, senders and counts of other things
    /// (`get/mailbox/reduced`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailboxes_reduced(&self) -> Result<Vec<Mailbox>, Error> {
        self.list_mailboxes(["reduced"].into()).await
    }

    /// Returns the mailboxes of some domains likewise (`get/mailbox/reduced/{domains}`).
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for no domain.
    pub async fn mailboxes_reduced_of(&self, domains: &[DomainName]) -> Result<Vec<Mailbox>, Error> {
        self.list_mailboxes(["reduced", joined(domains)?.as_str()].into()).await
    }

    /// Removes tags from a mailbox (`delete/mailbox/tag/{address}`). Those that it does not have are skipped.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn remove_mailbox_tags(&self, address: &MailboxAddress, tags: &[&str]) -> Result<(), Error> {
        input::some(DELETE_TAG.route, tags)?;
        self.write_at(DELETE_TAG, [address.as_str()], &tags).await
    }

    async fn list_mailboxes(&self, target: Target<'_>) -> Result<Vec<Mailbox>, Error> {
        Ok(self.read(GET, target).await?.unwrap_or_default())
    }
}

fn joined(domains: &[DomainName]) -> Result<String, Error> {
    input::some(GET.0, domains)?;
    Ok(domains.iter().map(DomainName::as_str).collect::<Vec<_>>().join(","))
}

const GET: Read = Read("get/mailbox");
const DELETE_TAG: Write = Write { route: "delete/mailbox/tag", success: "mailbox_modified" };
