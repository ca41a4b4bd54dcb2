//! Sending limits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::{RateRow, Reply, State, danger, int, items, list, log, object, success, text};

impl State {
    pub(super) fn list_mailbox_rates(&self) -> Reply {
        let rows = self.mailboxes.iter().map(|(address, row)| ("mailbox", address, &row.rate_limit));
        list(rows.filter_map(show_named).collect())
    }

    pub(super) fn list_domain_rates(&self) -> Reply {
        let rows = self.domains.iter().map(|(name, row)| ("domain", name, &row.rate_limit));
        list(rows.filter_map(show_named).collect())
    }

    pub(super) fn get_mailbox_rate(&self, address: &str) -> Reply {
        let row = self.mailboxes.get(&address.to_lowercase());
        object(row.and_then(|row| show(row.rate_limit.as_ref())))
    }

    pub(super) fn get_domain_rate(&self, name: &str) -> Reply {
        let name = name.to_lowercase();
        let own = self.domains.get(&name).map(|row| &row.rate_limit);
        let limit = own.or(self.alias_domains.get(&name).map(|row| &row.rate_limit));
        object(limit.and_then(|limit| show(limit.as_ref())))
    }

    pub(super) fn edit_mailbox_rate(&mut self, body: &Value) -> Reply {
        let rows = self.mailboxes.iter_mut();
        edit(body, "mailbox", rows.map(|(name, row)| (name.as_str(), &mut row.rate_limit)).collect())
    }

    pub(super) fn edit_domain_rate(&mut self, body: &Value) -> Reply {
        let own = self.domains.iter_mut().map(|(name, row)| (name.as_str(), &mut row.rate_limit));
        // An alias domain has one of its own.
        let alias = self.alias_domains.iter_mut().map(|(name, row)| (name.as_str(), &mut row.rate_limit));
        edit(body, "domain", own.chain(alias).collect())
    }
}

/// Sets or removes a limit and returns the entry that says so.
pub(super) fn set(slot: &mut Option<RateRow>, name: &str, attr: &Value) -> Value {
    let log = log("ratelimit", "edit", "", attr);
    let frame = text(attr, "rl_frame").unwrap_or_default();
    if !is_frame(&frame) {
        return danger(&log, "rl_timeframe");
    }
    let value = int(attr, "rl_value").unwrap_or(0);
    *slot = (value > 0).then_some(RateRow { value, frame });
    success(&log, json!(["rl_saved", name]))
}

pub(super) fn show(limit: Option<&RateRow>) -> Option<Value> {
    limit.map(|limit| json!({"value": limit.value.to_string(), "frame": limit.frame}))
}

fn show_named((kind, name, limit): (&str, &String, &Option<RateRow>)) -> Option<Value> {
    let mut shown = show(limit.as_ref())?;
    shown[kind] = json!(name);
    Some(shown)
}

fn edit(body: &Value, kind: &str, mut slots: BTreeMap<&str, &mut Option<RateRow>>) -> Reply {
    let attr = &body["attr"];
    let entries = items(&body["items"]).into_iter().map(|name| {
        let name = name.as_str().unwrap_or_default();
        if !is_frame(&text(attr, "rl_frame").unwrap_or_default()) {
            return danger(&log("ratelimit", "edit", kind, attr), "rl_timeframe");
        }
        match slots.get_mut(name) {
            Some(slot) => set(slot, name, attr),
            None => danger(&log("ratelimit", "edit", kind, attr), "access_denied"),
        }
    });
    Reply::Entries(entries.collect())
}

fn is_frame(frame: &str) -> bool {
    matches!(frame, "s" | "m" | "h" | "d")
}
