//! A second app password beside the first.

use async_trait::async_trait;
use mail_access::Address;
use mailcow_api::{AppPassword, AppPasswordChange, How, NewAppPassword, ProblemKind, Protocol};
use secrecy::SecretString;

use super::provisioner::APP_NAME;
use super::{Mailcow, lift_ours, mailbox_address};
use crate::backend::{Claim, LoginRotation};
use crate::{Error, ErrorKind};

/// The app password that a mailbox is made with is named `agent-mail`, those of later rotations `agent-mail-<label>`.
#[async_trait]
impl LoginRotation for Mailcow {
    async fn add_login(
        &self,
        address: &Address,
        claim: &Claim,
        label: &str,
        password: &SecretString,
    ) -> Result<(), Error> {
        let lift = |error| lift_ours(error, ADD, address);
        self.check(ADD, address, claim).await?;
        let mailbox = mailbox_address(address)?;
        let protocols = [Protocol::Imap, Protocol::Smtp];
        let wanted = NewAppPassword::new(mailbox.clone(), &name(label), password.clone(), protocols);
        let ensured = self.client.ensure_app_password(&wanted).await.map_err(lift)?;
        if ensured.how != How::Created {
            // It may have another password, and the server doesn't tell.
            let change = AppPasswordChange::new()
                .with_password(password.clone())
                .with_protocols(protocols)
                .with_active(true);
            self.client.edit_app_password(&mailbox, ensured.value.id, &change).await.map_err(lift)?;
        }
        Ok(())
    }

    async fn keep_only_login(&self, address: &Address, claim: &Claim, label: &str) -> Result<(), Error> {
        let lift = |error| lift_ours(error, KEEP, address);
        self.check(KEEP, address, claim).await?;
        let mut all = self.client.app_passwords(&mailbox_address(address)?).await.map_err(lift)?;
        all.sort_by_key(|app| app.id);
        let kept = all.iter().find(|app| app.name == name(label) && app.active).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, KEEP, address)
                .with_detail("there is no app password of this label")
        })?;
        for other in all.iter().filter(|app| is_ours(app) && app.id != kept.id) {
            match self.client.delete_app_password(other.id).await {
                // An earlier call, whose answer was lost, has done it.
                Err(error)
                    if error.problem().is_some_and(|problem| problem.kind() == ProblemKind::NotFound) => {}
                deleted => deleted.map_err(lift)?,
            }
        }
        Ok(())
    }
}

impl Mailcow {
    async fn check(&self, operation: &'static str, address: &Address, claim: &Claim) -> Result<(), Error> {
        let ours = self.ours(operation, address, claim).await?;
        ours.map(drop).ok_or_else(|| Error::new(ErrorKind::NotFound, operation, address))
    }
}

fn is_ours(app: &AppPassword) -> bool {
    app.name == APP_NAME || app.name.strip_prefix(APP_NAME).is_some_and(|rest| rest.starts_with('-'))
}

fn name(label: &str) -> String {
    format!("{APP_NAME}-{label}")
}

const ADD: &str = "add login";
const KEEP: &str = "keep one login";
