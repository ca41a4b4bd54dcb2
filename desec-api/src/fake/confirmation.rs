//! `/v/{action}/{code}/`: what is confirmed by a code from a mail.

use std::time::Duration;

use serde_json::json;

use super::{
    account,
    answer::{Answer, Reply},
    ask::Ask,
    captcha,
    clock::{Moment, micros},
    domains,
    fields::Fields,
    mail::FakeMail,
    state::{AccountId, State},
    zone::Zone,
};
use crate::{Method, Scope};

/// Something that waits for its confirmation.
pub(super) struct Confirmation {
    pub(super) mail: FakeMail,
    code: String,
    account: AccountId,
    action: Action,
    sent: Moment,
    /// What the account was like; a later change makes the code void.
    generation: u64,
}

#[derive(Clone)]
pub(super) enum Action {
    /// With the domain that was asked for.
    ActivateAccount(Option<String>),
    ChangeEmail(String),
    ResetPassword,
    DeleteAccount,
    ConfirmAccount,
    RenewDomain(String),
    CreateTotp(String),
    ChangeOutreach,
}

impl Action {
    fn name(&self) -> &'static str {
        ACTIONS[match self {
            Self::ActivateAccount(_) => 0,
            Self::ChangeEmail(_) => 1,
            Self::ResetPassword => 2,
            Self::DeleteAccount => 3,
            Self::ConfirmAccount => 4,
            Self::RenewDomain(_) => 5,
            Self::CreateTotp(_) => 6,
            Self::ChangeOutreach => 7,
        }]
    }
}

pub(super) fn is_action(name: &str) -> bool {
    ACTIONS.contains(&name)
}

impl State {
    /// Sends a mail with a code to the account, or to another address.
    pub(super) fn send(&mut self, account: AccountId, to: Option<String>, action: Action) {
        let code = self.secret("fakeCode");
        let kept = &self.accounts[&account];
        let (to, generation) = (to.unwrap_or_else(|| kept.email.clone()), kept.generation);
        let mail = FakeMail { to, action: action.name(), code: code.clone().into() };
        let sent = self.clock.tick();
        self.confirmations.push(Confirmation { mail, code, account, action, sent, generation });
    }
}

pub(super) fn confirm(state: &mut State, ask: &Ask<'_>, action: &str, code: &str) -> Reply {
    match ask.method {
        Method::Post => {}
        // A browser would be sent to the web page.
        Method::Get => return Err(Answer::detail(406, "Could not satisfy the request Accept header.")),
        _ => return Err(ask.not_allowed()),
    }
    let now = state.clock.now();
    let found = state.confirmations.iter().find(|c| c.code == code && c.action.name() == action);
    let valid = found.filter(|c| now < c.sent + micros(Duration::from_hours(24)));
    let Some((account, action, generation)) = valid.map(|c| (c.account, c.action.clone(), c.generation))
    else {
        let text = "This code is invalid, possibly because it expired (validity: 1 day, 0:00:00).";
        return Err(Answer::refused(json!({ "non_field_errors": text })));
    };
    state.count(Some(account), &Scope::AccountActive)?;
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let password = match action {
        Action::ResetPassword => fields.word("new_password"),
        _ => None,
    };
    if state.accounts.get(&account).is_none_or(|kept| kept.generation != generation) {
        return Err(Answer::json(409, json!([VOID])));
    }
    if matches!(action, Action::ActivateAccount(_)) && state.accounts[&account].needs_captcha {
        fields.required("captcha");
        captcha::solve(state, &mut fields);
    }
    fields.check()?;
    act(state, account, action, password)
}

fn act(state: &mut State, number: AccountId, action: Action, password: Option<String>) -> Reply {
    if matches!(action, Action::DeleteAccount) && state.domains_of(number).next().is_some() {
        return Err(Answer::detail(409, account::DOMAINS_LEFT));
    }
    let kept = state.accounts.get_mut(&number).expect("the code was just found valid");
    // What changes nothing may be repeated.
    let repeatable =
        matches!(action, Action::ConfirmAccount | Action::RenewDomain(_) | Action::ChangeOutreach);
    kept.generation += u64::from(!repeatable);
    let text = match action {
        Action::ActivateAccount(domain) => {
            kept.active = true;
            kept.needs_captcha = false;
            return activated(state, number, domain);
        }
        Action::ChangeEmail(new) => {
            let text = format!("Success! Your email address has been changed to {new}.");
            kept.email = new;
            text
        }
        Action::ResetPassword => {
            kept.password = password;
            // Whoever is logged in must log in again.
            state.tokens.retain(|token| token.account != number || token.mfa.is_none());
            "Success! Your password has been changed.".into()
        }
        Action::DeleteAccount => {
            state.accounts.remove(&number);
            state.tokens.retain(|token| token.account != number);
            "All your data has been deleted. Bye bye, see you soon! <3".into()
        }
        Action::ConfirmAccount => "Success! Your account status has been confirmed.".into(),
        Action::RenewDomain(domain) => format!("We recorded that your domain {domain} is still in use."),
        Action::CreateTotp(name) => return Ok(Answer::json(200, state.add_factor(number, name))),
        Action::ChangeOutreach => {
            kept.outreach = false;
            "Thank you! We have recorded that you would not like to receive outreach messages.".into()
        }
    };
    Ok(Answer::detail(200, &text))
}

fn activated(state: &mut State, account: AccountId, domain: Option<String>) -> Reply {
    let Some(domain) = domain else {
        let text = "Success! Your account has been activated, and you can now log in.";
        return Ok(Answer::detail(200, text));
    };
    if domains::unavailable(state, account, &domain).is_some() {
        state.accounts.remove(&account);
        let text = format!(
            "The requested domain {domain} could not be registered (reason: name_unavailable). Please start \
             over and sign up again."
        );
        return Err(Answer::refused(json!([text])));
    }
    let mut zone = Zone::new(account, state.clock.tick(), domains::MINIMUM_TTL);
    zone.delegate(state.clock.tick());
    let shown = zone.domain_json(&domain);
    zone.publish();
    let shown_with_keys = zone.domain_json_with_keys(&domain);
    state.domains.insert(domain.clone(), zone);
    if !domains::is_local(&domain) {
        let text = "Success! Please check the docs for the next steps, https://desec.readthedocs.io/.";
        return Ok(Answer::json(200, json!({ "detail": text, "domain": shown_with_keys })));
    }
    let mut token = state.new_token(account);
    token.settings.name = "dyndns".into();
    let mut answer = token.json_with_secret(state);
    state.tokens.push(token);
    answer["detail"] = json!(ROUTER);
    answer["domain"] = shown;
    Ok(Answer::json(200, answer))
}

const ACTIONS: [&str; 8] = [
    "activate-account",
    "change-email",
    "reset-password",
    "delete-account",
    "confirm-account",
    "renew-domain",
    "create-totp",
    "change-outreach-preference",
];
const VOID: &str = "This action cannot be carried out because another operation has been performed, invalidating this \
                    one. (Are you trying to perform this action twice?)";
const ROUTER: &str = "Success! Here is the password (\"token\") to configure your router (or any other dynDNS client). \
                      This password is different from your account password for security reasons.";
