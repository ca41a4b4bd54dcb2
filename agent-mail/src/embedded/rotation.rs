use async_trait::async_trait;
use mail_access::{Address, PostOfficeError};
use secrecy::SecretString;

use super::provisioner::{lift, taken};
use super::{Embedded, lock};
use crate::backend::{Claim, LoginRotation};
use crate::{Error, ErrorKind, password};

#[async_trait]
impl LoginRotation for Embedded {
    async fn add_login(
        &self,
        address: &Address,
        claim: &Claim,
        label: &str,
        password: &SecretString,
    ) -> Result<(), Error> {
        self.check(ADD, address, claim)?;
        let added = self.0.post_office.set_app_password(address, &name(label), password.clone());
        added.map_err(|error| lift(error, ADD, address))
    }

    async fn keep_only_login(&self, address: &Address, claim: &Claim, label: &str) -> Result<(), Error> {
        self.check(KEEP, address, claim)?;
        let (office, kept) = (&self.0.post_office, name(label));
        let lift = |error: PostOfficeError| lift(error, KEEP, address);
        let all = office.app_passwords(address).map_err(lift)?;
        if !all.contains(&kept) {
            return Err(Error::new(ErrorKind::NotFound, KEEP, address)
                .with_detail("there is no password of this label"));
        }
        // The first password is the mailbox's own; from now on nobody knows it.
        office.set_password(address, password::generate()).map_err(lift)?;
        for other in all.iter().filter(|other| other.starts_with(PREFIX) && **other != kept) {
            office.remove_app_password(address, other).map_err(lift)?;
        }
        Ok(())
    }
}

impl Embedded {
    fn check(&self, operation: &'static str, address: &Address, claim: &Claim) -> Result<(), Error> {
        if !self.0.post_office.has_mailbox(address) {
            return Err(Error::new(ErrorKind::NotFound, operation, address));
        }
        let registry = lock(&self.0.registry);
        let is_ours = registry.mailbox(address).and_then(|known| known.claim.as_ref()) == Some(claim);
        if is_ours { Ok(()) } else { Err(taken(operation, address)) }
    }
}

fn name(label: &str) -> String {
    format!("{PREFIX}{label}")
}

const ADD: &str = "add login";
const KEEP: &str = "keep one login";
const PREFIX: &str = "agent-mail-";
