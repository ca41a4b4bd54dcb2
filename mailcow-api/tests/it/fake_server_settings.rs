//! The fake against the recordings of admins and of the settings of the whole server.

use mailcow_api::FakeMailcow;
use serde_json::json;

use crate::{
    fake::{TIMES, add_mailbox, answers_as_recorded, post},
    fake_resources::with_agent,
};

#[test]
fn admins() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [11], TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [12], TIMES);
    answers_as_recorded(&mailcow, "admins/all.json", 0..=5, TIMES);
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [11], TIMES);
}

#[test]
fn spam_scores() {
    let mailcow = with_agent();
    add_mailbox(&mailcow, "agent-0003", "agents.example.com");
    answers_as_recorded(&mailcow, "mailboxes/user-settings.json", 2..=8, TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [24], TIMES);
}

#[test]
fn an_identity_provider() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [33], TIMES);
    answers_as_recorded(&mailcow, "identity_provider/all.json", 0..=7, TIMES);
}

#[test]
fn footers() {
    let mailcow = FakeMailcow::new();
    post(&mailcow, "/api/v1/add/domain", &json!({"domain": "race.example.com"}));
    answers_as_recorded(&mailcow, "domains/footer.json", 0..=2, TIMES);
}

#[test]
fn notifications() {
    let mailcow = with_agent();
    answers_as_recorded(&mailcow, "notifications/quota.json", 0..=1, TIMES);
    answers_as_recorded(&mailcow, "notifications/ui-settings.json", [4], TIMES);
}

#[test]
fn cross_origin_rules_are_checked() {
    // The others are of a browser's headers, which no client of this crate sends.
    answers_as_recorded(&FakeMailcow::new(), "cors/all.json", 0..=2, TIMES);
}
