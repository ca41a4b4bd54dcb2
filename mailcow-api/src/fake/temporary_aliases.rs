//! Temporary aliases, whose addresses the server makes up.

use serde_json::{Value, json};

use super::state::{NOW, Reply, State, danger, int, items, list, log, success, text};

#[derive(Debug)]
pub(super) struct TemporaryAliasRow {
    pub(super) mailbox: String,
    description: String,
    /// When it ends, in seconds since 1970.
    ends: i64,
    permanent: i64,
    modified: bool,
}

impl State {
    pub(super) fn list_temporary_aliases(&self, mailbox: &str) -> Reply {
        let mailbox = mailbox.to_lowercase();
        let own = self.temporary_aliases.iter().filter(|(_, row)| row.mailbox == mailbox);
        list(own.map(|(address, row)| row.show(address)).collect())
    }

    pub(super) fn add_temporary_alias(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "time_limited_alias", body);
        let refuse = |msg: &str| Reply::Entries(vec![danger(&log, msg)]);
        let mailbox = text(body, "username").unwrap_or_default().to_lowercase();
        let Some(owner) = self.mailboxes.get(&mailbox) else { return refuse("access_denied") };
        let Some(ends) = end(body, NOW_UNIX + YEAR_HOURS * 3600) else {
            return refuse("validity_missing");
        };
        let domain = text(body, "domain").unwrap_or_default().to_lowercase();
        if self.primary_domain(&domain) != owner.domain {
            return refuse("domain_invalid");
        }
        let address = format!("{}@{domain}", spoken(self.last_temporary_alias));
        self.last_temporary_alias += 1;
        let said = success(&log, json!(["mailbox_modified", mailbox]));
        let row = TemporaryAliasRow {
            mailbox,
            description: text(body, "description").unwrap_or_default(),
            ends,
            permanent: int(body, "permanent").unwrap_or(0),
            modified: false,
        };
        self.temporary_aliases.insert(address, row);
        Reply::Entries(vec![said])
    }

    pub(super) fn edit_temporary_alias(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|item| {
            let log = log("mailbox", "edit", "time_limited_alias", attr);
            let address = item.as_str().unwrap_or_default();
            let Some(row) = self.temporary_aliases.get_mut(address) else {
                return danger(&log, "access_denied");
            };
            let Some(ends) = end(attr, row.ends) else {
                return danger(&log, "validity_missing");
            };
            row.ends = ends;
            row.permanent = int(attr, "permanent").unwrap_or(row.permanent);
            row.modified = true;
            success(&log, json!(["mailbox_modified", ""]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_temporary_alias(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|item| {
            let log = log("mailbox", "delete", "time_limited_alias", body);
            match self.temporary_aliases.remove(item.as_str().unwrap_or_default()) {
                Some(row) => success(&log, json!(["mailbox_modified", row.mailbox])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn count_temporary_aliases(&self, mailbox: &str) -> usize {
        self.temporary_aliases.values().filter(|row| row.mailbox == mailbox).count()
    }

    pub(super) fn forget_temporary_aliases(&mut self, mailbox: &str) {
        self.temporary_aliases.retain(|_, row| row.mailbox != mailbox);
    }
}

impl TemporaryAliasRow {
    fn show(&self, address: &str) -> Value {
        json!({
            "address": address,
            "goto": self.mailbox,
            "description": self.description,
            "validity": self.ends,
            "created": NOW,
            "modified": self.modified.then_some(NOW),
            "permanent": self.permanent,
        })
    }
}

/// Reads when it is to end; if nothing is said, then `otherwise`. `None` if what is said is no end.
fn end(body: &Value, otherwise: i64) -> Option<i64> {
    match int(body, "validity") {
        Some(hours) => (1..=10 * YEAR_HOURS).contains(&hours).then_some(NOW_UNIX + hours * 3600),
        None => Some(otherwise),
    }
}

/// Makes up a name that can be spoken, another one for each number.
fn spoken(number: u64) -> String {
    let (consonants, vowels) = (b"bdfgjklmnprstvyz", b"aeiou");
    let (mut left, mut name) = (number, String::new());
    for at in 0..6 {
        let syllable = usize::try_from(left % 80).unwrap_or(0);
        left /= 80;
        name.push(char::from(consonants[syllable / 5]));
        name.push(char::from(vowels[syllable % 5]));
        if at == 2 {
            name.push('.');
        }
    }
    name
}

/// The standing clock of the fake in seconds since 1970.
const NOW_UNIX: i64 = 1_767_268_800;
const YEAR_HOURS: i64 = 8760;
