//! Alias domains.

use serde_json::{Value, json};

use super::{
    rate_limits,
    state::{
        AliasDomainRow, NOW, Reply, State, danger, int, items, list, log, object, split, success, text,
        with_flags,
    },
};
use crate::DomainName;

impl State {
    pub(super) fn list_alias_domains(&self) -> Reply {
        list(self.alias_domains.iter().map(|(name, row)| row.show(name)).collect())
    }

    pub(super) fn get_alias_domain(&self, name: &str) -> Reply {
        let name = name.to_lowercase();
        object(self.alias_domains.get(&name).map(|row| row.show(&name)))
    }

    pub(super) fn add_alias_domain(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "alias_domain", body);
        let target = text(body, "target_domain").unwrap_or_default().to_lowercase();
        let mut entries = Vec::new();
        for name in split(&text(body, "alias_domain").unwrap_or_default().to_lowercase()) {
            // The real code dies of a bad name, after those before it are made.
            if name.parse::<DomainName>().is_err() {
                return Reply::Empty;
            }
            if name == target {
                entries.push(danger(&log, json!(["aliasd_targetd_identical", name])));
                continue;
            }
            if !self.domains.contains_key(&target) {
                entries.push(danger(&log, "access_denied"));
                continue;
            }
            if self.domains.contains_key(&name) || self.alias_domains.contains_key(&name) {
                entries.push(danger(&log, json!(["alias_domain_invalid", name])));
                continue;
            }
            let mut row = AliasDomainRow {
                target: target.clone(),
                active: int(body, "active").unwrap_or(0),
                rate_limit: None,
            };
            if int(body, "rl_value").unwrap_or(0) != 0 {
                entries.push(rate_limits::set(&mut row.rate_limit, &name, body));
            }
            let (bits, selector) = (int(body, "key_size").unwrap_or(0), text(body, "dkim_selector"));
            if selector.is_some_and(|selector| bits != 0 && self.make_dkim(&name, &selector, bits)) {
                entries.push(success(&json!(["dkim", "add"]), json!(["dkim_added", name])));
            }
            self.alias_domains.insert(name.clone(), row);
            entries.push(success(&log, json!(["aliasd_added", name])));
        }
        Reply::Entries(entries)
    }

    pub(super) fn edit_alias_domain(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|name| {
            let log = log("mailbox", "edit", "alias_domain", attr);
            let name = name.as_str().unwrap_or_default().to_lowercase();
            let target = text(attr, "target_domain").filter(|target| !target.is_empty());
            if target.as_ref().is_some_and(|target| !self.domains.contains_key(target)) {
                return danger(&log, "access_denied");
            }
            let Some(row) = self.alias_domains.get_mut(&name) else {
                return danger(&log, json!(["alias_domain_invalid", name]));
            };
            row.active = int(attr, "active").unwrap_or(row.active);
            row.target = target.unwrap_or_else(|| row.target.clone());
            success(&log, json!(["aliasd_modified", name]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_alias_domain(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|name| {
            let log = log("mailbox", "delete", "alias_domain", body);
            let name = name.as_str().unwrap_or_default().to_lowercase();
            if self.alias_domains.remove(&name).is_none() {
                return danger(&log, "access_denied");
            }
            self.aliases.retain(|_, alias| alias.domain() != name);
            self.dkim.remove(&name);
            success(&log, json!(["alias_domain_removed", name]))
        });
        Reply::Entries(entries.collect())
    }

    /// Returns the domain that an alias domain is another name of, else the domain itself.
    pub(super) fn primary_domain<'a>(&'a self, name: &'a str) -> &'a str {
        self.alias_domains.get(name).map_or(name, |row| &row.target)
    }
}

impl AliasDomainRow {
    fn show(&self, name: &str) -> Value {
        let shown = json!({
            "alias_domain": name,
            "parent_is_backupmx": 0,
            "target_domain": self.target,
            "rl": rate_limits::show(self.rate_limit.as_ref()).unwrap_or(json!(false)),
            "created": NOW,
            "modified": null,
        });
        with_flags(shown, &[("active", self.active)])
    }
}
