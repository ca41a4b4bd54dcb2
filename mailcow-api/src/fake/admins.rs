//! Administrators of the server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    domain_admins::is_name,
    state::{NOW, Reply, State, danger, int, items, list, log, object, success, text, warning, with_flags},
};

/// Its password is never read back, so none is kept.
#[derive(Debug)]
pub(super) struct AdminRow {
    active: i64,
    force_tfa: i64,
    force_pw_update: i64,
}

/// The administrators by name.
#[derive(Debug)]
pub(super) struct Admins(BTreeMap<String, AdminRow>);

impl State {
    pub(super) fn list_admins(&self) -> Reply {
        list(self.admins.0.iter().map(|(name, row)| row.show(name)).collect())
    }

    pub(super) fn get_admin(&self, name: &str) -> Reply {
        let name = name.to_lowercase();
        object(self.admins.0.get(&name).map(|row| row.show(&name)))
    }

    pub(super) fn add_admin(&mut self, body: &Value) -> Reply {
        let log = log("admin", "add", "", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let name = text(body, "username").unwrap_or_default().to_lowercase();
        if !is_name(&name) {
            return refuse(json!(["username_invalid", name]));
        }
        // Both kinds of administrators log in at the same place.
        if self.admins.0.contains_key(&name) || self.domain_admins.contains_key(&name) {
            return refuse(json!(["object_exists", name]));
        }
        if let Some(fault) = self.password_policy.fault(body, "password", "password2") {
            return refuse(json!(fault));
        }
        let given = |field| int(body, field).unwrap_or(0);
        let row = AdminRow {
            active: given("active"),
            force_tfa: given("force_tfa"),
            force_pw_update: given("force_pw_update"),
        };
        let entries = vec![success(&log, json!(["admin_added", name]))];
        self.admins.0.insert(name, row);
        Reply::Entries(entries)
    }

    pub(super) fn edit_admin(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("admin", "edit", "", attr);
        let entries = items(&body["items"]).into_iter().map(|item| {
            let name = item.as_str().unwrap_or_default().to_lowercase();
            match self.change_admin(&name, attr) {
                Ok(()) => success(&log, json!(["admin_modified", name])),
                // It is the only refusal that is no danger.
                Err(msg) if msg == NO_ACTIVE => warning(&log, msg),
                Err(msg) => danger(&log, msg),
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_admin(&mut self, body: &Value) -> Reply {
        let log = log("admin", "delete", "", body);
        let entries = items(body).into_iter().map(|item| {
            match self.admins.0.remove(&item.as_str().unwrap_or_default().to_lowercase()) {
                Some(_) => success(&log, json!(["admin_removed", item])),
                None => danger(&log, json!(["username_invalid", item])),
            }
        });
        Reply::Entries(entries.collect())
    }

    fn change_admin(&mut self, name: &str, attr: &Value) -> Result<(), Value> {
        let Some(row) = self.admins.0.get(name) else { return Err(json!("access_denied")) };
        let active = int(attr, "active").unwrap_or(row.active);
        let new_name = text(attr, "username_new").map_or_else(|| name.to_owned(), |new| new.to_lowercase());
        if !is_name(&new_name) || (new_name != name && self.admins.0.contains_key(&new_name)) {
            return Err(json!(["username_invalid", new_name]));
        }
        if active == 0 && self.admins.0.iter().all(|(other, row)| other == name || row.active == 0) {
            return Err(json!(NO_ACTIVE));
        }
        let new_password = text(attr, "password").filter(|password| !password.is_empty());
        if let Some(fault) =
            new_password.and_then(|_| self.password_policy.fault(attr, "password", "password2"))
        {
            return Err(json!(fault));
        }
        let Some(mut row) = self.admins.0.remove(name) else { return Err(json!("access_denied")) };
        row.active = active;
        row.force_tfa = int(attr, "force_tfa").unwrap_or(row.force_tfa);
        row.force_pw_update = int(attr, "force_pw_update").unwrap_or(row.force_pw_update);
        self.admins.0.insert(new_name, row);
        Ok(())
    }
}

impl AdminRow {
    fn show(&self, name: &str) -> Value {
        let admin = json!({
            "username": name,
            "created": NOW,
            "attributes": {
                "force_tfa": self.force_tfa.to_string(),
                "force_pw_update": self.force_pw_update.to_string(),
            },
        });
        with_flags(admin, &[("tfa_active", 0), ("active", self.active)])
    }
}

impl Default for Admins {
    /// The one of a new installation.
    fn default() -> Self {
        let row = AdminRow { active: 1, force_tfa: 0, force_pw_update: 0 };
        Self(BTreeMap::from([("admin".to_owned(), row)]))
    }
}

const NO_ACTIVE: &str = "no_active_admin";
