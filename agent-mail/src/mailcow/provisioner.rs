use async_trait::async_trait;
use mail_access::{Address, DomainName};
use mailcow_api::{
    AppPasswordChange, DkimKeySpec, Error as MailcowError, How, Mailbox, MailboxAddress, Mib, NewAppPassword,
    NewDomain, NewMailbox, Protocol,
};

use super::{Mailcow, hourly, lift, lift_ours, mailbox_address};
use crate::backend::{Claim, DkimKey, MailboxSpec, Provisioner};
use crate::{Error, ErrorKind, password};

impl Mailcow {
    /// Returns the mailbox if it carries the claim.
    async fn ours(
        &self,
        operation: &'static str,
        address: &Address,
        claim: &Claim,
    ) -> Result<Option<Mailbox>, Error> {
        let found = self.client.get_mailbox(&mailbox_address(address)?).await;
        let found = found.map_err(|error| lift(error, operation, address))?;
        found.map(|mailbox| checked(operation, address, claim, mailbox)).transpose()
    }

    async fn ensure_login(&self, spec: &MailboxSpec, address: &MailboxAddress) -> Result<(), Error> {
        let lift = |error| lift_ours(error, "ensure login", &spec.address);
        let protocols = [Protocol::Imap, Protocol::Smtp];
        let wanted = NewAppPassword::new(address.clone(), APP_NAME, spec.password.clone(), protocols);
        let ensured = self.client.ensure_app_password(&wanted).await.map_err(lift)?;
        if ensured.how != How::Created {
            // It may have another password, and the server doesn't tell.
            let change = AppPasswordChange::new()
                .with_password(spec.password.clone())
                .with_protocols(protocols)
                .with_active(true);
            self.client.edit_app_password(address, ensured.value.id, &change).await.map_err(lift)?;
            // A write that was given up may have been carried out late and made another.
            for app in self.client.app_passwords(address).await.map_err(lift)? {
                if app.name == APP_NAME && app.id != ensured.value.id {
                    self.client.delete_app_password(app.id).await.map_err(lift)?;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Provisioner for Mailcow {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        let lift = |error| lift(error, "ensure domain", domain);
        let name: mailcow_api::DomainName = domain.as_str().parse().map_err(lift)?;
        let key = DkimKeySpec::new("dkim").map_err(lift)?;
        let wanted = NewDomain::new(name.clone())
            .with_max_mailboxes(MAX_MAILBOXES)
            .with_max_aliases(MAX_ALIASES)
            .with_quotas(Mib::new(MAILBOX_MIB), Mib::new(MAX_MAILBOX_MIB), Mib::new(DOMAIN_MIB));
        let ensured = self.client.ensure_domain(&wanted).await.map_err(lift)?;
        if ensured.how != How::Existed {
            tracing::info!(domain = %domain, "domain made at mailcow");
        }
        let _kept = self.client.ensure_dkim(&name, &key).await.map_err(lift)?;
        Ok(())
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        let lift = |error| lift(error, "read key", domain);
        let name = domain.as_str().parse().map_err(lift)?;
        let key = self.client.get_dkim(&name).await.map_err(lift)?;
        let key = key.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "read key", domain)
                .with_detail("the mail system has no DKIM key for it")
        })?;
        Ok(DkimKey { selector: key.selector, record: key.txt })
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        let address = mailbox_address(&spec.address)?;
        let mut wanted = NewMailbox::new(address.clone(), password::generate(), Mib::new(spec.quota_mib))
            .with_name(&spec.display_name)
            .with_tags([tag(&spec.claim)]);
        let limit = hourly(spec.hourly_limit);
        if let Some(limit) = &limit {
            wanted = wanted.with_rate_limit(limit.clone());
        }
        let ensured = self.client.ensure_mailbox(&wanted).await;
        let ensured = ensured.map_err(|error| lift_add(error, &spec.address))?;
        let mailbox = checked("ensure mailbox", &spec.address, &spec.claim, ensured.value)?;
        if let Some(limit) = &limit
            && mailbox.rate_limit.as_ref() != Some(limit)
        {
            let set = self.client.set_mailbox_rate_limit(&address, limit).await;
            set.map_err(|error| lift_ours(error, "limit mailbox", &spec.address))?;
        }
        self.ensure_login(spec, &address).await
    }

    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        if self.ours("remove mailbox", address, claim).await?.is_some() {
            let removed = self.client.ensure_no_mailbox(&mailbox_address(address)?).await;
            removed.map_err(|error| lift(error, "remove mailbox", address))?;
        }
        Ok(())
    }
}

fn checked(
    operation: &'static str,
    address: &Address,
    claim: &Claim,
    found: Mailbox,
) -> Result<Mailbox, Error> {
    if found.tags.contains(&tag(claim)) {
        return Ok(found);
    }
    Err(Error::new(ErrorKind::AlreadyExists, operation, address)
        .with_detail("the mailbox is there and is not this system's")
        .with_fix("choose another name or prefix, or remove that mailbox in Mailcow"))
}

fn tag(claim: &Claim) -> String {
    format!("agent-mail-{}", claim.as_str())
}

/// Mailcow has one word for a missing domain and for a lack of rights; an administrator's key lacks none.
fn lift_add(error: MailcowError, address: &Address) -> Error {
    let lifted = lift(error, "ensure mailbox", address);
    if lifted.kind() == ErrorKind::NotFound {
        return lifted
            .with_detail(format!("the mail system does not serve {}", address.domain()))
            .with_fix("make the domain first");
    }
    lifted
}

const APP_NAME: &str = "agent-mail";
const MAX_MAILBOXES: u32 = 100_000;
const MAX_ALIASES: u32 = 400;
const MAILBOX_MIB: u32 = 256;
const MAX_MAILBOX_MIB: u32 = 10_240;
const DOMAIN_MIB: u32 = MAX_MAILBOXES * MAILBOX_MIB;
