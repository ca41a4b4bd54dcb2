//! MTA-STS policies. There is no route that reads or deletes them.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, int, items, log, success, text};

#[derive(Clone, Debug)]
pub(super) struct MtaStsRow {
    version: String,
    mode: String,
    servers: String,
    max_age_seconds: i64,
}

impl State {
    /// Adds a policy; that it did goes unsaid.
    pub(super) fn add_mta_sts(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "mta_sts", body);
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        let domain = text(body, "domain").unwrap_or_default().to_lowercase();
        if !self.domains.contains_key(&domain) {
            return refuse(json!("access_denied"));
        }
        let empty = MtaStsRow {
            version: String::new(),
            mode: String::new(),
            servers: String::new(),
            max_age_seconds: 0,
        };
        let row = empty.changed(body);
        if let Some(code) = row.fault() {
            return refuse(json!([code, domain]));
        }
        if self.mta_sts.contains_key(&domain) {
            return refuse(json!(format!(
                "SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry '{domain}' for key 'PRIMARY'"
            )));
        }
        self.mta_sts.insert(domain, row);
        Reply::Entries(Vec::new())
    }

    pub(super) fn edit_mta_sts(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|item| {
            let log = log("mailbox", "edit", "mta_sts", attr);
            let domain = item.as_str().unwrap_or_default().to_lowercase();
            let Some(row) = self.mta_sts.get_mut(&domain) else { return danger(&log, "access_denied") };
            // The version is not kept but has to be sent each time.
            let changed = MtaStsRow { version: String::new(), ..row.clone() }.changed(attr);
            if let Some(code) = changed.fault() {
                return danger(&log, json!([code, domain]));
            }
            *row = changed;
            success(&log, json!(["object_modified", domain]))
        });
        Reply::Entries(entries.collect())
    }
}

impl MtaStsRow {
    fn changed(&self, body: &Value) -> Self {
        let part = |field, now: &str| text(body, field).unwrap_or_else(|| now.to_owned());
        Self {
            version: part("version", &self.version),
            mode: part("mode", &self.mode),
            servers: part("mx", &self.servers),
            max_age_seconds: int(body, "max_age").unwrap_or(self.max_age_seconds),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        if !self.version.eq_ignore_ascii_case("stsv1") {
            Some("version_invalid")
        } else if !matches!(self.mode.as_str(), "enforce" | "testing" | "none") {
            Some("mode_invalid")
        } else if !(1..=31_557_600).contains(&self.max_age_seconds) {
            Some("max_age_invalid")
        } else {
            self.servers.trim().is_empty().then_some("mx_invalid")
        }
    }
}
