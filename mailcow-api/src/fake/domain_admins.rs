//! Domain administrators.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::state::{
    DomainAdminRow, NOW, Reply, State, danger, int, items, list, log, object, password_fault, success, text,
    with_flags,
};
use crate::AdminName;

impl State {
    pub(super) fn list_domain_admins(&self) -> Reply {
        list(self.domain_admins.iter().map(|(name, row)| self.show_domain_admin(name, row)).collect())
    }

    pub(super) fn get_domain_admin(&self, name: &str) -> Reply {
        let name = name.to_lowercase();
        object(self.domain_admins.get(&name).map(|row| self.show_domain_admin(&name, row)))
    }

    pub(super) fn add_domain_admin(&mut self, body: &Value) -> Reply {
        let log = log("domain_admin", "add", "", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let name = text(body, "username").unwrap_or_default().to_lowercase();
        if name.parse::<AdminName>().is_err() {
            return refuse(json!(["username_invalid", name]));
        }
        if self.domain_admins.contains_key(&name) {
            return refuse(json!(["object_exists", name]));
        }
        if let Some(fault) = password_fault(body, "password", "password2") {
            return refuse(json!(fault));
        }
        // What does not exist is said, and the rest goes on.
        let (known, unknown) = self.sort_domains(&body["domains"]);
        let mut entries: Vec<_> =
            unknown.into_iter().map(|domain| danger(&log, json!(["domain_invalid", domain]))).collect();
        let row = DomainAdminRow { domains: known, active: int(body, "active").unwrap_or(0) };
        self.domain_admins.insert(name.clone(), row);
        entries.push(success(&log, json!(["domain_admin_added", name])));
        Reply::Entries(entries)
    }

    pub(super) fn edit_domain_admin(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|item| {
            let log = log("domain_admin", "edit", "", attr);
            let name = item.as_str().unwrap_or_default().to_lowercase();
            let new_password = text(attr, "password").filter(|password| !password.is_empty());
            if let (Some(_), Some(fault)) = (new_password, password_fault(attr, "password", "password2")) {
                return danger(&log, fault);
            }
            let (domains, _) = self.sort_domains(&attr["domains"]);
            let Some(mut row) = self.domain_admins.remove(&name) else {
                return danger(&log, "access_denied");
            };
            if !domains.is_empty() {
                row.domains = domains;
            }
            row.active = int(attr, "active").unwrap_or(row.active);
            let new_name = text(attr, "username_new").filter(|new| !new.is_empty());
            self.domain_admins.insert(new_name.map_or(name.clone(), |new| new.to_lowercase()), row);
            success(&log, json!(["domain_admin_modified", name]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_domain_admin(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|name| {
            let log = log("domain_admin", "delete", "", body);
            let name = name.as_str().unwrap_or_default().to_lowercase();
            match self.domain_admins.remove(&name) {
                Some(_) => success(&log, json!(["domain_admin_removed", name])),
                None => danger(&log, json!(["username_invalid", name])),
            }
        });
        Reply::Entries(entries.collect())
    }

    /// The domains that exist, and those that do not.
    fn sort_domains(&self, list: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
        let names = items(list).into_iter().filter_map(|name| name.as_str().map(str::to_lowercase));
        names.partition(|name| self.domains.contains_key(name))
    }

    fn show_domain_admin(&self, name: &str, row: &DomainAdminRow) -> Value {
        let others: Vec<_> = self.domains.keys().filter(|domain| !row.domains.contains(*domain)).collect();
        let shown = json!({
            "username": name,
            "created": NOW,
            "attributes": {"force_tfa": "0", "force_pw_update": "0"},
            "selected_domains": row.domains,
            "unselected_domains": if others.is_empty() { json!("") } else { json!(others) },
        });
        with_flags(shown, &[("tfa_active", 0), ("active", row.active)])
    }
}
