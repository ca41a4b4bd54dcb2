//! Recordings of routes that have no typed method: their answers are judged as strictly when they are called raw.

use mailcow_api::{Client, Error, Method, RawAction, RawCall};

use crate::replay;

const SESSION: &str = "server/fido2-webauthn.json";
const UI: &str = "notifications/ui-settings.json";

/// Makes a recorded call as it was made then.
async fn again(fixture: &str, at: usize, success: &[&str]) -> Result<Option<serde_json::Value>, Error> {
    let exchange = replay::load(fixture).swap_remove(at);
    let mut words = exchange.path.strip_prefix("/api/v1/").unwrap().split('/').map(str::to_owned);
    let action = match words.next().as_deref() {
        Some("add") => RawAction::Add,
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
