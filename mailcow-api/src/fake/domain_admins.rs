//! Administrators of domains.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::state::{NOW, Reply, State, danger, int, items, list, log, object, success, text, with_flags};

/// Its password is never read back, so none is kept.
#[derive(Debug)]
pub(super) struct DomainAdminRow {
    domains: BTreeSet<String>,
    active: i64,
    force_tfa: i64,
    force_pw_update: i64,
}

impl State {
    pub(super) fn list_domain_admins(&self) -> Reply {
        // Who has no domain is in no list.
        let listed = self.domain_admins.iter().filter(|(_, row)| !row.domains.is_empty());
        list(listed.map(|(name, row)| self.show_domain_admin(name, row)).collect())
    }

    pub(super) fn get_domain_admin(&self, name: &str) -> Reply {
        let name = name.to_lowercase();
        object(self.domain_admins.get(&name).map(|row| self.show_domain_admin(&name, row)))
    }

    pub(super) fn add_domain_admin(&mut self, body: &Value) -> Reply {
        let log = log("domain_admin", "add", "", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let name = text(body, "username").unwrap_or_default().to_lowercase();
        let domains = domains(body).unwrap_or_default();
        if domains.is_empty() {
            return refuse(json!("domain_invalid"));
        }
        if !is_name(&name) {
            return refuse(json!(["username_invalid", name]));
        }
        if self.domain_admins.contains_key(&name) {
            return refuse(json!(["object_exists", name]));
        }
        if let Some(fault) = self.password_policy.fault(body, "password", "password2") {
            return refuse(json!(fault));
        }
        let (known, mut entries) = self.known_domains(domains, &log);
        let row = DomainAdminRow {
            domains: known,
            active: int(body, "active").unwrap_or(0),
            force_tfa: int(body, "force_tfa").unwrap_or(0),
            force_pw_update: int(body, "force_pw_update").unwrap_or(0),
        };
        entries.push(success(&log, json!(["domain_admin_added", name])));
        self.domain_admins.insert(name, row);
        Reply::Entries(entries)
    }

    pub(super) fn edit_domain_admin(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let mut entries = Vec::new();
        for item in items(&body["items"]) {
            let log = log("domain_admin", "edit", "", attr);
            let name = item.as_str().unwrap_or_default().to_lowercase();
            if !self.domain_admins.contains_key(&name) {
                entries.push(danger(&log, "access_denied"));
                continue;
            }
            let new_name = text(attr, "username_new").map_or_else(|| name.clone(), |new| new.to_lowercase());
            if !is_name(&new_name) || (new_name != name && self.domain_admins.contains_key(&new_name)) {
                entries.push(danger(&log, json!(["username_invalid", new_name])));
                continue;
            }
            let new_password = text(attr, "password").filter(|password| !password.is_empty());
            if let Some(fault) =
                new_password.and_then(|_| self.password_policy.fault(attr, "password", "password2"))
            {
                entries.push(danger(&log, fault));
                continue;
            }
            let known = domains(attr).map(|domains| self.known_domains(domains, &log));
            let Some(mut row) = self.domain_admins.remove(&name) else { continue };
            if let Some((known, dangers)) = known {
                row.domains = known;
                entries.extend(dangers);
            }
            row.active = int(attr, "active").unwrap_or(row.active);
            row.force_tfa = int(attr, "force_tfa").unwrap_or(row.force_tfa);
            row.force_pw_update = int(attr, "force_pw_update").unwrap_or(row.force_pw_update);
            self.domain_admins.insert(new_name, row);
            entries.push(success(&log, json!(["domain_admin_modified", name])));
        }
        Reply::Entries(entries)
    }

    /// What the administrator may do is not read back either.
    pub(super) fn edit_domain_admin_rights(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|item| {
            let log = log("acl", "edit", "domainadmin", attr);
            if self.domain_admins.contains_key(item.as_str().unwrap_or_default()) {
                success(&log, json!(["acl_saved", item]))
            } else {
                danger(&log, "Cannot determine current ACL")
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn issue_domain_admin_token(&self, body: &Value) -> Reply {
        let name = text(body, "username").unwrap_or_default();
        if self.domain_admins.contains_key(&name) {
            return Reply::Json(json!({"token": "AAAAAA-BBBBBB-CCCCCC-DDDDDD-EEEEEE"}));
        }
        let log = log("domain_admin_sso", "issue", "", body);
        Reply::Entries(vec![danger(&log, json!(["object_doesnt_exist", name]))])
    }

    pub(super) fn delete_domain_admin(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|item| {
            let log = log("domain_admin", "delete", "", body);
            match self.domain_admins.remove(&item.as_str().unwrap_or_default().to_lowercase()) {
                Some(_) => success(&log, json!(["domain_admin_removed", item])),
                None => danger(&log, json!(["username_invalid", item])),
            }
        });
        Reply::Entries(entries.collect())
    }

    /// The administrators of a domain with commas between, `-` for none.
    pub(super) fn admins_of(&self, domain: &str) -> String {
        let own = self.domain_admins.iter().filter(|(_, row)| row.domains.contains(domain));
        let names: Vec<_> = own.map(|(name, _)| name.as_str()).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(",") }
    }

    pub(super) fn forget_domain_of_admins(&mut self, domain: &str) {
        self.domain_admins.values_mut().for_each(|row| {
            row.domains.remove(domain);
        });
    }

    /// Keeps the domains that there are, and says which are not.
    fn known_domains(&self, domains: Vec<String>, log: &Value) -> (BTreeSet<String>, Vec<Value>) {
        let (known, unknown): (Vec<_>, Vec<_>) =
            domains.into_iter().partition(|name| self.domains.contains_key(name));
        let dangers = unknown.into_iter().map(|name| danger(log, json!(["domain_invalid", name])));
        (known.into_iter().collect(), dangers.collect())
    }

    fn show_domain_admin(&self, name: &str, row: &DomainAdminRow) -> Value {
        let others: Vec<_> = self.domains.keys().filter(|domain| !row.domains.contains(*domain)).collect();
        let admin = json!({
            "username": name,
            "created": NOW,
            "attributes": {
                "force_tfa": row.force_tfa.to_string(),
                "force_pw_update": row.force_pw_update.to_string(),
            },
            "selected_domains": row.domains,
            "unselected_domains": if others.is_empty() { json!("") } else { json!(others) },
        });
        with_flags(admin, &[("tfa_active", 0), ("active", row.active)])
    }
}

/// One domain as a text, or several as a list.
fn domains(body: &Value) -> Option<Vec<String>> {
    let names = items(body.get("domains")?);
    Some(names.iter().filter_map(Value::as_str).map(str::to_lowercase).collect())
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}
