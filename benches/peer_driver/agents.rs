//! The facade over the mailboxes that the servers have: an agent for each address.

use std::sync::Arc;

use agent_mail::backend::{Claim, DkimKey, MailboxSpec, Provisioner, SecretStore};
use agent_mail::{Address, AgentMail, AgentMailbox, DomainName, Error, ErrorKind};
use async_trait::async_trait;
use mail_access::{EnvelopeRule, FolderName, Hub, HubPosition, MailAccess, MessageStore, Position, SmtpImap};
use secrecy::SecretString;

use super::{Done, Options, servers};

/// Tells whether a task is to be done by the facade (`layer=agent`) or by mail-access alone.
pub(super) fn are_asked_for(options: &Options) -> Done<bool> {
    match options.text("layer", "access") {
        "agent" => Ok(true),
        "access" => Ok(false),
        unknown => Err(format!("layer={unknown} is neither `access` nor `agent`").into()),
    }
}

/// Makes a system of agents over a way to the mail; `prefix` stands before their names in the addresses.
pub(super) fn system(options: &Options, access: Arc<dyn MailAccess>, prefix: &str) -> Done<AgentMail> {
    let password = options.text("pass", "agentpw").to_owned();
    Ok(AgentMail::builder("example.test".parse()?)
        .prefix(prefix)
        .provisioner(Arc::new(Standing))
        .mail_access(access)
        .secrets(Arc::new(OnePassword(password.into())))
        .build()?)
}

/// Returns the mailbox of one agent.
pub(super) async fn mailbox(system: &AgentMail, name: &str) -> Done<AgentMailbox> {
    Ok(system.provision(&name.parse()?).await?)
}

/// Has the agents share the mailbox of a login, behind what is there.
pub(super) async fn hub(options: &Options, mail: Arc<SmtpImap>, user: &str) -> Done<Arc<dyn MailAccess>> {
    let login = servers::login(options, user)?;
    let status = mail.status(&login, &FolderName::inbox()).await?;
    let end = Position { uid_validity: status.uid_validity, uid: status.uid_next.saturating_sub(1) };
    let hub = Hub::builder(mail, login, EnvelopeRule::mailcow()).with_position(HubPosition::behind(end));
    let access = hub.start_access();
    for number in 0..options.number("addresses", SENDERS)? {
        access.add(&format!("agent_{number}@example.test").parse()?);
    }
    Ok(Arc::new(access))
}

/// Mailboxes that are there and stay.
#[derive(Debug)]
struct Standing;

#[async_trait]
impl Provisioner for Standing {
    async fn ensure_domain(&self, _: &DomainName) -> Result<(), Error> {
        Ok(())
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        Err(Error::new(ErrorKind::NotFound, "read key", domain))
    }

    async fn ensure_mailbox(&self, _: &MailboxSpec) -> Result<(), Error> {
        Ok(())
    }

    async fn remove_mailbox(&self, _: &Address, _: &Claim) -> Result<(), Error> {
        Ok(())
    }
}

/// All mailboxes have the same password.
#[derive(Debug)]
struct OnePassword(SecretString);

#[async_trait]
impl SecretStore for OnePassword {
    async fn get(&self, _: &Address) -> Result<Option<SecretString>, Error> {
        Ok(Some(self.0.clone()))
    }

    async fn put(&self, address: &Address, _: &SecretString) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "store secret", address))
    }

    async fn remove(&self, _: &Address) -> Result<(), Error> {
        Ok(())
    }
}

/// As many agents take turns in sending.
pub(super) const SENDERS: usize = 997;
