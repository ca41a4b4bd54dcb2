//! Mailboxes that are as one wants them.

use super::{Mailbox, MailboxChange, NewMailbox};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge},
    flag::Flag,
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
        let settings = &self.options;
        if has("tls_enforce_in") || has("tls_enforce_out") {
            let flag = |wanted: Option<Flag>, found| wanted.map_or(found, |wanted| wanted.0);
            let incoming = flag(settings.tls_enforce_in, found.settings.tls_in);
            let outgoing = flag(settings.tls_enforce_out, found.settings.tls_out);
            client.set_mailbox_tls(&self.address, incoming, outgoing).await?;
        }
        if let (Some(often), true) = (&settings.quarantine_notification, has("quarantine_notification")) {
            client.set_quarantine_notification(&self.address, often).await?;
        }
        if let (Some(what), true) = (&settings.quarantine_category, has("quarantine_category")) {
            client.set_quarantine_category(&self.address, what).await?;
        }
        if !fields.iter().any(|field| OF_THE_MAILBOX.contains(field)) {
            return Ok(());
        }
        let mut change = MailboxChange {
            name: has("name").then(|| self.name.clone()),
            quota: has("quota").then_some(self.quota),
            status: has("active").then_some(self.status),
            protocols: self.protocols.clone().filter(|_| has("protocol_access")),
            added_tags: tags::missing(&self.tags, &found.tags),
            ..MailboxChange::default()
        };
        if let (Some(forced), true) = (settings.force_tfa, has("force_tfa")) {
            change = change.with_forced_tfa(forced.0);
        }
        if let (Some(allowed), true) = (settings.sogo_access, has("sogo_access")) {
            change = change.with_webmail(allowed.0);
        }
        if has("relayhost") {
            change = change.with_relayhost(settings.relayhost);
        }
        client.edit_mailbox(&self.address, &change).await
    }
}

/// What `edit/mailbox` changes; it ignores the other fields of `add/mailbox`.
const OF_THE_MAILBOX: [&str; 8] =
    ["name", "quota", "active", "protocol_access", "tags", "force_tfa", "sogo_access", "relayhost"];
