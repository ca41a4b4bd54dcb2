//! `/`: the map of the entry points.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    state::State,
};
use crate::{Method, Scope};

pub(super) fn show(state: &mut State, ask: &Ask<'_>) -> Reply {
    let caller = if ask.secret()?.is_some() { Some(state.caller(ask)?) } else { None };
    state.count(caller.as_ref().map(|caller| caller.account), &Scope::User)?;
    if ask.method != Method::Get {
        return Err(ask.not_allowed());
    }
    let at =
        |path: &str| -> Value { ask.request.url().join(path).map_or(Value::Null, |url| json!(url.as_str())) };
    if caller.is_none() {
        return Ok(Answer::json(
            200,
            json!({
                "register": at("auth/"), "login": at("auth/login/"),
                "reset-password": at("auth/account/reset-password/"),
            }),
        ));
    }
    let account = json!({
        "show": at("auth/account/"), "delete": at("auth/account/delete/"),
        "change-email": at("auth/account/change-email/"), "reset-password": at("auth/account/reset-password/"),
    });
    Ok(Answer::json(
        200,
        json!({
            "account": account, "logout": at("auth/logout/"), "tokens": at("auth/tokens/"),
            "domains": at("domains/"),
        }),
    ))
}
