//! `/auth/totp/`: second factors, all with the same code.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    clock::{Moment, timestamp},
    confirmation::Action,
    fields::Fields,
    state::{Account, Caller, State, is_id},
};
use crate::{Method, Scope};

pub(super) struct Factor {
    id: String,
    created: Moment,
    last_used: Option<Moment>,
    name: String,
}

impl Factor {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "created": timestamp(self.created), "last_used": self.last_used.map(timestamp),
            "name": self.name,
        })
    }
}

impl State {
    /// Adds a second factor, and returns it with its secret.
    pub(super) fn add_factor(&mut self, account: u64, name: String) -> Value {
        let factor = Factor { id: self.id(), created: self.clock.tick(), last_used: None, name };
        let mut shown = factor.json();
        let account = self.accounts.get_mut(&account).expect("the account exists");
        let email = account.email.replace('@', "%40");
        shown["secret"] = json!(SECRET);
        shown["uri"] = json!(format!("otpauth://totp/desec.io:{email}?secret={SECRET}&issuer=desec.io"));
        account.factors.push(factor);
        shown
    }

    fn account_mut(&mut self, caller: &Caller) -> &mut Account {
        self.accounts.get_mut(&caller.account).expect("the caller has an account")
    }
}

pub(super) fn collection(state: &mut State, ask: &Ask<'_>) -> Reply {
    let caller = admitted(state, ask)?;
    match ask.method {
        Method::Get => {
            let factors = &state.accounts[&caller.account].factors;
            Ok(Answer::json(200, factors.iter().rev().map(Factor::json).collect()))
        }
        Method::Post => {
            let given = ask.members()?;
            let mut fields = Fields::new(&given);
            let name = fields.text("name", 64).unwrap_or_default();
            fields.check()?;
            if state.accounts[&caller.account].factors.is_empty() {
                state.send(caller.account, None, Action::CreateTotp(name));
                return Ok(Answer::detail(202, CONFIRM));
            }
            let shown = state.add_factor(caller.account, name);
            Ok(Answer::json(201, shown))
        }
        _ => Err(ask.not_allowed()),
    }
}

pub(super) fn one(state: &mut State, ask: &Ask<'_>, id: &str) -> Reply {
    let caller = admitted(state, ask)?;
    if ask.method == Method::Post {
        return Err(ask.not_allowed());
    }
    if !is_id(id) {
        return Err(Answer::not_found());
    }
    let factors = &mut state.account_mut(&caller).factors;
    let place = factors.iter().position(|factor| factor.id == id);
    match (ask.method, place) {
        (Method::Delete, place) => {
            place.map(|place| factors.remove(place));
            Ok(Answer::empty(204))
        }
        (_, None) => Err(Answer::no_match("TOTPFactor")),
        (Method::Get, Some(place)) => Ok(Answer::json(200, factors[place].json())),
        (_, Some(place)) => {
            let given = ask.members()?;
            let mut fields = Fields::new(&given);
            let name = fields.text("name", 64);
            fields.check()?;
            let factor = &mut factors[place];
            factor.name = name.unwrap_or_else(|| std::mem::take(&mut factor.name));
            Ok(Answer::json(200, factor.json()))
        }
    }
}

/// Takes a code, and with it gives the token that was used its second factor.
pub(super) fn verify(state: &mut State, ask: &Ask<'_>, id: &str) -> Reply {
    let caller = state.caller_without_factor(ask)?;
    if state.token(&caller).mfa.is_none() {
        return Err(Answer::detail(403, LOGIN_ONLY));
    }
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let now = state.clock.tick();
    let factors = &mut state.account_mut(&caller).factors;
    let factor = factors.iter_mut().find(|factor| factor.id == id);
    let factor = factor.ok_or_else(|| Answer::no_match("TOTPFactor"))?;
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    if fields.word("code").is_some_and(|code| code != CODE) {
        fields.wrong("code", "Invalid code.");
    }
    fields.check()?;
    let text = if factor.last_used.replace(now).is_none() {
        "Your TOTP token has been activated!"
    } else {
        "The code was correct."
    };
    state.token_mut(&caller).mfa = Some(true);
    Ok(Answer::detail(200, text))
}

fn admitted(state: &mut State, ask: &Ask<'_>) -> Result<Caller, Answer> {
    let caller = state.caller(ask)?;
    if state.token(&caller).mfa.is_none() {
        return Err(Answer::detail(403, LOGIN_ONLY));
    }
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    Ok(caller)
}

pub(super) const CODE: &str = "123456";
const SECRET: &str = "EXAMPLESECRETEXAMPLESECRETEXAMPLESECRETEXAMPLESECRET";
const LOGIN_ONLY: &str = "Login token required.";
const CONFIRM: &str = "This operation requires confirmation. Please check your mailbox for instructions!";
