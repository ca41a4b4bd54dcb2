use async_trait::async_trait;
use mail_access::{Address, DomainName, PostOfficeError};

use super::registry::signing_key;
use super::{Embedded, HOUR, lock};
use crate::backend::{Claim, DkimKey, MailboxSpec, Provisioner};
use crate::spec::DkimOptions;
use crate::{Error, ErrorKind};

#[async_trait]
impl Provisioner for Embedded {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        let mut registry = lock(&self.0.registry);
        if !self.0.post_office.has_domain(domain) {
            self.0.post_office.add_domain(domain.clone());
            registry.forget_domain(domain);
        }
        registry.domain(domain).key.get_or_insert_with(|| signing_key(&DkimOptions::default()));
        Ok(())
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        let key = || lock(&self.0.registry).domain(domain).key.clone();
        let key = if self.0.post_office.has_domain(domain) { key() } else { None };
        key.ok_or_else(|| Error::new(ErrorKind::NotFound, "read key", domain))
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        let (office, address) = (&self.0.post_office, &spec.address);
        let lift = |error| lift(error, "ensure mailbox", address);
        let mut registry = lock(&self.0.registry);
        if office.has_mailbox(address) {
            let known = registry.mailbox(address);
            if known.and_then(|known| known.claim.as_ref()) != Some(&spec.claim) {
                return Err(taken("ensure mailbox", address));
            }
            office.set_password(address, spec.password.clone()).map_err(lift)?;
            if spec.hourly_limit.is_some() {
                let limit = spec.hourly_limit.map(|messages| (messages, HOUR));
                office.set_rate_limit(address, limit).map_err(lift)?;
                registry.mailbox_mut(address).hourly_limit = spec.hourly_limit;
            }
            return Ok(());
        }
        office.add_mailbox(address, spec.password.clone(), spec.quota_mib.into()).map_err(lift)?;
        let limit = spec.hourly_limit.map(|messages| (messages, HOUR));
        office.set_rate_limit(address, limit).map_err(lift)?;
        registry.forget_mailbox(address);
        let known = registry.mailbox_mut(address);
        known.claim = Some(spec.claim.clone());
        known.name.clone_from(&spec.display_name);
        known.hourly_limit = spec.hourly_limit;
        Ok(())
    }

    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        let mut registry = lock(&self.0.registry);
        if !self.0.post_office.has_mailbox(address) {
            return Ok(());
        }
        if registry.mailbox(address).and_then(|known| known.claim.as_ref()) != Some(claim) {
            return Err(taken("remove mailbox", address));
        }
        self.0.post_office.remove_mailbox(address).map_err(|error| lift(error, "remove mailbox", address))?;
        registry.forget_mailbox(address);
        Ok(())
    }
}

pub(super) fn taken(operation: &'static str, address: &Address) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation, address)
        .with_detail("the mailbox is there and is not this system's")
}

pub(super) fn lift(
    error: PostOfficeError,
    operation: &'static str,
    subject: impl std::fmt::Display,
) -> Error {
    let kind = match &error {
        PostOfficeError::AddressExists(_)
        | PostOfficeError::CatchAllExists(_)
        | PostOfficeError::DomainExists(_) => ErrorKind::AlreadyExists,
        PostOfficeError::UnknownDomain(_)
        | PostOfficeError::UnknownMailbox(_)
        | PostOfficeError::UnknownAlias(_) => ErrorKind::NotFound,
        PostOfficeError::DomainNotEmpty(_) => ErrorKind::Rejected,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, operation, subject).with_source(error)
}
