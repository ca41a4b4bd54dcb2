//! Templates of domains and mailboxes: one table, MiB in and bytes out.

use serde_json::{Map, Value, json};

use super::{
    state::{MIB, NOW, Reply, State, danger, int, items, log, number, success, text, texts},
    table::Table,
};

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TemplateKind {
    Domain,
    Mailbox,
}

#[derive(Debug)]
pub(super) struct TemplateRow {
    kind: TemplateKind,
    name: String,
    attributes: Map<String, Value>,
    modified: bool,
}

/// All templates; at the start the two named "Default".
#[derive(Debug)]
pub(super) struct Templates(Table<TemplateRow>);

impl State {
    pub(super) fn list_templates(&self, kind: TemplateKind) -> Reply {
        self.templates.0.show_all(|row| row.kind == kind, |id, row| row.show(id))
    }

    pub(super) fn get_template(&self, kind: TemplateKind, id: &str) -> Reply {
        let is_wanted = self.templates.0.get(&json!(id)).is_some_and(|row| row.kind == kind);
        self.templates.0.show_one(if is_wanted { id } else { "" }, |id, row| row.show(id))
    }

    pub(super) fn add_template(&mut self, kind: TemplateKind, body: &Value) -> Reply {
        let log = log("mailbox", "add", kind.logged(), body);
        let name = text(body, "template").unwrap_or_default();
        if self.templates.0.iter().any(|(_, row)| row.kind == kind && row.name == name) {
            return Reply::Entries(vec![danger(&log, json!(["template_exists", name]))]);
        }
        let said = success(&log, json!(["template_added", name]));
        self.templates.0.add(TemplateRow { kind, name, attributes: kind.attributes(body), modified: false });
        Reply::Entries(vec![said])
    }

    /// Replaces a template: what is not said falls back to the defaults.
    pub(super) fn edit_template(&mut self, kind: TemplateKind, body: &Value) -> Reply {
        let attr = &body["attr"];
        let mut entries = Vec::new();
        for id in items(&body["items"]) {
            let log = log("mailbox", "edit", kind.logged(), attr);
            let Some(row) = self.templates.0.get_mut(&id).filter(|row| row.kind == kind) else {
                entries.push(danger(&log, "access_denied"));
                continue;
            };
            let name = text(attr, "template").unwrap_or_else(|| row.name.clone());
            let category = text(attr, "quarantine_category").unwrap_or_default();
            if kind == TemplateKind::Mailbox && !CATEGORIES.contains(&category.as_str()) {
                // It says both, and changes nothing.
                entries.push(danger(&log, "quarantine_category_invalid"));
            } else {
                row.attributes = kind.attributes(attr);
                row.name.clone_from(&name);
                row.modified = true;
            }
            entries.push(success(&log, json!(["template_modified", name])));
        }
        Reply::Entries(entries)
    }

    /// Deletes templates, except those named "Default"; it says the same of all, and of those that are not there.
    pub(super) fn delete_template(&mut self, kind: TemplateKind, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            if self.templates.0.get(&id).is_some_and(|row| row.kind == kind && row.name != DEFAULT) {
                self.templates.0.remove(&id);
            }
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            let said = match kind {
                TemplateKind::Domain => json!(["template_removed", id]),
                TemplateKind::Mailbox => json!("template_removed"),
            };
            success(&log("mailbox", "delete", kind.logged(), body), said)
        });
        Reply::Entries(entries.collect())
    }

    /// Puts into the body of a create what the template it names says, where the body itself says nothing.
    pub(super) fn filled_in(&self, kind: TemplateKind, body: &Value) -> Value {
        let named = number(&body["template"]).and_then(|id| self.templates.0.get(&json!(id)));
        let mut filled = body.clone();
        let (Some(row), Some(fields)) = (named.filter(|row| row.kind == kind), filled.as_object_mut()) else {
            return filled;
        };
        for (name, value) in kind.request(&row.attributes) {
            fields.entry(name).or_insert(value);
        }
        filled
    }
}

impl TemplateKind {
    fn logged(self) -> &'static str {
        match self {
            Self::Domain => "domain_templates",
            Self::Mailbox => "mailbox_templates",
        }
    }

    /// Makes the attributes of a template out of a request.
    fn attributes(self, body: &Value) -> Map<String, Value> {
        let mut made = Map::new();
        made.insert("tags".to_owned(), json!(texts(body, "tags").unwrap_or_default()));
        made.insert("rl_value".to_owned(), body.get("rl_value").cloned().unwrap_or_else(|| json!("")));
        let (quotas, numbers, words) = match self {
            Self::Domain => (&DOMAIN_QUOTAS[..], &DOMAIN_NUMBERS[..], &DOMAIN_WORDS[..]),
            Self::Mailbox => (&["quota"][..], &MAILBOX_NUMBERS[..], &MAILBOX_WORDS[..]),
        };
        for name in quotas {
            made.insert((*name).to_owned(), json!(int(body, name).unwrap_or(0) * MIB));
        }
        for (name, value) in numbers {
            made.insert((*name).to_owned(), json!(int(body, name).unwrap_or(*value)));
        }
        for (name, value) in words {
            made.insert((*name).to_owned(), json!(text(body, name).unwrap_or_else(|| (*value).to_owned())));
        }
        if self == Self::Mailbox {
            let protocols = texts(body, "protocol_access");
            for protocol in PROTOCOLS {
                let is_on = protocols.as_ref().is_none_or(|on| on.iter().any(|name| name == protocol));
                made.insert(format!("{protocol}_access"), json!(u8::from(is_on)));
            }
            let rights = texts(body, "acl").unwrap_or_default();
            for right in RIGHTS {
                let has_right = rights.iter().any(|name| name == right);
                made.insert(format!("acl_{right}"), json!(u8::from(has_right)));
            }
        }
        made
    }

    /// Makes the fields of a create out of the attributes of a template.
    fn request(self, attributes: &Map<String, Value>) -> Map<String, Value> {
        let mib = |value: &Value| json!(value.as_i64().unwrap_or(0) / MIB);
        let mut fields: Map<_, _> = attributes
            .iter()
            .filter(|(name, _)| !name.starts_with("acl_"))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        match self {
            Self::Domain => {
                for (name, attribute) in
                    [("aliases", "max_num_aliases_for_domain"), ("mailboxes", "max_num_mboxes_for_domain")]
                {
                    fields.insert(name.to_owned(), attributes[attribute].clone());
                }
                for (name, attribute) in ["defquota", "maxquota", "quota"].into_iter().zip(DOMAIN_QUOTAS) {
                    fields.insert(name.to_owned(), mib(&attributes[attribute]));
                }
            }
            Self::Mailbox => {
                fields.insert("quota".to_owned(), mib(&attributes["quota"]));
                let on = PROTOCOLS.iter().filter(|protocol| attributes[&format!("{protocol}_access")] == 1);
                fields.insert("protocol_access".to_owned(), json!(on.collect::<Vec<_>>()));
            }
        }
        fields
    }
}

impl TemplateRow {
    fn show(&self, id: u64) -> Value {
        json!({
            "id": id,
            "template": self.name,
            "type": match self.kind { TemplateKind::Domain => "domain", TemplateKind::Mailbox => "mailbox" },
            "attributes": self.attributes,
            "created": NOW,
            "modified": self.modified.then_some(NOW),
        })
    }
}

impl Default for Templates {
    fn default() -> Self {
        let domain = json!({"max_num_aliases_for_domain": 400, "max_num_mboxes_for_domain": 10,
            "def_quota_for_mbox": 3072, "max_quota_for_mbox": 10240, "max_quota_for_domain": 10240});
        let rights: Vec<_> = RIGHTS.iter().filter(|right| !NOT_BY_DEFAULT.contains(right)).collect();
        let mut table = Table::default();
        for (kind, body) in [(TemplateKind::Domain, domain), (TemplateKind::Mailbox, json!({"acl": rights}))]
        {
            let mut attributes = kind.attributes(&body);
            // Those of the installation do not know what came later.
            attributes.retain(|name, _| !matches!(name.as_str(), "acl_pw_reset" | "tagged_mail_handler"));
            table.add(TemplateRow { kind, name: DEFAULT.to_owned(), attributes, modified: false });
        }
        Self(table)
    }
}

const DEFAULT: &str = "Default";
const DOMAIN_QUOTAS: [&str; 3] = ["def_quota_for_mbox", "max_quota_for_mbox", "max_quota_for_domain"];
const DOMAIN_NUMBERS: [(&str, i64); 8] = [
    ("max_num_aliases_for_domain", 0),
    ("max_num_mboxes_for_domain", 0),
    ("active", 1),
    ("gal", 1),
    ("backupmx", 0),
    ("relay_all_recipients", 0),
    ("relay_unknown_only", 0),
    ("key_size", 2048),
];
const DOMAIN_WORDS: [(&str, &str); 2] = [("rl_frame", "s"), ("dkim_selector", "dkim")];
const MAILBOX_NUMBERS: [(&str, i64); 6] = [
    ("force_pw_update", 0),
    ("force_tfa", 0),
    ("sogo_access", 1),
    ("active", 1),
    ("tls_enforce_in", 0),
    ("tls_enforce_out", 0),
];
const MAILBOX_WORDS: [(&str, &str); 4] = [
    ("rl_frame", "s"),
    ("tagged_mail_handler", "none"),
    ("quarantine_notification", "hourly"),
    ("quarantine_category", "reject"),
];
const CATEGORIES: [&str; 3] = ["add_header", "reject", "all"];
const PROTOCOLS: [&str; 6] = ["imap", "pop3", "smtp", "sieve", "eas", "dav"];
const RIGHTS: [&str; 15] = [
    "spam_alias",
    "tls_policy",
    "spam_score",
    "spam_policy",
    "delimiter_action",
    "syncjobs",
    "eas_reset",
    "sogo_profile_reset",
    "pushover",
    "quarantine",
    "quarantine_attachments",
    "quarantine_notification",
    "quarantine_category",
    "app_passwds",
    "pw_reset",
];
/// What users may not do by default.
const NOT_BY_DEFAULT: [&str; 3] = ["syncjobs", "sogo_profile_reset", "pw_reset"];
