//! App passwords.

use serde_json::{Value, json};

use super::state::{
    AppPasswordRow, NOW, Reply, State, danger, escape, int, items, list, log, number, success, text, texts,
};

impl State {
    pub(super) fn list_app_passwords(&self, address: &str) -> Reply {
        let address = address.to_lowercase();
        let own = self.app_passwords.iter().filter(|(_, row)| row.mailbox == address);
        list(own.map(|(id, row)| row.show(*id)).collect())
    }

    pub(super) fn add_app_password(&mut self, body: &Value) -> Reply {
        let log = log("app_passwd", "add", "", body);
        let refuse = |msg: &str| Reply::Entries(vec![danger(&log, msg)]);
        let mailbox = text(body, "username").unwrap_or_default().to_lowercase();
        if !self.mailboxes.contains_key(&mailbox) {
            return refuse("access_denied");
        }
        if let Some(fault) = self.password_policy.fault(body, "app_passwd", "app_passwd2") {
            return refuse(fault);
        }
        let name = text(body, "app_name").unwrap_or_default();
        if name.is_empty() {
            return refuse("app_name_empty");
        }
        self.last_app_password += 1;
        let row = AppPasswordRow {
            mailbox,
            name: escape(&name),
            password: text(body, "app_passwd").unwrap_or_default().into(),
            protocols: texts(body, "protocols").unwrap_or_default().into_iter().collect(),
            active: int(body, "active").unwrap_or(0),
            modified: false,
        };
        self.app_passwords.insert(self.last_app_password, row);
        Reply::Entries(vec![success(&log, "app_passwd_added")])
    }

    pub(super) fn edit_app_password(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("app_passwd", "edit", "", attr);
        let mut entries = Vec::new();
        for id in items(&body["items"]) {
            let Some((number, row)) = number(&id).and_then(|n| Some((n, self.app_passwords.get_mut(&n)?)))
            else {
                entries.push(danger(&log, json!(["app_passwd_id_invalid", id])));
                continue;
            };
            // The real code dies here.
            if text(attr, "username").is_none() {
                return Reply::Empty;
            }
            if let Some(password) = text(attr, "app_passwd").filter(|password| !password.is_empty()) {
                if let Some(fault) = self.password_policy.fault(attr, "app_passwd", "app_passwd2") {
                    entries.push(danger(&log, fault));
                    continue;
                }
                row.password = password.into();
            }
            if let Some(protocols) = texts(attr, "protocols") {
                row.protocols = protocols.into_iter().collect();
            }
            row.active = int(attr, "active").unwrap_or(row.active);
            // The name is read, which escapes it, and written, which escapes it again.
            row.name = escape(&escape(&row.name));
            row.modified = true;
            entries.push(success(&log, json!(["object_modified", number.to_string()])));
        }
        Reply::Entries(entries)
    }

    pub(super) fn delete_app_password(&mut self, body: &Value) -> Reply {
        let log = log("app_passwd", "delete", "", body);
        let mut entries = Vec::new();
        for id in items(body) {
            let Some(number) = number(&id).filter(|number| self.app_passwords.remove(number).is_some())
            else {
                // The rest of the list is not looked at.
                entries.push(danger(&log, "app_passwd_id_invalid"));
                break;
            };
            entries.push(success(&log, json!(["app_passwd_removed", number.to_string()])));
        }
        Reply::Entries(entries)
    }
}

impl AppPasswordRow {
    fn show(&self, id: u64) -> Value {
        let mut shown = json!({
            "id": id,
            "name": escape(&self.name),
            "mailbox": self.mailbox,
            "domain": self.mailbox.rsplit('@').next(),
            "password": "{BLF-CRYPT}$2y$10$the.fake.does.not.hash.passwords.the.fake.does.not.ha",
            "created": NOW,
            "modified": self.modified.then_some(NOW),
            "active": self.active,
        });
        for protocol in PROTOCOLS {
            shown[protocol] = json!(u8::from(self.protocols.contains(protocol)));
        }
        shown
    }
}

const PROTOCOLS: [&str; 6] =
    ["imap_access", "smtp_access", "pop3_access", "sieve_access", "eas_access", "dav_access"];
