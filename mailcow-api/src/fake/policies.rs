//! Lists of wanted and unwanted senders, of domains and of mailboxes.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, items, log, success, text};

#[derive(Debug)]
pub(super) struct PolicyRow {
    /// A domain, or a mailbox.
    pub(super) object: String,
    sender: String,
    is_wanted: bool,
}

impl State {
    /// The entries of a domain or mailbox; with those of a mailbox stand those of its domain.
    pub(super) fn list_policies(&self, object: &str, is_wanted: bool) -> Reply {
        let object = object.to_lowercase();
        let domain = object.rsplit('@').next().unwrap_or_default();
        let is_listed =
            |row: &PolicyRow| row.is_wanted == is_wanted && (row.object == object || row.object == domain);
        self.policies
            .show_all(is_listed, |id, row| json!({"object": row.object, "value": row.sender, "prefid": id}))
    }

    pub(super) fn add_policy(&mut self, kind: &str, body: &Value) -> Reply {
        let log = log("policy", "add", kind, body);
        let refuse = |msg: &str| Reply::Entries(vec![danger(&log, msg)]);
        let part = |field| text(body, field).unwrap_or_default();
        let object = part(if kind == "domain" { "domain" } else { "username" }).to_lowercase();
        let is_known = match kind {
            "domain" => self.domains.contains_key(&object),
            _ => self.mailboxes.contains_key(&object),
        };
        let is_wanted = match part("object_list").as_str() {
            "wl" if is_known => true,
            "bl" if is_known => false,
            _ => return refuse("access_denied"),
        };
        let sender = part("object_from").to_lowercase();
        if sender.is_empty() || !sender.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_*@.+".contains(&b)) {
            return refuse("policy_list_from_invalid");
        }
        if self.policies.iter().any(|(_, row)| row.object == object && row.sender == sender) {
            return refuse("policy_list_from_exists");
        }
        let said = success(&log, json!([format!("{kind}_modified"), object]));
        self.policies.add(PolicyRow { object, sender, is_wanted });
        Reply::Entries(vec![said])
    }

    pub(super) fn delete_policy(&mut self, kind: &str, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            let log = log("policy", "delete", kind, body);
            let is_of_kind = |row: &PolicyRow| row.object.contains('@') == (kind == "mailbox");
            if !self.policies.get(&id).is_some_and(is_of_kind) {
                return danger(&log, "access_denied");
            }
            self.policies.remove(&id);
            success(&log, json!(["item_deleted", id]))
        });
        Reply::Entries(entries.collect())
    }

    /// Forgets the entries of a domain or mailbox that is deleted.
    pub(super) fn forget_policies(&mut self, object: &str) {
        self.policies.retain(|row| row.object != object);
    }
}
