use std::fmt::Display;

use async_trait::async_trait;
use mail_access::{Address, DomainName, PostOfficeError};
use secrecy::{ExposeSecret, SecretString};

use super::provisioner::lift;
use super::registry::{Registry, signing_key};
use super::{Embedded, HOUR, lock};
use crate::backend::{MailAdmin, MailChange, PasswordRules, ServedDomain, ServedMailbox};
use crate::spec::{AliasEntry, DomainLimits, ForwardEntry, MailboxEntry};
use crate::{Error, ErrorKind};

/// What it changes shows in the mail of the [post office](Embedded::post_office), but for relays and spam policies, which
/// are kept only: there is no world outside, and no spam.
#[async_trait]
impl MailAdmin for Embedded {
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error> {
        let office = &self.0.post_office;
        let mut registry = lock(&self.0.registry);
        if !office.has_domain(domain) {
            return Ok(None);
        }
        let known = registry.domain(domain);
        let mut served = ServedDomain::new(known.limits.clone());
        served.description.clone_from(&known.description);
        (served.active, served.dkim) = (known.active, known.key.clone());
        (served.relay, served.spam) = (known.relay.clone(), known.spam.clone());
        for found in office.mailboxes_of(domain) {
            if !found.forward_to.is_empty() {
                let forward = ForwardEntry::new(found.address.clone(), found.forward_to);
                served.forwards.push(if found.keeps_copy { forward } else { forward.without_copy() });
            }
            let quota_mib = u32::try_from(found.quota_mib).unwrap_or(u32::MAX);
            let mut mailbox = ServedMailbox::new(found.address, quota_mib);
            mailbox.active = found.active;
            if let Some(known) = registry.mailbox(&mailbox.address) {
                mailbox.name.clone_from(&known.name);
                mailbox.relay.clone_from(&known.relay);
                (mailbox.hourly_limit, mailbox.by_plan) = (known.hourly_limit, known.by_plan);
            }
            served.mailboxes.push(mailbox);
        }
        let aliases = office.aliases_of(domain).into_iter();
        served.aliases = aliases.map(|(address, targets)| AliasEntry::new(address, targets)).collect();
        served.catch_all = office.catch_all_of(domain);
        served.alias_domains = office.alias_domains_of(domain);
        Ok(Some(served))
    }

    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        let secret = change.check(domain, secret)?;
        let mut registry = lock(&self.0.registry);
        let step = Step { world: self, registry: &mut registry, domain, operation: change.operation() };
        if !self.0.post_office.has_domain(domain) && !matches!(change, MailChange::AddDomain { .. }) {
            return if change.removes() { Ok(()) } else { Err(step.failed(ErrorKind::NotFound, domain)) };
        }
        step.take(change, secret)
    }

    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        Ok(PasswordRules::of_length(PASSWORD_LENGTH))
    }
}

/// One change under way, alone in its world.
struct Step<'a> {
    world: &'a Embedded,
    registry: &'a mut Registry,
    domain: &'a DomainName,
    operation: &'static str,
}

impl Step<'_> {
    fn take(mut self, change: &MailChange, secret: Option<&SecretString>) -> Result<(), Error> {
        let (office, domain) = (&self.world.0.post_office, self.domain);
        match change {
            MailChange::AddDomain { description, active, limits } => {
                if office.alias_domain_target(domain).is_some() {
                    let error = self.failed(ErrorKind::AlreadyExists, domain);
                    return Err(error.with_detail("it is another name of a domain"));
                }
                if !office.has_domain(domain) {
                    office.add_domain(domain.clone());
                    self.registry.add_domain(domain);
                }
                self.set_domain(description, *active, limits)
            }
            MailChange::SetDomain { description, active, limits } => {
                self.set_domain(description, *active, limits)
            }
            MailChange::RemoveDomain => {
                if !office.catch_all_of(domain).is_empty() {
                    let error = self.failed(ErrorKind::Rejected, domain);
                    return Err(error.with_detail("it has a catch-all; remove that first"));
                }
                self.did(office.remove_domain(domain), domain)?;
                self.registry.forget_domain(domain);
                Ok(())
            }
            MailChange::AddDkim { key } => {
                self.registry.domain(domain).key.get_or_insert_with(|| signing_key(key));
                Ok(())
            }
            MailChange::AddMailbox { mailbox } => self.add_mailbox(mailbox, secret),
            MailChange::SetMailbox { mailbox } => self.set_mailbox(mailbox),
            MailChange::SetPassword { address, .. } => {
                let password = self.password(address, secret)?;
                self.did(office.set_password(address, password), address)
            }
            MailChange::RemoveMailbox { address } => self.remove_mailbox(address),
            MailChange::SetAlias { alias } => {
                let aliases = office.aliases_of(domain);
                let is_new = !aliases.iter().any(|(known, _)| known.is_same_mailbox(&alias.address));
                let limit = self.registry.domain(domain).limits.aliases;
                if is_new && !office.has_mailbox(&alias.address) && aliases.len() >= limit as usize {
                    let error = self.failed(ErrorKind::Rejected, &alias.address);
                    return Err(error.with_detail(format!("the domain may have {limit} aliases")));
                }
                self.did(office.set_alias(&alias.address, alias.targets.clone()), &alias.address)
            }
            MailChange::RemoveAlias { address } => match office.remove_alias(address) {
                Err(PostOfficeError::UnknownAlias(_)) => Ok(()),
                removed => self.did(removed, address),
            },
            MailChange::SetForward { forward } => {
                let ForwardEntry { address, targets, keep_copy } = forward;
                self.did(office.set_forward(address, targets.clone(), *keep_copy), address)
            }
            MailChange::RemoveForward { address } => match office.set_forward(address, Vec::new(), true) {
                Err(PostOfficeError::UnknownMailbox(_)) => Ok(()),
                removed => self.did(removed, address),
            },
            MailChange::SetCatchAll { targets } => {
                self.did(office.set_catch_all(domain, targets.clone()), domain)
            }
            MailChange::AddAliasDomain { name } => {
                self.did(office.add_alias_domain(name.clone(), domain), name)
            }
            MailChange::RemoveAliasDomain { name } => {
                office.remove_alias_domain(name, domain);
                Ok(())
            }
            MailChange::SetRelay { mailbox, relay } => {
                let mut relay = relay.clone();
                if let Some(relay) = &mut relay {
                    relay.spf_include = None;
                }
                match mailbox {
                    None => self.registry.domain(domain).relay = relay,
                    Some(address) => {
                        self.known(address)?;
                        self.registry.mailbox_mut(address).relay = relay;
                    }
                }
                Ok(())
            }
            MailChange::SetSpamPolicy { policy } => {
                self.registry.domain(domain).spam = policy.canonical();
                Ok(())
            }
        }
    }

    fn set_domain(&mut self, description: &str, active: bool, limits: &DomainLimits) -> Result<(), Error> {
        let (office, domain) = (&self.world.0.post_office, self.domain);
        let mailboxes = office.mailboxes_of(domain);
        let assigned: u64 = mailboxes.iter().map(|mailbox| mailbox.quota_mib).sum();
        if mailboxes.len() > limits.mailboxes as usize || assigned > limits.total_quota_mib.into() {
            let error = self.failed(ErrorKind::Rejected, domain);
            return Err(error.with_detail("more than that is in use"));
        }
        self.did(office.set_domain_active(domain, active), domain)?;
        let hourly = limits.hourly_limit.map(|messages| (messages, HOUR));
        self.did(office.set_domain_rate_limit(domain, hourly), domain)?;
        let known = self.registry.domain(domain);
        description.clone_into(&mut known.description);
        known.active = active;
        known.limits = limits.clone();
        Ok(())
    }

    fn add_mailbox(&mut self, mailbox: &MailboxEntry, secret: Option<&SecretString>) -> Result<(), Error> {
        let (office, address) = (&self.world.0.post_office, &mailbox.address);
        let password = self.password(address, secret)?;
        if office.has_mailbox(address) {
            self.own(address)?;
            self.did(office.set_password(address, password), address)?;
        } else {
            self.room(mailbox)?;
            self.did(office.add_mailbox(address, password, 0), address)?;
            self.registry.forget_mailbox(address);
            self.registry.mailbox_mut(address).by_plan = true;
        }
        self.set_mailbox(mailbox)
    }

    fn set_mailbox(&mut self, mailbox: &MailboxEntry) -> Result<(), Error> {
        let (office, address) = (&self.world.0.post_office, &mailbox.address);
        self.known(address)?;
        let quota_mib = self.room(mailbox)?;
        self.did(office.set_quota(address, quota_mib.into()), address)?;
        self.did(office.set_active(address, mailbox.active), address)?;
        let hourly = mailbox.hourly_limit.map(|messages| (messages, HOUR));
        self.did(office.set_rate_limit(address, hourly), address)?;
        let known = self.registry.mailbox_mut(address);
        known.name.clone_from(&mailbox.name);
        known.hourly_limit = mailbox.hourly_limit;
        if mailbox.relay.is_none() {
            known.relay = None;
        }
        Ok(())
    }

    fn remove_mailbox(&mut self, address: &Address) -> Result<(), Error> {
        let office = &self.world.0.post_office;
        if !office.has_mailbox(address) {
            return Ok(());
        }
        self.own(address)?;
        self.did(office.remove_mailbox(address), address)?;
        self.registry.forget_mailbox(address);
        // As at Mailcow, nothing leads to it any more.
        let is_other = |target: &Address| !target.is_same_mailbox(address);
        for (alias, targets) in office.aliases_of(self.domain) {
            let left: Vec<_> = targets.iter().filter(|target| is_other(target)).cloned().collect();
            if left.is_empty() {
                self.did(office.remove_alias(&alias), &alias)?;
            } else if left.len() < targets.len() {
                self.did(office.set_alias(&alias, left), &alias)?;
            }
        }
        let catch_all = office.catch_all_of(self.domain).into_iter().filter(is_other).collect();
        self.did(office.set_catch_all(self.domain, catch_all), self.domain)
    }

    /// Returns the quota of a mailbox, which there is or that is to be made, if the domain's limits allow it.
    fn room(&mut self, mailbox: &MailboxEntry) -> Result<u32, Error> {
        let DomainLimits { mailboxes, default_quota_mib, max_quota_mib, total_quota_mib, .. } =
            self.registry.domain(self.domain).limits.clone();
        let quota_mib = mailbox.quota_mib.unwrap_or(default_quota_mib);
        let mut others = self.world.0.post_office.mailboxes_of(self.domain);
        others.retain(|other| !other.address.is_same_mailbox(&mailbox.address));
        let assigned: u64 = others.iter().map(|other| other.quota_mib).sum();
        let problem = if others.len() >= mailboxes as usize {
            format!("the domain may have {mailboxes} mailboxes")
        } else if quota_mib > max_quota_mib {
            format!("a mailbox of the domain may hold {max_quota_mib} MiB")
        } else if assigned + u64::from(quota_mib) > total_quota_mib.into() {
            format!("the mailboxes of the domain may hold {total_quota_mib} MiB together")
        } else {
            return Ok(quota_mib);
        };
        Err(self.failed(ErrorKind::Rejected, &mailbox.address).with_detail(problem))
    }

    fn password(&self, address: &Address, secret: Option<&SecretString>) -> Result<SecretString, Error> {
        let password = secret.cloned().unwrap_or_default();
        if password.expose_secret().len() < PASSWORD_LENGTH {
            let error = self.failed(ErrorKind::Rejected, address).with_code("password_complexity");
            return Err(error.with_detail(format!("a password has {PASSWORD_LENGTH} characters at least")));
        }
        Ok(password)
    }

    fn known(&self, address: &Address) -> Result<(), Error> {
        if self.world.0.post_office.has_mailbox(address) {
            return Ok(());
        }
        Err(self.failed(ErrorKind::NotFound, address))
    }

    fn own(&self, address: &Address) -> Result<(), Error> {
        if self.registry.mailbox(address).is_some_and(|known| known.by_plan) {
            return Ok(());
        }
        let error = self.failed(ErrorKind::AlreadyExists, address);
        Err(error.with_detail("the mailbox is there, and no plan made it"))
    }

    fn did<T>(&self, done: Result<T, PostOfficeError>, subject: impl Display) -> Result<T, Error> {
        done.map_err(|error| lift(error, self.operation, subject))
    }

    fn failed(&self, kind: ErrorKind, subject: impl Display) -> Error {
        Error::new(kind, self.operation, subject)
    }
}

/// That of a new Mailcow.
const PASSWORD_LENGTH: usize = 6;
