//! From which score on mail to a mailbox counts as spam.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, items, log, object, success, text};

impl State {
    pub(super) fn get_spam_score(&self, address: &str) -> Reply {
        let address = address.to_lowercase();
        let score = self.spam_scores.get(&address).map_or(DEFAULT, String::as_str);
        object(self.mailboxes.contains_key(&address).then(|| json!({"score": score})))
    }

    pub(super) fn edit_spam_score(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("mailbox", "edit", "spam_score", attr);
        let score = text(attr, "spam_score").unwrap_or_default();
        let entries = items(&body["items"]).into_iter().map(|item| {
            let address = item.as_str().unwrap_or_default().to_lowercase();
            if !self.mailboxes.contains_key(&address) {
                return danger(&log, "access_denied");
            }
            if score == "default" {
                self.spam_scores.remove(&address);
            } else if is_score(&score) {
                self.spam_scores.insert(address.clone(), score.clone());
            } else {
                return danger(&log, INVALID);
            }
            success(&log, json!(["mailbox_modified", address]))
        });
        Reply::Entries(entries.collect())
    }
}

/// Two numbers; that the low one comes first is not checked.
fn is_score(score: &str) -> bool {
    let is_number = |part: &str| part.trim().parse::<f64>().is_ok_and(f64::is_finite);
    score.split_once(',').is_some_and(|(low, high)| is_number(low) && is_number(high))
}

/// That of the server.
const DEFAULT: &str = "8,15";
const INVALID: &str =
    "Invalid spam score, format must be \"1,2\" where first is low and second is high spam value.";
