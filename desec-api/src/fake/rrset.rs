//! `/domains/{name}/rrsets/{subname}/{type}/`: one RRset.

use serde_json::json;

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    bulk,
    domains::is_local,
    items::{FIXED_NS, Item, Rules},
    rrsets::{admitted, store},
    state::State,
    zone::Write,
};
use crate::{Method, RecordType};

pub(super) fn one(state: &mut State, ask: &Ask<'_>, domain: &str, subname: &str, rtype: &str) -> Reply {
    let caller = admitted(state, ask, domain)?;
    let exists = state.domains[domain].holds(subname, rtype);
    match ask.method {
        Method::Post => Err(ask.not_allowed()),
        Method::Delete if !exists => Ok(Answer::empty(204)),
        _ if !exists => Err(Answer::no_match("RRset")),
        Method::Get => Ok(Answer::json(200, state.domains[domain].json(domain, subname, rtype))),
        _ if !state.token(&caller).may_write(domain, subname, rtype) => {
            Err(Answer::detail(403, bulk::FORBIDDEN))
        }
        Method::Delete => {
            if rtype == "NS" && subname.is_empty() && is_local(domain) {
                return Err(Answer::refused(json!([FIXED_NS])));
            }
            let rtype = rtype.parse().unwrap_or_else(|_| RecordType::Other(rtype.to_owned()));
            let write = Write { subname: subname.to_owned(), rtype, ttl: None, records: Some(Vec::new()) };
            store(state, domain, &[write]);
            Ok(Answer::empty(204))
        }
        Method::Put | Method::Patch => update(state, ask, domain, (subname, rtype)),
    }
}

fn update(state: &mut State, ask: &Ask<'_>, domain: &str, target: (&str, &str)) -> Reply {
    let members = ask.members()?;
    let zone = &state.domains[domain];
    let rules = Rules { domain, zone, method: ask.method, bulk: false, target: Some(target) };
    let item = Item::read(&rules, &members, ask.method == Method::Patch)
        .map_err(|errors| Answer::refused(errors.into()))?;
    item.check(&rules).map_err(Answer::refused)?;
    if let Some(error) = item.found_late() {
        return Err(Answer::refused(json!([error])));
    }
    let write = item.write();
    let deletes = write.deletes();
    store(state, domain, &[write]);
    if deletes {
        return Ok(Answer::empty(204));
    }
    Ok(Answer::json(200, state.domains[domain].json(domain, target.0, target.1)))
}
