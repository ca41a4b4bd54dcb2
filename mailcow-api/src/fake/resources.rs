//! Resources of calendars.

use serde_json::{Value, json};

use super::state::{
    Reply, ResourceRow, State, danger, int, items, list, log, object, success, text, with_flags,
};

impl State {
    pub(super) fn list_resources(&self) -> Reply {
        list(self.resources.values().map(ResourceRow::show).collect())
    }

    pub(super) fn get_resource(&self, address: &str) -> Reply {
        object(self.resources.get(&address.to_lowercase()).map(ResourceRow::show))
    }

    pub(super) fn add_resource(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "resource", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let description = text(body, "description").unwrap_or_default();
        let domain = text(body, "domain").unwrap_or_default().to_lowercase();
        let local_part: String = description.chars().filter(char::is_ascii_alphanumeric).collect();
        if local_part.is_empty() {
            return refuse(json!("description_invalid"));
        }
        if !self.domains.contains_key(&domain) {
            return refuse(json!("access_denied"));
        }
        let kind = text(body, "kind").unwrap_or_default();
        if !is_kind(&kind) {
            return refuse(json!("resource_invalid"));
        }
        let address = format!("{local_part}@{domain}");
        let key = address.to_lowercase();
        let is_taken = self.mailboxes.contains_key(&key) || self.find_alias(&json!(address)).is_some();
        if is_taken || self.resources.contains_key(&key) {
            return refuse(json!(["object_exists", address]));
        }
        let row = ResourceRow {
            address: address.clone(),
            domain,
            kind,
            description,
            bookings: int(body, "multiple_bookings").unwrap_or(0),
            active: int(body, "active").unwrap_or(0),
        };
        self.resources.insert(key, row);
        Reply::Entries(vec![success(&log, json!(["resource_added", address]))])
    }

    pub(super) fn edit_resource(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|address| {
            let log = log("mailbox", "edit", "resource", attr);
            let address = address.as_str().unwrap_or_default();
            let kind = text(attr, "kind");
            let row = self.resources.get_mut(&address.to_lowercase());
            let Some(row) = row.filter(|_| kind.as_deref().is_none_or(is_kind)) else {
                return danger(&log, json!(["resource_invalid", address]));
            };
            row.kind = kind.unwrap_or_else(|| row.kind.clone());
            row.description = text(attr, "description").unwrap_or_else(|| row.description.clone());
            row.bookings = int(attr, "multiple_bookings").unwrap_or(row.bookings);
            row.active = int(attr, "active").unwrap_or(row.active);
            success(&log, json!(["resource_modified", address]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_resource(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|address| {
            let log = log("mailbox", "delete", "resource", body);
            let address = address.as_str().unwrap_or_default();
            match self.resources.remove(&address.to_lowercase()) {
                Some(_) => success(&log, json!(["resource_removed", address])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }
}

impl ResourceRow {
    fn show(&self) -> Value {
        let shown = json!({
            "name": self.address,
            "kind": self.kind,
            "multiple_bookings": self.bookings,
            "description": self.description,
            "domain": self.domain,
            "local_part": self.address.strip_suffix(&format!("@{}", self.domain)),
        });
        with_flags(shown, &[("active", self.active)])
    }
}

fn is_kind(kind: &str) -> bool {
    matches!(kind, "location" | "group" | "thing")
}
