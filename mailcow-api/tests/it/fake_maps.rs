//! The fake against the recordings of maps, lists, temporary aliases and sync jobs.

use mailcow_api::{FakeMailcow, NewRecipientMap, RecipientMapChange};
use serde_json::json;

use crate::{
    fake::{TIMES, answers_as_recorded, post},
    fake_resources::with_agent,
    replay::code,
};

#[test]
fn bcc_maps() {
    answers_as_recorded(&with_agent(), "bcc_maps/all.json", (0..=6).chain([8, 9]), TIMES);
}

#[test]
fn tls_policy_maps() {
    answers_as_recorded(&FakeMailcow::new(), "tls_policy_maps/all.json", 0..=8, TIMES);
}

/// Of these nothing but the empty answers was recorded.
#[tokio::test]
async fn recipient_maps() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [8], TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [10], TIMES);
    let client = mailcow.client();
    let new = NewRecipientMap::new("@old.example.com".parse().unwrap(), "new@example.net".parse().unwrap());
    client.add_recipient_map(&new).await.unwrap();
    assert_eq!(code(client.add_recipient_map(&new).await), "recipient_map_entry_exists");
    let id = client.recipient_maps().await.unwrap()[0].id;
    client.edit_recipient_map(id, &RecipientMapChange::new().with_active(false)).await.unwrap();
    assert!(!client.get_recipient_map(id).await.unwrap().unwrap().active);
    client.delete_recipient_map(id).await.unwrap();
    assert!(client.recipient_maps().await.unwrap().is_empty());
}

#[test]
fn sync_jobs() {
    answers_as_recorded(&with_agent(), "sync_jobs/all.json", 0..=8, TIMES);
}

#[test]
fn policies() {
    let mailcow = with_agent();
    // The recorded ids begin with 7.
    for number in 1..=6 {
        let entry =
            json!({"domain": "example.org", "object_from": format!("a{number}@x.test"), "object_list": "wl"});
        post(&mailcow, "/api/v1/add/domain-policy", &entry);
    }
    answers_as_recorded(&mailcow, "spam_policies/all.json", 0..=11, TIMES);
}

#[test]
fn forwarding_hosts() {
    answers_as_recorded(&FakeMailcow::new(), "forwarding_hosts/all.json", 0..=8, TIMES);
}

#[tokio::test]
async fn temporary_aliases() {
    let mailcow = with_agent();
    answers_as_recorded(&mailcow, "temporary_aliases/all.json", (0..=5).chain([8, 10]), TIMES);
    let client = mailcow.client();
    let mailbox = "agent-0001@agents.example.com".parse().unwrap();
    let listed = client.temporary_aliases(&mailbox).await.unwrap();
    assert_eq!(listed.len(), 3);
    client.delete_mailbox(&mailbox).await.unwrap();
    assert!(client.temporary_aliases(&mailbox).await.unwrap().is_empty());
}
