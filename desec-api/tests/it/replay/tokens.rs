use desec_api::{Error, NewToken, Subnet, Token, TokenDuration, TokenId, TokenPatch};
use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[
    ("GET", "/auth/tokens/"),
    ("POST", "/auth/tokens/"),
    ("GET", "/auth/tokens/{id}/"),
    ("PUT", "/auth/tokens/{id}/"),
    ("PATCH", "/auth/tokens/{id}/"),
    ("DELETE", "/auth/tokens/{id}/"),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    if matches("/auth/tokens/", &exchange.path) {
        return Some(match exchange.method.as_str() {
            "GET" => list(exchange).await,
            "POST" => create(exchange).await,
            // Not possible by the typed method: the answer is judged.
            _ => client(exchange).1.delete_token(&stand_in()).await,
        });
    }
    if !matches("/auth/tokens/{id}/", &exchange.path) {
        return None;
    }
    let (script, client) = client(exchange);
    let step = exchange.path.rsplit('/').nth(1).unwrap();
    let id = step.parse().unwrap_or_else(|_: Error| stand_in());
    let changes = patch(&exchange.sent);
    let patch = changes.clone().unwrap_or_default();
    let played = match exchange.method.as_str() {
        "GET" => client.token(&id).await.map(Some),
        "PUT" => client.replace_token(&id, &patch).await.map(Some),
        "PATCH" => client.update_token(&id, &patch).await.map(Some),
        "DELETE" => client.delete_token(&id).await.map(|()| None),
        other => panic!("{other}"),
    };
    if id.as_str() == step && (changes.is_some() || exchange.sent.is_null()) {
        exchange.assert_sent(&script.seen());
    }
    Some(played.map(|token| {
        if let Some(token) = token {
            assert_token(&token, &exchange.body);
        }
    }))
}

async fn list(exchange: &Exchange) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let tokens: Result<Vec<Token>, Error> = client.tokens().try_collect().await;
    let mut sent = exchange.clone();
    sent.path += "?cursor=";
    // More are sent where the answer names another page.
    sent.assert_sent(&script.seen()[..1]);
    let (tokens, recorded) = (tokens?, exchange.body.as_array().unwrap());
    assert_eq!(tokens.len(), recorded.len());
    tokens.iter().zip(recorded).for_each(|(token, recorded)| assert_token(token, recorded));
    Ok(())
}

async fn create(exchange: &Exchange) -> Result<(), Error> {
    let typed = new_token(&exchange.sent);
    let (script, client) = client(exchange);
    let mut created = client.create_token(typed.as_ref().unwrap_or(&NewToken::new("stand-in"))).await;
    if let Err(Error::InvalidInput { what, .. }) = created {
        // What the server refuses, or takes to the user's harm, is not sent.
        let harmful = exchange.status == 400 || what == "max_age" || what == "allowed_subnets";
        assert!(harmful && script.calls() == 0, "{what}: {:?}", exchange.sent);
        created = client.create_token(&NewToken::new("stand-in")).await;
    } else if typed.is_some() {
        let mut sent = exchange.clone();
        sent.sent = normalised(&exchange.sent);
        sent.assert_sent(&script.seen());
    }
    let created = created?;
    assert_token(&created.token, &exchange.body);
    assert_eq!(created.secret.expose_secret(), exchange.body["token"].as_str().unwrap());
    assert_eq!(created.user_override_pending, exchange.status == 202);
    Ok(())
}

/// Asserts that a token is decoded as recorded.
pub(crate) fn assert_token(token: &Token, recorded: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    assert_eq!(Some(token.id.to_string()), text(&recorded["id"]));
    assert_eq!(Some(token.created.to_string()), text(&recorded["created"]));
    assert_eq!(token.last_used.as_ref().map(ToString::to_string), text(&recorded["last_used"]));
    assert_eq!(Some(token.owner.to_string()), text(&recorded["owner"]));
    assert_eq!(token.user_override.as_ref().map(ToString::to_string), text(&recorded["user_override"]));
    assert_eq!(token.mfa, recorded["mfa"].as_bool());
    assert_eq!(token.max_age.map(|age| age.to_string()), text(&recorded["max_age"]));
    assert_eq!(token.max_unused_period.map(|age| age.to_string()), text(&recorded["max_unused_period"]));
    assert_eq!(Some(token.name.clone()), text(&recorded["name"]));
    let flags = [
        (token.perm_create_domain, "perm_create_domain"),
        (token.perm_delete_domain, "perm_delete_domain"),
        (token.perm_manage_tokens, "perm_manage_tokens"),
        (token.auto_policy, "auto_policy"),
        (token.is_valid, "is_valid"),
    ];
    for (flag, name) in flags {
        assert_eq!(Some(flag), recorded[name].as_bool(), "{name}");
    }
    assert_eq!(serde_json::to_value(&token.allowed_subnets).unwrap(), recorded["allowed_subnets"]);
}

// The recorded request in the client's own types, if they can say it.
fn new_token(sent: &Value) -> Option<NewToken> {
    let mut token = NewToken::new(sent.as_object()?.get("name")?.as_str()?);
    for (member, value) in sent.as_object()? {
        token = match member.as_str() {
            "name" => token,
            "perm_create_domain" => token.with_perm_create_domain(value.as_bool()?),
            "perm_delete_domain" => token.with_perm_delete_domain(value.as_bool()?),
            "perm_manage_tokens" => token.with_perm_manage_tokens(value.as_bool()?),
            "auto_policy" => token.with_auto_policy(value.as_bool()?),
            "max_age" => token.with_max_age(value.as_str()?.parse().ok()?),
            "max_unused_period" => token.with_max_unused_period(value.as_str()?.parse().ok()?),
            "allowed_subnets" => token.with_allowed_subnets(subnets(value)?),
            "user_override" => token.with_user_override(value.as_str()?.parse().ok()?),
            _ => return None,
        };
    }
    Some(token)
}

fn patch(sent: &Value) -> Option<TokenPatch> {
    let mut patch = TokenPatch::new();
    for (member, value) in sent.as_object()? {
        patch = match (member.as_str(), value) {
            ("name", value) => patch.with_name(value.as_str()?),
            ("auto_policy", value) => patch.with_auto_policy(value.as_bool()?),
            ("max_age", Value::Null) => patch.without_max_age(),
            ("max_unused_period", Value::Null) => patch.without_max_unused_period(),
            ("allowed_subnets", value) => patch.with_allowed_subnets(subnets(value)?),
            _ => return None,
        };
    }
    Some(patch)
}

fn subnets(value: &Value) -> Option<Vec<Subnet>> {
    value.as_array()?.iter().map(|subnet| subnet.as_str()?.parse().ok()).collect()
}

// Durations and subnets are sent as the server writes them, however they were given.
fn normalised(sent: &Value) -> Value {
    let mut sent = sent.clone();
    for member in ["max_age", "max_unused_period"] {
        if let Some(value) = sent.get_mut(member) {
            *value = value.as_str().unwrap().parse::<TokenDuration>().unwrap().to_string().into();
        }
    }
    if let Some(value) = sent.get_mut("allowed_subnets") {
        *value = serde_json::to_value(subnets(value)).unwrap();
    }
    sent
}

fn stand_in() -> TokenId {
    "00000000-0000-4000-8000-000000000000".parse().unwrap()
}
