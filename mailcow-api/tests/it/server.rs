//! Keys, roles and a server in trouble, played back from recordings.

use mailcow_api::{DomainChange, DomainName, Error, NewDomain, SearchQuery};

use crate::replay;

fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// Takes the answer of a recorded call, whatever its route was, as the answer to the check of the credentials.
async fn version_answered(fixture: &str, at: usize) -> Result<String, Error> {
    let exchange = replay::load("server/status.json").swap_remove(2).answered_as(fixture, at);
    replay::client([exchange]).version().await
}

#[tokio::test]
async fn the_version_is_read() {
    assert_eq!(replay::one("server/status.json", 2, &[]).version().await.unwrap(), "2026-07a");
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_told_with_the_reason() {
    for (at, reason) in [
        (0, "the answer is empty"),
        (1, "the answer is empty"),
        (2, "the answer is empty"),
        // HTTP Basic, a bearer token and a query, none of which mailcow reads.
        (10, "the answer is empty"),
        (11, "the answer is empty"),
        (14, "the answer is empty"),
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
    let edit = replay::one("server/auth-read-only-key.json", 2, &[]);
    let error = edit.edit_domain(&domain("ro.example.com"), &DomainChange::new().with_active(true)).await;
    assert!(matches!(error, Err(Error::PermissionDenied { .. })), "{error:?}");
    let mut exchange = replay::load("server/auth-read-only-key.json").swap_remove(3);
    exchange.body = serde_json::json!(["ro.example.com"]);
    let error = replay::client([exchange]).delete_domain(&domain("ro.example.com")).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
}

#[tokio::test]
async fn a_read_only_key_reads_and_searches() {
    const READ_ONLY: &str = "server/auth-read-only-key.json";
    assert_eq!(replay::one(READ_ONLY, 0, &[]).domains().await.unwrap(), []);
    // Recorded with another list of columns.
    let search = replay::altered(READ_ONLY, 4, |exchange| {
        exchange.body = replay::load("search/mailbox-search.json").swap_remove(7).body;
        exchange.body["draw"] = 1.into();
        exchange.body["length"] = 10.into();
        exchange.body["search"]["value"] = "".into();
    });
    let ten = SearchQuery::all().with_page_size(10.try_into().unwrap());
    assert_eq!(search.mailbox_page(&ten, 0).await.unwrap().rows, []);
}

#[tokio::test]
async fn a_key_is_accepted_in_every_form_of_its_header() {
    for at in [9, 12, 13] {
        assert_eq!(replay::one("server/auth.json", at, &[]).domains().await.unwrap(), []);
    }
    assert_eq!(replay::one("server/protocol-errors.json", 19, &[]).domains().await.unwrap(), []);
}

#[tokio::test]
async fn without_a_key_nothing_is_changed() {
    for at in [4, 5] {
        let write = replay::load("domains/delete.json").swap_remove(2).answered_as("server/auth.json", at);
        let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_in_trouble_is_retryable_for_reads_and_unknown_for_writes() {
    for at in 0..3 {
        let error = version_answered("server/backend-down.json", at).await.unwrap_err();
        assert!(error.is_retryable() && !error.outcome_unknown(), "{error}");
        assert!(!format!("{error:?}").contains("SQLSTATE"), "the page does not belong into an error");

        let write = replay::load("domains/delete.json").swap_remove(2);
        let write = write.answered_as("server/backend-down.json", at);
        let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
        assert!(error.outcome_unknown() && !error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn protocol_errors_are_told_apart() {
    let refused: fn(&Error) -> bool = |error| matches!(error, Error::Refused { .. });
    let unexpected: fn(&Error) -> bool = |error| matches!(error, Error::Unexpected { .. });
    let unsupported: fn(&Error) -> bool = |error| matches!(error, Error::Unsupported { .. });
    for (recorded, check) in [
        // A body that is not read, for the want of a content type or a POST.
        (&[2, 3, 7][..], refused),
        // A body that is no JSON (400), and methods that a route does not take (405).
        (&[0, 8, 9, 20, 21], unexpected),
        // Words that are no route (404).
        (&[10, 11, 12, 13, 14, 15, 17, 22], unsupported),
        (&[18], |error| matches!(error, Error::PermissionDenied { .. })),
        (&[16], |error| matches!(error, Error::Unauthenticated { .. })),
    ] {
        for &at in recorded {
            let error = version_answered("server/protocol-errors.json", at).await.unwrap_err();
            assert!(check(&error), "{at}: {error:?}");
        }
    }
}

#[tokio::test]
async fn other_forms_of_a_body_are_confirmed_alike() {
    const ERRORS: &str = "server/protocol-errors.json";
    replay::one(ERRORS, 5, &[]).delete_domain(&domain("ct2.example.com")).await.unwrap();
    // Recorded as a form, which this client never sends.
    let form = replay::altered(ERRORS, 6, |exchange| exchange.body = serde_json::json!(["form.example.com"]));
    form.delete_domain(&domain("form.example.com")).await.unwrap();
    // Recorded with a parameter in the content type.
    let new = |name: &str| serde_json::json!({"domain": name, "active": 1, "key_size": 0});
    let charset = replay::altered(ERRORS, 4, |exchange| exchange.body = new("ct2.example.com"));
    charset.add_domain(&NewDomain::new(domain("ct2.example.com"))).await.unwrap();
    // The language that is asked for does not change a code.
    let french =
        replay::altered("presets/language.json", 0, |exchange| exchange.body = new("agents.example.com"));
    let exists = french.add_domain(&NewDomain::new(domain("agents.example.com"))).await;
    assert_eq!(replay::code(exists), "domain_exists");
}

#[tokio::test]
async fn a_task_completed_that_did_nothing_is_no_success() {
    let write = replay::load("domains/delete.json").swap_remove(2);
    let write = write.answered_as("server/protocol-errors.json", 1);
    let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn the_left_over_of_another_call_is_not_swallowed() {
    // Recorded with a client that keeps cookies, as this one never does.
    let write = replay::load("domains/delete.json").swap_remove(2);
    let write = write.answered_as("server/session-cookie.json", 1);
    let error = replay::client([write]).delete_domain(&domain("tpl.example.com")).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
}

#[tokio::test]
async fn a_session_answers_as_a_key_does() {
    const COOKIE: &str = "server/session-cookie.json";
    let tag = DomainChange::new().with_added_tags(["fleet"]);
    let died =
        replay::one(COOKIE, 0, &[]).edit_domain(&domain("agents.example.com"), &tag).await.unwrap_err();
    assert!(died.outcome_unknown(), "the tag was there already: {died}");
    assert_eq!(replay::one(COOKIE, 2, &[]).version().await.unwrap(), "2026-07a");
    let found = replay::one(COOKIE, 3, &[]).get_domain(&domain("example.net")).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.max_new_mailbox_quota.get()), ("example.net", 10_737_418_240));
}
