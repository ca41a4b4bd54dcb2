//! Domains.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    rate_limits,
    state::{
        DomainRow, MIB, NOW, Reply, State, danger, escape, has_tag, int, items, list, log, number, object,
        success, text, texts, with_flags, with_tags,
    },
};
use crate::DomainName;

impl State {
    pub(super) fn list_domains(&self, tags: Option<&str>) -> Reply {
        let wanted = self.domains.iter().filter(|(_, row)| has_tag(&row.tags, tags));
        list(wanted.map(|(name, row)| self.show_domain(name, row)).collect())
    }

    pub(super) fn get_domain(&self, name: &str) -> Reply {
        let Ok(name) = name.parse::<DomainName>() else { return object(None) };
        // Asked for an alias domain, the real one too shows its target.
        let Ok(name) = self.primary_domain(name.as_str()).parse::<DomainName>() else { return object(None) };
        object(self.domains.get(name.as_str()).map(|row| self.show_domain(name.as_str(), row)))
    }

    pub(super) fn add_domain(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "domain", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        // The values of the template "Default" fill in.
        let (default_quota_mib, max_quota_mib, quota_mib) = (
            int(body, "defquota").unwrap_or(3072),
            int(body, "maxquota").unwrap_or(10240),
            int(body, "quota").unwrap_or(10240),
        );
        if default_quota_mib > max_quota_mib {
            return refuse(json!("mailbox_defquota_exceeds_mailbox_maxquota"));
        }
        if max_quota_mib > quota_mib {
            return refuse(json!("mailbox_quota_exceeds_domain_quota"));
        }
        if default_quota_mib == 0 {
            return refuse(json!("defquota_empty"));
        }
        let Ok(name) = text(body, "domain").unwrap_or_default().trim().parse::<DomainName>() else {
            return refuse(json!("domain_invalid"));
        };
        let name = name.as_str();
        if name == HOSTNAME {
            return refuse(json!("domain_cannot_match_hostname"));
        }
        if self.domains.contains_key(name) || self.alias_domains.contains_key(name) {
            return refuse(json!(["domain_exists", escape(name)]));
        }
        let row = DomainRow {
            description: text(body, "description")
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| name.to_owned()),
            aliases: int(body, "aliases").unwrap_or(400),
            mailboxes: int(body, "mailboxes").unwrap_or(10),
            default_quota_mib,
            max_quota_mib,
            quota_mib,
            active: int(body, "active").unwrap_or(1),
            gal: int(body, "gal").unwrap_or(1),
            backup_mx: int(body, "backupmx").unwrap_or(0),
            relay_all_recipients: int(body, "relay_all_recipients").unwrap_or(0),
            relay_unknown_only: int(body, "relay_unknown_only").unwrap_or(0),
            relayhost: 0,
            modified: false,
            rate_limit: None,
            tags: BTreeSet::new(),
        };
        let row = self.domains.entry(name.to_owned()).or_insert(row);
        let mut entries = Vec::new();
        for (at, tag) in texts(body, "tags").unwrap_or_default().into_iter().enumerate() {
            if at > MAX_TAGS {
                entries
                    .push(json!({"type": "warning", "log": log, "msg": ["tag_limit_exceeded", "limit 25"]}));
                break;
            }
            // The same tag twice breaks a unique key, and nothing catches that.
            if !row.tags.insert(tag) {
                return Reply::Empty;
            }
        }
        if int(body, "rl_value").unwrap_or(0) != 0 {
            entries.push(rate_limits::set(&mut row.rate_limit, name, body));
        }
        let bits = int(body, "key_size").unwrap_or(2048);
        let selector = text(body, "dkim_selector").unwrap_or_else(|| "dkim".to_owned());
        if bits != 0 && self.make_dkim(name, &selector, bits) {
            entries.push(success(&json!(["dkim", "add"]), json!(["dkim_added", name])));
        }
        entries.push(success(&log, json!(["domain_added", escape(name)])));
        Reply::Entries(entries)
    }

    pub(super) fn delete_domain(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|name| {
            let log = log("mailbox", "delete", "domain", body);
            let Ok(name) = name.as_str().unwrap_or_default().parse::<DomainName>() else {
                return danger(&log, "domain_invalid");
            };
            let name = name.as_str();
            let is_used = self.count_aliases(name) > 0 || self.has_resources(name);
            if is_used || self.mailboxes.values().any(|mailbox| mailbox.domain == name) {
                return danger(&log, json!(["domain_not_empty", escape(name)]));
            }
            self.domains.remove(name);
            self.alias_domains.retain(|_, alias| alias.target != name);
            self.dkim.remove(name);
            self.forget_domain_of_admins(name);
            self.forget_policies(name);
            success(&log, json!(["domain_removed", escape(name)]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_domain_tags(&mut self, name: &str, body: &Value) -> Reply {
        let log = log("mailbox", "delete", "tags_domain", body);
        let Some(row) = self.domains.get_mut(&name.to_lowercase()) else {
            return Reply::Entries(vec![danger(&log, "access_denied")]);
        };
        row.tags.retain(|tag| !items(body).contains(&json!(tag)));
        Reply::Entries(vec![success(&log, json!(["domain_modified", name]))])
    }

    pub(super) fn edit_domain(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let mut entries = Vec::new();
        for name in items(&body["items"]) {
            let name = name.as_str().unwrap_or_default().to_lowercase();
            match self.change_domain(&name, attr) {
                Ok(true) => entries.push(success(
                    &log("mailbox", "edit", "domain", attr),
                    json!(["domain_modified", escape(&name)]),
                )),
                // A tag that is there already breaks a unique key.
                Ok(false) => return Reply::Empty,
                Err(msg) => entries.push(danger(&log("mailbox", "edit", "domain", attr), msg)),
            }
        }
        Reply::Entries(entries)
    }

    /// Returns whether all went well; the changes before a tag that is there already stay.
    fn change_domain(&mut self, name: &str, attr: &Value) -> Result<bool, Value> {
        let (assigned, mailboxes) = (self.assigned_mib(name, ""), self.count_mailboxes(name));
        let Some(row) = self.domains.get_mut(name) else { return Err(json!("access_denied")) };
        // An empty text means "keep".
        let value = |field, now| match text(attr, field) {
            Some(text) if !text.is_empty() => int(attr, field).unwrap_or(now),
            _ => int(attr, field).filter(|_| attr[field].is_boolean()).unwrap_or(now),
        };
        let (default, max, quota) = (
            value("defquota", row.default_quota_mib),
            value("maxquota", row.max_quota_mib),
            value("quota", row.quota_mib),
        );
        if default > max {
            return Err(json!("mailbox_defquota_exceeds_mailbox_maxquota"));
        }
        if max > quota {
            return Err(json!("mailbox_quota_exceeds_domain_quota"));
        }
        if assigned > quota {
            return Err(json!(["domain_quota_m_in_use", assigned.to_string()]));
        }
        if mailboxes > value("mailboxes", row.mailboxes) {
            return Err(json!(["mailboxes_in_use", mailboxes]));
        }
        (row.default_quota_mib, row.max_quota_mib, row.quota_mib) = (default, max, quota);
        row.description = text(attr, "description").unwrap_or_else(|| row.description.clone());
        row.mailboxes = value("mailboxes", row.mailboxes);
        row.aliases = value("aliases", row.aliases);
        row.active = value("active", row.active);
        row.gal = value("gal", row.gal);
        row.backup_mx = value("backupmx", row.backup_mx);
        row.relay_all_recipients = value("relay_all_recipients", row.relay_all_recipients);
        row.relay_unknown_only = value("relay_unknown_only", row.relay_unknown_only);
        row.relayhost = number(&attr["relayhost"]).unwrap_or(row.relayhost);
        row.modified = true;
        Ok(texts(attr, "tags").unwrap_or_default().into_iter().all(|tag| row.tags.insert(tag)))
    }

    /// How many MiB the mailboxes of a domain have been assigned, without that of `except`.
    pub(super) fn assigned_mib(&self, domain: &str, except: &str) -> i64 {
        let mailboxes =
            self.mailboxes.iter().filter(|(address, row)| row.domain == domain && *address != except);
        mailboxes.map(|(_, row)| row.quota_mib).sum()
    }

    pub(super) fn count_mailboxes(&self, domain: &str) -> i64 {
        let count = self.mailboxes.values().filter(|row| row.domain == domain).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    fn show_domain(&self, name: &str, row: &DomainRow) -> Value {
        let (assigned, count) = (self.assigned_mib(name, ""), self.count_mailboxes(name));
        let max_new = row.max_quota_mib.min(row.quota_mib - assigned);
        let domain = json!({
            "max_new_mailbox_quota": max_new * MIB,
            "def_new_mailbox_quota": row.default_quota_mib.min(max_new) * MIB,
            "quota_used_in_domain": (assigned * MIB).to_string(),
            "bytes_total": 0,
            "msgs_total": 0,
            "mboxes_in_domain": count,
            "mboxes_left": row.mailboxes - count,
            "domain_name": name,
            "domain_h_name": name,
            "description": row.description,
            "max_num_aliases_for_domain": row.aliases,
            "max_num_mboxes_for_domain": row.mailboxes,
            "def_quota_for_mbox": row.default_quota_mib * MIB,
            "max_quota_for_mbox": row.max_quota_mib * MIB,
            "max_quota_for_domain": row.quota_mib * MIB,
            "relayhost": row.relayhost.to_string(),
            "rl": rate_limits::show(row.rate_limit.as_ref()).unwrap_or(json!(false)),
            "created": NOW,
            "modified": row.modified.then_some(NOW),
            "aliases_in_domain": self.count_aliases(name),
            "aliases_left": row.aliases - self.count_aliases(name),
            "domain_admins": self.admins_of(name),
        });
        let flags = [
            ("backupmx", row.backup_mx),
            ("gal", row.gal),
            ("active", row.active),
            ("relay_all_recipients", row.relay_all_recipients),
            ("relay_unknown_only", row.relay_unknown_only),
        ];
        with_tags(with_flags(domain, &flags), &row.tags)
    }
}

/// The name of the server itself, which cannot be a mail domain.
const HOSTNAME: &str = "mail.example.com";
/// Mailcow counts from nought and so stores one more.
pub(super) const MAX_TAGS: usize = 25;
