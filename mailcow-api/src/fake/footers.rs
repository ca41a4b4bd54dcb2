//! The footers of domains.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, items, log, success};

impl State {
    /// No route reads a footer, so none is kept.
    pub(super) fn edit_domain_footer(&self, body: &Value) -> Reply {
        let log = log("mailbox", "edit", "domain_wide_footer", &body["attr"]);
        let entries = items(&body["items"]).into_iter().map(|item| {
            let name = item.as_str().unwrap_or_default().to_lowercase();
            if self.domains.contains_key(&name) {
                success(&log, json!(["domain_footer_modified", name]))
            } else {
                danger(&log, "access_denied")
            }
        });
        Reply::Entries(entries.collect())
    }
}
