//! Relay hosts and transports: two tables, one set of codes.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::state::{
    RelayRow, Reply, State, danger, int, items, list, log, number, object, split, success, text,
};

impl State {
    pub(super) fn list_relayhosts(&self) -> Reply {
        list(self.relayhosts.iter().map(|(id, row)| self.show_relayhost(*id, row)).collect())
    }

    pub(super) fn get_relayhost(&self, id: &str) -> Reply {
        let found = number(&json!(id)).and_then(|id| Some((id, self.relayhosts.get(&id)?)));
        object(found.map(|(id, row)| self.show_relayhost(id, row)))
    }

    pub(super) fn add_relayhost(&mut self, body: &Value) -> Reply {
        let log = log("relayhost", "add", "", body);
        let host = text(body, "hostname").unwrap_or_default();
        if host.is_empty() {
            return Reply::Entries(vec![danger(&log, json!(["invalid_host", host]))]);
        }
        self.last_relay += 1;
        self.relayhosts.insert(self.last_relay, RelayRow::new("", &host, body, 1));
        Reply::Entries(vec![success(&log, json!(["relayhost_added", ""]))])
    }

    pub(super) fn edit_relayhost(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("relayhost", "edit", "", attr);
            match number(&id).and_then(|id| self.relayhosts.get_mut(&id)) {
                Some(row) => {
                    row.change("hostname", attr);
                    success(&log, json!(["object_modified", ""]))
                }
                None => danger(&log, json!(["relayhost_invalid", id])),
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_relayhost(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|item| {
            if let Some(id) = number(&item) {
                self.relayhosts.remove(&id);
                self.domains.values_mut().filter(|row| row.relayhost == id).for_each(|row| row.relayhost = 0);
            }
            removed("relayhost", &item, body)
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn list_transports(&self) -> Reply {
        list(self.transports.iter().map(|(id, row)| row.show_transport(*id)).collect())
    }

    pub(super) fn get_transport(&self, id: &str) -> Reply {
        let found = number(&json!(id)).and_then(|id| Some((id, self.transports.get(&id)?)));
        object(found.map(|(id, row)| row.show_transport(id)))
    }

    pub(super) fn add_transport(&mut self, body: &Value) -> Reply {
        let log = log("transport", "add", "", body);
        let nexthop = text(body, "nexthop").unwrap_or_default();
        if nexthop.is_empty() {
            return Reply::Entries(vec![danger(&log, json!(["invalid_nexthop"]))]);
        }
        // An address is put into brackets.
        let nexthop =
            if nexthop.parse::<std::net::IpAddr>().is_ok() { format!("[{nexthop}]") } else { nexthop };
        let (mut entries, mut is_added) = (Vec::new(), false);
        for destination in split(&text(body, "destination").unwrap_or_default()) {
            if !destination.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@*+[]\\^$|()".contains(&b)) {
                entries.push(danger(&log, json!(["invalid_destination", destination])));
            } else if self.transports.values().any(|row| row.destination == destination) {
                entries.push(danger(&log, json!(["transport_dest_exists", destination])));
            } else {
                self.last_relay += 1;
                let row = RelayRow::new(&destination, &nexthop, body, int(body, "active").unwrap_or(0));
                self.transports.insert(self.last_relay, row);
                is_added = true;
            }
        }
        if is_added {
            entries.push(success(&log, json!(["relayhost_added", ""])));
        }
        Reply::Entries(entries)
    }

    pub(super) fn edit_transport(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("transport", "edit", "", attr);
            match number(&id).and_then(|id| self.transports.get_mut(&id)) {
                Some(row) => {
                    row.destination = text(attr, "destination").unwrap_or_else(|| row.destination.clone());
                    row.change("nexthop", attr);
                    success(&log, json!(["object_modified", ""]))
                }
                None => danger(&log, json!(["relayhost_invalid", id])),
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_transport(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|item| {
            number(&item).and_then(|id| self.transports.remove(&id));
            removed("transport", &item, body)
        });
        Reply::Entries(entries.collect())
    }

    fn show_relayhost(&self, id: u64, row: &RelayRow) -> Value {
        let domains = self.domains.iter().filter(|(_, domain)| domain.relayhost == id);
        let domains: Vec<_> = domains.map(|(name, _)| name.as_str()).collect();
        let mailboxes = self.mailboxes.iter().filter(|(_, mailbox)| mailbox.relayhost() == id);
        let mailboxes: Vec<_> = mailboxes.map(|(address, _)| address.as_str()).collect();
        json!({
            "id": id,
            "hostname": row.host,
            "username": row.username.replace(':', "\\:"),
            "password": row.password.expose_secret().replace(':', "\\\\:"),
            "active": row.active,
            "password_short": row.short(),
            "used_by_domains": domains.join(", "),
            "used_by_mailboxes": mailboxes.join(", "),
        })
    }
}

impl RelayRow {
    fn new(destination: &str, host: &str, body: &Value, active: i64) -> Self {
        Self {
            destination: destination.to_owned(),
            host: host.to_owned(),
            username: text(body, "username").unwrap_or_default(),
            password: text(body, "password").unwrap_or_default().into(),
            is_mx_based: int(body, "is_mx_based").unwrap_or(0),
            active,
        }
    }

    fn change(&mut self, host: &str, attr: &Value) {
        self.host = text(attr, host).unwrap_or_else(|| self.host.clone());
        self.username = text(attr, "username").unwrap_or_else(|| self.username.clone());
        if let Some(password) = text(attr, "password") {
            self.password = password.into();
        }
        self.is_mx_based = int(attr, "is_mx_based").unwrap_or(self.is_mx_based);
        self.active = int(attr, "active").unwrap_or(self.active);
    }

    fn show_transport(&self, id: u64) -> Value {
        json!({
            "id": id,
            "is_mx_based": self.is_mx_based,
            "destination": self.destination,
            "nexthop": self.host,
            "username": self.username,
            "password": self.password.expose_secret(),
            "active": self.active,
            "password_short": self.short(),
        })
    }

    fn short(&self) -> String {
        self.password.expose_secret().chars().take(3).chain("...".chars()).collect()
    }
}

/// What is said of an id that is gone now, whether it was there or not.
fn removed(function: &str, item: &Value, body: &Value) -> Value {
    let id = number(item).map_or_else(|| item.to_string(), |id| id.to_string());
    success(&log(function, "delete", "", body), json!(["relayhost_removed", id]))
}
