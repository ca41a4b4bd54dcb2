//! `/auth/account/` and what is below it.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    captcha,
    clock::timestamp,
    confirmation::Action,
    fields::Fields,
    login::by_password,
    state::{AccountId, State},
};
use crate::{Method, Scope};

pub(super) fn account(state: &mut State, ask: &Ask<'_>) -> Reply {
    let caller = state.manager(ask)?;
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    match ask.method {
        Method::Get => {}
        Method::Put | Method::Patch => {
            let given = ask.members()?;
            let mut fields = Fields::new(&given);
            let outreach = fields.boolean("outreach_preference");
            fields.check()?;
            let account = state.accounts.get_mut(&caller.account).expect("the caller has an account");
            account.outreach = outreach.unwrap_or(account.outreach);
        }
        _ => return Err(ask.not_allowed()),
    }
    Ok(Answer::json(200, json(state, caller.account)))
}

/// Sends a mail with the code that ends an account.
pub(super) fn delete(state: &mut State, ask: &Ask<'_>) -> Reply {
    let account = active(state, ask)?;
    if state.domains_of(account).next().is_some() {
        return Err(Answer::detail(409, DOMAINS_LEFT));
    }
    state.send(account, None, Action::DeleteAccount);
    Ok(Answer::detail(202, "Please check your mailbox for further account deletion instructions."))
}

/// Sends a mail to the new address.
pub(super) fn change_email(state: &mut State, ask: &Ask<'_>) -> Reply {
    let account = active(state, ask)?;
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let new = fields.email("new_email");
    if new.as_ref() == Some(&state.accounts[&account].email) {
        fields.wrong("new_email", "Email address unchanged.");
    } else if new.as_ref().is_some_and(|new| state.account_of(new).is_some()) {
        fields.wrong("new_email", "You already have another account with this email address.");
    }
    fields.check()?;
    let new = new.unwrap_or_default();
    state.send(account, Some(new.clone()), Action::ChangeEmail(new));
    Ok(Answer::detail(202, "Please check your mailbox to confirm email address change."))
}

/// Sends a mail, if there is such an account; the answer does not tell.
pub(super) fn reset_password(state: &mut State, ask: &Ask<'_>) -> Reply {
    state.count(None, &Scope::AccountActive)?;
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let email = fields.email("email");
    fields.required("captcha");
    captcha::solve(state, &mut fields);
    fields.check()?;
    let account = email.and_then(|email| state.account_of(&email));
    if let Some(account) = account.filter(|account| state.accounts[account].active) {
        state.send(account, None, Action::ResetPassword);
    }
    Ok(Answer::detail(
        202,
        "Please check your mailbox for further password reset instructions. If you did not receive an email, \
         please contact support.",
    ))
}

fn json(state: &State, number: AccountId) -> Value {
    let account = &state.accounts[&number];
    json!({
        "created": timestamp(account.created), "domains_under_management": state.domains_of(number).count(),
        "email": account.email, "id": account.id, "limit_domains": account.limit_domains,
        "outreach_preference": account.outreach,
    })
}

// What sends mail is asked for with the password.
fn active(state: &mut State, ask: &Ask<'_>) -> Result<AccountId, Answer> {
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let account = by_password(state, ask)?;
    state.count(Some(account), &Scope::AccountActive)?;
    Ok(account)
}

pub(super) const DOMAINS_LEFT: &str = "To delete your user account, first delete all of your domains.";
