use async_trait::async_trait;
use mail_access::{Address, DomainName, PostOfficeError};

use super::{Embedded, lock};
use crate::backend::{Claim, DkimKey, MailboxSpec, Provisioner};
use crate::{Error, ErrorKind};

#[async_trait]
impl Provisioner for Embedded {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        if !self.0.post_office.has_domain(domain) {
            self.0.post_office.add_domain(domain.clone());
        }
        Ok(())
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        if !self.0.post_office.has_domain(domain) {
            return Err(Error::new(ErrorKind::NotFound, "read key", domain));
        }
        Ok(DkimKey { selector: "dkim".to_owned(), record: SIGNING_KEY.to_owned() })
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        let (office, address) = (&self.0.post_office, &spec.address);
        let mut claims = lock(&self.0.claims);
        if office.has_mailbox(address) {
            if claims.get(address) != Some(&spec.claim) {
                return Err(taken("ensure mailbox", address));
            }
            let set = office.set_password(address, spec.password.clone());
            return set.map_err(|error| lift(error, "ensure mailbox", address));
        }
        office
            .add_mailbox(address, spec.password.clone(), spec.quota_mib.into())
            .map_err(|error| lift(error, "ensure mailbox", address))?;
        claims.insert(address.clone(), spec.claim.clone());
        Ok(())
    }

    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        let mut claims = lock(&self.0.claims);
        if !self.0.post_office.has_mailbox(address) {
            return Ok(());
        }
        if claims.get(address) != Some(claim) {
            return Err(taken("remove mailbox", address));
        }
        self.0.post_office.remove_mailbox(address).map_err(|error| lift(error, "remove mailbox", address))?;
        claims.remove(address);
        Ok(())
    }
}

pub(super) fn taken(operation: &'static str, address: &Address) -> Error {
    Error::new(ErrorKind::AlreadyExists, operation, address)
        .with_detail("the mailbox is there and is not this system's")
}

pub(super) fn lift(error: PostOfficeError, operation: &'static str, subject: &Address) -> Error {
    let kind = match &error {
        PostOfficeError::AddressExists(_) => ErrorKind::AlreadyExists,
        PostOfficeError::UnknownDomain(_) | PostOfficeError::UnknownMailbox(_) => ErrorKind::NotFound,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, operation, subject).with_source(error)
}

/// The public half of an RSA key of 2048 bits. Nothing in memory is signed, so nobody has the other half.
const SIGNING_KEY: &str = "v=DKIM1;k=rsa;t=s;s=email;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjWl8H3dn3iaB8+fX+gBUCxQzm9\
    DMG6jdZgBeuUk2FP5vSS9Ri6hYB0gOMyHlB7lQ1kerztT7IjLHgHI/4Z7nGCO9C+Shig9PsRbRSgGAcjMy2EjAsRTuyyvhKBWkm0mR+x+kTHlbKkla\
    q+AI/dRb9Onaq0IBncT1aZwR4FBwMGd90ml/SyvnhsHGIAkdRZuQJMtFS5Lngs271hQ5cRM2BzScnNP13WKJfm0LoyN0pvGECEEGHXX3SWfmlNG/zg\
    JL7YLCWp0BRoSkCahQtq+OHNOsTfSHkJCqT+P3r71AQ3Q+ZF0It/B7SJc8VBB4eFdVXnLhgJdx0A12QmoQfikltQIDAQAB";
