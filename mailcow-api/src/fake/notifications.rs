//! The messages that the server sends by itself. No route reads them, so none are kept.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, log, split, success, text};
use crate::MailboxAddress;

impl State {
    /// Each address that is none is told; the others are taken.
    pub(super) fn edit_quota_notification_bcc(&self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("quota_notification_bcc", "edit", "", attr);
        if !self.domains.contains_key(&text(attr, "domain").unwrap_or_default().to_lowercase()) {
            return Reply::Entries(vec![danger(&log, "access_denied")]);
        }
        let recipients = split(&text(attr, "bcc_rcpt").unwrap_or_default());
        let bad = recipients.iter().filter(|address| address.parse::<MailboxAddress>().is_err());
        let mut entries: Vec<_> = bad.map(|address| danger(&log, json!(["goto_invalid", address]))).collect();
        entries.push(success(&log, SAVED));
        Reply::Entries(entries)
    }
}

pub(super) fn edit_quota_notification(body: &Value) -> Reply {
    Reply::Entries(vec![success(&log("quota_notification", "edit", "", &body["attr"]), SAVED)])
}

pub(super) fn edit_reset_notification(body: &Value) -> Reply {
    Reply::Entries(vec![success(&log("reset_password", "edit_notification", "", &body["attr"]), SAVED)])
}

const SAVED: &str = "saved_settings";
