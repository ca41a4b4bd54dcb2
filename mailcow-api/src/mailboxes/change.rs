//! What is asked for when a mailbox is changed.

use secrecy::SecretString;
use serde::Serialize;

use super::{
    EDIT, MailboxStatus,
    new::{checked, sorted},
};
use crate::{
    AliasAddress, Error, MailboxAddress, Mib, Protocol, RelayhostId, flag::Flag, input,
    relayhosts::RelayhostRef, tags,
};

/// What to change on a mailbox; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct MailboxChange {
    pub(super) password: Option<SecretString>,
    pub(super) quota: Option<Mib>,
    pub(super) name: Option<String>,
    pub(super) status: Option<MailboxStatus>,
    pub(super) protocols: Option<Vec<Protocol>>,
    pub(super) options: Options,
    pub(super) added_tags: Vec<String>,
}

impl MailboxChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a new password.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets a new quota.
    pub fn with_quota(mut self, quota: Mib) -> Self {
        self.quota = Some(quota);
        self
    }

    /// Sets a new display name.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets a new status.
    pub fn with_status(mut self, status: MailboxStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the protocols that the password of the mailbox is good for.
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = Some(sorted(protocols));
        self
    }

    /// Sets whether the next login at the web page has to choose another password.
    pub fn with_forced_password_change(mut self, forced: bool) -> Self {
        self.options.force_pw_update = Some(Flag(forced));
        self
    }

    /// Sets whether a login at the web page needs a second factor.
    pub fn with_forced_tfa(mut self, forced: bool) -> Self {
        self.options.force_tfa = Some(Flag(forced));
        self
    }

    /// Sets whether the web mail may be used.
    pub fn with_webmail(mut self, allowed: bool) -> Self {
        self.options.sogo_access = Some(Flag(allowed));
        self
    }

    /// Sets the relay host that its mail leaves through, or none. Mailcow does not look whether it exists.
    pub fn with_relayhost(mut self, relayhost: Option<RelayhostId>) -> Self {
        self.options.relayhost = Some(relayhost.into());
        self
    }

    /// Sets what of this server it may send as, addresses and whole `@domains`, beside its own addresses and in place
    /// of what was set before. None resets it.
    pub fn with_senders(mut self, senders: impl IntoIterator<Item = AliasAddress>) -> Self {
        let mut senders: Vec<_> = senders.into_iter().map(|sender| sender.as_str().to_owned()).collect();
        if senders.is_empty() {
            senders.push("default".to_owned());
        }
        self.options.sender_acl = Some(senders);
        self
    }

    /// Lets it send as anybody.
    pub fn with_any_sender(mut self) -> Self {
        self.options.sender_acl = Some(vec!["*".to_owned()]);
        self
    }

    /// Sets which addresses and `@domains` of other servers it may send as, in place of those set before.
    pub fn with_external_senders(mut self, senders: impl IntoIterator<Item = AliasAddress>) -> Self {
        let senders: Vec<_> = senders.into_iter().map(|sender| sender.to_string()).collect();
        self.options.extended_sender_acl = Some(senders.join(","));
        self
    }

    /// Sets who checks its password: `mailcow`, or the identity provider as `generic-oidc`.
    pub fn with_authsource(mut self, authsource: &str) -> Self {
        self.options.authsource = Some(authsource.to_owned());
        self
    }

    /// Sets the address that a forgotten password is replaced by.
    pub fn with_recovery_email(mut self, address: MailboxAddress) -> Self {
        self.options.pw_recovery_email = Some(address);
        self
    }

    /// Adds tags to those that are there.
    pub fn with_added_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.added_tags = tags.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn attr(&self) -> Result<EditAttr<'_>, Error> {
        let operation = EDIT.route;
        tags::check(operation, &self.added_tags)?;
        input::optional_line(operation, "name", self.name.as_deref().unwrap_or_default())?;
        if let Some(authsource) = &self.options.authsource {
            input::word(operation, "authsource", authsource)?;
        }
        let password = self.password.as_ref().map(|password| checked(operation, password)).transpose()?;
        let attr = EditAttr {
            password,
            password2: password,
            quota: self.quota,
            name: self.name.as_deref(),
            active: self.status.map(MailboxStatus::number),
            protocol_access: self.protocols.as_ref().map(|list| list.iter().map(|p| p.bare()).collect()),
            options: self.options.clone(),
            tags: &self.added_tags,
        };
        input::change(operation, &attr)?;
        Ok(attr)
    }
}

#[derive(Default, PartialEq, Serialize)]
pub(crate) struct EditAttr<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_access: Option<Vec<&'static str>>,
    #[serde(flatten)]
    options: Options,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    force_pw_update: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_tfa: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sogo_access: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relayhost: Option<RelayhostRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_acl: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_sender_acl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authsource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pw_recovery_email: Option<MailboxAddress>,
}
