//! MTA-STS: recordings played back.

use mailcow_api::{DomainName, Error, MtaStsChange, MtaStsMode, MxPattern, NewMtaSts, ProblemKind};

use crate::replay;

const ALL: &str = "mta_sts/all.json";

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn new(name: &str, max_age: u32) -> NewMtaSts {
    let servers: [MxPattern; 2] = ["mx1.example.com", "*.mx.example.com"].map(|mx| mx.parse().unwrap());
    NewMtaSts::new(domain(name), MtaStsMode::Testing, servers, max_age)
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    let agents = new("agents.example.com", 86_400);
    // The one route whose success is "Task completed".
    replay::one(ALL, 0, &[]).add_mta_sts(&agents).await.unwrap();
    let error = replay::one(ALL, 1, &[]).add_mta_sts(&agents).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::AlreadyExists);
    // Exchange 2 has a mode that cannot be expressed; its answer is still understood.
    let mode = replay::altered(ALL, 2, |exchange| exchange.body["mode"] = "testing".into());
    assert_eq!(replay::code(mode.add_mta_sts(&new("example.net", 86_400)).await), "mode_invalid");
    // Recorded as exchange 3 with the answer max_age_invalid.
    let never = replay::client([]).add_mta_sts(&new("example.net", 0)).await;
    assert!(matches!(never, Err(Error::InvalidInput { .. })));
    let unknown = replay::one(ALL, 4, &[]).add_mta_sts(&new("nope.example.com", 86_400)).await;
    assert_eq!(replay::code(unknown), "access_denied");
}

#[tokio::test]
async fn edits_always_name_the_version() {
    let enforce = MtaStsChange::new().with_mode(MtaStsMode::Enforce);
    replay::one(ALL, 5, &[]).edit_mta_sts(&domain("agents.example.com"), &enforce).await.unwrap();
    let none = replay::altered(ALL, 6, |exchange| exchange.body["attr"]["version"] = "stsv1".into());
    let refused = none.edit_mta_sts(&domain("example.net"), &enforce).await;
    assert_eq!(replay::code(refused), "access_denied");
    let nothing = replay::client([]).edit_mta_sts(&domain("example.net"), &MtaStsChange::new()).await;
    assert!(matches!(nothing, Err(Error::InvalidInput { .. })));
}

#[tokio::test]
async fn there_is_no_route_to_read_it() {
    // Exchange 7: a 404 for a route that this client does not have, understood on any other.
    let answer = replay::load(ALL).swap_remove(7).response;
    let client = replay::altered("server/status.json", 2, |exchange| exchange.response = answer);
    assert!(matches!(client.version().await, Err(Error::Unsupported { .. })));
}
