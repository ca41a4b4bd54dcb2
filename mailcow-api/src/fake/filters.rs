//! Sieve filters of mailboxes.

use serde_json::{Value, json};

use super::{
    state::{Reply, State, danger, int, items, log, success, text},
    table::Table,
};

#[derive(Debug)]
pub(super) struct FilterRow {
    pub(super) mailbox: String,
    kind: String,
    description: String,
    script: String,
    active: i64,
}

impl State {
    pub(super) fn list_filters(&self, mailbox: Option<&str>) -> Reply {
        let mailbox = mailbox.map(str::to_lowercase);
        let is_wanted = |row: &FilterRow| mailbox.as_ref().is_none_or(|wanted| *wanted == row.mailbox);
        self.filters.show_all(is_wanted, |id, row| row.show(id))
    }

    pub(super) fn add_filter(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "filter", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let part = |field| text(body, field).unwrap_or_default();
        let mailbox = part("username").to_lowercase();
        if mailbox.is_empty() {
            return refuse(json!("no_user_defined"));
        }
        if !self.mailboxes.contains_key(&mailbox) {
            return refuse(json!("access_denied"));
        }
        let row = FilterRow {
            mailbox,
            kind: part("filter_type"),
            description: part("script_desc"),
            script: part("script_data"),
            active: int(body, "active").unwrap_or(0),
        };
        if let Some(fault) = row.fault() {
            return refuse(fault);
        }
        row.silence_others(&mut self.filters);
        let said = success(&log, json!(["mailbox_modified", row.mailbox]));
        self.filters.add(row);
        Reply::Entries(vec![said])
    }

    pub(super) fn edit_filter(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("mailbox", "edit", "filter", attr);
            let Some(row) = self.filters.get(&id) else { return danger(&log, "access_denied") };
            let changed = row.changed(attr);
            if let Some(fault) = changed.fault() {
                return danger(&log, fault);
            }
            changed.silence_others(&mut self.filters);
            let said = success(&log, json!(["mailbox_modified", changed.mailbox]));
            if let Some(row) = self.filters.get_mut(&id) {
                *row = changed;
            }
            said
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_filter(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            let log = log("mailbox", "delete", "filter", body);
            match self.filters.remove(&id) {
                Some(_) => success(&log, json!(["delete_filter", id])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }

    /// Forgets what belongs to a mailbox that is deleted.
    pub(super) fn forget_belongings(&mut self, mailbox: &str) {
        self.filters.retain(|row| row.mailbox != mailbox);
        self.sync_jobs.retain(|row| row.mailbox() != mailbox);
        self.forget_policies(mailbox);
        self.forget_temporary_aliases(mailbox);
        self.spam_scores.remove(mailbox);
    }
}

impl FilterRow {
    fn changed(&self, attr: &Value) -> Self {
        let part = |field, now: &str| text(attr, field).unwrap_or_else(|| now.to_owned());
        Self {
            mailbox: self.mailbox.clone(),
            kind: part("filter_type", &self.kind),
            description: part("script_desc", &self.description),
            script: part("script_data", &self.script),
            active: int(attr, "active").unwrap_or(self.active),
        }
    }

    fn fault(&self) -> Option<Value> {
        if let Some(fault) = sieve_fault(&self.script) {
            return Some(json!(["sieve_error", fault]));
        }
        let is_missing = self.description.is_empty() || self.script.is_empty();
        (is_missing || !KINDS.contains(&self.kind.as_str())).then(|| json!("value_missing"))
    }

    /// Of a mailbox only one filter of each kind is active: the last that was made so.
    fn silence_others(&self, filters: &mut Table<Self>) {
        if self.active == 0 {
            return;
        }
        filters
            .values_mut()
            .filter(|row| row.mailbox == self.mailbox && row.kind == self.kind)
            .for_each(|row| row.active = 0);
    }

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

/// Finds an `if` before something that is no test. The rest of the grammar is not looked at.
pub(super) fn sieve_fault(script: &str) -> Option<String> {
    code_of(script).lines().enumerate().find_map(|(at, line)| {
        let is_separator = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let mut words = line.split(is_separator).filter(|word| !word.is_empty());
        words.find(|word| matches!(*word, "if" | "elsif"))?;
        let test = words.next()?;
        let fault = || format!("line {}: identifier {test} where test command expected", at + 1);
        (!TESTS.contains(&test)).then(fault)
    })
}

/// Leaves strings, multi-line texts and comments out of a script, but keeps its lines.
fn code_of(script: &str) -> String {
    let (mut code, mut is_quoted, mut is_text) = (String::new(), false, false);
    for line in script.lines() {
        if is_text {
            is_text = line.trim_end() != ".";
            code.push('\n');
            continue;
        }
        let mut is_escaped = false;
        for c in line.chars() {
            match c {
                '"' if !is_escaped => is_quoted = !is_quoted,
                '#' if !is_quoted => break,
                _ if !is_quoted => code.push(c),
                _ => {}
            }
            is_escaped = is_quoted && c == '\\' && !is_escaped;
        }
        is_text = !is_quoted && code.ends_with("text:");
        code.push('\n');
    }
    code
}

const KINDS: [&str; 2] = ["prefilter", "postfilter"];
const TESTS: [&str; 24] = [
    "address",
    "allof",
    "anyof",
    "body",
    "currentdate",
    "date",
    "duplicate",
    "environment",
    "envelope",
    "exists",
    "false",
    "hasflag",
    "header",
    "ihave",
    "mailboxexists",
    "metadata",
    "metadataexists",
    "not",
    "size",
    "spamtest",
    "string",
    "true",
    "valid_notify_method",
    "virustest",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_looked_at() {
        for script in [
            "if header :contains \"subject\" \"if nonsense\" { stop; }",
            "# if nonsense\nkeep;",
            "vacation \"Write again\nif nonsense, \\\"if\\\" not\";",
            "vacation text:\nif nonsense\n.\nif not exists \"x\" { stop; }",
        ] {
            assert_eq!(sieve_fault(script), None, "{script}");
        }
        let fault =
            sieve_fault("keep;\nvacation text:\nif x\n.\nif true { keep; }\nelsif nonsense {").unwrap();
        assert_eq!(fault, "line 6: identifier nonsense where test command expected");
    }
}
