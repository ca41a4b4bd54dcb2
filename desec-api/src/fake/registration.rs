//! `/auth/`: new accounts.

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    captcha,
    confirmation::Action,
    domains,
    fields::Fields,
    state::State,
};
use crate::{Method, Scope};

/// Creates an account that is activated by a code from a mail. The answer does not tell whether there was one.
pub(super) fn register(state: &mut State, ask: &Ask<'_>) -> Reply {
    state.count(None, &Scope::AccountActive)?;
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let email = fields.email("email");
    let password = match fields.required("password") {
        None | Some(serde_json::Value::Null) => None,
        Some(_) => fields.text("password", usize::MAX),
    };
    if password.as_ref().is_some_and(|password| password.chars().count() < 8) {
        let text = "This password is too short. It must contain at least 8 characters.";
        fields.wrong("password", text);
    }
    let domain = match given.get("domain") {
        None | Some(serde_json::Value::Null) => None,
        // Whose name it would be is not known yet.
        Some(_) => domains::name(state, 0, &mut fields, "domain"),
    };
    if !fields.is_fine("domain") && domain.is_none() {
        let taken =
            given["domain"].as_str().is_some_and(|name| domains::unavailable(state, 0, name).is_some());
        if taken {
            fields.note("domain", serde_json::json!([domains::CONFLICTS]));
        }
    }
    let outreach = fields.boolean("outreach_preference").unwrap_or(true);
    let solved = captcha::solve(state, &mut fields);
    fields.check()?;
    let email = email.unwrap_or_default();
    if state.account_of(&email).is_none() {
        let account = state.add_account(email, password);
        let kept = state.accounts.get_mut(&account).expect("it was just added");
        (kept.active, kept.needs_captcha, kept.outreach) = (false, !solved, outreach);
        state.send(account, None, Action::ActivateAccount(domain));
    }
    Ok(Answer::detail(202, "Welcome! Please check your mailbox."))
}
