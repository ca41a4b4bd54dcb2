//! What is asked for when a mailbox is created.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{
    Mailbox, MailboxSettings, MailboxStatus, MailboxTemplateId, QuarantineCategory, QuarantineNotification,
    TaggedMail, UserPermission,
};
use crate::{Bytes, Error, MailboxAddress, Mib, Protocol, RateLimit, RelayhostId, flag::Flag, input, tags};

/// A mailbox to be created.
#[derive(Clone, Debug)]
pub struct NewMailbox {
    pub(super) address: MailboxAddress,
    pub(super) password: SecretString,
    pub(super) quota: Mib,
    pub(super) name: String,
    pub(super) status: MailboxStatus,
    pub(super) protocols: Option<Vec<Protocol>>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) options: Options,
    pub(super) permissions: Option<Vec<UserPermission>>,
    pub(super) template: Option<MailboxTemplateId>,
    pub(super) tags: Vec<String>,
}

impl NewMailbox {
    /// Builds an active mailbox that may use each protocol its server allows by default.
    ///
    /// The quota is required because Mailcow takes a missing one for *unlimited*.
    pub fn new(address: MailboxAddress, password: SecretString, quota: Mib) -> Self {
        Self {
            address,
            password,
            quota,
            name: String::new(),
            status: MailboxStatus::Active,
            protocols: None,
            rate_limit: None,
            // Nobody sits at a web page to choose another one.
            options: Options { force_pw_update: Some(Flag(false)), ..Options::default() },
            permissions: None,
            template: None,
            tags: Vec::new(),
        }
    }

    /// Returns the address.
    pub fn address(&self) -> &MailboxAddress {
        &self.address
    }

    pub(super) fn quota(&self) -> Mib {
        self.quota
    }

    /// Sets the display name, empty by default.
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets the status.
    pub fn with_status(mut self, status: MailboxStatus) -> Self {
        self.status = status;
        self
    }

    /// Sets the protocols that the password of the mailbox is good for.
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = Some(sorted(protocols));
        self
    }

    /// Sets a sending limit.
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Sets whether the first login at the web page has to choose another password, false by default.
    pub fn with_forced_password_change(mut self, forced: bool) -> Self {
        self.options.force_pw_update = Some(Flag(forced));
        self
    }

    /// Sets whether a login at the web page needs a second factor.
    pub fn with_forced_tfa(mut self, forced: bool) -> Self {
        self.options.force_tfa = Some(Flag(forced));
        self
    }

    /// Sets whether mail in and out has to come and go encrypted.
    pub fn with_tls(mut self, incoming: bool, outgoing: bool) -> Self {
        (self.options.tls_enforce_in, self.options.tls_enforce_out) =
            (Some(Flag(incoming)), Some(Flag(outgoing)));
        self
    }

    /// Sets whether the web mail may be used.
    pub fn with_webmail(mut self, allowed: bool) -> Self {
        self.options.sogo_access = Some(Flag(allowed));
        self
    }

    /// Sets the relay host that its mail leaves through.
    pub fn with_relayhost(mut self, relayhost: RelayhostId) -> Self {
        self.options.relayhost = Some(relayhost);
        self
    }

    /// Sets how often it is told what is in quarantine, and what of it.
    pub fn with_quarantine(
        mut self,
        notification: QuarantineNotification,
        category: QuarantineCategory,
    ) -> Self {
        (self.options.quarantine_notification, self.options.quarantine_category) =
            (Some(notification), Some(category));
        self
    }

    /// Sets what happens to mail to `local+tag@domain`.
    pub fn with_tagged_mail(mut self, handling: TaggedMail) -> Self {
        self.options.tagged_mail_handler = Some(handling);
        self
    }

    /// Sets what its user may change at the web page.
    pub fn with_permissions(mut self, permissions: impl IntoIterator<Item = UserPermission>) -> Self {
        self.permissions = Some(permissions.into_iter().collect());
        self
    }

    /// Takes what is not set from this template instead of *Default*.
    pub fn with_template(mut self, template: MailboxTemplateId) -> Self {
        self.template = Some(template);
        self
    }

    /// Sets the tags, at most 25. A tag can say who owns the mailbox.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    pub(super) fn body(&self, operation: &'static str) -> Result<AddBody<'_>, Error> {
        tags::check(operation, &self.tags)?;
        input::optional_line(operation, "name", &self.name)?;
        let password = checked(operation, &self.password)?;
        Ok(AddBody {
            local_part: self.address.local_part(),
            domain: self.address.domain().as_str(),
            name: &self.name,
            authsource: "mailcow",
            password,
            password2: password,
            quota: self.quota,
            active: self.status.number(),
            protocol_access: self.protocols.as_ref().map(|list| list.iter().map(|p| p.bare()).collect()),
            rl_value: self.rate_limit.as_ref().map(|limit| limit.value.get()),
            rl_frame: self.rate_limit.as_ref().map(|limit| limit.frame.as_str()),
            options: &self.options,
            acl: self.permissions.as_deref(),
            template: self.template,
            tags: &self.tags,
        })
    }

    pub(super) fn differs(&self, found: &Mailbox) -> Vec<&'static str> {
        let protocols = || self.protocols.as_ref().is_some_and(|wanted| *wanted != found.protocols);
        let fields = [
            ("name", self.name != found.name),
            ("quota", Bytes::from(self.quota) != found.quota),
            ("active", self.status != found.status),
            ("protocol_access", protocols()),
            ("rl_value", self.rate_limit.is_some() && self.rate_limit != found.rate_limit),
            ("tags", !tags::missing(&self.tags, &found.tags).is_empty()),
        ];
        let fields = fields.into_iter().chain(self.options.differs(&found.settings));
        fields.filter_map(|(field, differs)| differs.then_some(field)).collect()
    }
}

#[derive(Serialize)]
pub(super) struct AddBody<'a> {
    local_part: &'a str,
    domain: &'a str,
    name: &'a str,
    authsource: &'static str,
    password: &'a str,
    password2: &'a str,
    quota: Mib,
    active: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_access: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<&'a str>,
    #[serde(flatten)]
    options: &'a Options,
    #[serde(skip_serializing_if = "Option::is_none")]
    acl: Option<&'a [UserPermission]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<MailboxTemplateId>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) force_pw_update: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) force_tfa: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_enforce_in: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_enforce_out: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sogo_access: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relayhost: Option<RelayhostId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quarantine_notification: Option<QuarantineNotification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quarantine_category: Option<QuarantineCategory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tagged_mail_handler: Option<TaggedMail>,
}

impl Options {
    /// What the server does not show, as `tagged_mail_handler`, is not compared, nor is what a user changes by its
    /// first login.
    fn differs(&self, found: &MailboxSettings) -> [(&'static str, bool); 7] {
        let flag = |wanted: Option<Flag>, found: bool| wanted.is_some_and(|wanted| wanted.0 != found);
        let (notification, category) = (&self.quarantine_notification, &self.quarantine_category);
        [
            ("force_tfa", flag(self.force_tfa, found.forced_tfa)),
            ("tls_enforce_in", flag(self.tls_enforce_in, found.tls_in)),
            ("tls_enforce_out", flag(self.tls_enforce_out, found.tls_out)),
            ("sogo_access", flag(self.sogo_access, found.webmail)),
            ("relayhost", self.relayhost.is_some() && self.relayhost != found.relayhost),
            (
                "quarantine_notification",
                notification.is_some() && *notification != found.quarantine_notification,
            ),
            ("quarantine_category", category.is_some() && *category != found.quarantine_category),
        ]
    }
}

/// Refuses an empty password, which in an edit would mean *keep*.
pub(super) fn checked<'a>(operation: &'static str, password: &'a SecretString) -> Result<&'a str, Error> {
    match password.expose_secret() {
        "" => Err(Error::InvalidInput { operation, reason: "the password is empty".to_owned() }),
        password => Ok(password),
    }
}

pub(super) fn sorted(protocols: impl IntoIterator<Item = Protocol>) -> Vec<Protocol> {
    let mut protocols: Vec<_> = protocols.into_iter().collect();
    protocols.sort();
    protocols.dedup();
    protocols
}
