//! `/auth/login/` and `/auth/logout/`.

use std::time::Duration;

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    clock::micros,
    fields::Fields,
    state::{AccountId, State},
    tokens::Permissions,
};
use crate::{Method, Scope};

pub(super) fn login(state: &mut State, ask: &Ask<'_>) -> Reply {
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let account = by_password(state, ask)?;
    state.count(Some(account), &Scope::AccountPassive)?;
    let mut token = state.new_token(account);
    token.mfa = Some(false);
    token.settings.max_age = Some(micros(Duration::from_hours(7 * 24)));
    token.settings.max_unused = Some(micros(Duration::from_hours(1)));
    token.settings.may = Permissions::ALL;
    let shown = token.json_with_secret(state);
    state.tokens.push(token);
    Ok(Answer::json(200, shown))
}

/// Deletes the token that was used. Nothing is counted, so that this is always possible.
pub(super) fn logout(state: &mut State, ask: &Ask<'_>) -> Reply {
    let caller = state.caller_without_factor(ask)?;
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let id = state.token(&caller).id.clone();
    state.tokens.retain(|token| token.id != id);
    Ok(Answer::empty(204))
}

/// Returns whose address and password were sent. What fails here is not counted.
pub(super) fn by_password(state: &State, ask: &Ask<'_>) -> Result<AccountId, Answer> {
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let (email, password) = (fields.email("email"), fields.word("password"));
    fields.check()?;
    let account = email.and_then(|email| state.account_of(&email)).filter(|account| {
        let account = &state.accounts[account];
        account.active && account.password.is_some() && account.password == password
    });
    account.ok_or_else(|| Answer::detail(403, "Invalid username/password."))
}
