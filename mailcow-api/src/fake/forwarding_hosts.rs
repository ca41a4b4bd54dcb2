//! Forwarding hosts: servers whose mail is not rejected as spam.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::state::{Reply, State, danger, int, items, list, log, object, success, text};

impl State {
    pub(super) fn list_forwarding_hosts(&self) -> Reply {
        list(self.forwarding_hosts.iter().map(|(host, keeps)| show(host, *keeps)).collect())
    }

    pub(super) fn get_forwarding_host(&self, host: &str) -> Reply {
        object(self.forwarding_hosts.get(host).map(|keeps| show(host, *keeps)))
    }

    /// Adds a host. Those that are no address cannot be resolved here.
    pub(super) fn add_forwarding_host(&mut self, body: &Value) -> Reply {
        let log = log("fwdhost", "add", "", body);
        let host = text(body, "hostname").unwrap_or_default();
        if host.split('/').next().is_none_or(|address| address.parse::<IpAddr>().is_err()) {
            return Reply::Entries(vec![danger(&log, json!(["invalid_host", host]))]);
        }
        let said = success(&log, json!(["forwarding_host_added", host]));
        self.forwarding_hosts.insert(host, int(body, "filter_spam") != Some(1));
        Reply::Entries(vec![said])
    }

    pub(super) fn edit_forwarding_host(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|host| {
            let log = log("fwdhost", "edit", "", attr);
            match self.forwarding_hosts.get_mut(host.as_str().unwrap_or_default()) {
                Some(keeps) => {
                    *keeps = int(attr, "keep_spam") == Some(1);
                    success(&log, json!(["object_modified", host]))
                }
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_forwarding_host(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|host| {
            self.forwarding_hosts.remove(host.as_str().unwrap_or_default());
            success(&log("fwdhost", "delete", "", body), json!(["forwarding_host_removed", host]))
        });
        Reply::Entries(entries.collect())
    }
}

fn show(host: &str, keeps_spam: bool) -> Value {
    json!({"host": host, "source": host, "keep_spam": if keeps_spam { "yes" } else { "no" }})
}
