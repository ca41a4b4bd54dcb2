//! Templates of mailboxes: values for what a new mailbox does not say.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    MailboxStatus, QuarantineCategory, QuarantineNotification, TaggedMail, UserPermission, new::sorted,
};
use crate::{
    Bytes, Client, Error, Mib, Protocol, RateLimit,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose, protocols, tags,
};

number_id!(
    /// The number by which Mailcow knows a template of mailboxes.
    MailboxTemplateId,
    "the id of a mailbox template"
);

/// All that a template of mailboxes says.
///
/// A change replaces the whole, and Mailcow refuses one that does not say what of the quarantine is told; therefore
/// that is always sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailboxTemplateSpec {
    #[serde(rename = "template")]
    name: String,
    quota: Mib,
    active: i64,
    protocol_access: Vec<&'static str>,
    sogo_access: Flag,
    force_pw_update: Flag,
    force_tfa: Flag,
    tls_enforce_in: Flag,
    tls_enforce_out: Flag,
    quarantine_notification: QuarantineNotification,
    quarantine_category: QuarantineCategory,
    tagged_mail_handler: TaggedMail,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<String>,
    acl: Vec<UserPermission>,
    tags: Vec<String>,
}

impl MailboxTemplateSpec {
    /// Builds a template of active mailboxes for IMAP and SMTP alone, whose users may change nothing.
    pub fn new(name: &str, quota: Mib) -> Self {
        Self {
            name: name.to_owned(),
            quota,
            active: MailboxStatus::Active.number(),
            protocol_access: vec![Protocol::Imap.bare(), Protocol::Smtp.bare()],
            sogo_access: Flag(false),
            force_pw_update: Flag(false),
            force_tfa: Flag(false),
            tls_enforce_in: Flag(false),
            tls_enforce_out: Flag(false),
            quarantine_notification: QuarantineNotification::Never,
            quarantine_category: QuarantineCategory::Reject,
            tagged_mail_handler: TaggedMail::Nothing,
            rl_value: None,
            rl_frame: None,
            acl: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Sets the status.
    pub fn with_status(mut self, status: MailboxStatus) -> Self {
        self.active = status.number();
        self
    }

    /// Sets the protocols.
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocol_access = sorted(protocols).into_iter().map(Protocol::bare).collect();
        self
    }

    /// Sets whether the web mail may be used.
    pub fn with_webmail(mut self, allowed: bool) -> Self {
        self.sogo_access = Flag(allowed);
        self
    }

    /// Sets whether the first login at the web page has to choose another password, and whether it needs a second
    /// factor.
    pub fn with_forced(mut self, password_change: bool, tfa: bool) -> Self {
        (self.force_pw_update, self.force_tfa) = (Flag(password_change), Flag(tfa));
        self
    }

    /// Sets whether mail in and out has to come and go encrypted.
    pub fn with_tls(mut self, incoming: bool, outgoing: bool) -> Self {
        (self.tls_enforce_in, self.tls_enforce_out) = (Flag(incoming), Flag(outgoing));
        self
    }

    /// Sets how often a mailbox is told what is in quarantine, and what of it.
    pub fn with_quarantine(
        mut self,
        notification: QuarantineNotification,
        category: QuarantineCategory,
    ) -> Self {
        (self.quarantine_notification, self.quarantine_category) = (notification, category);
        self
    }

    /// Sets what happens to mail to `local+tag@domain`.
    pub fn with_tagged_mail(mut self, handling: TaggedMail) -> Self {
        self.tagged_mail_handler = handling;
        self
    }

    /// Sets a sending limit.
    pub fn with_rate_limit(mut self, limit: &RateLimit) -> Self {
        (self.rl_value, self.rl_frame) = (Some(limit.value.get()), Some(limit.frame.as_str().to_owned()));
        self
    }

    /// Sets what the user may change at the web page.
    pub fn with_permissions(mut self, permissions: impl IntoIterator<Item = UserPermission>) -> Self {
        self.acl = permissions.into_iter().collect();
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

/// A template of mailboxes as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MailboxTemplate {
    /// The id.
    pub id: MailboxTemplateId,
    /// The name.
    #[serde(rename = "template")]
    pub name: String,
    /// What it says.
    pub attributes: MailboxTemplateAttributes,
}

/// What a template of mailboxes says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MailboxTemplateAttributes {
    /// How much a mailbox may hold; 0 is unlimited.
    #[serde(default)]
    pub quota: Bytes,
    /// What a mailbox may do.
    #[serde(rename = "active")]
    pub status: MailboxStatus,
    /// How often it is told what is in quarantine.
    #[serde(default)]
    pub quarantine_notification: Option<QuarantineNotification>,
    /// What of the quarantine it is told.
    #[serde(default)]
    pub quarantine_category: Option<QuarantineCategory>,
    /// What happens to mail with a tag in the address; `None` in the templates that Mailcow comes with.
    #[serde(default, rename = "tagged_mail_handler")]
    pub tagged_mail: Option<TaggedMail>,
    /// How many messages it may send, `None` for any number.
    #[serde(default, rename = "rl_value", deserialize_with = "loose::int_if_any")]
    pub rate_limit_value: Option<i64>,
    /// In which time, as `h`.
    #[serde(default, rename = "rl_frame", deserialize_with = "loose::text")]
    pub rate_limit_frame: String,
    /// Whether the web mail may be used.
    #[serde(default, rename = "sogo_access", deserialize_with = "loose::flag")]
    pub webmail: bool,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(flatten)]
    flags: Map<String, Value>,
}

impl MailboxTemplateAttributes {
    /// Returns the protocols that the password of a mailbox is good for.
    pub fn protocols(&self) -> Vec<Protocol> {
        protocols::from_flags(Value::Object(self.flags.clone())).unwrap_or_default()
    }

    /// Returns what the user of a mailbox may change at the web page.
    pub fn permissions(&self) -> Vec<UserPermission> {
        let is_on = |flag: &Value| loose::flag(flag).is_ok_and(|is_on| is_on);
        let on = self.flags.iter().filter(|(_, flag)| is_on(flag));
        on.filter_map(|(name, _)| name.strip_prefix("acl_")).map(|name| name.to_owned().into()).collect()
    }
}

impl Client {
    /// Returns all templates of mailboxes (`get/mailbox/template/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_templates(&self) -> Result<Vec<MailboxTemplate>, Error> {
        Ok(self.read(GET, ["all"]).await?.unwrap_or_default())
    }

    /// Returns a template of mailboxes, `None` if there is none of that id (`get/mailbox/template/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_mailbox_template(
        &self,
        id: MailboxTemplateId,
    ) -> Result<Option<MailboxTemplate>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a template of mailboxes (`add/mailbox/template`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `template_exists` if the name is taken.
    pub async fn add_mailbox_template(&self, new: &MailboxTemplateSpec) -> Result<(), Error> {
        new.check(ADD.route)?;
        self.write(ADD, &new.name, new).await
    }

    /// Replaces a template of mailboxes by another (`edit/mailbox/template`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Partial`] where Mailcow calls the template changed although it did not like a value and
    /// changed nothing.
    pub async fn replace_mailbox_template(
        &self,
        id: MailboxTemplateId,
        spec: &MailboxTemplateSpec,
    ) -> Result<(), Error> {
        spec.check(EDIT.route)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: spec }).await
    }

    /// Deletes a template of mailboxes (`delete/mailbox/template`). Deleting none succeeds too, and so does deleting
    /// *Default*, which stays.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_mailbox_template(&self, id: MailboxTemplateId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }
}

const GET: Read = Read("get/mailbox/template");
const ADD: Write = Write { route: "add/mailbox/template", success: "template_added" };
const EDIT: Write = Write { route: "edit/mailbox/template", success: "template_modified" };
const DELETE: Write = Write { route: "delete/mailbox/template", success: "template_removed" };
