//! BCC maps, recipient maps and TLS policy maps: three tables of alike rows, each with codes of its own.

use serde_json::{Value, json};

use super::{
    state::{NOW, Reply, State, danger, int, items, log, number, object, success, text},
    table::Table,
};
use crate::{DomainName, MailboxAddress};

/// What tells one kind of map from another.
struct Kind {
    /// Its name in the log.
    name: &'static str,
    /// Its text fields, as they are sent and shown.
    fields: &'static [&'static str],
    /// The fields that no two rows have alike.
    key: &'static [&'static str],
    exists: &'static str,
}

/// The fields of a row, and whether it is active.
#[derive(Clone, Debug)]
pub(super) struct MapRow {
    texts: Vec<String>,
    active: i64,
    modified: bool,
}

impl State {
    pub(super) fn list_bcc_maps(&self) -> Reply {
        self.bcc_maps.show_all(|_| true, show_bcc)
    }

    pub(super) fn get_bcc_map(&self, id: &str) -> Reply {
        one(&self.bcc_maps, id, show_bcc)
    }

    pub(super) fn add_bcc_map(&mut self, body: &Value) -> Reply {
        let row = MapRow::new(&BCC, body).with_domain();
        let fault = self.bcc_fault(&row).or_else(|| row.taken(&BCC, &self.bcc_maps, None));
        add(&BCC, &mut self.bcc_maps, row, fault, body, |_| json!("bcc_saved"))
    }

    pub(super) fn edit_bcc_map(&mut self, body: &Value) -> Reply {
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("bcc", "edit", "", &body["attr"]);
            let Some(row) = self.bcc_maps.get(&id) else { return danger(&log, "access_denied") };
            let row = row.changed(&BCC, &body["attr"]).with_domain();
            let fault = self.bcc_fault(&row).or_else(|| row.taken(&BCC, &self.bcc_maps, number(&id)));
            replace(&mut self.bcc_maps, &id, row, fault, &log, |row| json!(["bcc_edited", row.texts[1]]))
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_bcc_map(&mut self, body: &Value) -> Reply {
        let log = log("bcc", "delete", "", body);
        // What is no number ends the loop, without a word.
        let ids = items(body).into_iter().take_while(|id| number(id).is_some());
        let entries = ids.map(|id| match self.bcc_maps.remove(&id) {
            Some(_) => success(&log, json!(["bcc_deleted", id])),
            None => danger(&log, "access_denied"),
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn list_recipient_maps(&self) -> Reply {
        self.recipient_maps.show_all(|_| true, |id, row| row.show(&RECIPIENT, id))
    }

    pub(super) fn get_recipient_map(&self, id: &str) -> Reply {
        one(&self.recipient_maps, id, |id, row| row.show(&RECIPIENT, id))
    }

    pub(super) fn add_recipient_map(&mut self, body: &Value) -> Reply {
        let row = MapRow::new(&RECIPIENT, body);
        let fault = recipient_fault(&row).or_else(|| row.taken(&RECIPIENT, &self.recipient_maps, None));
        add(&RECIPIENT, &mut self.recipient_maps, row, fault, body, |row| saved(&RECIPIENT, row))
    }

    pub(super) fn edit_recipient_map(&mut self, body: &Value) -> Reply {
        edit(&RECIPIENT, &mut self.recipient_maps, body, recipient_fault)
    }

    pub(super) fn delete_recipient_map(&mut self, body: &Value) -> Reply {
        delete(&RECIPIENT, &mut self.recipient_maps, body)
    }

    pub(super) fn list_tls_policy_maps(&self) -> Reply {
        self.tls_policy_maps.show_all(|_| true, |id, row| row.show(&TLS, id))
    }

    pub(super) fn get_tls_policy_map(&self, id: &str) -> Reply {
        one(&self.tls_policy_maps, id, |id, row| row.show(&TLS, id))
    }

    pub(super) fn add_tls_policy_map(&mut self, body: &Value) -> Reply {
        let row = MapRow::new(&TLS, body);
        let fault = tls_fault(&row).or_else(|| row.taken(&TLS, &self.tls_policy_maps, None));
        if fault.is_none() && !is_policy(&row) {
            return Reply::Empty;
        }
        add(&TLS, &mut self.tls_policy_maps, row, fault, body, |row| saved(&TLS, row))
    }

    pub(super) fn edit_tls_policy_map(&mut self, body: &Value) -> Reply {
        let policy = text(&body["attr"], "policy");
        if policy.is_some_and(|policy| !POLICIES.contains(&policy.as_str())) {
            return Reply::Empty;
        }
        edit(&TLS, &mut self.tls_policy_maps, body, tls_fault)
    }

    pub(super) fn delete_tls_policy_map(&mut self, body: &Value) -> Reply {
        delete(&TLS, &mut self.tls_policy_maps, body)
    }

    fn bcc_fault(&self, row: &MapRow) -> Option<Value> {
        let [local, copy_to, kind] = row.texts.as_slice() else { return Some(json!("access_denied")) };
        let is_known = match local.strip_prefix('@') {
            Some(domain) => self.domains.contains_key(domain) || self.alias_domains.contains_key(domain),
            None => self.mailboxes.contains_key(local) || self.find_alias(&json!(local)).is_some(),
        };
        if !is_known {
            Some(json!("access_denied"))
        } else if copy_to.parse::<MailboxAddress>().is_err() {
            Some(json!(["bcc_must_be_email", copy_to]))
        } else {
            (!matches!(kind.as_str(), "sender" | "rcpt")).then(|| json!("invalid_bcc_map_type"))
        }
    }
}

impl MapRow {
    fn new(kind: &Kind, body: &Value) -> Self {
        let texts = kind.fields.iter().map(|field| text(body, field).unwrap_or_default());
        Self { texts: texts.collect(), active: int(body, "active").unwrap_or(0), modified: false }
    }

    fn changed(&self, kind: &Kind, attr: &Value) -> Self {
        let fields = kind.fields.iter().zip(&self.texts);
        Self {
            texts: fields.map(|(field, now)| text(attr, field).unwrap_or_else(|| now.clone())).collect(),
            active: int(attr, "active").unwrap_or(self.active),
            modified: true,
        }
    }

    /// Writes a bare domain as `@domain`.
    fn with_domain(mut self) -> Self {
        if let Some(local) = self.texts.first_mut() {
            *local = local.to_lowercase();
            if !local.contains('@') {
                local.insert(0, '@');
            }
        }
        self
    }

    /// Says so if another row than `own` has the same key.
    fn taken(&self, kind: &Kind, rows: &Table<Self>, own: Option<u64>) -> Option<Value> {
        let key = |row: &Self| {
            let fields = kind.fields.iter().zip(&row.texts);
            fields
                .filter(|(field, _)| kind.key.contains(field))
                .map(|(_, text)| text.clone())
                .collect::<Vec<_>>()
        };
        let mine = key(self);
        rows.iter().any(|(id, row)| Some(id) != own && key(row) == mine).then(|| {
            let words = [kind.exists.to_owned()].into_iter().chain(mine);
            words.map(Value::from).collect()
        })
    }

    fn show(&self, kind: &Kind, id: u64) -> Value {
        let modified = self.modified.then_some(NOW);
        let mut shown = json!({"id": id, "active": self.active, "created": NOW, "modified": modified});
        for (field, text) in kind.fields.iter().zip(&self.texts) {
            shown[*field] = json!(text);
        }
        shown
    }
}

fn show_bcc(id: u64, row: &MapRow) -> Value {
    let mut shown = row.show(&BCC, id);
    shown["domain"] = json!(row.texts.first().and_then(|local| local.rsplit('@').next()));
    shown
}

/// Answers a read of one row, which has a needless key.
fn one(rows: &Table<MapRow>, id: &str, show: impl Fn(u64, &MapRow) -> Value) -> Reply {
    let id = json!(id);
    object(rows.get(&id).zip(number(&id)).map(|(row, id)| {
        let mut shown = show(id, row);
        shown["0"] = Value::Null;
        shown
    }))
}

fn add(
    kind: &Kind,
    rows: &mut Table<MapRow>,
    row: MapRow,
    fault: Option<Value>,
    body: &Value,
    said: impl Fn(&MapRow) -> Value,
) -> Reply {
    let log = log(kind.name, "add", "", body);
    let entry = match fault {
        Some(fault) => danger(&log, fault),
        None => success(&log, said(&row)),
    };
    if entry["type"] == "success" {
        rows.add(row);
    }
    Reply::Entries(vec![entry])
}

fn edit(
    kind: &Kind,
    rows: &mut Table<MapRow>,
    body: &Value,
    fault: impl Fn(&MapRow) -> Option<Value>,
) -> Reply {
    let entries = items(&body["items"]).into_iter().map(|id| {
        let log = log(kind.name, "edit", "", &body["attr"]);
        let Some(row) = rows.get(&id) else { return danger(&log, "access_denied") };
        let row = row.changed(kind, &body["attr"]);
        let fault = fault(&row).or_else(|| row.taken(kind, rows, number(&id)));
        replace(rows, &id, row, fault, &log, |row| saved(kind, row))
    });
    Reply::Entries(entries.collect())
}

fn replace(
    rows: &mut Table<MapRow>,
    id: &Value,
    row: MapRow,
    fault: Option<Value>,
    log: &Value,
    said: impl Fn(&MapRow) -> Value,
) -> Value {
    match (fault, rows.get_mut(id)) {
        (None, Some(slot)) => {
            *slot = row;
            success(log, said(slot))
        }
        (fault, _) => danger(log, fault.unwrap_or(json!("access_denied"))),
    }
}

/// Deletes rows; of those that are not there it says the same.
fn delete(kind: &Kind, rows: &mut Table<MapRow>, body: &Value) -> Reply {
    let entries = items(body).into_iter().map(|id| {
        rows.remove(&id);
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        success(&log(kind.name, "delete", "", body), json!([format!("{}_deleted", kind.entry()), id]))
    });
    Reply::Entries(entries.collect())
}

fn saved(kind: &Kind, row: &MapRow) -> Value {
    json!([format!("{}_saved", kind.entry()), row.texts.first()])
}

impl Kind {
    /// What the codes of saving and deleting begin with.
    fn entry(&self) -> &'static str {
        self.exists.strip_suffix("_exists").unwrap_or(self.exists)
    }
}

fn recipient_fault(row: &MapRow) -> Option<Value> {
    let [from, to] = row.texts.as_slice() else { return Some(json!("access_denied")) };
    let is_domain = from.strip_prefix('@').is_some_and(|name| name.parse::<DomainName>().is_ok());
    if !is_domain && from.parse::<MailboxAddress>().is_err() {
        return Some(json!(["invalid_recipient_map_old", from]));
    }
    to.parse::<MailboxAddress>().is_err().then(|| json!(["invalid_recipient_map_new", to]))
}

fn tls_fault(row: &MapRow) -> Option<Value> {
    let [to, _, parameters] = row.texts.as_slice() else { return Some(json!("access_denied")) };
    if to.is_empty() || to == "*" {
        return Some(json!("tls_policy_map_dest_invalid"));
    }
    // Each parameter is `name=value`.
    let is_bad = parameters.split_whitespace().any(|parameter| !parameter.contains('='));
    is_bad.then(|| json!("tls_policy_map_parameter_invalid"))
}

/// Another policy than these breaks the column, and nothing catches that.
fn is_policy(row: &MapRow) -> bool {
    row.texts.get(1).is_some_and(|policy| POLICIES.contains(&policy.as_str()))
}

const BCC: Kind = Kind {
    name: "bcc",
    fields: &["local_dest", "bcc_dest", "type"],
    key: &["local_dest", "type"],
    exists: "bcc_exists",
};
const RECIPIENT: Kind = Kind {
    name: "recipient_map",
    fields: &["recipient_map_old", "recipient_map_new"],
    key: &["recipient_map_old"],
    exists: "recipient_map_entry_exists",
};
const TLS: Kind = Kind {
    name: "tls_policy_maps",
    fields: &["dest", "policy", "parameters"],
    key: &["dest"],
    exists: "tls_policy_map_entry_exists",
};
const POLICIES: [&str; 8] =
    ["none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"];
