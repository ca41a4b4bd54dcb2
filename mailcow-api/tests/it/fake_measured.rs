//! The fake against the recordings of what a running server measures and holds back.

use mailcow_api::{FakeMailcow, FilterKind, Method};
use serde_json::{Value, json};

use crate::{
    fake::{TIMES, answers_as_recorded, send},
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

#[tokio::test]
async fn mail_queue() {
    let mailcow = FakeMailcow::new();
    let entries = recorded("mail_queue/all.json", 0);
    let content = String::from_utf8(replay::load("mail_queue/all.json")[1].response.body.clone()).unwrap();
    mailcow.put_in_mail_queue(&entries[0], &content);
    mailcow.put_in_mail_queue(&entries[1], "");
    answers_as_recorded(&mailcow, "mail_queue/all.json", 0..=6, TIMES);
    let client = mailcow.client();
    let ids: Vec<_> = client.mail_queue().await.unwrap().into_iter().map(|entry| entry.id).collect();
    client.deliver_queued(&ids).await.unwrap();
    assert_eq!(client.mail_queue().await.unwrap().len(), 1, "it is on hold");
    client.release_queued(&ids).await.unwrap();
    client.deliver_queued(&ids).await.unwrap();
    assert!(client.mail_queue().await.unwrap().is_empty());
    assert_eq!(client.queued_message(&ids[0]).await.unwrap(), None);
    mailcow.put_in_mail_queue(&json!({}), "");
    answers_as_recorded(&mailcow, "mail_queue/all.json", [7], TIMES);
    assert!(client.mail_queue().await.unwrap().is_empty());
}

#[test]
fn logs() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", 23..=27, TIMES);
    for exchange in replay::load("logs/all.json") {
        let Some(rest) = exchange.path.strip_prefix("/api/v1/get/logs/") else { continue };
        let (log, rows) = rest.split_once('/').unwrap_or((rest, ""));
        let body = serde_json::from_slice(&exchange.response.body).unwrap();
        // Of the logs that were read twice the longer read counts.
        if let (Value::Array(entries), true) = (body, log != "sasl" || rows.is_empty()) {
            entries.into_iter().rev().for_each(|row| mailcow.put_in_log(log, row));
        }
    }
    answers_as_recorded(&mailcow, "logs/all.json", 0..=13, &[]);
}

#[tokio::test]
async fn actions_of_the_filter_are_counted() {
    let mailcow = FakeMailcow::new();
    for action in ["reject", "no action", "reject"] {
        mailcow.put_in_log("rspamd-history", json!({"action": action}));
    }
    let actions = mailcow.client().rspamd_actions().await.unwrap();
    let names = recorded("logs/all.json", 15);
    let names: Vec<_> = names.as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
    assert_eq!(actions.iter().map(|action| action.name.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(actions.iter().map(|action| action.count).collect::<Vec<_>>(), [2, 0, 0, 0, 1]);
}

#[test]
fn rspamd_settings_and_maps() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [19], TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [19], TIMES);
    answers_as_recorded(&mailcow, "rspamd/all.json", 0..=6, TIMES);
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [19], TIMES);
}

#[test]
fn fail2ban() {
    answers_as_recorded(&FakeMailcow::new(), "fail2ban/all.json", 0..=7, TIMES);
}

#[tokio::test]
async fn global_filters() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [30], TIMES);
    let client = mailcow.client();
    client.set_global_filter(&FilterKind::Before, "keep;\n").await.unwrap();
    assert_eq!(client.global_filter(&FilterKind::Before).await.unwrap(), "keep;\n");
    assert_ne!(client.global_filter(&FilterKind::After).await.unwrap(), "keep;\n");
}

#[test]
fn status() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/status.json", 1..=5, TIMES);
    // The images of the fake have other names.
    let answer =
        send(&mailcow, &mailcow.api_key(), Method::Get, "/api/v1/get/status/containers", &json!(null));
    let essential = |mut containers: Value| {
        for container in containers.as_object_mut().unwrap().values_mut() {
            container["image"] = Value::Null;
            container["started_at"] = Value::Null;
        }
        containers
    };
    let shown = essential(serde_json::from_slice(&answer.body).unwrap());
    assert_eq!(shown, essential(recorded("server/status.json", 0)));
}

#[test]
fn presets() {
    answers_as_recorded(&FakeMailcow::new(), "presets/all.json", [0, 1], TIMES);
}
