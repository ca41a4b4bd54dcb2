use desec_api::{EmailAddress, Error};
use secrecy::{ExposeSecret, SecretString};

use super::{Played, client, matches, tokens::assert_token};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[("POST", "/auth/login/"), ("POST", "/auth/logout/")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    if matches("/auth/login/", &exchange.path) {
        return Some(login(exchange).await);
    }
    if !matches("/auth/logout/", &exchange.path) {
        return None;
    }
    let (script, client) = client(exchange);
    let done = client.logout().await;
    // A GET is not possible by the typed method: its answer is judged.
    if exchange.method == "POST" {
        exchange.assert_sent(&script.seen());
    }
    Some(done)
}

async fn login(exchange: &Exchange) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let text = |member: &str| exchange.sent.get(member).and_then(|value| value.as_str()).unwrap_or_default();
    let (email, password): (Result<EmailAddress, _>, SecretString) =
        (text("email").parse(), text("password").into());
    let expressed = email.is_ok() && !password.expose_secret().is_empty();
    let email = email.unwrap_or_else(|_| "stand-in@example.com".parse().unwrap());
    if password.expose_secret().is_empty() {
        let refused = client.login(&email, &password).await;
        assert!(matches!(refused, Err(Error::InvalidInput { .. })) && script.calls() == 0);
    }
    let password = if expressed { password } else { "stand-in".into() };
    let login = client.login(&email, &password).await;
    let seen = script.seen_without_token();
    if expressed {
        exchange.assert_sent(&seen);
    }
    let login = login?;
    assert_token(&login.token, &exchange.body);
    assert_eq!(login.secret.expose_secret(), exchange.body["token"].as_str().unwrap());
    assert!(!login.user_override_pending);
    Ok(())
}
