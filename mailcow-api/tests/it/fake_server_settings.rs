//! The fake against the recordings of admins and of the settings of the whole server.

use mailcow_api::{FakeMailcow, MailboxAddress, Method};
use serde_json::{Value, json};

use crate::{
    fake::{TIMES, add_mailbox, answers_as_recorded, post, send, with_domains},
    fake_resources::with_agent,
    replay::{self, code},
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

#[tokio::test]
async fn a_renamed_mailbox_takes_along_what_belongs_to_it() {
    let mailcow = with_domains();
    add_mailbox(&mailcow, "agent-0002", "agents.example.com");
    let (client, address) = (mailcow.client(), |text: &str| text.parse::<MailboxAddress>().unwrap());
    let (old, new) = (address("agent-0002@agents.example.com"), address("agent-0002b@agents.example.com"));
    let score = json!({"items": [old.as_str()], "attr": {"spam_score": "5,9"}});
    post(&mailcow, "/api/v1/edit/spam-score", &score);
    client.rename_mailbox(&old, &new, true).await.unwrap();
    assert_eq!(client.get_mailbox(&old).await.unwrap(), None);
    assert_eq!(client.get_mailbox(&new).await.unwrap().unwrap().address, new.as_str());
    let read = |path: &str| {
        let answer = send(&mailcow, &mailcow.api_key(), Method::Get, path, &Value::Null);
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    assert_eq!(read(&format!("/api/v1/get/spam-score/{new}")), json!({"score": "5,9"}));
    // The renaming itself was not recorded, but the alias that it left was.
    let recorded =
        serde_json::from_slice::<Value>(&replay::load("aliases/get.json")[0].response.body).unwrap();
    let (mut left, mut wanted) = (read("/api/v1/get/alias/all")[0].take(), recorded[0].clone());
    for field in ["id", "created"] {
        (left[field], wanted[field]) = (Value::Null, Value::Null);
    }
    assert_eq!(left, wanted);
    assert_eq!(
        code(client.rename_mailbox(&old, &address("x@agents.example.com"), false).await),
        "access_denied"
    );
    assert_eq!(code(client.rename_mailbox(&new, &old, false).await), "is_alias");
}
