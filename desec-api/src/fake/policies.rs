//! `/auth/tokens/{id}/policies/`: what a token may write.

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    fields::Fields,
    items::{subname_errors, type_errors},
    state::{Caller, State, is_id},
    tokens::Token,
};
use crate::{Method, Scope};

#[derive(Clone)]
pub(super) struct Policy {
    pub(super) id: String,
    pub(super) domain: Option<String>,
    pub(super) subname: Option<String>,
    pub(super) rtype: Option<String>,
    pub(super) writes: bool,
}

impl Policy {
    /// Returns a default policy that allows nothing.
    pub(super) fn restrictive(id: String) -> Self {
        Self { id, domain: None, subname: None, rtype: None, writes: false }
    }

    pub(super) fn is_default(&self) -> bool {
        self.domain.is_none() && self.subname.is_none() && self.rtype.is_none()
    }

    fn key(&self) -> (&Option<String>, &Option<String>, &Option<String>) {
        (&self.domain, &self.subname, &self.rtype)
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "domain": self.domain, "subname": self.subname, "type": self.rtype,
            "perm_write": self.writes,
        })
    }
}

impl Token {
    /// Returns whether the policies let this token write an RRset.
    pub(super) fn may_write(&self, domain: &str, subname: &str, rtype: &str) -> bool {
        let fits =
            |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        let fitting = self.policies.iter().filter(|policy| {
            fits(&policy.domain, domain) && fits(&policy.subname, subname) && fits(&policy.rtype, rtype)
        });
        // The domain says more than the name, and that more than the type.
        let first = fitting
            .max_by_key(|policy| (policy.domain.is_some(), policy.subname.is_some(), policy.rtype.is_some()));
        first.is_none_or(|policy| policy.writes)
    }

    /// Returns whether the policies let this token write everything in a domain, and so delete it.
    pub(super) fn may_delete(&self, domain: &str) -> bool {
        let own = |policy: &&Policy| policy.domain.as_deref() == Some(domain);
        let decided = self.policies.iter().any(|p| own(&p) && p.subname.is_none() && p.rtype.is_none());
        let applies = |policy: &&Policy| own(policy) || !decided && policy.domain.is_none();
        self.policies.iter().filter(applies).all(|policy| policy.writes)
    }
}

pub(super) fn root(state: &mut State, ask: &Ask<'_>, id: &str) -> Reply {
    let (caller, _) = admitted(state, ask, id)?;
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    if ask.method != Method::Get {
        return Err(ask.not_allowed());
    }
    let url = ask.request.url().join("rrsets/").map(String::from).unwrap_or_default();
    Ok(Answer::json(200, json!({ "rrsets": url })))
}

pub(super) fn collection(state: &mut State, ask: &Ask<'_>, id: &str) -> Reply {
    let (caller, place) = admitted(state, ask, id)?;
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    match (ask.method, place) {
        (Method::Get, Some(place)) => {
            let mut policies: Vec<&Policy> = state.tokens[place].policies.iter().collect();
            // By age of the domain, then by name and type; "any" comes last.
            policies.sort_by_key(|policy| {
                let created = policy.domain.as_ref().map(|domain| state.domains[domain].created);
                let last = |part: &Option<String>| (part.is_none(), part.clone());
                ((created.is_none(), created), last(&policy.subname), last(&policy.rtype))
            });
            Ok(Answer::json(200, policies.into_iter().map(Policy::json).collect()))
        }
        (Method::Get, None) => Err(Answer::no_match("Token")),
        (Method::Post, Some(place)) => create(state, ask, &caller, place),
        (Method::Post, None) => Err(Answer::not_found()),
        _ => Err(ask.not_allowed()),
    }
}

pub(super) fn one(state: &mut State, ask: &Ask<'_>, id: &str, policy: &str) -> Reply {
    let (caller, place) = admitted(state, ask, id)?;
    state.count(Some(caller.account), &Scope::AccountPassive)?;
    if ask.method == Method::Post {
        return Err(ask.not_allowed());
    }
    if !is_id(policy) {
        return Err(Answer::not_found());
    }
    let found = place.and_then(|place| {
        let n = state.tokens[place].policies.iter().position(|found| found.id == policy)?;
        Some((place, n))
    });
    match (ask.method, found) {
        (Method::Delete, None) => Ok(Answer::empty(204)),
        (_, None) => Err(Answer::no_match("TokenDomainPolicy")),
        (Method::Get, Some((place, n))) => Ok(Answer::json(200, state.tokens[place].policies[n].json())),
        (Method::Delete, Some((place, n))) => delete(&mut state.tokens[place], n),
        (_, Some((place, n))) => update(state, ask, &caller, place, n),
    }
}

// A token may read its own policies; everything else is for those who manage tokens.
fn admitted(state: &mut State, ask: &Ask<'_>, id: &str) -> Result<(Caller, Option<usize>), Answer> {
    let caller = state.caller(ask)?;
    let token = state.token(&caller);
    let own = ask.method == Method::Get && token.id == id;
    if !own && !token.settings.may.manage_tokens {
        return Err(Answer::forbidden());
    }
    let place = state.token_by_id(&caller, id);
    Ok((caller, place))
}

fn create(state: &mut State, ask: &Ask<'_>, caller: &Caller, place: usize) -> Reply {
    let given = ask.members()?;
    let new = Policy::restrictive(state.id());
    let policy = read(state, caller, &given, new, false)?;
    let token = &mut state.tokens[place];
    if token.policies.is_empty() && !policy.is_default() {
        return Err(refused("Policy precedence: The first policy must be the default policy."));
    }
    unique(token, &policy)?;
    restrictive(token, &policy)?;
    let shown = policy.json();
    token.policies.push(policy);
    Ok(Answer::json(201, shown))
}

fn update(state: &mut State, ask: &Ask<'_>, caller: &Caller, place: usize, n: usize) -> Reply {
    let given = ask.members()?;
    let old = state.tokens[place].policies[n].clone();
    let was_default = old.is_default();
    let policy = read(state, caller, &given, old, ask.method == Method::Patch)?;
    let token = &mut state.tokens[place];
    if was_default != policy.is_default() && was_default {
        return Err(refused("When using policies, there must be exactly one default policy."));
    }
    unique(token, &policy)?;
    restrictive(token, &policy)?;
    let shown = policy.json();
    token.policies[n] = policy;
    Ok(Answer::json(200, shown))
}

fn delete(token: &mut Token, n: usize) -> Reply {
    if token.policies[n].is_default() {
        if token.settings.auto_policy {
            return Err(refused("Can't delete default policy when auto_policy is in effect for the token."));
        }
        if token.policies.len() > 1 {
            return Err(refused("Policy precedence: Can't delete default policy when there exist others."));
        }
    }
    token.policies.remove(n);
    Ok(Answer::empty(204))
}

fn read(
    state: &State,
    caller: &Caller,
    given: &Map<String, Value>,
    mut policy: Policy,
    partial: bool,
) -> Result<Policy, Answer> {
    let mut fields = Fields::new(given).partial(partial);
    if let Some(value) = fields.required("domain") {
        policy.domain = value.as_str().map(str::to_owned);
        if let Some(name) = policy.domain.as_deref().filter(|name| state.owned(caller, name).is_none()) {
            fields.wrong("domain", &format!("Object with name={name} does not exist."));
        }
    }
    if let Some(value) = fields.required("subname") {
        let name = if value.is_null() { None } else { fields.text("subname", usize::MAX) };
        if let Some(name) = name.as_deref().filter(|name| !name.is_empty()) {
            subname_errors(&mut fields, name);
        }
        policy.subname = name;
    }
    if let Some(value) = fields.required("type") {
        let rtype = if value.is_null() { None } else { fields.text("type", usize::MAX) };
        if let Some(rtype) = &rtype {
            type_errors(&mut fields, rtype);
        }
        policy.rtype = rtype;
    }
    policy.writes = fields.boolean("perm_write").unwrap_or(policy.writes);
    fields.check()?;
    Ok(policy)
}

fn unique(token: &Token, policy: &Policy) -> Result<(), Answer> {
    let mut others = token.policies.iter().filter(|other| other.id != policy.id);
    if others.all(|other| other.key() != policy.key()) {
        return Ok(());
    }
    let shown = |part: &Option<String>| part.clone().unwrap_or_else(|| "null".into());
    let (domain, subname, rtype) = (shown(&policy.domain), shown(&policy.subname), shown(&policy.rtype));
    let text = format!(
        "Conflict: duplicate key value violates unique constraint \"unique_policy\"\nDETAIL:  Key (token_id, \
         domain_id, subname, type)=({}, {domain}, {subname}, {rtype}) already exists.",
        token.id
    );
    Err(Answer::detail(409, &text))
}

fn restrictive(token: &Token, policy: &Policy) -> Result<(), Answer> {
    if token.settings.auto_policy && policy.is_default() && policy.writes {
        let text = "Must be false when auto_policy is in effect for the token.";
        return Err(Answer::refused(json!({ "perm_write": [text] })));
    }
    Ok(())
}

fn refused(text: &str) -> Answer {
    Answer::refused(json!({ "non_field_errors": [text] }))
}
