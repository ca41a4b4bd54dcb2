use std::fmt::Display;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use mailcow_api::{Client, Domain, Error as MailcowError, Mailbox};
use secrecy::SecretString;

use super::{Mailcow, domain_name, lift, mailbox_address, survey};
use crate::backend::{MailAdmin, MailChange, PasswordRules, ServedDomain};
use crate::{Error, ErrorKind};

#[async_trait]
impl MailAdmin for Mailcow {
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error> {
        let name = domain_name(domain)?;
        survey::survey(&self.client, &name).await.map_err(|error| lift(error, "survey domain", domain))
    }

    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        // Without one where one is needed the check fails.
        let secret = change.check(domain, secret)?.cloned().unwrap_or_default();
        let name = domain_name(domain)?;
        let subject = change.address().map_or_else(|| domain.to_string(), Address::to_string);
        let (mailcow, client) = (self, &self.client);
        let step = Step { mailcow, client, name, operation: change.operation(), subject };
        match change {
            MailChange::AddDomain { description, active, limits } => {
                step.set_domain(description, *active, limits).await
            }
            MailChange::SetDomain { description, active, limits } => {
                step.served().await?;
                step.set_domain(description, *active, limits).await
            }
            MailChange::RemoveDomain => step.remove_domain().await,
            MailChange::AddDkim { key } => step.add_dkim(key).await,
            MailChange::AddMailbox { mailbox } => step.add_mailbox(mailbox, secret).await,
            MailChange::SetMailbox { mailbox } => step.set_mailbox(mailbox).await,
            MailChange::SetPassword { address, must_change } => {
                step.set_password(address, secret, *must_change).await
            }
            MailChange::RemoveMailbox { address } => step.remove_mailbox(address).await,
            MailChange::SetAlias { alias } => step.set_alias(alias).await,
            MailChange::RemoveAlias { address } => step.remove_alias(address).await,
            MailChange::SetForward { forward } => step.set_forward(forward).await,
            MailChange::RemoveForward { address } => step.remove_forward(address).await,
            MailChange::SetCatchAll { targets } => step.set_catch_all(targets).await,
            MailChange::AddAliasDomain { name } => step.add_alias_domain(name).await,
            MailChange::RemoveAliasDomain { name } => step.remove_alias_domain(name).await,
            MailChange::SetRelay { mailbox, relay } => {
                step.set_relay(mailbox.as_ref(), relay.as_ref(), secret).await
            }
            MailChange::SetSpamPolicy { policy } => step.set_spam_policy(policy).await,
        }
    }

    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        let policy = self.client.password_policy().await;
        let policy = policy.map_err(|error| lift(error, "read password rules", "the server"))?;
        let mut rules = PasswordRules::of_length(usize::try_from(policy.length).unwrap_or(0));
        (rules.letters, rules.special) = (policy.letter, policy.special);
        (rules.both_cases, rules.digits) = (policy.both_cases, policy.digit);
        Ok(rules)
    }
}

/// One change under way.
pub(super) struct Step<'a> {
    pub(super) mailcow: &'a Mailcow,
    pub(super) client: &'a Client,
    pub(super) name: mailcow_api::DomainName,
    operation: &'static str,
    subject: String,
}

impl Step<'_> {
    /// Returns the domain, which there has to be.
    pub(super) async fn served(&self) -> Result<Domain, Error> {
        let found = self.did(self.client.get_domain(&self.name).await)?;
        found.ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, self.operation, &self.subject);
            error
                .with_detail(format!("the mail system does not serve {}", self.name))
                .with_fix("add the domain first")
        })
    }

    /// Returns the mailbox, which there has to be.
    pub(super) async fn mailbox(&self, address: &Address) -> Result<Mailbox, Error> {
        let found = self.did(self.client.get_mailbox(&mailbox_address(address)?).await)?;
        found.ok_or_else(|| self.failed(ErrorKind::NotFound, "there is no such mailbox"))
    }

    pub(super) fn did<T>(&self, done: Result<T, MailcowError>) -> Result<T, Error> {
        done.map_err(|error| lift(error, self.operation, &self.subject))
    }

    pub(super) fn failed(&self, kind: ErrorKind, detail: impl Display) -> Error {
        Error::new(kind, self.operation, &self.subject).with_detail(detail.to_string())
    }

    /// Judges a call that may have been done although it failed, by a look at what is there now.
    pub(super) async fn settled(
        &self,
        done: Result<(), MailcowError>,
        is_so: impl Future<Output = Result<bool, MailcowError>>,
    ) -> Result<(), Error> {
        match done {
            Err(error) if error.outcome_unknown() || error.problem().is_some() => match is_so.await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => self.did(Err(error)),
            },
            done => self.did(done),
        }
    }
}
