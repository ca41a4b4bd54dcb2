//! The fake against the recordings of admins and of the settings of the whole server.

use mailcow_api::FakeMailcow;

use crate::{
    fake::{TIMES, add_mailbox, answers_as_recorded},
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
