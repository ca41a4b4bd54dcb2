use desec_api::{CaptchaKind, EmailAddress, Error, Registration};
use serde_json::Value;

use super::{Played, account::solution, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[("POST", "/auth/"), ("POST", "/captcha/")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    if matches("/auth/", &exchange.path) {
        return Some(register(exchange).await);
    }
    matches("/captcha/", &exchange.path).then_some(())?;
    Some(captcha(exchange).await)
}

async fn register(exchange: &Exchange) -> Result<(), Error> {
    let sent = &exchange.sent;
    let Ok(email) = sent["email"].as_str().unwrap().parse::<EmailAddress>() else {
        // Not sent by the typed method, nor is a password that is too short: the answer is judged.
        let registration = Registration::new("stand-in@example.com".parse().unwrap());
        let short = registration.clone().with_password(sent["password"].as_str().unwrap().into());
        let (script, client) = client(exchange);
        let refused = client.register(&short).await;
        assert!(matches!(refused, Err(Error::InvalidInput { .. })) && script.calls() == 0);
        return client.register(&registration).await;
    };
    let mut registration = Registration::new(email);
    if let Some(password) = sent["password"].as_str() {
        registration = registration.with_password(password.into());
    }
    if let Some(domain) = sent.get("domain").and_then(Value::as_str) {
        registration = registration.with_domain(domain.parse().unwrap());
    }
    if let Some(solution) = sent.get("captcha").and_then(solution) {
        registration = registration.with_captcha(solution);
    }
    let (script, client) = client(exchange);
    let done = client.register(&registration).await;
    exchange.assert_sent(&script.seen_without_token());
    done
}

async fn captcha(exchange: &Exchange) -> Result<(), Error> {
    // The recording shortens the picture and marks that with dots, which are no Base64.
    let mut whole = exchange.clone();
    if let Some(challenge) = exchange.body["challenge"].as_str() {
        let text = challenge.trim_end_matches('.');
        whole.body["challenge"] = text[..text.len() / 4 * 4].into();
    }
    let kind = match exchange.sent.get("kind").and_then(Value::as_str) {
        None | Some("image") => CaptchaKind::Image,
        Some("audio") => CaptchaKind::Audio,
        Some(other) => CaptchaKind::Other(other.into()),
    };
    let (script, client) = client(&whole);
    let captcha = client.captcha(&kind).await;
    // The kind is said also where the recorded request leaves it to the default.
    whole.sent = serde_json::json!({ "kind": kind.as_str() });
    whole.assert_sent(&script.seen_without_token());
    let captcha = captcha?;
    assert_eq!(captcha.id.as_str(), exchange.body["id"]);
    assert_eq!(captcha.kind, kind);
    let magic: &[u8] = if kind == CaptchaKind::Audio { b"RIFF" } else { b"\x89PNG\r\n" };
    assert!(captcha.challenge.starts_with(magic), "{captcha:?}");
    Ok(())
}
