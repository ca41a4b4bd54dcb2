//! Aliases.

use serde_json::{Value, json};

use super::state::{
    AliasRow, NOW, Reply, State, danger, int, items, list, log, number, object, split, success, text,
    with_flags,
};
use crate::MailboxAddress;

impl State {
    pub(super) fn list_aliases(&self, domains: Option<&str>) -> Reply {
        let domains = domains.map(split);
        let is_wanted = |row: &AliasRow| {
            domains.as_ref().is_none_or(|wanted| wanted.iter().any(|domain| domain == row.domain()))
        };
        let wanted = self.aliases.iter().filter(|(_, row)| is_wanted(row));
        list(wanted.map(|(id, row)| self.show_alias(*id, row)).collect())
    }

    pub(super) fn get_alias(&self, name: &str) -> Reply {
        object(self.find_alias(&json!(name)).map(|id| self.show_alias(id, &self.aliases[&id])))
    }

    pub(super) fn add_alias(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "alias", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let (Some(addresses), goto) = (text(body, "address"), text(body, "goto")) else {
            // The real code splits it and dies of a list.
            return if body["address"].is_array() { Reply::Empty } else { refuse(json!("alias_empty")) };
        };
        let targets = match targets(body, goto.as_deref()) {
            Ok(Some(targets)) => targets,
            Ok(None) => return refuse(json!("goto_empty")),
            Err(msg) => return refuse(msg),
        };
        let comments = [text(body, "public_comment"), text(body, "private_comment")];
        if comments.iter().flatten().any(|comment| comment.len() > 160) {
            return refuse(json!("comment_too_long"));
        }
        if split(&addresses).is_empty() {
            return refuse(json!("alias_empty"));
        }
        let mut entries = Vec::new();
        for address in split(&addresses) {
            if targets.contains(&address) {
                continue;
            }
            let domain = address.split_once('@').map_or("", |(_, domain)| domain);
            let primary = self.primary_domain(domain);
            let Some(limit) = self.domains.get(primary).map(|row| row.aliases) else {
                entries.push(danger(&log, json!(["domain_not_found", domain])));
                continue;
            };
            if self.count_aliases(primary) >= limit {
                entries.push(danger(&log, "max_alias_exceeded"));
                continue;
            }
            if self.find_alias(&json!(address)).is_some()
                || self.mailboxes.contains_key(&address.to_lowercase())
            {
                entries.push(danger(&log, json!(["is_alias_or_mailbox", address])));
                continue;
            }
            self.last_alias += 1;
            let row = AliasRow {
                address: address.clone(),
                targets: targets.clone(),
                // What is not said is "no".
                active: int(body, "active").unwrap_or(0),
                internal: int(body, "internal").unwrap_or(0),
                sogo_visible: int(body, "sogo_visible").unwrap_or(0),
                sender_allowed: int(body, "sender_allowed").unwrap_or(0),
                public_comment: text(body, "public_comment"),
                private_comment: text(body, "private_comment"),
                modified: false,
            };
            self.aliases.insert(self.last_alias, row);
            entries.push(success(&log, json!(["alias_added", address, self.last_alias.to_string()])));
        }
        Reply::Entries(entries)
    }

    pub(super) fn edit_alias(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("mailbox", "edit", "alias", attr);
        let (mut entries, mut last) = (Vec::new(), Value::Null);
        for item in items(&body["items"]) {
            let Some(id) = self.find_alias(&item) else {
                // The address is left over from the item before.
                entries.push(danger(&log, json!(["alias_invalid", last])));
                continue;
            };
            let new_address = text(attr, "address").filter(|address| !address.is_empty());
            if let Some(address) = &new_address {
                let other = self.find_alias(&json!(address)).filter(|other| *other != id);
                if other.is_some() || self.mailboxes.contains_key(&address.to_lowercase()) {
                    entries.push(danger(&log, json!(["is_alias_or_mailbox", address])));
                    continue;
                }
            }
            let row = self.aliases.get_mut(&id).expect("it was just found");
            last = json!(row.address);
            let goto =
                text(attr, "goto").filter(|goto| !goto.is_empty()).unwrap_or_else(|| row.targets.join(","));
            match targets(attr, Some(&goto)) {
                Ok(Some(targets)) => row.targets = targets,
                Ok(None) => {}
                // It says both, and changes nothing.
                Err(msg) => {
                    entries.push(danger(&log, msg));
                    entries.push(success(&log, json!(["alias_modified", row.address])));
                    continue;
                }
            }
            if let Some(address) = new_address {
                row.address = address;
            }
            row.active = int(attr, "active").unwrap_or(row.active);
            row.internal = int(attr, "internal").unwrap_or(row.internal);
            row.sogo_visible = int(attr, "sogo_visible").unwrap_or(row.sogo_visible);
            row.sender_allowed = int(attr, "sender_allowed").unwrap_or(row.sender_allowed);
            row.public_comment = text(attr, "public_comment").or(row.public_comment.take());
            row.private_comment = text(attr, "private_comment").or(row.private_comment.take());
            row.modified = true;
            last = json!(row.address);
            entries.push(success(&log, json!(["alias_modified", row.address])));
        }
        Reply::Entries(entries)
    }

    pub(super) fn delete_alias(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "delete", "alias", body);
        let mut entries = Vec::new();
        for item in items(body) {
            match self.find_alias(&item).and_then(|id| self.aliases.remove(&id)) {
                Some(row) => entries.push(success(&log, json!(["alias_removed", row.address]))),
                None => entries.push(danger(&log, "access_denied")),
            }
        }
        Reply::Entries(entries)
    }

    /// Takes a mailbox out of the targets of all aliases; those that led only there go with it.
    pub(super) fn forget_target(&mut self, address: &str) {
        self.aliases.retain(|_, row| {
            let led_there = row.targets.iter().any(|target| target == address);
            row.targets.retain(|target| target != address);
            !(led_there && row.targets.is_empty())
        });
    }

    /// How many aliases a domain has.
    pub(super) fn count_aliases(&self, domain: &str) -> i64 {
        let count = self.aliases.values().filter(|row| row.domain() == domain).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    /// Finds an alias by its id, a number or a text, or by its address.
    pub(super) fn find_alias(&self, item: &Value) -> Option<u64> {
        let by_id = number(item).filter(|id| self.aliases.contains_key(id));
        by_id.or_else(|| {
            let address = item.as_str()?;
            self.aliases.iter().find(|(_, row)| row.address.eq_ignore_ascii_case(address)).map(|(id, _)| *id)
        })
    }

    fn show_alias(&self, id: u64, row: &AliasRow) -> Value {
        let primary = self.alias_domains.get(row.domain()).map_or("", |alias| alias.target.as_str());
        let alias = json!({
            "in_primary_domain": primary,
            "id": id,
            "domain": row.domain(),
            "public_comment": row.public_comment,
            "private_comment": row.private_comment,
            "goto": row.targets.join(","),
            "address": row.address,
            "is_catch_all": u8::from(row.address.starts_with('@')),
            "internal": row.internal,
            "sender_allowed": row.sender_allowed,
            "created": NOW,
            "modified": row.modified.then_some(NOW),
        });
        with_flags(alias, &[("active", row.active), ("sogo_visible", row.sogo_visible)])
    }
}

impl AliasRow {
    pub(super) fn domain(&self) -> &str {
        self.address.split_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Reads where mail is to go; `None` if nothing is said.
fn targets(body: &Value, goto: Option<&str>) -> Result<Option<Vec<String>>, Value> {
    for (field, target) in
        [("goto_null", "null@localhost"), ("goto_spam", "spam@localhost"), ("goto_ham", "ham@localhost")]
    {
        if int(body, field) == Some(1) {
            return Ok(Some(vec![target.to_owned()]));
        }
    }
    let targets = goto.map(split).unwrap_or_default();
    match targets.iter().find(|target| target.parse::<MailboxAddress>().is_err()) {
        Some(bad) if bad.contains('@') => Err(json!(["goto_invalid", bad])),
        Some(_) => Err(json!(["goto_invalid", "@"])),
        None if targets.is_empty() => Ok(None),
        None => Ok(Some(targets)),
    }
}
