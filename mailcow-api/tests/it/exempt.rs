//! Recorded calls that no typed method makes, because it has none for the route or refuses what was sent: called raw,
//! they are judged as strictly.

use mailcow_api::{Client, Error, Method, RawAction, RawCall};

use crate::{replay, tape::outcome};

const SESSION: &str = "server/fido2-webauthn.json";
const UI: &str = "notifications/ui-settings.json";

/// Makes a recorded call as it was made then.
async fn again(fixture: &str, at: usize, success: &[&str]) -> Result<Option<serde_json::Value>, Error> {
    let exchange = replay::load(fixture).swap_remove(at);
    let mut words = exchange.path.strip_prefix("/api/v1/").unwrap().split('/').map(str::to_owned);
    let action = match words.next().as_deref() {
        Some("add") => RawAction::Add,
        Some("delete") => RawAction::Delete,
        Some("edit") => RawAction::Edit,
        _ => RawAction::Get,
    };
    let category = words.next().unwrap();
    let call = RawCall::new(action, &category).with_segments(words).with_success(success.to_vec());
    let call = if exchange.method == Method::Post { call.with_body(exchange.body.clone()) } else { call };
    let client: Client = replay::client([exchange]);
    client.raw(&call).await
}

#[tokio::test]
async fn the_web_ui_is_configured() {
    for (at, code) in [
        (0, "ui_texts"),
        (1, "app_links"),
        (2, "ip_check_opt_in_modified"),
        (3, "custom_login_modified"),
        (5, "object_modified"),
    ] {
        assert_eq!(again(UI, at, &[code]).await.unwrap(), None);
        assert!(again(UI, at, &["another_code"]).await.unwrap_err().outcome_unknown());
    }
    let pushover = again(UI, 6, &["pushover_test"]).await.unwrap_err();
    assert_eq!(pushover.problem().unwrap().args(), ["Pushover API ERR (0): "]);
}

#[tokio::test]
async fn nobody_is_logged_in_with_a_key() {
    let error = again("server/self.json", 0, &["mailbox_modified"]).await.unwrap_err();
    assert!(error.outcome_unknown(), "an empty answer: {error}");
    for at in [0, 2] {
        let options = again(SESSION, at, &[]).await.unwrap().unwrap();
        assert!(options["publicKey"]["challenge"].is_string());
    }
    let none = again(SESSION, 1, &[]).await;
    assert!(matches!(none, Err(Error::Refused { .. })), "{none:?}");
    for at in [3, 4] {
        // An object of its own, {"success": false}, is no confirmation.
        let error = again(SESSION, at, &["anything"]).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error}");
    }
}

#[tokio::test]
async fn what_the_types_refuse_is_refused_by_the_server_too() {
    for (fixture, at, success, refused) in [
        ("domain_admins/all.json", 2, "domain_admin_added", "username_invalid"),
        ("filters/all.json", 3, "mailbox_modified", "value_missing"),
        ("filters/all.json", 4, "mailbox_modified", "no_user_defined"),
        ("identity_provider/all.json", 2, "object_modified", "invalid_authsource"),
        ("identity_provider/all.json", 3, "object_modified", "required_data_missing"),
        ("identity_provider/all.json", 4, "object_modified", "required_data_missing"),
        ("mta_sts/all.json", 3, "Task completed", "max_age_invalid"),
        ("rspamd/all.json", 1, "rsetting_added", "map_content_empty"),
        ("server/auth.json", 3, "domain_added", "access_denied"),
        ("spam_policies/all.json", 4, "domain_modified", "policy_list_from_invalid"),
        ("spam_policies/all.json", 5, "domain_modified", "access_denied"),
        ("sync_jobs/all.json", 2, "mailbox_modified", "access_denied"),
        ("sync_jobs/all.json", 3, "mailbox_modified", "access_denied"),
    ] {
        let said = outcome(again(fixture, at, &[success]).await);
        let code = said.strip_prefix("refused: ").unwrap_or_else(|| panic!("{fixture} {at}: {said}"));
        assert_eq!(code.split(" (").next(), Some(refused), "{fixture} {at}");
    }
}

#[tokio::test]
async fn names_that_are_none_are_not_found() {
    for (fixture, at) in [
        ("logs/all.json", 11),
        ("logs/all.json", 12),
        ("server/get-nonexistent.json", 1),
        ("server/get-nonexistent.json", 3),
        ("server/get-nonexistent.json", 5),
    ] {
        assert_eq!(again(fixture, at, &[]).await.unwrap(), None, "{fixture} {at}");
    }
}

#[tokio::test]
async fn routes_that_lie_or_are_missing_are_told() {
    // The queue knows no such action, and the answer is that of a success.
    let nothing_done = again("mail_queue/all.json", 4, &["queue_command_success"]).await.unwrap_err();
    assert!(nothing_done.outcome_unknown(), "{nothing_done}");
    // The form of the documentation: the action is taken for the name of a message.
    assert_eq!(again("mail_queue/all.json", 6, &["queue_command_success"]).await.unwrap(), None);
    let missing = again("mta_sts/all.json", 7, &[]).await.unwrap_err();
    assert!(matches!(missing, Error::Unsupported { .. }), "{missing}");
    // This one answers always as if there was no key.
    let broken = again("server/get-nonexistent.json", 20, &[]).await.unwrap_err();
    assert!(matches!(broken, Error::Unauthenticated { .. }), "{broken}");
}
