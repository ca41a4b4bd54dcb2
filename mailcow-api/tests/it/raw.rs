//! Calls without a typed method: judged as strictly as the others.

use std::time::Duration;

use mailcow_api::{Error, FakeMailcow, Fault, HttpResponse, ProblemKind, RawAction, RawCall};
use serde_json::json;

use crate::script::{Server, good};

fn add_domain(name: &str) -> RawCall {
    let body = json!({"domain": name, "active": 1, "key_size": 0});
    RawCall::new(RawAction::Add, "domain").with_body(body).with_success(["domain_added"])
}

fn get(segments: &[&str]) -> RawCall {
    RawCall::new(RawAction::Get, "mailbox").with_segments(segments.iter().copied())
}

#[tokio::test]
async fn a_write_is_done_only_by_the_expected_code() {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    assert_eq!(client.raw(&add_domain("agents.example.com")).await.unwrap(), None);
    let error = client.raw(&add_domain("agents.example.com")).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::AlreadyExists));
    assert_eq!(error.to_string(), "mailcow refused add/* for domain");
    let other = add_domain("two.example.com").with_success(["aliasd_added"]);
    assert!(client.raw(&other).await.unwrap_err().outcome_unknown());
    for fault in [Fault::DoneButEmpty, Fault::DoneBut500, Fault::DoneButLost] {
        mailcow.fail_next("add/domain", fault);
        assert!(client.raw(&add_domain("three.example.com")).await.unwrap_err().outcome_unknown());
    }
}

#[tokio::test]
async fn a_task_that_did_nothing_is_no_success_unless_the_caller_says_so() {
    let server = Server::new(Duration::ZERO, |_, _| {
        Ok(HttpResponse::new(200, r#"{"type":"success","msg":"Task completed"}"#))
    });
    let client = server.client().build().unwrap();
    let sts = |code: &str| {
        RawCall::new(RawAction::Add, "mta-sts")
            .with_body(json!({"domain": "x"}))
            .with_success([code.to_owned()])
    };
    assert!(client.raw(&sts("mta_sts_added")).await.unwrap_err().outcome_unknown());
    client.raw(&sts("Task completed")).await.unwrap();
}

#[tokio::test]
async fn a_read_shows_what_the_server_shows() {
    let client = FakeMailcow::new().client();
    assert_eq!(client.raw(&get(&["nobody@agents.example.com"])).await.unwrap(), None);
    client.raw(&add_domain("agents.example.com")).await.unwrap();
    let search = RawCall::new(RawAction::Search, "domain").with_body(json!({"start": 0, "length": 10}));
    assert_eq!(client.raw(&search).await.unwrap().unwrap()["recordsTotal"], 1);
    let unknown = RawCall::new(RawAction::Get, "nosuch");
    assert!(matches!(client.raw(&unknown).await, Err(Error::Unsupported { .. })));
}

#[tokio::test]
async fn what_cannot_be_right_is_not_sent() {
    let server = Server::new(Duration::ZERO, |_, request| Ok(good(request)));
    let client = server.client().build().unwrap();
    for bad in [
        RawCall::new(RawAction::Get, "mail/box"),
        RawCall::new(RawAction::Get, "mailbox?x"),
        RawCall::new(RawAction::Get, ""),
        get(&["a/b"]),
        get(&[".."]),
        get(&["a\nb"]),
        get(&["all"]).with_body(json!({})),
        RawCall::new(RawAction::Delete, "mailbox").with_success(["mailbox_removed"]),
        RawCall::new(RawAction::Delete, "mailbox").with_body(json!(["a@b.example"])),
    ] {
        let error = client.raw(&bad).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{bad:?}: {error}");
    }
    assert_eq!(server.calls(), 0);
}

#[test]
fn a_body_is_not_shown() {
    let call = add_domain("x").with_body(json!({"password": "CANARY"}));
    assert!(!format!("{call:?}").contains("CANARY"));
}
