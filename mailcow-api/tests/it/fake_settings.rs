//! The fake against the recordings of keys, policies and templates of the whole server.

use mailcow_api::{FakeMailcow, Method, OauthClient};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    fake::{TIMES, add_mailbox, answers_as_recorded, post, send, with_domains},
    replay,
};

#[test]
fn dkim_keys_are_copied_and_imported() {
    let mailcow = with_domains();
    post(&mailcow, "/api/v1/delete/dkim", &json!(["tags26.example.com"]));
    // Two keys stand for all: the copy of one looks like the original.
    answers_as_recorded(&mailcow, "dkim/all.json", 8..=14, TIMES);
    let import = replay::load("dkim/all.json")[15].body.clone();
    post(&mailcow, "/api/v1/add/dkim_import", &import);
    answers_as_recorded(&mailcow, "dkim/all.json", 15..=16, TIMES);
}

#[test]
fn mta_sts() {
    answers_as_recorded(&with_domains(), "mta_sts/all.json", 0..=7, TIMES);
}

#[test]
fn the_password_policy_is_kept_and_applied() {
    answers_as_recorded(&with_domains(), "password_policy/all.json", 0..=9, TIMES);
}

#[tokio::test]
async fn oauth_clients() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [12], TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [13], TIMES);
    let (client, url) = (mailcow.client(), "https://app.example.org/callback".parse().unwrap());
    client.add_oauth_client(&url).await.unwrap();
    client.add_oauth_client(&url).await.unwrap();
    let [first, second]: [OauthClient; 2] = client.oauth_clients().await.unwrap().try_into().unwrap();
    assert_ne!(first.client_secret.expose_secret(), second.client_secret.expose_secret());
    client.renew_oauth_secret(first.id).await.unwrap();
    client.edit_oauth_client(first.id, &"https://new.example.org/".parse().unwrap()).await.unwrap();
    let renewed = client.get_oauth_client(first.id).await.unwrap().unwrap();
    assert_ne!(renewed.client_secret.expose_secret(), first.client_secret.expose_secret());
    assert_eq!(renewed.redirect_uri, "https://new.example.org/");
    client.delete_oauth_client(second.id).await.unwrap();
    assert_eq!(client.oauth_clients().await.unwrap().len(), 1);
}

#[test]
fn a_domain_can_be_overrun() {
    let mailcow = FakeMailcow::new();
    let domain = json!({"domain": "cap.example.com", "aliases": 5, "mailboxes": 5, "defquota": 10, "maxquota": 10, "quota": 50});
    post(&mailcow, "/api/v1/add/domain", &domain);
    mailcow.set_limits(false);
    for number in 0..12 {
        add_mailbox(&mailcow, &format!("c{number}"), "cap.example.com");
    }
    mailcow.set_limits(true);
    answers_as_recorded(&mailcow, "domains/overrun.json", 0..=3, &["created", "modified", "attributes"]);
}

#[test]
fn domain_templates() {
    // The table also holds the two named "Default", so that the next has the number 3, as recorded.
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "domains/template.json", 0..=10, TIMES);
    let answer =
        send(&mailcow, &mailcow.api_key(), Method::Get, "/api/v1/get/domain/template/1", &json!(null));
    assert!(String::from_utf8_lossy(&answer.body).contains("Default"), "it was not deleted");
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [27, 28], TIMES);
}

#[test]
fn mailbox_templates() {
    let mailcow = with_domains();
    post(&mailcow, "/api/v1/add/domain/template", &json!({"template": "the third"}));
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", [31], TIMES);
    answers_as_recorded(&mailcow, "mailboxes/template.json", 0..=3, TIMES);
    let recorded = &replay::load("mailboxes/template.json")[4];
    let answer = send(&mailcow, &mailcow.api_key(), Method::Get, &recorded.path, &json!(null));
    let attributes = |body: &[u8]| {
        let mut shown = serde_json::from_slice::<Value>(body).unwrap()["attributes"].take();
        shown["passwd_update"] = Value::Null;
        shown
    };
    assert_eq!(attributes(&answer.body), attributes(&recorded.response.body));
    let ignored = &["created", "modified", "attributes", "max_new_quota"];
    answers_as_recorded(&mailcow, "mailboxes/template.json", [4], ignored);
    answers_as_recorded(&mailcow, "mailboxes/template.json", 5..=7, TIMES);
}

#[test]
fn reads_of_what_is_not_there() {
    let mailcow = FakeMailcow::new();
    let lists = (0..=10).chain([12, 13]).chain(15..=18).chain(20..=22).chain([31, 32]);
    answers_as_recorded(&mailcow, "server/get-empty-collections.json", lists, TIMES);
    let objects = (0..=11).chain(13..=18).chain(20..=23).chain(25..=30);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", objects, TIMES);
}
