//! Keys, roles and a server in trouble, played back from recordings.

use mailcow_api::{DomainName, Error, NewDomain};

use crate::replay;

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// Takes the answer of a recorded call, whatever its route was, as the answer to the check of the credentials.
async fn version_answered(fixture: &str, at: usize) -> Result<String, Error> {
    let mut exchange = replay::load("server/status.json").swap_remove(2);
    exchange.response = replay::load(fixture).swap_remove(at).response;
    replay::client([exchange]).version().await
}

#[tokio::test]
async fn the_version_is_read() {
    assert_eq!(replay::one("server/status.json", 2, &[]).version().await.unwrap(), "2026-07a");
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_told_with_the_reason() {
    for (at, reason) in [
        (1, "the answer is empty"),
        (6, "unknown or inactive"),
        (7, "unknown or inactive"),
        (8, "list of allowed addresses"),
    ] {
        let error = version_answered("server/auth.json", at).await.unwrap_err();
        assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.is_retryable(), "ten of them block this host");
    }
}

#[tokio::test]
async fn a_read_only_key_is_told() {
    let mut exchange = replay::load("server/auth-read-only-key.json").swap_remove(1);
    exchange.body["active"] = 1.into();
    exchange.body["key_size"] = 0.into();
    let error =
        replay::client([exchange]).add_domain(&NewDomain::new(domain("ro.example.com"))).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    let mut exchange = replay::load("server/auth-read-only-key.json").swap_remove(3);
    exchange.body = serde_json::json!(["ro.example.com"]);
    let error = replay::client([exchange]).delete_domain(&domain("ro.example.com")).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
}

#[tokio::test]
async fn a_server_in_trouble_is_retryable_for_reads_and_unknown_for_writes() {
    for at in 0..3 {
        let error = version_answered("server/backend-down.json", at).await.unwrap_err();
        assert!(error.is_retryable() && !error.outcome_unknown(), "{error}");
        assert!(!format!("{error:?}").contains("SQLSTATE"), "the page does not belong into an error");

        let mut write = replay::load("domains/delete.json").swap_remove(2);
        write.response = replay::load("server/backend-down.json").swap_remove(at).response;
        let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
        assert!(error.outcome_unknown() && !error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn protocol_errors_are_told_apart() {
    for (at, check) in [
        (2, (|error| matches!(error, Error::Refused { .. })) as fn(&Error) -> bool),
        (8, |error| matches!(error, Error::Unexpected { .. })),
        (10, |error| matches!(error, Error::Unsupported { .. })),
        (0, |error| matches!(error, Error::Unexpected { .. })),
        (18, |error| matches!(error, Error::PermissionDenied { .. })),
        (16, |error| matches!(error, Error::Unauthenticated { .. })),
    ] {
        let error = version_answered("server/protocol-errors.json", at).await.unwrap_err();
        assert!(check(&error), "{at}: {error:?}");
    }
}

#[tokio::test]
async fn a_task_completed_that_did_nothing_is_no_success() {
    let mut write = replay::load("domains/delete.json").swap_remove(2);
    write.response = replay::load("server/protocol-errors.json").swap_remove(1).response;
    let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn the_left_over_of_another_call_is_not_swallowed() {
    // Recorded with a client that keeps cookies, as this one never does.
    let mut write = replay::load("domains/delete.json").swap_remove(2);
    write.response = replay::load("server/session-cookie.json").swap_remove(1).response;
    let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
}
