//! Templates of domains: values for what a new domain does not say.

use serde::{Deserialize, Serialize};

use crate::{
    Bytes, Client, DkimKeySpec, Error, Mib, RateLimit,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose, tags,
};

number_id!(
    /// The number by which Mailcow knows a template of domains.
    DomainTemplateId,
    "the id of a domain template"
);

/// All that a template of domains says. A change replaces the whole: what is not set falls back to the defaults of
/// Mailcow, mostly 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DomainTemplateSpec {
    #[serde(rename = "template")]
    name: String,
    #[serde(rename = "max_num_aliases_for_domain", skip_serializing_if = "Option::is_none")]
    max_aliases: Option<u32>,
    #[serde(rename = "max_num_mboxes_for_domain", skip_serializing_if = "Option::is_none")]
    max_mailboxes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    def_quota_for_mbox: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_quota_for_mbox: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_quota_for_domain: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gal: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backupmx: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_all_recipients: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_unknown_only: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_size: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dkim_selector: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: Vec<String>,
}

impl DomainTemplateSpec {
    /// Builds a template with the defaults of Mailcow.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            max_aliases: None,
            max_mailboxes: None,
            def_quota_for_mbox: None,
            max_quota_for_mbox: None,
            max_quota_for_domain: None,
            rl_value: None,
            rl_frame: None,
            active: None,
            gal: None,
            backupmx: None,
            relay_all_recipients: None,
            relay_unknown_only: None,
            key_size: None,
            dkim_selector: None,
            tags: Vec::new(),
        }
    }

    /// Sets how many aliases a domain may have.
    pub fn with_max_aliases(mut self, count: u32) -> Self {
        self.max_aliases = Some(count);
        self
    }

    /// Sets how many mailboxes a domain may have.
    pub fn with_max_mailboxes(mut self, count: u32) -> Self {
        self.max_mailboxes = Some(count);
        self
    }

    /// Sets the three sizes, as [`NewDomain::with_quotas`](crate::NewDomain::with_quotas).
    pub fn with_quotas(mut self, default_for_mailbox: Mib, max_for_mailbox: Mib, domain: Mib) -> Self {
        (self.def_quota_for_mbox, self.max_quota_for_mbox, self.max_quota_for_domain) =
            (Some(default_for_mailbox), Some(max_for_mailbox), Some(domain));
        self
    }

    /// Sets a sending limit for each mailbox without its own.
    pub fn with_rate_limit(mut self, limit: &RateLimit) -> Self {
        (self.rl_value, self.rl_frame) = (Some(limit.value.get()), Some(limit.frame.as_str().to_owned()));
        self
    }

    /// Sets whether a domain takes mail and logins.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }

    /// Sets whether the users of a domain see each other in the address book of the web mail.
    pub fn with_global_address_list(mut self, visible: bool) -> Self {
        self.gal = Some(Flag(visible));
        self
    }

    /// Sets whether a domain is only relayed, as [`NewDomain::with_relaying`](crate::NewDomain::with_relaying).
    pub fn with_relaying(mut self, backup_mx: bool, all_recipients: bool, unknown_only: bool) -> Self {
        (self.backupmx, self.relay_all_recipients, self.relay_unknown_only) =
            (Some(Flag(backup_mx)), Some(Flag(all_recipients)), Some(Flag(unknown_only)));
        self
    }

    /// Sets which DKIM key a domain gets.
    pub fn with_dkim(mut self, spec: &DkimKeySpec) -> Self {
        (self.key_size, self.dkim_selector) = (Some(spec.bits()), Some(spec.selector().to_owned()));
        self
    }

    /// Sets the tags, at most 25.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    fn check(&self, operation: &'static str) -> Result<(), Error> {
        input::line(operation, "name", &self.name)?;
        tags::check(operation, &self.tags)
    }
}

/// A template of domains as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DomainTemplate {
    /// The id.
    pub id: DomainTemplateId,
    /// The name.
    #[serde(rename = "template")]
    pub name: String,
    /// What it says.
    pub attributes: DomainTemplateAttributes,
}

/// What a template of domains says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DomainTemplateAttributes {
    /// How many aliases a domain may have.
    #[serde(default, rename = "max_num_aliases_for_domain", deserialize_with = "loose::int")]
    pub max_aliases: i64,
    /// How many mailboxes a domain may have.
    #[serde(default, rename = "max_num_mboxes_for_domain", deserialize_with = "loose::int")]
    pub max_mailboxes: i64,
    /// What a new mailbox is proposed.
    #[serde(default, rename = "def_quota_for_mbox")]
    pub default_mailbox_quota: Bytes,
    /// What one mailbox may have at most.
    #[serde(default, rename = "max_quota_for_mbox")]
    pub max_mailbox_quota: Bytes,
    /// What all mailboxes together may have.
    #[serde(default, rename = "max_quota_for_domain")]
    pub quota: Bytes,
    /// How many messages a mailbox may send, `None` for any number.
    #[serde(default, rename = "rl_value", deserialize_with = "loose::int_if_any")]
    pub rate_limit_value: Option<i64>,
    /// In which time, as `h`.
    #[serde(default, rename = "rl_frame", deserialize_with = "loose::text")]
    pub rate_limit_frame: String,
    /// Whether a domain takes mail and logins.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether the users of a domain see each other in the address book.
    #[serde(default, rename = "gal", deserialize_with = "loose::flag")]
    pub global_address_list: bool,
    /// Whether a domain is only relayed to another server.
    #[serde(default, rename = "backupmx", deserialize_with = "loose::flag")]
    pub backup_mx: bool,
    /// The selector of its DKIM key.
    #[serde(default, deserialize_with = "loose::text")]
    pub dkim_selector: String,
    /// The size of its DKIM key in bits, 0 for no key.
    #[serde(default, rename = "key_size", deserialize_with = "loose::int")]
    pub dkim_bits: i64,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Client {
    /// Returns all templates of domains (`get/domain/template/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domain_templates(&self) -> Result<Vec<DomainTemplate>, Error> {
        Ok(self.read(GET, ["all"]).await?.unwrap_or_default())
    }

    /// Returns a template of domains, `None` if there is none of that id (`get/domain/template/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_domain_template(&self, id: DomainTemplateId) -> Result<Option<DomainTemplate>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a template of domains (`add/domain/template`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `template_exists` if the name is taken.
    pub async fn add_domain_template(&self, new: &DomainTemplateSpec) -> Result<(), Error> {
        new.check(ADD.route)?;
        self.write(ADD, &new.name, new).await
    }

    /// Replaces a template of domains by another (`edit/domain/template`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if the server does not like the values.
    pub async fn replace_domain_template(
        &self,
        id: DomainTemplateId,
        spec: &DomainTemplateSpec,
    ) -> Result<(), Error> {
        spec.check(EDIT.route)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: spec }).await
    }

    /// Deletes a template of domains (`delete/domain/template`). Deleting none succeeds too, and so does deleting
    /// *Default*, which stays.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_domain_template(&self, id: DomainTemplateId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }
}

const GET: Read = Read("get/domain/template");
const ADD: Write = Write { route: "add/domain/template", success: "template_added" };
const EDIT: Write = Write { route: "edit/domain/template", success: "template_modified" };
const DELETE: Write = Write { route: "delete/domain/template", success: "template_removed" };
