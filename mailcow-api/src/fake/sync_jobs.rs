//! Sync jobs, which fetch mail from elsewhere. Those of the fake never run.

use serde_json::{Map, Value, json};

use super::{
    state::{NOW, Reply, State, danger, int, items, log, success, text},
    table::Table,
};

/// The fields of a job that can be set, as they are shown.
#[derive(Clone, Debug)]
pub(super) struct SyncJobRow {
    pub(super) mailbox: String,
    fields: Map<String, Value>,
    modified: bool,
}

impl State {
    pub(super) fn list_sync_jobs(&self, mailbox: Option<&str>) -> Reply {
        let mailbox = mailbox.map(str::to_lowercase);
        let is_wanted = |row: &SyncJobRow| mailbox.as_ref().is_none_or(|wanted| *wanted == row.mailbox);
        self.sync_jobs.show_all(is_wanted, |id, row| row.show(id))
    }

    pub(super) fn add_sync_job(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "syncjob", body);
        let mailbox = text(body, "username").unwrap_or_default().to_lowercase();
        if !self.mailboxes.contains_key(&mailbox) {
            return Reply::Entries(vec![danger(&log, "access_denied")]);
        }
        let mut fields: Map<_, _> =
            TEXTS.map(|(name, value)| (name.to_owned(), json!(value))).into_iter().collect();
        fields.extend(NUMBERS.map(|(name, value)| (name.to_owned(), json!(value))));
        let row = SyncJobRow { mailbox, fields, modified: false }.changed(body, false);
        if let Some(fault) = row.fault().or_else(|| row.taken(&self.sync_jobs)) {
            return Reply::Entries(vec![danger(&log, fault)]);
        }
        let said = success(&log, json!(["mailbox_modified", row.mailbox]));
        self.sync_jobs.add(row);
        Reply::Entries(vec![said])
    }

    pub(super) fn edit_sync_job(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("mailbox", "edit", "syncjob", attr);
            let Some(row) = self.sync_jobs.get_mut(&id) else { return danger(&log, "access_denied") };
            let changed = row.changed(attr, true);
            if let Some(fault) = changed.fault() {
                return danger(&log, fault);
            }
            *row = changed;
            success(&log, json!(["mailbox_modified", row.mailbox]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_sync_job(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            let log = log("mailbox", "delete", "syncjob", body);
            match self.sync_jobs.remove(&id) {
                Some(_) => success(&log, json!(["deleted_syncjob", id])),
                None => danger(&log, "access_denied"),
            }
        });
        Reply::Entries(entries.collect())
    }
}

impl SyncJobRow {
    pub(super) fn mailbox(&self) -> &str {
        &self.mailbox
    }

    fn changed(&self, body: &Value, modified: bool) -> Self {
        let mut fields = self.fields.clone();
        for (name, value) in &mut fields {
            match value {
                Value::Number(_) => *value = int(body, name).map_or_else(|| value.clone(), Value::from),
                _ => *value = text(body, name).map_or_else(|| value.clone(), Value::from),
            }
        }
        Self { mailbox: self.mailbox.clone(), fields, modified }
    }

    fn fault(&self) -> Option<Value> {
        let is_encryption = matches!(self.text("enc1"), "TLS" | "SSL" | "PLAIN");
        let is_port = self.fields["port1"].as_i64().is_some_and(|port| (1..=65535).contains(&port));
        if !is_encryption || !is_port || self.text("host1").is_empty() {
            return Some(json!("access_denied"));
        }
        let mut options = self
            .text("custom_params")
            .split('-')
            .map(|option| option.split_once('=').map_or(option, |(name, _)| name).trim_end());
        options.any(|option| option.contains(' ')).then(|| json!("bad character SPACE"))
    }

    fn taken(&self, jobs: &Table<Self>) -> Option<Value> {
        let is_same = |row: &Self| {
            let fields = ["host1", "user1"];
            row.mailbox == self.mailbox && fields.iter().all(|field| row.text(field) == self.text(field))
        };
        let named = || json!(["object_exists", format!("{} / {}", self.text("host1"), self.text("user1"))]);
        jobs.iter().any(|(_, row)| is_same(row)).then(named)
    }

    fn text(&self, field: &str) -> &str {
        self.fields[field].as_str().unwrap_or_default()
    }

    fn show(&self, id: u64) -> Value {
        let mut shown = json!({
            "id": id,
            "user2": self.mailbox,
            "authmech1": "PLAIN",
            "regextrans2": "",
            "authmd51": 0,
            "domain2": "",
            "is_running": 0,
            "last_run": null,
            "success": null,
            "exit_status": null,
            "created": NOW,
            "modified": self.modified.then_some(NOW),
            "log": "",
        });
        for (name, value) in &self.fields {
            shown[name] = value.clone();
        }
        shown
    }
}

/// The texts of a job and their defaults. Its password is never shown, so none is kept.
const TEXTS: [(&str, &str); 7] = [
    ("host1", ""),
    ("user1", ""),
    ("enc1", "TLS"),
    ("subfolder2", ""),
    ("exclude", ""),
    ("custom_params", ""),
    ("maxbytespersecond", "0"),
];
const NUMBERS: [(&str, i64); 13] = [
    ("port1", 0),
    ("mins_interval", 20),
    ("maxage", 0),
    ("timeout1", 600),
    ("timeout2", 600),
    ("delete1", 0),
    ("delete2", 0),
    ("delete2duplicates", 0),
    ("automap", 0),
    ("skipcrossduplicates", 0),
    ("subscribeall", 0),
    ("dry", 0),
    ("active", 0),
];
