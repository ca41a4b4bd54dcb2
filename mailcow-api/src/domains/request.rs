//! What is asked for when a domain is created or changed.

use serde::Serialize;

use super::{Domain, DomainTemplateId};
use crate::{
    Bytes, DkimKeySpec, DomainName, Error, Mib, RateLimit, RelayhostId, flag::Flag, input,
    relayhosts::RelayhostRef, tags,
};

/// A domain to be created. What is not set is taken from the template *Default* of the server, as long as the
/// methods below do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDomain {
    pub(super) name: DomainName,
    pub(super) description: Option<String>,
    pub(super) max_aliases: Option<u32>,
    pub(super) max_mailboxes: Option<u32>,
    pub(super) default_quota: Option<Mib>,
    pub(super) max_quota: Option<Mib>,
    pub(super) quota: Option<Mib>,
    pub(super) active: bool,
    pub(super) global_address_list: Option<bool>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) dkim: Option<DkimKeySpec>,
    pub(super) backup_mx: Option<bool>,
    pub(super) relay_all_recipients: Option<bool>,
    pub(super) relay_unknown_only: Option<bool>,
    pub(super) template: Option<DomainTemplateId>,
    pub(super) tags: Vec<String>,
}

impl NewDomain {
    /// Builds an active domain without a DKIM key.
    pub fn new(name: DomainName) -> Self {
        Self {
            name,
            description: None,
            max_aliases: None,
            max_mailboxes: None,
            default_quota: None,
            max_quota: None,
            quota: None,
            active: true,
            global_address_list: None,
            rate_limit: None,
            dkim: None,
            backup_mx: None,
            relay_all_recipients: None,
            relay_unknown_only: None,
            template: None,
            tags: Vec::new(),
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &DomainName {
        &self.name
    }

    /// Sets the description.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets how many aliases the domain may have.
    pub fn with_max_aliases(mut self, count: u32) -> Self {
        self.max_aliases = Some(count);
        self
    }

    /// Sets how many mailboxes the domain may have.
    pub fn with_max_mailboxes(mut self, count: u32) -> Self {
        self.max_mailboxes = Some(count);
        self
    }

    /// Sets three sizes: what the web page proposes for a new mailbox, what one mailbox may have at most, and what
    /// all mailboxes together may have.
    pub fn with_quotas(mut self, default_for_mailbox: Mib, max_for_mailbox: Mib, domain: Mib) -> Self {
        (self.default_quota, self.max_quota, self.quota) =
            (Some(default_for_mailbox), Some(max_for_mailbox), Some(domain));
        self
    }

    /// Sets whether the domain takes mail and logins, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets whether its users see each other in the address book of the web mail.
    pub fn with_global_address_list(mut self, visible: bool) -> Self {
        self.global_address_list = Some(visible);
        self
    }

    /// Sets a sending limit for each mailbox that has none of its own.
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Makes a DKIM key together with the domain. By default there is none until [`Client::ensure_dkim`](crate::Client::ensure_dkim).
    pub fn with_dkim(mut self, spec: DkimKeySpec) -> Self {
        self.dkim = Some(spec);
        self
    }

    /// Sets whether the domain is only relayed to another server, and whether that one is asked for each recipient:
    /// with `all_recipients` it is not, with `unknown_only` mailboxes of the domain here are delivered to first.
    pub fn with_relaying(mut self, backup_mx: bool, all_recipients: bool, unknown_only: bool) -> Self {
        (self.backup_mx, self.relay_all_recipients, self.relay_unknown_only) =
            (Some(backup_mx), Some(all_recipients), Some(unknown_only));
        self
    }

    /// Takes what is not set from this template instead of *Default*, the DKIM key too.
    pub fn with_template(mut self, template: DomainTemplateId) -> Self {
        self.template = Some(template);
        self
    }

    /// Sets the tags, at most 25.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    pub(super) fn body(&self, operation: &'static str) -> Result<AddBody<'_>, Error> {
        tags::check(operation, &self.tags)?;
        input::optional_line(operation, "description", self.description.as_deref().unwrap_or_default())?;
        Ok(AddBody {
            domain: &self.name,
            description: self.description.as_deref(),
            aliases: self.max_aliases,
            mailboxes: self.max_mailboxes,
            defquota: self.default_quota,
            maxquota: self.max_quota,
            quota: self.quota,
            active: u8::from(self.active),
            gal: self.global_address_list.map(u8::from),
            rl_value: self.rate_limit.as_ref().map(|limit| limit.value.get()),
            rl_frame: self.rate_limit.as_ref().map(|limit| limit.frame.as_str()),
            // Without a size mailcow makes a key of 2048 bits.
            key_size: self
                .dkim
                .as_ref()
                .map_or(self.template.is_none().then_some(0), |spec| Some(spec.bits())),
            dkim_selector: self.dkim.as_ref().map(DkimKeySpec::selector),
            backupmx: self.backup_mx.map(Flag),
            relay_all_recipients: self.relay_all_recipients.map(Flag),
            relay_unknown_only: self.relay_unknown_only.map(Flag),
            template: self.template,
            tags: &self.tags,
        })
    }

    pub(super) fn differs(&self, found: &Domain) -> Vec<&'static str> {
        let other =
            |wanted: Option<Mib>, found: Bytes| wanted.is_some_and(|wanted| Bytes::from(wanted) != found);
        let fields = [
            ("description", self.description.as_ref().is_some_and(|wanted| *wanted != found.description)),
            ("aliases", self.max_aliases.is_some_and(|wanted| i64::from(wanted) != found.max_aliases)),
            ("mailboxes", self.max_mailboxes.is_some_and(|wanted| i64::from(wanted) != found.max_mailboxes)),
            ("defquota", other(self.default_quota, found.default_mailbox_quota)),
            ("maxquota", other(self.max_quota, found.max_mailbox_quota)),
            ("quota", other(self.quota, found.quota)),
            ("active", self.active != found.active),
            ("gal", self.global_address_list.is_some_and(|wanted| wanted != found.global_address_list)),
            ("backupmx", self.backup_mx.is_some_and(|wanted| wanted != found.backup_mx)),
            (
                "relay_all_recipients",
                self.relay_all_recipients.is_some_and(|wanted| wanted != found.relay_all_recipients),
            ),
            (
                "relay_unknown_only",
                self.relay_unknown_only.is_some_and(|wanted| wanted != found.relay_unknown_only),
            ),
            ("rl_value", self.rate_limit.is_some() && self.rate_limit != found.rate_limit),
            ("tags", !tags::missing(&self.tags, &found.tags).is_empty()),
        ];
        fields.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
    }
}

/// What to change on a domain; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DomainChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) aliases: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mailboxes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) defquota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maxquota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gal: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backupmx: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relay_all_recipients: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relay_unknown_only: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relayhost: Option<RelayhostRef>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) tags: Vec<String>,
}

impl DomainChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the description.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets how many aliases the domain may have.
    pub fn with_max_aliases(mut self, count: u32) -> Self {
        self.aliases = Some(count);
        self
    }

    /// Sets how many mailboxes the domain may have.
    pub fn with_max_mailboxes(mut self, count: u32) -> Self {
        self.mailboxes = Some(count);
        self
    }

    /// Sets what the web page proposes for a new mailbox.
    pub fn with_default_mailbox_quota(mut self, quota: Mib) -> Self {
        self.defquota = Some(quota);
        self
    }

    /// Sets what one mailbox may have at most.
    pub fn with_max_mailbox_quota(mut self, quota: Mib) -> Self {
        self.maxquota = Some(quota);
        self
    }

    /// Sets what all mailboxes together may have.
    pub fn with_quota(mut self, quota: Mib) -> Self {
        self.quota = Some(quota);
        self
    }

    /// Sets whether the domain takes mail and logins.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }

    /// Sets whether its users see each other in the address book of the web mail.
    pub fn with_global_address_list(mut self, visible: bool) -> Self {
        self.gal = Some(Flag(visible));
        self
    }

    /// Sets whether the domain is only relayed, as [`NewDomain::with_relaying`].
    pub fn with_relaying(mut self, backup_mx: bool, all_recipients: bool, unknown_only: bool) -> Self {
        (self.backupmx, self.relay_all_recipients, self.relay_unknown_only) =
            (Some(Flag(backup_mx)), Some(Flag(all_recipients)), Some(Flag(unknown_only)));
        self
    }

    /// Sets the relay host that its mail leaves through, or none. Mailcow does not look whether it exists.
    pub fn with_relayhost(mut self, relayhost: Option<RelayhostId>) -> Self {
        self.relayhost = Some(relayhost.into());
        self
    }

    /// Adds tags. One that the domain has already makes the server fail half-way: look first.
    pub fn with_added_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    pub(super) fn check(&self, operation: &'static str) -> Result<(), Error> {
        input::change(operation, self)?;
        input::optional_line(operation, "description", self.description.as_deref().unwrap_or_default())?;
        tags::check(operation, &self.tags)
    }
}

#[derive(Serialize)]
pub(super) struct AddBody<'a> {
    domain: &'a DomainName,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailboxes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    defquota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maxquota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Mib>,
    active: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    gal: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_size: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dkim_selector: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backupmx: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_all_recipients: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_unknown_only: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<DomainTemplateId>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}
