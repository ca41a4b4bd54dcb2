//! The fake against the recordings of what a running server measures and holds back.

use mailcow_api::FakeMailcow;
use serde_json::{Value, json};

use crate::{
    fake::{TIMES, answers_as_recorded},
    replay,
};

/// The body of a recorded answer.
fn recorded(fixture: &str, at: usize) -> Value {
    serde_json::from_slice(&replay::load(fixture)[at].response.body).unwrap()
}

#[test]
fn quarantine() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [14], TIMES);
    let list = recorded("quarantine/all.json", 0);
    let mut first = recorded("quarantine/all.json", 1);
    first["virus_flag"] = json!(0);
    for item in [&first, &list[1], &list[2]] {
        mailcow.quarantine(item);
    }
    // The third was recorded without a Postfix: there the release failed.
    answers_as_recorded(&mailcow, "quarantine/all.json", [0, 1, 3, 4, 5, 6], TIMES);
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [14], TIMES);
}
