use desec_api::ConfirmationCode;
use secrecy::ExposeSecret;

use super::{Played, client, matches, tokens::assert_token};
use crate::recording::Exchange;

// The others (`confirm-account`, `renew-domain`, `change-outreach-preference`) are not recorded.
pub(crate) const ENDPOINTS: &[(&str, &str)] = &[
    ("POST", "/v/activate-account/{code}/"),
    ("POST", "/v/change-email/{code}/"),
    ("POST", "/v/create-totp/{code}/"),
    ("POST", "/v/delete-account/{code}/"),
    ("POST", "/v/reset-password/{code}/"),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let (_, template) = ENDPOINTS.iter().find(|(_, template)| matches(template, &exchange.path))?;
    let steps: Vec<&str> = exchange.path.split('/').collect();
    let code: ConfirmationCode = steps[5].parse().unwrap();
    let (script, client) = client(exchange);
    // Neither a GET nor a reset without a password is possible by the typed methods: the answer is judged.
    let mut expressed = exchange.method == "POST";
    let done = match template.split('/').nth(2).unwrap() {
        "activate-account" => client.activate_account(&code, None).await.map(|activation| {
            let name = activation.domain.as_ref().map(|domain| domain.name.as_str());
            assert_eq!(name, exchange.body["domain"]["name"].as_str());
            let secret = activation.token.as_ref().map(|token| token.secret.expose_secret());
            assert_eq!(secret, exchange.body["token"].as_str());
            if let Some(token) = activation.token {
                assert_token(&token.token, &exchange.body);
            }
        }),
        "change-email" => client.confirm_email_change(&code).await,
        "create-totp" => client.confirm_factor(&code).await.map(|created| {
            assert_eq!(created.factor.id.as_str(), exchange.body["id"]);
            assert_eq!(created.factor.name, exchange.body["name"]);
            assert_eq!(created.factor.created.as_str(), exchange.body["created"]);
            assert!(created.factor.last_used.is_none() && exchange.body["last_used"].is_null());
            assert_eq!(created.secret.expose_secret(), exchange.body["secret"]);
            assert_eq!(created.uri.expose_secret(), exchange.body["uri"]);
        }),
        "delete-account" => client.confirm_account_deletion(&code).await,
        "reset-password" => {
            let password = exchange.sent.get("new_password").and_then(|password| password.as_str());
            expressed = password.is_some();
            client.confirm_password_reset(&code, &password.unwrap_or("a stand-in").into()).await
        }
        other => panic!("{other}"),
    };
    let seen = script.seen_without_token();
    if expressed {
        exchange.assert_sent(&seen);
    }
    Some(done)
}
