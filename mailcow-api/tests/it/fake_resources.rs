//! The fake against the recordings of what belongs to domains and mailboxes.

use mailcow_api::FakeMailcow;
use serde_json::json;

use crate::fake::{TIMES, add_mailbox, answers_as_recorded, post, with_domains};

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
