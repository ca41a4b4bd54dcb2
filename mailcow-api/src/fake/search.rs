//! Lists in pages (the protocol of DataTables).

use serde_json::{Value, json};

use super::state::{Reply, State, int};

impl State {
    pub(super) fn search_mailbox(&self, body: &Value) -> Reply {
        let rows = self.mailboxes.keys().map(|address| shown(self.get_mailbox(address))).collect();
        page(rows, &["username", "name", "tags"], &[2, 7, 23], body)
    }

    pub(super) fn search_domain(&self, body: &Value) -> Reply {
        let rows = self.domains.keys().map(|name| shown(self.get_domain(name))).collect();
        page(rows, &["domain_name"], &[2], body)
    }
}

fn page(rows: Vec<Value>, fields: &[&str], searchable: &[usize], body: &Value) -> Reply {
    let total = rows.len();
    let text = body["search"]["value"].as_str().unwrap_or_default().to_lowercase();
    let columns = body["columns"].as_array().map_or(&[][..], Vec::as_slice);
    let is_wrong = |(at, column): (usize, &Value)| column["searchable"] == true && !searchable.contains(&at);
    if !text.is_empty() && columns.iter().enumerate().any(is_wrong) {
        return Reply::Empty;
    }
    let holds =
        |row: &Value| fields.iter().any(|field| row[field].to_string().to_lowercase().contains(&text));
    let rows: Vec<_> = rows.into_iter().filter(|row| text.is_empty() || holds(row)).collect();
    let number = |field| int(body, field).and_then(|number| usize::try_from(number).ok());
    let filtered = rows.len();
    let data =
        rows.into_iter().skip(number("start").unwrap_or(0)).take(number("length").unwrap_or(usize::MAX));
    Reply::Json(json!({
        "draw": int(body, "draw").unwrap_or(0),
        "recordsTotal": total,
        "recordsFiltered": filtered,
        "data": data.collect::<Vec<_>>(),
    }))
}

fn shown(reply: Reply) -> Value {
    match reply {
        Reply::Json(row) => row,
        Reply::Entries(_) | Reply::Text(_) | Reply::Empty => Value::Null,
    }
}
