//! Sieve filters.

use serde_json::{Value, json};

use super::state::{FilterRow, Reply, State, danger, int, items, list, log, number, success, text};

impl State {
    pub(super) fn list_filters(&self, mailbox: Option<&str>) -> Reply {
        let mailbox = mailbox.map(str::to_lowercase);
        let wanted = |row: &FilterRow| mailbox.as_ref().is_none_or(|mailbox| *mailbox == row.mailbox);
        list(self.filters.iter().filter(|(_, row)| wanted(row)).map(|(id, row)| row.show(*id)).collect())
    }

    pub(super) fn add_filter(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "filter", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let field = |name| text(body, name).unwrap_or_default();
        let (mailbox, script) = (field("username").to_lowercase(), field("script_data"));
        if mailbox.is_empty() {
            return refuse(json!("no_user_defined"));
        }
        if !self.mailboxes.contains_key(&mailbox) {
            return refuse(json!("access_denied"));
        }
        if let Some(fault) = sieve_fault(&script) {
            return refuse(fault);
        }
        if script.is_empty() || field("script_desc").is_empty() {
            return refuse(json!("value_missing"));
        }
        let kind = field("filter_type");
        if !is_kind(&kind) {
            return refuse(json!("filter_type"));
        }
        self.last_filter += 1;
        let active = int(body, "active").unwrap_or(0);
        let row =
            FilterRow { mailbox: mailbox.clone(), kind, description: field("script_desc"), script, active };
        self.filters.insert(self.last_filter, row);
        self.keep_one_active(self.last_filter);
        Reply::Entries(vec![success(&log, json!(["mailbox_modified", mailbox]))])
    }

    pub(super) fn edit_filter(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|item| {
            let log = log("mailbox", "edit", "filter", attr);
            let found = number(&item).and_then(|id| Some((id, self.filters.get_mut(&id)?)));
            let Some((id, row)) = found else { return danger(&log, "access_denied") };
            if let Some(fault) = text(attr, "script_data").as_deref().and_then(sieve_fault) {
                return danger(&log, fault);
            }
            row.script = text(attr, "script_data").unwrap_or_else(|| row.script.clone());
            row.description = text(attr, "script_desc").unwrap_or_else(|| row.description.clone());
            row.kind =
                text(attr, "filter_type").filter(|kind| is_kind(kind)).unwrap_or_else(|| row.kind.clone());
            row.active = int(attr, "active").unwrap_or(row.active);
            let mailbox = row.mailbox.clone();
            self.keep_one_active(id);
            success(&log, json!(["mailbox_modified", mailbox]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_filter(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|item| {
            let log = log("mailbox", "delete", "filter", body);
            match number(&item).and_then(|id| self.filters.remove(&id)) {
                Some(_) => success(&log, json!(["delete_filter", item])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }

    /// Turns off the others of the same kind if this one is on.
    fn keep_one_active(&mut self, id: u64) {
        let Some(row) = self.filters.get(&id).filter(|row| row.active == 1) else { return };
        let (mailbox, kind) = (row.mailbox.clone(), row.kind.clone());
        let is_rival =
            |other: u64, row: &FilterRow| other != id && row.mailbox == mailbox && row.kind == kind;
        self.filters
            .iter_mut()
            .filter(|(other, row)| is_rival(**other, row))
            .for_each(|(_, row)| row.active = 0);
    }
}

impl FilterRow {
    fn show(&self, id: u64) -> Value {
        json!({
            "active": self.active,
            "id": id,
            "username": self.mailbox,
            "filter_type": self.kind,
            "script_data": self.script,
            "script_desc": self.description,
        })
    }
}

/// The fake does not parse sieve, but it counts braces.
fn sieve_fault(script: &str) -> Option<Value> {
    let count = |brace| script.matches(brace).count();
    (count('{') != count('}')).then(|| json!(["sieve_error", "line 1: a block is not closed"]))
}

fn is_kind(kind: &str) -> bool {
    matches!(kind, "prefilter" | "postfilter")
}
