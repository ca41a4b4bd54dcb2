//! The queue of messages that Postfix has not delivered yet.

use serde_json::{Map, Value, json};

use super::{
    FakeMailcow, lock,
    state::{Reply, State, items, log, object, success},
};

/// A queued message: its entry in the list and what `postcat` prints.
#[derive(Debug)]
pub(super) struct QueueRow {
    entry: Map<String, Value>,
    content: String,
}

impl FakeMailcow {
    /// Puts a message into the mail queue. `entry` has the fields as Mailcow names them (`queue_id`, `queue_name`,
    /// `sender`, `recipients`, ...); those that are left out get a default. `content` is what `postcat` prints.
    ///
    /// What Postfix tries again is delivered, so that it leaves the queue, but for messages on hold.
    pub fn put_in_mail_queue(&self, entry: &Value, content: &str) {
        let queue = &mut lock(&self.inner.state).mail_queue;
        let mut fields = defaults(queue.len(), content.len());
        fields.extend(entry.as_object().cloned().unwrap_or_default());
        queue.push(QueueRow { entry: fields, content: content.to_owned() });
    }
}

impl State {
    /// An empty list is an array here.
    pub(super) fn list_mail_queue(&self) -> Reply {
        Reply::Json(self.mail_queue.iter().map(|row| Value::Object(row.entry.clone())).collect())
    }

    /// Shows what `postcat` prints; of a message that is gone it is nothing.
    pub(super) fn show_queued(&self, id: &str) -> Reply {
        let found = self.mail_queue.iter().find(|row| row.entry["queue_id"] == id);
        found.map_or_else(|| object(None), |row| Reply::Text(row.content.clone()))
    }

    pub(super) fn edit_mail_queue(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let ids = items(&body["items"]);
        let is_meant = |row: &QueueRow| ids.contains(&row.entry["queue_id"]);
        match attr["action"].as_str() {
            // Nothing is done, and the answer does not say so.
            _ if ids.is_empty() => return Reply::Entries(Vec::new()),
            Some("hold") => self.move_queued(is_meant, "hold"),
            Some("unhold") => self.move_queued(|row| is_meant(row) && row.is_held(), "deferred"),
            Some("deliver") => self.mail_queue.retain(|row| row.is_held() || !is_meant(row)),
            // These two are about the whole queue, whatever the items are.
            Some("flush") => self.mail_queue.retain(QueueRow::is_held),
            Some("super_delete") => self.mail_queue.clear(),
            _ => return Reply::Entries(Vec::new()),
        }
        confirmed("edit", attr)
    }

    /// Deletes messages. It is confirmed as a whole, also for an id that is gone.
    pub(super) fn delete_queued(&mut self, body: &Value) -> Reply {
        let ids = items(body);
        self.mail_queue.retain(|row| !ids.contains(&row.entry["queue_id"]));
        confirmed("delete", body)
    }

    fn move_queued(&mut self, is_meant: impl Fn(&QueueRow) -> bool, queue: &str) {
        for row in self.mail_queue.iter_mut().filter(|row| is_meant(row)) {
            row.entry.insert("queue_name".to_owned(), json!(queue));
        }
    }
}

impl QueueRow {
    fn is_held(&self) -> bool {
        self.entry["queue_name"] == "hold"
    }
}

fn confirmed(action: &str, body: &Value) -> Reply {
    Reply::Entries(vec![success(&log("process_mailq_output", action, "", body), "queue_command_success")])
}

fn defaults(number: usize, size: usize) -> Map<String, Value> {
    let defaults = json!({
        "queue_name": "deferred", "queue_id": format!("4FAKE{number}"), "arrival_time": 1_767_268_800,
        "message_size": size, "forced_expire": false, "sender": "", "recipients": [],
    });
    match defaults {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
