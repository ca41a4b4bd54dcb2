//! `/auth/tokens/` and `/auth/tokens/{id}/`.

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    clock::{Moment, timestamp},
    durations::{self, Span},
    fields::Fields,
    page::page,
    policies::Policy,
    state::{AccountId, Caller, State, is_id},
    subnets::{self, Subnet},
};
use crate::{Method, Scope};

pub(super) struct Token {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) account: AccountId,
    pub(super) created: Moment,
    pub(super) last_used: Option<Moment>,
    /// For login tokens, whether there was a second factor.
    pub(super) mfa: Option<bool>,
    pub(super) settings: Settings,
    pub(super) policies: Vec<Policy>,
}

/// What those who manage tokens can set.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) may: Permissions,
    pub(super) max_age: Option<Span>,
    pub(super) max_unused: Option<Span>,
    pub(super) subnets: Vec<Subnet>,
    pub(super) auto_policy: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Permissions {
    pub(super) create_domains: bool,
    pub(super) delete_domains: bool,
    pub(super) manage_tokens: bool,
}

impl Permissions {
    pub(super) const ALL: Self = Self { create_domains: true, delete_domains: true, manage_tokens: true };
    const NONE: Self = Self { create_domains: false, delete_domains: false, manage_tokens: false };
}

impl Token {
    /// Returns whether it has neither expired nor been left unused for too long.
    pub(super) fn is_valid(&self, now: Moment) -> bool {
        let within =
            |since: Moment, span: Option<Span>| span.is_none_or(|span| now < since.saturating_add(span));
        let last_used = self.last_used.unwrap_or(self.created);
        within(self.created, self.settings.max_age) && within(last_used, self.settings.max_unused)
    }

    fn json(&self, state: &State) -> Value {
        let Settings { name, may, max_age, max_unused, subnets, auto_policy } = &self.settings;
        json!({
            "id": self.id, "created": timestamp(self.created), "last_used": self.last_used.map(timestamp),
            "owner": state.accounts[&self.account].email, "user_override": null, "mfa": self.mfa,
            "max_age": max_age.map(durations::show), "max_unused_period": max_unused.map(durations::show),
            "name": name, "perm_create_domain": may.create_domains, "perm_delete_domain": may.delete_domains,
            "perm_manage_tokens": may.manage_tokens,
            "allowed_subnets": subnets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "auto_policy": auto_policy, "is_valid": self.is_valid(state.clock.now()),
        })
    }

    /// Returns the token with its secret, as only the answer to its creation shows it.
    pub(super) fn json_with_secret(&self, state: &State) -> Value {
        let mut shown = self.json(state);
        shown["token"] = json!(self.secret);
        shown
    }
}

impl State {
    /// Returns a new token of an account, without permissions, that is not yet kept.
    pub(super) fn new_token(&mut self, account: AccountId) -> Token {
        Token {
            id: self.id(),
            secret: self.secret("fakeToken"),
            account,
            created: self.clock.tick(),
            last_used: None,
            mfa: None,
            settings: Settings {
                name: String::new(),
                may: Permissions::NONE,
                max_age: None,
                max_unused: None,
                subnets: subnets::everywhere(),
                auto_policy: false,
            },
            policies: Vec::new(),
        }
    }

    /// Returns the place of a token of the caller's account.
    pub(super) fn token_by_id(&self, caller: &Caller, id: &str) -> Option<usize> {
        self.tokens.iter().position(|token| token.account == caller.account && token.id == id)
    }
}

pub(super) fn collection(state: &mut State, ask: &Ask<'_>) -> Reply {
    let caller = state.manager(ask)?;
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    match ask.method {
        Method::Get => {
            let own = state.tokens.iter().filter(|token| token.account == caller.account);
            let own = own.map(|token| (token.created, token)).collect();
            page(ask, state.page_size, own, |token| token.json(state))
        }
        Method::Post => create(state, ask, &caller),
        _ => Err(ask.not_allowed()),
    }
}

pub(super) fn one(state: &mut State, ask: &Ask<'_>, id: &str) -> Reply {
    let caller = state.manager(ask)?;
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    if ask.method == Method::Post {
        return Err(ask.not_allowed());
    }
    if !is_id(id) {
        return Err(Answer::not_found());
    }
    let place = state.token_by_id(&caller, id);
    match (ask.method, place) {
        (Method::Delete, place) => {
            place.map(|place| state.tokens.remove(place));
            Ok(Answer::empty(204))
        }
        (_, None) => Err(Answer::no_match("Token")),
        (Method::Get, Some(place)) => Ok(Answer::json(200, state.tokens[place].json(state))),
        (_, Some(place)) => update(state, ask, place),
    }
}

fn create(state: &mut State, ask: &Ask<'_>, caller: &Caller) -> Reply {
    let given = ask.members()?;
    let mut token = state.new_token(caller.account);
    token.settings = token.settings.changed(&given)?;
    if token.settings.auto_policy {
        token.policies.push(Policy::restrictive(state.id()));
    }
    let shown = token.json_with_secret(state);
    state.tokens.push(token);
    // Somebody else has to agree before it becomes theirs.
    let invites = given.get("user_override").is_some_and(|value| !value.is_null());
    Ok(Answer::json(if invites { 202 } else { 201 }, shown))
}

fn update(state: &mut State, ask: &Ask<'_>, place: usize) -> Reply {
    let given = ask.members()?;
    let id = state.id();
    let token = &mut state.tokens[place];
    let settings = token.settings.changed(&given)?;
    if settings.auto_policy {
        match token.policies.iter().find(|policy| policy.is_default()) {
            None => token.policies.push(Policy::restrictive(id)),
            Some(policy) if policy.writes => {
                let text = "Auto policy requires a restrictive default policy.";
                return Err(Answer::refused(json!({ "auto_policy": [text] })));
            }
            Some(_) => {}
        }
    }
    token.settings = settings;
    Ok(Answer::json(200, state.tokens[place].json(state)))
}

impl Settings {
    // What is missing stays, in PUT as in PATCH.
    fn changed(&self, given: &Map<String, Value>) -> Result<Self, Answer> {
        let mut fields = Fields::new(given);
        let may = self.may;
        let subnets = fields.present("allowed_subnets").and_then(|value| {
            subnets::read(value).map_err(|errors| fields.note("allowed_subnets", errors)).ok()
        });
        let changed = Self {
            name: fields.text("name", 64).unwrap_or_else(|| self.name.clone()),
            may: Permissions {
                create_domains: fields.boolean("perm_create_domain").unwrap_or(may.create_domains),
                delete_domains: fields.boolean("perm_delete_domain").unwrap_or(may.delete_domains),
                manage_tokens: fields.boolean("perm_manage_tokens").unwrap_or(may.manage_tokens),
            },
            max_age: span(&mut fields, given, "max_age", self.max_age),
            max_unused: span(&mut fields, given, "max_unused_period", self.max_unused),
            subnets: subnets.unwrap_or_else(|| self.subnets.clone()),
            auto_policy: fields.boolean("auto_policy").unwrap_or(self.auto_policy),
        };
        fields.check()?;
        Ok(changed)
    }
}

// Null takes a limit away.
fn span(fields: &mut Fields<'_>, given: &Map<String, Value>, name: &str, old: Option<Span>) -> Option<Span> {
    match given.get(name) {
        None => old,
        Some(Value::Null) => None,
        Some(value) => durations::read(value).map_err(|text| fields.wrong(name, text)).ok(),
    }
}
