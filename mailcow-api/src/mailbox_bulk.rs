//! Several mailboxes at once. Mailcow takes lists for edits and deletes; they go out in chunks
//! ([`ClientBuilder::items_per_call`](crate::ClientBuilder::items_per_call)).

use crate::{
    Client, Error, MailboxAddress, MailboxChange, RateLimit, mailboxes,
    rate_limits::{self, Attr},
};

impl Client {
    /// Makes one change to several mailboxes (`edit/mailbox`). Safe to repeat.
    ///
    /// ```
    /// use mailcow_api::{Error, FakeMailcow, MailboxAddress, MailboxChange, Mib, NewDomain, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let known: MailboxAddress = "known@agents.example.com".parse()?;
    /// # client.add_mailbox(&NewMailbox::new(known.clone(), "Fake-Passw0rd-1".into(), Mib::new(64))).await?;
    /// let nobody = "nobody@agents.example.com".parse()?;
    /// let change = MailboxChange::new().with_quota(Mib::new(128));
    /// let Err(Error::PartlyDone { items, .. }) = client.edit_mailboxes(&[known, nobody], &change).await else {
    ///     panic!("nobody does not exist");
    /// };
    /// assert_eq!(items.done, ["known@agents.example.com"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirmed each of them, [`Error::InvalidInput`] for an empty
    /// list, one that names a mailbox twice, or a change of nothing, and other [`Error`]s if nothing was done.
    pub async fn edit_mailboxes(
        &self,
        addresses: &[MailboxAddress],
        change: &MailboxChange,
    ) -> Result<(), Error> {
        self.edit_items(mailboxes::EDIT, addresses, &change.attr()?).await
    }

    /// Deletes several mailboxes with all their mail (`delete/mailbox`), and the aliases that lead only to them.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirmed each of them, [`Error::InvalidInput`] for an empty
    /// list or one that names a mailbox twice, and other [`Error`]s if nothing was done.
    pub async fn delete_mailboxes(&self, addresses: &[MailboxAddress]) -> Result<(), Error> {
        self.delete_items(mailboxes::DELETE, addresses).await
    }

    /// Sets one limit for several mailboxes, each for itself, or removes theirs (`edit/rl-mbox`). Safe to repeat.
    ///
    /// # Errors
    /// As [`delete_mailboxes`](Self::delete_mailboxes).
    pub async fn set_mailbox_rate_limits(
        &self,
        addresses: &[MailboxAddress],
        limit: Option<&RateLimit>,
    ) -> Result<(), Error> {
        self.edit_items(rate_limits::EDIT_MAILBOX, addresses, &Attr::new(limit)).await
    }
}
