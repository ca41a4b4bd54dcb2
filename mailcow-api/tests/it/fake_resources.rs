//! The fake against the recordings of what belongs to domains and mailboxes.

use mailcow_api::{FakeMailcow, Mib, NewMailbox};
use serde_json::json;

use crate::{
    fake::{TIMES, add_mailbox, answers_as_recorded, post, with_domains},
    replay::code,
};

const PASSWORD: &str = "Fake-Passw0rd-123";

/// The domains of the recordings and the mailbox that they work on.
pub(crate) fn with_agent() -> FakeMailcow {
    let mailcow = with_domains();
    add_mailbox(&mailcow, "agent-0001", "agents.example.com");
    mailcow
}

#[test]
fn filters() {
    let mailcow = with_agent();
    // The script of the tenth is one that the recorded server was given by hand.
    answers_as_recorded(&mailcow, "filters/all.json", (0..=9).chain([11]), TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [16], TIMES);
}

#[test]
fn a_hub() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "filters/hub-setup.json", 0..=1, TIMES);
    post(&mailcow, "/api/v1/add/domain", &json!({"domain": "agents.example.com"}));
    add_mailbox(&mailcow, "agent-0001", "agents.example.com");
    for name in 1..=7 {
        let alias = json!({"address": format!("a{name}@agents.example.com"), "goto": "x@example.net"});
        post(&mailcow, "/api/v1/add/alias", &alias);
    }
    let filter = json!({"username": "agent-0001@agents.example.com", "filter_type": "prefilter",
        "script_desc": "first", "script_data": "keep;"});
    post(&mailcow, "/api/v1/add/filter", &filter);
    answers_as_recorded(&mailcow, "filters/hub-setup.json", [2, 3, 4, 5, 7], TIMES);
    let ignored = &["created", "modified", "attributes", "pubkey", "dkim_txt"];
    answers_as_recorded(&mailcow, "filters/hub-setup.json", [6, 8], ignored);
}

#[test]
fn resources() {
    let mailcow = with_domains();
    let group = json!({"description": "Group A", "domain": "example.net", "kind": "group",
        "multiple_bookings": -1, "active": 1});
    post(&mailcow, "/api/v1/add/resource", &group);
    answers_as_recorded(&mailcow, "resources/all.json", 0..=8, TIMES);
}

#[test]
fn domain_admins() {
    let mailcow = with_domains();
    let admin = json!({"username": "fleet-admin", "password": PASSWORD, "password2": PASSWORD, "active": 1,
        "domains": ["agents.example.com", "example.net"]});
    post(&mailcow, "/api/v1/add/domain-admin", &admin);
    answers_as_recorded(&mailcow, "domain_admins/all.json", 0..=13, &["created", "unselected_domains"]);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [11, 23], TIMES);
}

#[tokio::test]
async fn a_resource_takes_an_address_but_is_no_mailbox() {
    let mailcow = with_domains();
    let car = json!({"description": "Car", "domain": "example.net", "kind": "thing", "active": 1});
    post(&mailcow, "/api/v1/add/resource", &car);
    let client = mailcow.client();
    let new = NewMailbox::new("car@example.net".parse().unwrap(), PASSWORD.into(), Mib::new(10));
    assert_eq!(code(client.add_mailbox(&new).await), "object_exists");
    assert_eq!(client.get_mailbox(new.address()).await.unwrap(), None);
    assert_eq!(code(client.delete_domain(&"example.net".parse().unwrap()).await), "domain_not_empty");
}

#[tokio::test]
async fn what_belongs_to_a_mailbox_goes_with_it() {
    let mailcow = with_agent();
    answers_as_recorded(&mailcow, "filters/all.json", [0], TIMES);
    answers_as_recorded(&mailcow, "sync_jobs/all.json", [0], TIMES);
    answers_as_recorded(&mailcow, "spam_policies/all.json", [8], TIMES);
    let (client, mailbox) = (mailcow.client(), "agent-0001@agents.example.com".parse().unwrap());
    client.delete_mailbox(&mailbox).await.unwrap();
    assert!(client.filters().await.unwrap().is_empty());
    assert!(client.sync_jobs().await.unwrap().is_empty());
    add_mailbox(&mailcow, "agent-0001", "agents.example.com");
    answers_as_recorded(&mailcow, "spam_policies/all.json", [8], TIMES);
}
