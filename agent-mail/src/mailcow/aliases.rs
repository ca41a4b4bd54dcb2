//! Aliases, and catch-alls, which are aliases of another kind of address.

use mail_access::Address;
use mailcow_api::{AliasAddress, AliasChange, AliasTarget, MailboxAddress, NewAlias};

use super::admin::Step;
use super::mailbox_address;
use crate::spec::AliasEntry;
use crate::{Error, ErrorKind};

impl Step<'_> {
    pub(super) async fn set_alias(&self, alias: &AliasEntry) -> Result<(), Error> {
        self.served().await?;
        let address = mailbox_address(&alias.address)?;
        // A refused create takes Mailcow long.
        if self.did(self.client.get_mailbox(&address).await)?.is_some() {
            return Err(self.failed(ErrorKind::AlreadyExists, "it is a mailbox"));
        }
        self.lead(address.into(), &alias.targets).await
    }

    pub(super) async fn remove_alias(&self, address: &Address) -> Result<(), Error> {
        self.end(&mailbox_address(address)?.into()).await
    }

    pub(super) async fn set_catch_all(&self, targets: &[Address]) -> Result<(), Error> {
        self.served().await?;
        let everything = AliasAddress::catch_all(&self.name);
        if targets.is_empty() {
            return self.end(&everything).await;
        }
        self.lead(everything, targets).await
    }

    async fn lead(&self, address: AliasAddress, targets: &[Address]) -> Result<(), Error> {
        let targets = targets.iter().map(mailbox_address).collect::<Result<Vec<_>, _>>()?;
        let target = AliasTarget::Addresses(targets.clone());
        let Some(found) = self.did(self.client.get_alias(&address).await)? else {
            let is_catch_all = address.is_catch_all();
            // Nobody picks the catch-all as a sender in web mail.
            let wanted = NewAlias::new(address, target).with_webmail_visible(!is_catch_all);
            let _made = self.did(self.client.ensure_alias(&wanted).await)?;
            return Ok(());
        };
        if found.active && is_same(&targets, &found.targets) {
            return Ok(());
        }
        // What web mail shows of it, and who may send from it, stays.
        let change = AliasChange::new().with_target(target).with_active(true);
        let done = self.client.edit_alias(found.id, &change).await;
        let is_so = async {
            let now = self.client.get_alias_by_id(found.id).await?;
            Ok(now.is_some_and(|now| now.active && is_same(&targets, &now.targets)))
        };
        self.settled(done, is_so).await
    }

    async fn end(&self, address: &AliasAddress) -> Result<(), Error> {
        let Some(found) = self.did(self.client.get_alias(address).await)? else { return Ok(()) };
        let done = self.client.delete_alias(found.id).await;
        self.settled(done, async { Ok(self.client.get_alias_by_id(found.id).await?.is_none()) }).await
    }
}

fn is_same(wanted: &[MailboxAddress], found: &[String]) -> bool {
    wanted.len() == found.len()
        && wanted.iter().zip(found).all(|(one, other)| one.as_str().eq_ignore_ascii_case(other))
}
