//! Mailboxes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    domains::MAX_TAGS,
    rate_limits,
    state::{
        MIB, MailboxRow, NOW, Reply, State, danger, escape, has_tag, int, items, list, log, object,
        password_fault, split, success, text, texts, with_flags, with_tags,
    },
};
use crate::MailboxAddress;

impl State {
    pub(super) fn list_mailboxes(&self, domains: Option<&str>, tags: Option<&str>) -> Vec<Value> {
        let domains = domains.map(split);
        let is_wanted = |row: &MailboxRow| {
            domains.as_ref().is_none_or(|wanted| wanted.contains(&row.domain)) && has_tag(&row.tags, tags)
        };
        let wanted = self.mailboxes.iter().filter(|(_, row)| is_wanted(row));
        wanted.map(|(address, row)| self.show_mailbox(address, row)).collect()
    }

    pub(super) fn list_mailboxes_reduced(&self, domains: Option<&str>) -> Reply {
        let mut all = self.list_mailboxes(domains, None);
        let left_out = [
            "max_new_quota",
            "spam_aliases",
            "pushover_active",
            "rl",
            "rl_scope",
            "is_relayed",
            "sender_acl",
        ];
        for fields in all.iter_mut().filter_map(Value::as_object_mut) {
            fields.retain(|name, _| !left_out.contains(&name.as_str()));
        }
        list(all)
    }

    pub(super) fn get_mailbox(&self, address: &str) -> Reply {
        let address = address.to_lowercase();
        object(self.mailboxes.get(&address).map(|row| self.show_mailbox(&address, row)))
    }

    pub(super) fn add_mailbox(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "mailbox", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let part = |field| text(body, field).unwrap_or_default();
        let Ok(address) = format!("{}@{}", part("local_part"), part("domain")).parse::<MailboxAddress>()
        else {
            return refuse(json!("mailbox_invalid"));
        };
        let (domain, address) = (address.domain().as_str(), address.as_str());
        let Some(limits) = self.domains.get(domain) else {
            return refuse(json!("access_denied"));
        };
        if self.mailboxes.contains_key(address) || self.resources.contains_key(address) {
            return refuse(json!(["object_exists", escape(address)]));
        }
        if self.find_alias(&json!(address)).is_some() {
            return refuse(json!(["is_alias", escape(address)]));
        }
        if self.temporary_aliases.contains_key(address) {
            return refuse(json!(["is_spam_alias", escape(address)]));
        }
        if let Some(fault) = password_fault(body, "password", "password2") {
            return refuse(json!(fault));
        }
        let (quota_mib, count) = (int(body, "quota").unwrap_or(0), self.count_mailboxes(domain));
        if count >= limits.mailboxes {
            return refuse(json!(["max_mailbox_exceeded", count, limits.mailboxes]));
        }
        if quota_mib > limits.max_quota_mib {
            return refuse(json!(["mailbox_quota_exceeded", limits.max_quota_mib]));
        }
        let left = limits.quota_mib - self.assigned_mib(domain, "");
        if quota_mib > left {
            return refuse(json!(["mailbox_quota_left_exceeded", left]));
        }
        let mut row = MailboxRow {
            domain: domain.to_owned(),
            name: part("name"),
            password: part("password").into(),
            quota_mib,
            active: int(body, "active").unwrap_or(1),
            protocols: PROTOCOLS.map(str::to_owned).into(),
            settings: SETTINGS
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            custom_attributes: BTreeMap::new(),
            senders: Vec::new(),
            rate_limit: None,
            tags: texts(body, "tags").unwrap_or_default().into_iter().take(MAX_TAGS + 1).collect(),
        };
        if let Some(protocols) = texts(body, "protocol_access") {
            row.protocols = protocols.into_iter().collect();
        }
        row.set(body);
        let mut entries = Vec::new();
        if body.get("acl").is_some() {
            entries.push(success(&log, json!(["mailbox_modified", address])));
        }
        // Without a limit that of the template is "saved": none, per second.
        let limit = if body.get("rl_frame").is_some() { body } else { &json!({"rl_frame": "s"}) };
        entries.push(rate_limits::set(&mut row.rate_limit, address, limit));
        entries.push(success(&log, json!(["mailbox_added", escape(address)])));
        self.mailboxes.insert(address.to_owned(), row);
        Reply::Entries(entries)
    }

    pub(super) fn edit_mailbox(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|address| {
            let address = address.as_str().unwrap_or_default();
            let log = log("mailbox", "edit", "mailbox", attr);
            if address.parse::<MailboxAddress>().is_err() {
                return danger(&log, json!(["username_invalid", address]));
            }
            match self.change_mailbox(&address.to_lowercase(), attr) {
                Ok(()) => success(&log, json!(["mailbox_modified", address])),
                Err(msg) => danger(&log, msg),
            }
        });
        Reply::Entries(entries.collect())
    }

    /// Carries out one of the routes that set what `edit/mailbox` ignores.
    pub(super) fn set_mailbox(&mut self, route: &str, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|address| {
            let address = address.as_str().unwrap_or_default().to_lowercase();
            let log = log("mailbox", "edit", route, attr);
            let Some(row) = self.mailboxes.get_mut(&address) else { return danger(&log, "access_denied") };
            let is_known =
                |field: &str, known: &[&str]| known.contains(&text(attr, field).unwrap_or_default().as_str());
            let is_bad = match route {
                "quarantine_notification" => !is_known(route, &["never", "hourly", "daily", "weekly"]),
                "quarantine_category" => !is_known(route, &["add_header", "reject", "all"]),
                _ => false,
            };
            if is_bad {
                return danger(&log, "access_denied");
            }
            if route == "custom-attribute" {
                let names = texts(attr, "attribute").unwrap_or_default();
                let values = attr["value"].as_array().cloned().unwrap_or_default();
                row.custom_attributes = names.into_iter().zip(values).collect();
            }
            for field in
                ["tls_enforce_in", "tls_enforce_out", "quarantine_notification", "quarantine_category"]
            {
                if let Some(value) = text(attr, field) {
                    row.settings.insert(field.to_owned(), value);
                }
            }
            success(
                &log,
                json!([if route == "user-acl" { "acl_saved" } else { "mailbox_modified" }, address]),
            )
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_mailbox_tags(&mut self, address: &str, body: &Value) -> Reply {
        let log = log("mailbox", "delete", "tags_mailbox", body);
        let Some(row) = self.mailboxes.get_mut(&address.to_lowercase()) else {
            return Reply::Entries(vec![danger(&log, "access_denied")]);
        };
        row.tags.retain(|tag| !items(body).contains(&json!(tag)));
        Reply::Entries(vec![success(&log, json!(["mailbox_modified", address]))])
    }

    pub(super) fn delete_mailbox(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|address| {
            let log = log("mailbox", "delete", "mailbox", body);
            let address = address.as_str().unwrap_or_default().to_lowercase();
            if self.mailboxes.remove(&address).is_none() {
                return danger(&log, "access_denied");
            }
            self.app_passwords.retain(|_, app| app.mailbox != address);
            self.forget_belongings(&address);
            self.forget_target(&address);
            success(&log, json!(["mailbox_removed", escape(&address)]))
        });
        Reply::Entries(entries.collect())
    }

    fn change_mailbox(&mut self, address: &str, attr: &Value) -> Result<(), Value> {
        let Some(row) = self.mailboxes.get(address) else { return Err(json!("access_denied")) };
        let quota_mib = match text(attr, "quota") {
            Some(quota) if !quota.is_empty() => int(attr, "quota").unwrap_or(0),
            _ => row.quota_mib,
        };
        let max_new = self.max_new_mib(address, row);
        if quota_mib > max_new {
            return Err(json!(["mailbox_quota_left_exceeded", max_new]));
        }
        let new_password = text(attr, "password").filter(|password| !password.is_empty());
        if let (Some(_), Some(fault)) = (&new_password, password_fault(attr, "password", "password2")) {
            return Err(json!(fault));
        }
        let Some(row) = self.mailboxes.get_mut(address) else { return Err(json!("access_denied")) };
        row.quota_mib = quota_mib;
        if let Some(password) = new_password {
            row.password = password.into();
        }
        if let Some(name) = text(attr, "name") {
            row.name = name;
        }
        if let Some(active) = int(attr, "active") {
            row.active = active;
        }
        if let Some(protocols) = texts(attr, "protocol_access") {
            row.protocols = protocols.into_iter().collect();
        }
        row.tags.extend(texts(attr, "tags").unwrap_or_default());
        for field in ["force_pw_update", "force_tfa", "sogo_access", "relayhost", "pw_recovery_email"] {
            if let Some(value) = text(attr, field) {
                let name = if field == "pw_recovery_email" { "recovery_email" } else { field };
                row.settings.insert(name.to_owned(), value);
            }
        }
        if let Some(senders) = texts(attr, "sender_acl") {
            row.senders = senders.into_iter().filter(|sender| sender != "default").collect();
        }
        Ok(())
    }

    /// How many MiB this mailbox could be given; negative if the domain was overrun.
    fn max_new_mib(&self, address: &str, row: &MailboxRow) -> i64 {
        self.domains.get(&row.domain).map_or(0, |domain| {
            domain.max_quota_mib.min(domain.quota_mib - self.assigned_mib(&row.domain, address))
        })
    }

    fn show_mailbox(&self, address: &str, row: &MailboxRow) -> Value {
        let domain = self.domains.get(&row.domain);
        let (limit, scope) = match &row.rate_limit {
            Some(limit) => (Some(limit), "mailbox"),
            None => (domain.and_then(|domain| domain.rate_limit.as_ref()), "domain"),
        };
        let mailbox = json!({
            "username": address,
            "domain": row.domain,
            "name": row.name,
            "local_part": address.strip_suffix(&format!("@{}", row.domain)),
            "quota": row.quota_mib * MIB,
            "messages": 0,
            "attributes": row.attributes(),
            "custom_attributes": if row.custom_attributes.is_empty() { json!([]) } else { json!(row.custom_attributes) },
            "quota_used": 0,
            "percent_in_use": if row.quota_mib == 0 { json!("- ") } else { json!(0) },
            "created": NOW,
            "modified": NOW,
            "authsource": "mailcow",
            "percent_class": if row.quota_mib == 0 { "info" } else { "success" },
            "last_imap_login": 0,
            "last_smtp_login": 0,
            "last_pop3_login": 0,
            "last_sso_login": 0,
            "max_new_quota": self.max_new_mib(address, row) * MIB,
            "spam_aliases": self.count_temporary_aliases(address),
            "pushover_active": 0,
            "rl": rate_limits::show(limit).unwrap_or(json!(false)),
            "rl_scope": scope,
            "is_relayed": 0,
            "sender_acl": row.senders,
        });
        with_tags(with_flags(mailbox, &[("active", row.active)]), &row.tags)
    }
}

impl MailboxRow {
    /// The id of the relay host, 0 for none.
    pub(super) fn relayhost(&self) -> u64 {
        self.settings.get("relayhost").and_then(|id| id.parse().ok()).unwrap_or(0)
    }

    /// Takes the settings out of the body of a create.
    fn set(&mut self, body: &Value) {
        for (name, value) in &mut self.settings {
            if let Some(given) = text(body, name) {
                *value = given;
            }
        }
    }

    /// Inside of `attributes` the flags are texts.
    fn attributes(&self) -> Value {
        let mut attributes = json!(self.settings);
        attributes["passwd_update"] = json!(NOW);
        attributes["mailbox_format"] = json!("maildir:");
        for protocol in PROTOCOLS {
            let is_on = self.protocols.contains(protocol);
            attributes[format!("{protocol}_access")] = json!(if is_on { "1" } else { "0" });
        }
        attributes
    }
}

const SETTINGS: [(&str, &str); 9] = [
    ("force_pw_update", "0"),
    ("force_tfa", "0"),
    ("tls_enforce_in", "0"),
    ("tls_enforce_out", "0"),
    ("sogo_access", "1"),
    ("relayhost", "0"),
    ("quarantine_notification", "hourly"),
    ("quarantine_category", "reject"),
    ("attribute_hash", ""),
];
const PROTOCOLS: [&str; 6] = ["imap", "smtp", "pop3", "sieve", "eas", "dav"];
