//! `/domains/{name}/rrsets/`: lists, and writes of one or several RRsets.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    ask::{Ask, python_type},
    bulk::{self, View},
    items::{AUTOMATIC, Item, Rules},
    page::page,
    state::{Caller, State},
    zone::Write,
};
use crate::{Method, Scope};

pub(super) fn collection(state: &mut State, ask: &Ask<'_>, domain: &str) -> Reply {
    let caller = admitted(state, ask, domain)?;
    match ask.method {
        Method::Get => list(state, ask, domain),
        Method::Delete => Err(ask.not_allowed()),
        Method::Post | Method::Put | Method::Patch => match ask.data()? {
            None | Some(Value::Null) => {
                Err(Answer::refused(json!({ "non_field_errors": ["No data provided"] })))
            }
            Some(Value::Array(given)) => several(state, ask, &caller, domain, &given),
            Some(given) if ask.method == Method::Post => create(state, &caller, domain, &given),
            Some(other) => {
                let text = format!("Expected a list of items but got {}.", python_type(&other));
                Err(Answer::refused(json!({ "non_field_errors": [text] })))
            }
        },
    }
}

/// Returns who asks for RRsets of an own domain, and counts it. The domain is looked up before that.
pub(super) fn admitted(state: &mut State, ask: &Ask<'_>, domain: &str) -> Result<Caller, Answer> {
    let caller = state.caller(ask)?;
    state.owned(&caller, domain).ok_or_else(Answer::not_found)?;
    let scope = match domain.parse() {
        Ok(domain) if ask.method != Method::Get => Scope::Write(domain),
        _ => Scope::Read,
    };
    state.count(Some(caller.account), &scope)?;
    Ok(caller)
}

/// Executes the writes: deletions first, so that nothing stands beside a CNAME in between.
pub(super) fn store(state: &mut State, domain: &str, writes: &[Write]) {
    let deletions = writes.iter().filter(|write| write.deletes());
    let others = writes.iter().filter(|write| !write.deletes());
    let zone = state.domains.get_mut(domain).expect("it was looked up before");
    for write in deletions.chain(others) {
        zone.write(write, state.clock.tick());
    }
}

fn list(state: &State, ask: &Ask<'_>, domain: &str) -> Reply {
    let (name, rtype) = (ask.query("subname"), ask.query("type"));
    if let Some(rtype) = rtype.filter(|rtype| AUTOMATIC.contains(rtype)) {
        return Err(Answer::detail(403, &format!("You cannot tinker with the {rtype} RRset.")));
    }
    let zone = &state.domains[domain];
    let fits =
        |at: &str, of: &str| name.is_none_or(|name| name == at) && rtype.is_none_or(|rtype| rtype == of);
    let found = zone.sets.iter().filter(|((at, of), _)| fits(at, of));
    let found = found.map(|(key, stored)| (stored.created, key)).collect();
    page(ask, state.page_size, found, |(subname, rtype)| zone.json(domain, subname, rtype))
}

fn create(state: &mut State, caller: &Caller, domain: &str, given: &Value) -> Reply {
    let Some(members) = given.as_object() else {
        let text = format!("Invalid data. Expected a dictionary, but got {}.", python_type(given));
        return Err(Answer::refused(json!({ "non_field_errors": [text] })));
    };
    let zone = &state.domains[domain];
    let rules = Rules { domain, zone, method: Method::Post, bulk: false, target: None };
    let item = Item::read(&rules, members, false).map_err(|errors| Answer::refused(errors.into()))?;
    if !state.token(caller).may_write(domain, &item.subname, item.rtype.as_str()) {
        return Err(Answer::detail(403, bulk::FORBIDDEN));
    }
    if zone.holds(&item.subname, item.rtype.as_str()) {
        return Err(Answer::refused(json!({ "non_field_errors": [bulk::EXISTS] })));
    }
    let is_cname = item.rtype.as_str() == "CNAME";
    let beside = zone.types_at(&item.subname).filter(|other| is_cname != (*other == "CNAME"));
    let beside: Vec<&str> = beside.collect();
    if !beside.is_empty() {
        return Err(Answer::refused(bulk::conflict(&format!("database ({})", beside.join(", ")))));
    }
    item.check(&rules).map_err(Answer::refused)?;
    if let Some(error) = item.found_late() {
        return Err(Answer::refused(json!([error])));
    }
    let write = item.write();
    store(state, domain, std::slice::from_ref(&write));
    Ok(Answer::json(201, state.domains[domain].json(domain, &write.subname, write.rtype.as_str())))
}

fn several(state: &mut State, ask: &Ask<'_>, caller: &Caller, domain: &str, given: &[Value]) -> Reply {
    let zone = &state.domains[domain];
    let rules = Rules { domain, zone, method: ask.method, bulk: true, target: None };
    let creates = ask.method == Method::Post;
    // A filter hides the others from the write, too.
    let (name, of) = (ask.query("subname"), ask.query("type"));
    let knows = |subname: &str, rtype: &str| {
        !creates
            && name.is_none_or(|name| name == subname)
            && of.is_none_or(|of| of == rtype)
            && zone.holds(subname, rtype)
    };
    let token = state.token(caller);
    let may_write = |subname: &str, rtype: &str| token.may_write(domain, subname, rtype);
    let writes = bulk::check(&rules, &View { knows: &knows, may_write: &may_write }, given)?;
    store(state, domain, &writes);
    let zone = &state.domains[domain];
    let left = writes.iter().filter(|write| !write.deletes());
    let mut shown: Vec<Value> =
        left.map(|write| zone.json(domain, &write.subname, write.rtype.as_str())).collect();
    if !creates {
        // The real order is arbitrary; it is never the one that was sent, where that matters to a test.
        shown.reverse();
    }
    Ok(Answer::json(if creates { 201 } else { 200 }, shown.into()))
}
