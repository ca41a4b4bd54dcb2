//! Mailboxes that are as one wants them.

use super::{Mailbox, MailboxChange, NewMailbox};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge},
    tags,
};

impl Client {
    /// Makes certain that a mailbox exists and is as wanted in everything that was set, and writes nothing if it is.
    /// Safe to repeat, also after a dropped call. What [`ensure_mailbox`](Self::ensure_mailbox) only reports in
    /// [`differs`](Ensured::differs), this call changes; tags are added, and none is removed (see
    /// [`ensure_mailbox_tags`](Self::ensure_mailbox_tags)).
    ///
    /// **It changes the mailbox whosever it is.** Where tags say who owns one, look at them first with
    /// [`get_mailbox`](Self::get_mailbox) or [`ensure_mailbox`](Self::ensure_mailbox), which changes nothing. The
    /// password is set only together with the mailbox.
    ///
    /// # Errors
    /// As [`add_mailbox`](Self::add_mailbox) and [`edit_mailbox`](Self::edit_mailbox). After an error a part of the
    /// changes may be there; repeat the call.
    pub async fn converge_mailbox(&self, wanted: &NewMailbox) -> Result<Ensured<Mailbox>, Error> {
        converge(self, wanted).await
    }
}

impl Wish for NewMailbox {
    type Found = Mailbox;

    async fn read(&self, client: &Client) -> Result<Option<Mailbox>, Error> {
        client.get_mailbox(&self.address).await
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_mailbox(self).await
    }

    fn differs(&self, found: &Mailbox) -> Vec<&'static str> {
        Self::differs(self, found)
    }

    async fn change(&self, client: &Client, found: &Mailbox, fields: &[&'static str]) -> Result<(), Error> {
        let has = |field| fields.contains(&field);
        if let (Some(limit), true) = (&self.rate_limit, has("rl_value")) {
            client.set_mailbox_rate_limit(&self.address, limit).await?;
        }
        if fields == ["rl_value"] {
            return Ok(());
        }
        let change = MailboxChange {
            name: has("name").then(|| self.name.clone()),
            quota: has("quota").then_some(self.quota),
            status: has("active").then_some(self.status),
            protocols: self.protocols.clone().filter(|_| has("protocol_access")),
            added_tags: tags::missing(&self.tags, &found.tags),
            ..MailboxChange::default()
        };
        client.edit_mailbox(&self.address, &change).await
    }
}
