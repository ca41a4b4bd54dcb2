//! Mailboxes on a Mailcow server (feature `mailcow`).

mod rotation;

use std::fmt::Display;
use std::num::NonZeroU32;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use mailcow_api::{
    AppPasswordChange, Client, DkimKeySpec, Error as MailcowError, How, Mailbox, MailboxAddress, Mib,
    NewAppPassword, NewDomain, NewMailbox, ProblemKind, Protocol, RateFrame, RateLimit,
};

use crate::backend::{Claim, DkimKey, MailboxSpec, Provisioner};
use crate::{Error, ErrorKind, password};

/// A [`Provisioner`] over the Mailcow API.
///
/// - A mailbox is ours if it carries the tag `agent-mail-<claim>`.
/// - The agent logs in with an app password that is good for IMAP and SMTP only; the mailbox's own password is random
///   and known to nobody, so that the agent's secret opens no web interface.
/// - A domain that is not there is made with room for 100 000 mailboxes of at most 10 GiB each. To have other limits,
///   make it beforehand: a domain that is there is left as it is.
///
/// A new mailbox costs four reads and two writes; on Mailcow a write's cost grows with the mailboxes of the domain.
#[derive(Clone, Debug)]
pub struct Mailcow {
    client: Client,
}

impl Mailcow {
    /// Wraps a client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

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
        let limit =
            spec.hourly_limit.and_then(NonZeroU32::new).map(|value| RateLimit::new(value, RateFrame::Hour));
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

fn mailbox_address(address: &Address) -> Result<MailboxAddress, Error> {
    address.to_string().parse().map_err(|error| lift(error, "name mailbox", address))
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

/// The mailbox is known to be ours: whatever else exists already doesn't make it somebody else's.
fn lift_ours(error: MailcowError, operation: &'static str, subject: &Address) -> Error {
    let kind = match kind(&error) {
        ErrorKind::AlreadyExists => ErrorKind::Rejected,
        other => other,
    };
    lift_as(kind, error, operation, subject)
}

fn lift(error: MailcowError, operation: &'static str, subject: impl Display) -> Error {
    lift_as(kind(&error), error, operation, subject)
}

fn lift_as(kind: ErrorKind, error: MailcowError, operation: &'static str, subject: impl Display) -> Error {
    // Each call looks at what is there before it writes.
    let lifted = Error::new(kind, operation, subject).with_repeatable();
    let lifted = match error.problem() {
        Some(problem) => lifted.with_code(problem.code()).with_fix(problem.fix()),
        None => lifted,
    };
    lifted.with_source(error)
}

fn kind(error: &MailcowError) -> ErrorKind {
    match error {
        MailcowError::InvalidInput { .. } => ErrorKind::InvalidInput,
        MailcowError::Refused { problem, .. } => match problem.kind() {
            ProblemKind::AlreadyExists => ErrorKind::AlreadyExists,
            ProblemKind::NotFound | ProblemKind::AccessDenied => ErrorKind::NotFound,
            _ => ErrorKind::Rejected,
        },
        MailcowError::Partial { .. } | MailcowError::Unknown { .. } => ErrorKind::Interrupted,
        MailcowError::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        MailcowError::Unauthenticated { .. } => ErrorKind::Unauthenticated,
        MailcowError::Unavailable { .. } => ErrorKind::Unavailable,
        MailcowError::Unsupported { .. } => ErrorKind::Unsupported,
        _ => ErrorKind::Unexpected,
    }
}

const APP_NAME: &str = "agent-mail";
const MAX_MAILBOXES: u32 = 100_000;
const MAX_ALIASES: u32 = 400;
const MAILBOX_MIB: u32 = 256;
const MAX_MAILBOX_MIB: u32 = 10_240;
const DOMAIN_MIB: u32 = MAX_MAILBOXES * MAILBOX_MIB;
