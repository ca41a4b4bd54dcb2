//! Other names for mailboxes.

use serde_json::{Value, json};

use super::state::{AliasRow, Reply, State, danger, int, items, log, success, text};
use crate::MailboxAddress;

impl State {
    pub(super) fn rename_mailbox(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("mailbox", "edit", "mailbox_rename", attr);
        // What is renamed stands in the fields; the items say how often.
        let entries = items(&body["items"]).into_iter().map(|_| match self.rename(attr) {
            Ok((old, new)) => success(&log, json!(["mailbox_renamed", old, new])),
            Err(msg) => danger(&log, msg),
        });
        Reply::Entries(entries.collect())
    }

    /// No refusal was recorded: they are those of a new mailbox.
    fn rename(&mut self, attr: &Value) -> Result<(String, String), Value> {
        let part = |field| text(attr, field).unwrap_or_default();
        let address = |field| format!("{}@{}", part(field), part("domain")).to_lowercase();
        let (old, new) = (address("old_local_part"), address("new_local_part"));
        if !self.mailboxes.contains_key(&old) {
            return Err(json!("access_denied"));
        }
        if new.parse::<MailboxAddress>().is_err() {
            return Err(json!("mailbox_invalid"));
        }
        if self.mailboxes.contains_key(&new) || self.resources.contains_key(&new) {
            return Err(json!(["object_exists", new]));
        }
        if self.find_alias(&json!(new)).is_some() {
            return Err(json!(["is_alias", new]));
        }
        if self.temporary_aliases.contains_key(&new) {
            return Err(json!(["is_spam_alias", new]));
        }
        self.move_belongings(&old, &new);
        if int(attr, "create_alias") == Some(1) {
            self.leave_alias(&old, &new);
        }
        Ok((old, new))
    }

    fn move_belongings(&mut self, old: &str, new: &str) {
        if let Some(row) = self.mailboxes.remove(old) {
            self.mailboxes.insert(new.to_owned(), row);
        }
        if let Some(score) = self.spam_scores.remove(old) {
            self.spam_scores.insert(new.to_owned(), score);
        }
        let owners = (self.app_passwords.values_mut().map(|row| &mut row.mailbox))
            .chain(self.filters.values_mut().map(|row| &mut row.mailbox))
            .chain(self.sync_jobs.values_mut().map(|row| &mut row.mailbox))
            .chain(self.policies.values_mut().map(|row| &mut row.object))
            .chain(self.temporary_aliases.values_mut().map(|row| &mut row.mailbox))
            .chain(self.aliases.values_mut().flat_map(|row| &mut row.targets));
        owners.filter(|owner| *owner == old).for_each(|owner| new.clone_into(owner));
    }

    fn leave_alias(&mut self, old: &str, new: &str) {
        self.last_alias += 1;
        let row = AliasRow {
            address: old.to_owned(),
            targets: vec![new.to_owned()],
            active: 1,
            internal: 0,
            sogo_visible: 1,
            sender_allowed: 0,
            public_comment: None,
            private_comment: Some(format!("Mailbox was renamed from {old} to {new}")),
            modified: false,
        };
        self.aliases.insert(self.last_alias, row);
    }
}
