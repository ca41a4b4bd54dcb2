//! Mailboxes of people.

use mail_access::Address;
use mailcow_api::{Error as MailcowError, How, Mailbox, MailboxChange, MailboxStatus, Mib, NewMailbox};
use secrecy::SecretString;

use super::admin::Step;
use super::survey::mib;
use super::{hourly, mailbox_address};
use crate::spec::MailboxEntry;
use crate::{Error, ErrorKind};

impl Step<'_> {
    pub(super) async fn add_mailbox(
        &self,
        entry: &MailboxEntry,
        password: SecretString,
    ) -> Result<(), Error> {
        let address = mailbox_address(&entry.address)?;
        if let Some(found) = self.did(self.client.get_mailbox(&address).await)? {
            return self.take_over(&found, entry, password).await;
        }
        let quota = self.quota(entry).await?;
        let mut wanted = NewMailbox::new(address, password.clone(), quota)
            .with_name(&entry.name)
            .with_status(status(entry.active))
            .with_forced_password_change(entry.must_change_password)
            .with_tags([PLAN_TAG]);
        if let Some(limit) = hourly(entry.hourly_limit) {
            wanted = wanted.with_rate_limit(limit);
        }
        match self.client.ensure_mailbox(&wanted).await {
            Ok(ensured) if ensured.how == How::Created && ensured.differs.is_empty() => Ok(()),
            Ok(ensured) => self.take_over(&ensured.value, entry, password).await,
            Err(error @ MailcowError::Refused { .. }) => {
                // Of a missing domain Mailcow says no more than that access is denied.
                self.served().await?;
                self.did(Err(error))
            }
            Err(error) => self.did(Err(error)),
        }
    }

    pub(super) async fn set_mailbox(&self, entry: &MailboxEntry) -> Result<(), Error> {
        let found = self.mailbox(&entry.address).await?;
        self.set(&found, entry, MailboxChange::new(), false).await
    }

    pub(super) async fn set_password(
        &self,
        address: &Address,
        password: SecretString,
        must_change: bool,
    ) -> Result<(), Error> {
        self.mailbox(address).await?;
        let change = MailboxChange::new().with_password(password).with_forced_password_change(must_change);
        self.did(self.client.edit_mailbox(&mailbox_address(address)?, &change).await)
    }

    pub(super) async fn remove_mailbox(&self, address: &Address) -> Result<(), Error> {
        let address = mailbox_address(address)?;
        let Some(found) = self.did(self.client.get_mailbox(&address).await)? else { return Ok(()) };
        self.own(&found)?;
        if found.settings.relayhost.is_some() {
            // First, as nobody would come back for it once the mailbox is gone.
            self.drop_mailbox_relay(&address).await?;
        }
        self.did(self.client.ensure_no_mailbox(&address).await)?;
        Ok(())
    }

    /// Gives a mailbox that a plan made the password and all that the entry says.
    async fn take_over(
        &self,
        found: &Mailbox,
        entry: &MailboxEntry,
        password: SecretString,
    ) -> Result<(), Error> {
        self.own(found)?;
        let change = MailboxChange::new()
            .with_password(password)
            .with_forced_password_change(entry.must_change_password);
        self.set(found, entry, change, true).await
    }

    /// Changes what is otherwise than the entry says, together with `change`, which may be nothing.
    async fn set(
        &self,
        found: &Mailbox,
        entry: &MailboxEntry,
        mut change: MailboxChange,
        mut is_something: bool,
    ) -> Result<(), Error> {
        let (address, quota) = (mailbox_address(&entry.address)?, self.quota(entry).await?);
        if found.name != entry.name {
            change = change.with_name(&entry.name);
            is_something = true;
        }
        if mib(found.quota) != quota.get() {
            change = change.with_quota(quota);
            is_something = true;
        }
        if found.status != status(entry.active) {
            change = change.with_status(status(entry.active));
            is_something = true;
        }
        if is_something {
            self.did(self.client.edit_mailbox(&address, &change).await)?;
        }
        let limit = hourly(entry.hourly_limit);
        if found.rate_limit.as_ref().filter(|_| found.rate_limit_is_own) != limit.as_ref() {
            self.did(match &limit {
                Some(limit) => self.client.set_mailbox_rate_limit(&address, limit).await,
                None => self.client.remove_mailbox_rate_limit(&address).await,
            })?;
        }
        if entry.relay.is_none() && found.settings.relayhost.is_some() {
            self.drop_mailbox_relay(&address).await?;
        }
        Ok(())
    }

    async fn quota(&self, entry: &MailboxEntry) -> Result<Mib, Error> {
        Ok(Mib::new(match entry.quota_mib {
            Some(quota) => quota,
            None => mib(self.served().await?.default_mailbox_quota),
        }))
    }

    fn own(&self, found: &Mailbox) -> Result<(), Error> {
        if found.tags.iter().any(|tag| tag == PLAN_TAG) {
            return Ok(());
        }
        Err(self
            .failed(ErrorKind::AlreadyExists, "the mailbox is there, and no plan made it")
            .with_fix("choose another address, or give the mailbox the tag agent-mail-plan in Mailcow"))
    }
}

fn status(active: bool) -> MailboxStatus {
    if active { MailboxStatus::Active } else { MailboxStatus::Inactive }
}

pub(super) const PLAN_TAG: &str = "agent-mail-plan";
