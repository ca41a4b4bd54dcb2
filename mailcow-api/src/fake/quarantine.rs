//! The quarantine: mail that the spam filter holds back.

use serde_json::{Map, Value, json};

use super::{
    FakeMailcow, lock,
    state::{NOW, Reply, State, danger, items, log, number, success},
};

type Fields = Map<String, Value>;

/// A message under its id, with the fields of both reads.
#[derive(Debug)]
pub(super) struct QuarantineRow(Fields);

impl FakeMailcow {
    /// Puts a message into the quarantine and returns its id. `message` has the fields as Mailcow names them (`rcpt`,
    /// `sender`, `subject`, `msg`, `score`, `action`, `qid`, `virus_flag`, ...); those that are left out get a default.
    ///
    /// ```
    /// use mailcow_api::FakeMailcow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let mailcow = FakeMailcow::new();
    /// mailcow.quarantine(&serde_json::json!({"rcpt": "agent@example.com", "score": 16.2}));
    /// let held_back = mailcow.client().quarantine().await?;
    /// mailcow.client().release_quarantined(held_back[0].id).await?;
    /// assert!(mailcow.client().quarantine().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn quarantine(&self, message: &Value) -> u64 {
        let mut fields = defaults(message["rcpt"].as_str().unwrap_or_default());
        fields.extend(message.as_object().cloned().unwrap_or_default());
        lock(&self.inner.state).quarantine.add(QuarantineRow(fields))
    }
}

impl State {
    /// An empty list is an array here.
    pub(super) fn list_quarantine(&self) -> Reply {
        let shown = self.quarantine.iter().map(|(id, row)| row.show(id, &IN_LIST, json!(NOW_UNIX)));
        Reply::Json(shown.collect())
    }

    /// One that is not there is an empty array too.
    pub(super) fn get_quarantined(&self, id: &str) -> Reply {
        let id = json!(id);
        let found = self.quarantine.get(&id).zip(number(&id));
        Reply::Json(found.map_or_else(|| json!([]), |(row, id)| row.show(id, &ALONE, json!(NOW))))
    }

    /// Releases or learns: both take the message out, and neither fails here.
    pub(super) fn edit_quarantined(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let code = match attr["action"].as_str() {
            Some("release") => "item_released",
            Some("learnspam") => "qlearn_spam",
            Some("learnham") => "learned_ham",
            _ => return Reply::Entries(Vec::new()),
        };
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("quarantine", "edit", "", attr);
            match self.quarantine.remove(&id) {
                Some(_) => success(&log, json!([code, id])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }

    /// Deletes messages; for one that is not there that is a success as well.
    pub(super) fn delete_quarantined(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            let log = log("quarantine", "delete", "", body);
            if number(&id).is_none() {
                return danger(&log, "access_denied");
            }
            self.quarantine.remove(&id);
            success(&log, json!(["item_deleted", id]))
        });
        Reply::Entries(entries.collect())
    }
}

/// The API does not read the settings of the quarantine back, so none are kept.
pub(super) fn set_quarantine_settings(body: &Value) -> Reply {
    let attr = &body["attr"];
    if attr["action"] != "settings" {
        return Reply::Entries(Vec::new());
    }
    Reply::Entries(vec![success(&log("quarantine", "edit", "", attr), "saved_settings")])
}

impl QuarantineRow {
    fn show(&self, id: u64, names: &[&str], created: Value) -> Value {
        let fields = names.iter().map(|name| ((*name).to_owned(), self.0[*name].clone()));
        let mut shown: Fields = fields.collect();
        shown.insert("id".to_owned(), json!(id));
        shown.insert("created".to_owned(), created);
        Value::Object(shown)
    }
}

fn defaults(recipient: &str) -> Fields {
    let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
    let defaults = json!({
        "qid": "4ABC0", "subject": "", "virus_flag": 0, "score": 15, "rcpt": recipient, "sender": "",
        "action": "reject", "notified": 0, "ip": "192.0.2.1", "symbols": "[]", "fuzzy_hashes": "[]", "msg": "",
        "domain": domain, "user": "unknown", "qhash": "0".repeat(64),
    });
    match defaults {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

const IN_LIST: [&str; 8] = ["qid", "subject", "virus_flag", "score", "rcpt", "sender", "action", "notified"];
const ALONE: [&str; 14] = [
    "qid",
    "subject",
    "score",
    "ip",
    "action",
    "symbols",
    "fuzzy_hashes",
    "sender",
    "rcpt",
    "msg",
    "domain",
    "notified",
    "user",
    "qhash",
];
/// The clock in seconds since 1970, as the list shows it.
const NOW_UNIX: i64 = 1_767_268_800;
