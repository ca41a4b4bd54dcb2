//! Resources: rooms and things that can be booked.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, int, items, list, log, object, success, text, with_flags};

#[derive(Debug)]
pub(super) struct ResourceRow {
    /// As made from the description; its key is in lower case.
    address: String,
    description: String,
    kind: String,
    bookings: i64,
    active: i64,
}

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
        let part = |field| text(body, field).unwrap_or_default();
        let (domain, description) = (part("domain").to_lowercase(), part("description"));
        if !self.domains.contains_key(&domain) {
            return refuse(json!("access_denied"));
        }
        if description.is_empty() {
            return refuse(json!(["description_invalid", domain]));
        }
        let local_part: String = description.chars().filter(char::is_ascii_alphanumeric).collect();
        let address = format!("{local_part}@{domain}");
        let key = address.to_lowercase();
        let row = ResourceRow {
            address: address.clone(),
            description,
            kind: part("kind"),
            bookings: int(body, "multiple_bookings").unwrap_or(0).max(-1),
            active: int(body, "active").unwrap_or(0),
        };
        if !row.is_valid() {
            return refuse(json!("resource_invalid"));
        }
        if self.resources.contains_key(&key)
            || self.mailboxes.contains_key(&key)
            || self.find_alias(&json!(key)).is_some()
        {
            return refuse(json!(["object_exists", address]));
        }
        self.resources.insert(key, row);
        Reply::Entries(vec![success(&log, json!(["resource_added", address]))])
    }

    pub(super) fn edit_resource(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|item| {
            let log = log("mailbox", "edit", "resource", attr);
            let name = item.as_str().unwrap_or_default();
            let Some(row) = self.resources.get_mut(&name.to_lowercase()) else {
                return danger(&log, json!(["resource_invalid", item]));
            };
            let changed = row.changed(attr);
            if !changed.is_valid() || changed.description.is_empty() {
                return danger(&log, json!(["resource_invalid", item]));
            }
            *row = changed;
            success(&log, json!(["resource_modified", row.address]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_resource(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|item| {
            let log = log("mailbox", "delete", "resource", body);
            match self.resources.remove(&item.as_str().unwrap_or_default().to_lowercase()) {
                Some(row) => success(&log, json!(["resource_removed", row.address])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn has_resources(&self, domain: &str) -> bool {
        self.resources.values().any(|row| row.domain().eq_ignore_ascii_case(domain))
    }
}

impl ResourceRow {
    fn changed(&self, attr: &Value) -> Self {
        Self {
            address: self.address.clone(),
            description: text(attr, "description").unwrap_or_else(|| self.description.clone()),
            kind: text(attr, "kind").unwrap_or_else(|| self.kind.clone()),
            bookings: int(attr, "multiple_bookings").unwrap_or(self.bookings).max(-1),
            active: int(attr, "active").unwrap_or(self.active),
        }
    }

    fn is_valid(&self) -> bool {
        matches!(self.kind.as_str(), "location" | "group" | "thing")
    }

    fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or_default()
    }

    fn show(&self) -> Value {
        let resource = json!({
            "name": self.address,
            "kind": self.kind,
            "multiple_bookings": self.bookings,
            "description": self.description,
            "domain": self.domain(),
            "local_part": self.address.split('@').next(),
        });
        with_flags(resource, &[("active", self.active)])
    }
}
