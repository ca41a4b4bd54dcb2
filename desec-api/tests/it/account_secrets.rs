//! Passwords, codes and new secrets are shown nowhere.

use std::fmt::Write as _;

use desec_api::{
    Activation, Client, ConfirmationCode, CreatedToken, EmailAddress, FakeDesec, HttpError, HttpRequest,
    HttpResponse, Method, Registration,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{
    recording::{Script, recording},
    secrets::{Log, shown},
};

// What a server, or what stands in front of it, may do to a request. Nothing of it names the request.
fn failures() -> Vec<Result<HttpResponse, HttpError>> {
    let json = |status: u16, body: &Value| {
        let body = body.to_string().into_bytes();
        HttpResponse::new(status).with_header("content-type", "application/json").with_body(body)
    };
    let elsewhere = format!("https://desec.io/confirm/delete-account/{CODE}/?password={PASSWORD}");
    // An answer with a secret that cannot be read: the parser must not quote it.
    let garbled = json!({"token": SECRET, "id": SECRET, "secret": [SECRET], "uri": SECRET, "kind": SECRET});
    vec![
        Ok(json(400, &json!({"non_field_errors": "This code is invalid"}))),
        Ok(json(403, &json!({"detail": "Invalid username/password."}))),
        Ok(json(409, &json!(["This action cannot be carried out"]))),
        Ok(HttpResponse::new(500).with_header("content-type", "text/html")),
        Ok(HttpResponse::new(301).with_header("location", &elsewhere)),
        Ok(json(200, &garbled)),
        Err(HttpError::lost("cut")),
        Err(HttpError::not_sent("refused")),
    ]
}

async fn fail(client: &Client, n: usize) -> Result<String, desec_api::Error> {
    let (email, code): (EmailAddress, ConfirmationCode) = ("alice@example.com".parse()?, CODE.parse()?);
    let (password, id) = (SecretString::from(PASSWORD), "248ba35c-dd63-4999-b4aa-e032da13e3a0".parse()?);
    let shown = |value: &dyn std::fmt::Debug| format!("{value:?}");
    Ok(match n {
        0 => shown(&client.login(&email, &password).await?),
        1 => shown(&client.delete_account(&email, &password).await?),
        2 => shown(&client.change_email(&email, &password, &"b@example.com".parse()?).await?),
        3 => shown(&client.register(&Registration::new(email).with_password(password)).await?),
        4 => shown(&client.activate_account(&code, None).await?),
        5 => shown(&client.confirm_email_change(&code).await?),
        6 => shown(&client.confirm_password_reset(&code, &password).await?),
        7 => shown(&client.confirm_account_deletion(&code).await?),
        8 => shown(&client.confirm_factor(&code).await?),
        9 => shown(&client.create_token(&desec_api::NewToken::new("n")).await?),
        10 => shown(&client.verify_factor(&id, &TOTP.into()).await?),
        _ => shown(&client.create_factor("n").await?),
    })
}

#[tokio::test]
async fn no_failure_shows_a_secret() {
    let (log, guard) = Log::listen().await;
    let (mut text, mut failed) = (String::new(), 0);
    for call in 0..12 {
        for failure in failures() {
            let script = Script::of([failure]);
            match fail(&script.client(), call).await {
                Ok(shown) => text += &shown,
                Err(error) => {
                    failed += 1;
                    text += &shown(&error);
                }
            }
            assert_eq!(script.calls(), 1);
            write!(text, "{script:?}").unwrap();
        }
    }
    // The built-in client, over a socket: to a server that knows no such path, and to none.
    let server = FakeDesec::new().serve().await;
    for base in [server.uri(), "http://127.0.0.1:9".into()] {
        let client = Client::builder(SECRET.into()).base_url(base).build().unwrap();
        for call in [4, 6, 7] {
            text += &shown(&fail(&client, call).await.unwrap_err());
        }
    }
    drop(guard);
    let log = log.0.lock().unwrap();
    assert!(failed > 80 && log.contains("operation=\"confirm\""), "{failed}: {log}");
    assert!(text.contains("/v/delete-account/[REDACTED]/"), "{text}");
    for place in [&text, &*log] {
        assert!(!place.contains("canary") && !place.contains(TOTP), "{place}");
    }
}

#[tokio::test]
async fn no_value_shows_its_secret() {
    let with = |name: &str, n: usize, members: &[&str]| {
        let mut exchange = recording(name)[n].clone();
        for member in members {
            exchange.body[*member] = SECRET.into();
        }
        Script::new([exchange.response()])
    };
    let (email, code) = ("alice@example.com".parse().unwrap(), CODE.parse::<ConfirmationCode>().unwrap());
    let login: CreatedToken =
        with("login", 0, &["token"]).client().login(&email, &PASSWORD.into()).await.unwrap();
    let created = with("tokens_create", 0, &["token"]).client();
    let created = created.create_token(&desec_api::NewToken::new("n")).await.unwrap();
    let activation = with("register", 10, &["token"]).client();
    let activation: Activation = activation.activate_account(&code, None).await.unwrap();
    let factor = with("totp", 2, &["secret", "uri"]).client().confirm_factor(&code).await.unwrap();
    for secret in [
        &login.secret,
        &created.secret,
        &activation.token.as_ref().unwrap().secret,
        &factor.secret,
        &factor.uri,
    ] {
        assert_eq!(secret.expose_secret(), SECRET);
    }
    let registration = Registration::new(email).with_password(PASSWORD.into());
    let address = format!("https://desec.io/api/v1/v/reset-password/{CODE}/");
    let request = HttpRequest::new(Method::Post, address.parse().unwrap())
        .with_authorization(SECRET.into())
        .with_json(format!("{{\"new_password\":\"{PASSWORD}\"}}").into_bytes());
    let text =
        format!("{login:?} {created:?} {activation:?} {factor:?} {registration:?} {code:?} {request:?}");
    assert!(text.contains("dave.dedyn.io") && text.contains("reset-password"), "{text}");
    assert!(!text.contains("canary"), "{text}");

    let invalid = format!("{CODE}/x").parse::<ConfirmationCode>().unwrap_err();
    let not_an_id = SECRET.parse::<desec_api::TokenId>().unwrap_err();
    for error in [invalid, not_an_id] {
        assert!(!shown(&error).contains("canary"), "{error}");
    }
}

const PASSWORD: &str = "canary password 81b2";
const SECRET: &str = "canary-secret-5e07";
const CODE: &str = "canary-code-c94d";
const TOTP: &str = "739164";
