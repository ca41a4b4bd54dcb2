//! What the fake remembers, and the shapes in which Mailcow answers.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{
    FakeLogin, admins::Admins, domain_admins::DomainAdminRow, fail2ban::Fail2banRow, filters::FilterRow,
    global_filters::GlobalFilterRow, mail_queue::QueueRow, maps::MapRow, mta_sts::MtaStsRow,
    oauth_clients::OauthClientRow, password_policy::PasswordPolicyRow, policies::PolicyRow,
    quarantine::QuarantineRow, resources::ResourceRow, rspamd::RspamdRow, sync_jobs::SyncJobRow,
    table::Table, templates::Templates, temporary_aliases::TemporaryAliasRow,
};
use crate::HttpResponse;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) domains: BTreeMap<String, DomainRow>,
    pub(super) mailboxes: BTreeMap<String, MailboxRow>,
    pub(super) app_passwords: BTreeMap<u64, AppPasswordRow>,
    pub(super) last_app_password: u64,
    pub(super) dkim: BTreeMap<String, DkimRow>,
    pub(super) aliases: BTreeMap<u64, AliasRow>,
    pub(super) last_alias: u64,
    pub(super) alias_domains: BTreeMap<String, AliasDomainRow>,
    pub(super) relayhosts: BTreeMap<u64, RelayRow>,
    pub(super) transports: BTreeMap<u64, RelayRow>,
    pub(super) last_relay: u64,
    pub(super) admins: Admins,
    pub(super) domain_admins: BTreeMap<String, DomainAdminRow>,
    pub(super) fail2ban: Fail2banRow,
    pub(super) global_filters: GlobalFilterRow,
    pub(super) rspamd_settings: Table<RspamdRow>,
    pub(super) filters: Table<FilterRow>,
    /// Each with whether spam of it is kept.
    pub(super) forwarding_hosts: BTreeMap<String, bool>,
    /// The rows by the name of the log, the newest first.
    pub(super) logs: BTreeMap<String, Vec<Value>>,
    pub(super) mail_queue: Vec<QueueRow>,
    pub(super) bcc_maps: Table<MapRow>,
    pub(super) recipient_maps: Table<MapRow>,
    pub(super) tls_policy_maps: Table<MapRow>,
    /// As it is shown.
    pub(super) identity_provider: Option<Value>,
    pub(super) mta_sts: BTreeMap<String, MtaStsRow>,
    pub(super) oauth_clients: Table<OauthClientRow>,
    pub(super) password_policy: PasswordPolicyRow,
    /// Whether creates run past the limits of their domain.
    pub(super) ignores_limits: bool,
    pub(super) policies: Table<PolicyRow>,
    /// Of the mailboxes that have their own.
    pub(super) spam_scores: BTreeMap<String, String>,
    pub(super) quarantine: Table<QuarantineRow>,
    pub(super) sync_jobs: Table<SyncJobRow>,
    pub(super) templates: Templates,
    pub(super) temporary_aliases: BTreeMap<String, TemporaryAliasRow>,
    pub(super) last_temporary_alias: u64,
    pub(super) resources: BTreeMap<String, ResourceRow>,
}

#[derive(Debug)]
pub(super) struct DomainRow {
    pub(super) description: String,
    pub(super) aliases: i64,
    pub(super) mailboxes: i64,
    pub(super) default_quota_mib: i64,
    pub(super) max_quota_mib: i64,
    pub(super) quota_mib: i64,
    pub(super) active: i64,
    pub(super) gal: i64,
    pub(super) backup_mx: i64,
    pub(super) relay_all_recipients: i64,
    pub(super) relay_unknown_only: i64,
    pub(super) relayhost: u64,
    pub(super) modified: bool,
    pub(super) rate_limit: Option<RateRow>,
    pub(super) tags: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct MailboxRow {
    pub(super) domain: String,
    pub(super) name: String,
    pub(super) password: SecretString,
    pub(super) quota_mib: i64,
    pub(super) active: i64,
    /// The bare names, as `imap`.
    pub(super) protocols: BTreeSet<String>,
    /// What else stands in `attributes`, all texts.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) custom_attributes: BTreeMap<String, Value>,
    pub(super) senders: Vec<String>,
    pub(super) rate_limit: Option<RateRow>,
    pub(super) tags: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct AppPasswordRow {
    pub(super) mailbox: String,
    pub(super) name: String,
    pub(super) password: SecretString,
    /// The long names, as `imap_access`.
    pub(super) protocols: BTreeSet<String>,
    pub(super) active: i64,
    pub(super) modified: bool,
}

#[derive(Clone, Debug)]
pub(super) struct DkimRow {
    pub(super) selector: String,
    pub(super) bits: i64,
}

#[derive(Debug)]
pub(super) struct AliasRow {
    pub(super) address: String,
    pub(super) targets: Vec<String>,
    pub(super) active: i64,
    pub(super) internal: i64,
    pub(super) sogo_visible: i64,
    pub(super) sender_allowed: i64,
    pub(super) public_comment: Option<String>,
    pub(super) private_comment: Option<String>,
    pub(super) modified: bool,
}

#[derive(Debug)]
pub(super) struct AliasDomainRow {
    pub(super) target: String,
    pub(super) active: i64,
    pub(super) rate_limit: Option<RateRow>,
}

/// A relay host, or a transport, which has a destination too.
#[derive(Debug)]
pub(super) struct RelayRow {
    pub(super) destination: String,
    pub(super) host: String,
    pub(super) username: String,
    pub(super) password: SecretString,
    pub(super) is_mx_based: i64,
    pub(super) active: i64,
}

#[derive(Clone, Debug)]
pub(super) struct RateRow {
    pub(super) value: i64,
    pub(super) frame: String,
}

impl State {
    pub(super) fn logins(&self) -> Vec<FakeLogin> {
        let is_open = |mailbox: &MailboxRow| {
            mailbox.active == 1 && self.domains.get(&mailbox.domain).is_some_and(|domain| domain.active == 1)
        };
        let own = self.mailboxes.iter().filter(|(_, mailbox)| is_open(mailbox)).map(|(address, mailbox)| {
            FakeLogin {
                address: address.clone(),
                password: mailbox.password.clone(),
                imap: mailbox.protocols.contains("imap"),
                smtp: mailbox.protocols.contains("smtp"),
            }
        });
        let app = self
            .app_passwords
            .values()
            .filter(|app| app.active == 1 && self.mailboxes.get(&app.mailbox).is_some_and(is_open));
        let app = app.map(|app| FakeLogin {
            address: app.mailbox.clone(),
            password: app.password.clone(),
            imap: app.protocols.contains("imap_access"),
            smtp: app.protocols.contains("smtp_access"),
        });
        own.chain(app).filter(|login| login.imap || login.smtp).collect()
    }
}

/// An answer before it is put into HTTP.
pub(super) enum Reply {
    /// What a write says: one entry per thing done or refused.
    Entries(Vec<Value>),
    /// What a read says.
    Json(Value),
    /// What a read says that is no JSON.
    Text(String),
    /// What an uncaught exception says.
    Empty,
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        let body = match reply {
            Reply::Entries(entries) if entries.is_empty() => {
                json!({"type": "success", "msg": "Task completed"})
            }
            Reply::Entries(entries) => Value::Array(entries),
            Reply::Json(value) => value,
            Reply::Text(text) => return Self::new(200, text),
            Reply::Empty => return Self::new(200, ""),
        };
        Self::new(200, body.to_string())
    }
}

/// An object, or `{}` for *not found*.
pub(super) fn object(found: Option<Value>) -> Reply {
    Reply::Json(found.unwrap_or_else(|| json!({})))
}

/// A list, or `{}` for an empty one.
pub(super) fn list(found: Vec<Value>) -> Reply {
    Reply::Json(if found.is_empty() { json!({}) } else { Value::Array(found) })
}

pub(super) fn success(log: &Value, msg: impl Into<Value>) -> Value {
    json!({"type": "success", "log": log, "msg": msg.into()})
}

pub(super) fn danger(log: &Value, msg: impl Into<Value>) -> Value {
    json!({"type": "danger", "log": log, "msg": msg.into()})
}

pub(super) fn warning(log: &Value, msg: impl Into<Value>) -> Value {
    json!({"type": "warning", "log": log, "msg": msg.into()})
}

/// The echo of the request that stands beside each answer, with passwords masked.
pub(super) fn log(function: &str, action: &str, kind: &str, body: &Value) -> Value {
    let mut echo = body.clone();
    mask(&mut echo);
    json!([function, action, kind, echo, null])
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            for (name, field) in fields {
                if name.contains("passw") { *field = json!("*") } else { mask(field) }
            }
        }
        _ => {}
    }
}

/// A field as text; numbers count too, null is absent.
pub(super) fn text(body: &Value, field: &str) -> Option<String> {
    match body.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A field as PHP's `intval` reads it: the digits in front, 0 if there are none. Null is absent.
pub(super) fn int(body: &Value, field: &str) -> Option<i64> {
    match body.get(field)? {
        Value::Number(number) => number.as_i64(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::String(text) => {
            let end = text.char_indices().find(|&(at, c)| !(c.is_ascii_digit() || (at == 0 && c == '-')));
            Some(text[..end.map_or(text.len(), |(at, _)| at)].parse().unwrap_or(0))
        }
        _ => None,
    }
}

/// A list of texts; a single text is none.
pub(super) fn texts(body: &Value, field: &str) -> Option<Vec<String>> {
    let list = body.get(field)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What an edit or delete is to be done to: a text, a list, or the values of an object.
pub(super) fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(fields) => fields.values().cloned().collect(),
        Value::Null => Vec::new(),
        single => vec![single.clone()],
    }
}

/// An id, which may be a number or text.
pub(super) fn number(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

/// Splits a text at all that separates for Mailcow.
pub(super) fn split(text: &str) -> Vec<String> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    text.split(is_separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// PHP's `htmlspecialchars`.
pub(super) fn escape(text: &str) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#039;")]
        .iter()
        .fold(text.to_owned(), |text, (character, entity)| text.replace(character, entity))
}

/// Puts the key `tags` in, which is absent if there are none.
pub(super) fn with_tags(mut object: Value, tags: &BTreeSet<String>) -> Value {
    if let (Value::Object(fields), false) = (&mut object, tags.is_empty()) {
        fields.insert("tags".to_owned(), json!(tags));
    }
    object
}

/// Whether something with these tags is found by a list of tags with commas; by none, all is.
pub(super) fn has_tag(tags: &BTreeSet<String>, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| wanted.split(',').any(|tag| tags.contains(tag)))
}

/// Flags under their names, each with a duplicate as `*_int`.
pub(super) fn with_flags(mut object: Value, flags: &[(&str, i64)]) -> Value {
    let fields: &mut Map<_, _> = object.as_object_mut().expect("callers pass an object");
    for (name, value) in flags {
        fields.insert((*name).to_owned(), json!(value));
        fields.insert(format!("{name}_int"), json!(value));
    }
    object
}

impl PartialEq for FakeLogin {
    fn eq(&self, other: &Self) -> bool {
        (&self.address, self.password.expose_secret(), self.imap, self.smtp)
            == (&other.address, other.password.expose_secret(), other.imap, other.smtp)
    }
}

pub(super) const MIB: i64 = 1_048_576;
/// The clock of the fake stands still.
pub(super) const NOW: &str = "2026-01-01 12:00:00";
