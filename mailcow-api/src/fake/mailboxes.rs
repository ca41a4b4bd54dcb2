//! Mailboxes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    domains::MAX_TAGS,
    rate_limits,
    state::{
        MIB, MailboxRow, NOW, Reply, State, danger, escape, int, items, log, object, password_fault, success,
        text, texts, with_flags, with_tags,
    },
};
use crate::MailboxAddress;

impl State {
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
        if self.mailboxes.contains_key(address) {
            return refuse(json!(["object_exists", escape(address)]));
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
            rate_limit: None,
            tags: texts(body, "tags").unwrap_or_default().into_iter().take(MAX_TAGS + 1).collect(),
        };
        if let Some(protocols) = texts(body, "protocol_access") {
            row.protocols = protocols.into_iter().collect();
        }
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

    pub(super) fn delete_mailbox(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|address| {
            let log = log("mailbox", "delete", "mailbox", body);
            let address = address.as_str().unwrap_or_default().to_lowercase();
            if self.mailboxes.remove(&address).is_none() {
                return danger(&log, "access_denied");
            }
            self.app_passwords.retain(|_, app| app.mailbox != address);
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
            "attributes": attributes(&row.protocols),
            "custom_attributes": [],
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
            "spam_aliases": 0,
            "pushover_active": 0,
            "rl": rate_limits::show(limit).unwrap_or(json!(false)),
            "rl_scope": scope,
            "is_relayed": 0,
            "sender_acl": [],
        });
        with_tags(with_flags(mailbox, &[("active", row.active)]), &row.tags)
    }
}

/// Inside of `attributes` the flags are texts.
fn attributes(protocols: &BTreeSet<String>) -> Value {
    let mut attributes = json!({
        "force_pw_update": "0",
        "force_tfa": "0",
        "tls_enforce_in": "0",
        "tls_enforce_out": "0",
        "sogo_access": "1",
        "relayhost": "0",
        "passwd_update": NOW,
        "mailbox_format": "maildir:",
        "quarantine_notification": "hourly",
        "quarantine_category": "reject",
        "attribute_hash": "",
    });
    for protocol in PROTOCOLS {
        attributes[format!("{protocol}_access")] =
            json!(if protocols.contains(protocol) { "1" } else { "0" });
    }
    attributes
}

const PROTOCOLS: [&str; 6] = ["imap", "smtp", "pop3", "sieve", "eas", "dav"];
