//! The sieve scripts of the whole server.

use serde_json::{Value, json};

use super::{
    filters::sieve_fault,
    state::{Reply, State, danger, log, success, text},
};

#[derive(Debug)]
pub(super) struct GlobalFilterRow {
    before: String,
    after: String,
}

impl State {
    pub(super) fn list_global_filters(&self) -> Reply {
        let GlobalFilterRow { before, after } = &self.global_filters;
        Reply::Json(json!({"prefilter": before, "postfilter": after}))
    }

    /// One script is a bare JSON text.
    pub(super) fn get_global_filter(&self, is_before: bool) -> Reply {
        let GlobalFilterRow { before, after } = &self.global_filters;
        Reply::Json(json!(if is_before { before } else { after }))
    }

    /// Replaces a script. Dovecot always restarts.
    pub(super) fn set_global_filter(&mut self, body: &Value) -> Reply {
        let log = log("mailbox", "add", "global_filter", body);
        let script = text(body, "script_data").unwrap_or_default();
        if let Some(fault) = sieve_fault(&script) {
            return Reply::Entries(vec![danger(&log, json!(["sieve_error", fault]))]);
        }
        match body["filter_type"].as_str() {
            Some("prefilter") => self.global_filters.before = script,
            Some("postfilter") => self.global_filters.after = script,
            _ => return Reply::Entries(vec![danger(&log, "value_missing")]),
        }
        Reply::Entries(vec![success(&log, "dovecot_restart_success"), success(&log, "global_filter_written")])
    }
}

impl Default for GlobalFilterRow {
    fn default() -> Self {
        Self { before: BEFORE.to_owned(), after: AFTER.to_owned() }
    }
}

/// The scripts of a fresh server.
const BEFORE: &str = include_str!("global_filters/before.sieve");
const AFTER: &str = include_str!("global_filters/after.sieve");
