//! What no recording shows of the endpoints of the account.

use desec_api::{
    CaptchaKind, Client, ConfirmationCode, Credential, EmailAddress, Error, FactorCreation, FactorId,
    HttpError, HttpResponse, Method, Missing, NewToken, Registration, TokenId, TokenPatch,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::recording::{Script, recording};

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status)
        .with_header("content-type", "application/json")
        .with_body(body.to_string().into_bytes())
}

fn email() -> EmailAddress {
    "alice@example.com".parse().unwrap()
}

fn password() -> SecretString {
    "correct horse battery".into()
}

fn code() -> ConfirmationCode {
    "the_code-of=a-mail".parse().unwrap()
}

fn token_id() -> TokenId {
    "844819f5-95d1-48ab-b69b-46016e60506a".parse().unwrap()
}

fn factor_id() -> FactorId {
    "248ba35c-dd63-4999-b4aa-e032da13e3a0".parse().unwrap()
}

fn factor() -> Value {
    json!({"id": factor_id(), "created": "2026-11-20T08:34:49Z", "last_used": null, "name": "phone"})
}

#[tokio::test]
async fn a_factor_is_read_renamed_and_deleted() {
    let script = Script::new([
        answer(200, &factor()),
        answer(200, &factor()),
        answer(200, &factor()),
        HttpResponse::new(204),
        answer(404, &json!({"detail": "No TOTPFactor matches the given query."})),
    ]);
    let (client, id) = (script.client(), factor_id());
    let read = client.factor(&id).await.unwrap();
    assert_eq!((read.id, read.name.as_str(), read.last_used), (id.clone(), "phone", None));
    client.update_factor(&id, "phone").await.unwrap();
    client.replace_factor(&id, "phone").await.unwrap();
    client.delete_factor(&id).await.unwrap();
    let error = client.factor(&id).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { missing: Missing::Factor, .. }), "{error:?}");
    let (path, name) = (format!("/api/v1/auth/totp/{id}/"), json!({"name": "phone"}));
    let expected = [
        (Method::Get, Value::Null),
        (Method::Patch, name.clone()),
        (Method::Put, name),
        (Method::Delete, Value::Null),
        (Method::Get, Value::Null),
    ];
    assert_eq!(script.seen(), expected.map(|(method, body)| (method, path.clone(), body)));
}

#[tokio::test]
async fn a_factor_may_be_there_at_once() {
    let mut created = factor();
    created["secret"] = "ABC".into();
    created["uri"] = "otpauth://totp/x".into();
    let creation = Script::new([answer(201, &created)]).client().create_factor("phone").await.unwrap();
    let FactorCreation::Created(created) = creation else { panic!("{creation:?}") };
    assert_eq!((created.factor.id, created.secret.expose_secret()), (factor_id(), "ABC"));
}

#[tokio::test]
async fn what_needs_no_token_sends_none() {
    let done = || answer(200, &json!({"detail": "Success!"}));
    let script = Script::new([done(), done(), done()]);
    let client = script.client();
    client.confirm_account(&code()).await.unwrap();
    client.confirm_domain_renewal(&code()).await.unwrap();
    client.confirm_outreach_preference(&code()).await.unwrap();
    let path = |action: &str| (Method::Post, format!("/api/v1/v/{action}/the_code-of=a-mail/"), json!({}));
    let actions = ["confirm-account", "renew-domain", "change-outreach-preference"];
    assert_eq!(script.seen_without_token(), actions.map(path));
}

#[tokio::test]
async fn an_activation_may_need_a_captcha_and_give_a_domain_alone() {
    let domain = json!({
        "created": "2026-11-20T08:34:43.952194Z", "published": null, "name": "example.com", "minimum_ttl": 3600,
        "touched": null, "keys": [],
    });
    let script = Script::new([answer(200, &json!({"detail": "Success!", "domain": domain}))]);
    let id = "92e40d87-c497-4872-85aa-3e7a9a81ec62".parse().unwrap();
    let solution = desec_api::CaptchaSolution::new(id, " W6BLR\n").unwrap();
    let activation = script.client().activate_account(&code(), Some(&solution)).await.unwrap();
    assert_eq!(activation.domain.unwrap().name.as_str(), "example.com");
    assert!(activation.token.is_none());
    let (_, _, body) = &script.seen_without_token()[0];
    assert_eq!(
        *body,
        json!({"captcha": {"id": "92e40d87-c497-4872-85aa-3e7a9a81ec62", "solution": "W6BLR"}})
    );
}

#[tokio::test]
async fn a_client_without_token_logs_in_but_reads_nothing() {
    let script = Script::new([recording("login")[0].response()]);
    let client = Client::anonymous().http_client(script.clone()).build().unwrap();
    client.login(&email(), &password()).await.unwrap();
    assert_eq!(script.seen_without_token().len(), 1);
    let error = client.account().await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { credential: Credential::Token, .. }), "{error:?}");
    assert_eq!(script.calls(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_missing_permission() {
    let error = Script::new([recording("login")[2].response()]).client().login(&email(), &password()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot log in as alice@example.com: the server refuses the e-mail address or the password; check both"
    );
    let error = Script::new([recording("account_get")[1].response()]).client().account().await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn an_account_with_domains_stays() {
    let exchange = &recording("account_actions")[7];
    let error = Script::new([exchange.response()]).client().delete_account(&email(), &password()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot delete the account alice@example.com: it conflicts with what is there (status 409: To delete \
         your user account, first delete all of your domains.)"
    );
}

#[tokio::test]
async fn bad_input_is_not_sent() {
    let script = Script::new([]);
    let client = script.client();
    let no_time = "00:00:00".parse().unwrap();
    let refused = [
        client.create_token(&NewToken::new("n".repeat(65))).await.map(drop),
        client.create_token(&NewToken::new(" n")).await.map(drop),
        client.create_token(&NewToken::new("n").with_max_age(no_time)).await.map(drop),
        client.create_token(&NewToken::new("n").with_max_unused_period(no_time)).await.map(drop),
        client.create_token(&NewToken::new("n").with_allowed_subnets([])).await.map(drop),
        client.update_token(&token_id(), &TokenPatch::new().with_allowed_subnets([])).await.map(drop),
        client.replace_token(&token_id(), &TokenPatch::new().with_name("n\n")).await.map(drop),
        client.create_factor("n ").await.map(drop),
        client.update_factor(&factor_id(), &"n".repeat(65)).await.map(drop),
        client.verify_factor(&factor_id(), &"12345".into()).await,
        client.verify_factor(&factor_id(), &"12345६".into()).await,
        client.login(&email(), &"".into()).await.map(drop),
        client.login(&email(), &" padded ".into()).await.map(drop),
        client.delete_account(&email(), &"".into()).await,
        client.change_email(&email(), &password(), &email()).await,
        client.confirm_password_reset(&code(), &"short".into()).await,
        client.register(&Registration::new(email()).with_password("short".into())).await,
    ];
    for (n, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{n}: {refused:?}");
    }
    assert_eq!(script.calls(), 0);
    for bad in ["", ".", "..", "a/b", "a b", "a%2fb", "a?b", "a#b", "é", &"a".repeat(3_001)] {
        assert!(bad.parse::<ConfirmationCode>().is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_creation_is_not_repeatable() {
    let lost = || Script::of([Err(HttpError::lost("cut"))]).client();
    let (patch, id) = (TokenPatch::new(), token_id());
    let creations = [
        lost().create_token(&NewToken::new("n")).await.unwrap_err(),
        lost().login(&email(), &password()).await.unwrap_err(),
        lost().register(&Registration::new(email())).await.unwrap_err(),
        lost().confirm_factor(&code()).await.unwrap_err(),
        lost().captcha(&CaptchaKind::Image).await.unwrap_err(),
    ];
    for error in creations {
        assert!(error.outcome_unknown() && !error.is_retryable(), "{error:?}");
    }
    let settings = [
        lost().update_token(&id, &patch).await.unwrap_err(),
        lost().replace_token(&id, &patch).await.unwrap_err(),
        lost().delete_token(&id).await.unwrap_err(),
        lost().delete_factor(&factor_id()).await.unwrap_err(),
    ];
    for error in settings {
        assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
    }
    let read = lost().token(&id).await.unwrap_err();
    assert!(!read.outcome_unknown() && read.is_retryable(), "{read:?}");
}
