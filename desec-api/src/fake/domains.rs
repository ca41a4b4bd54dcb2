//! `/domains/` and `/domains/{name}/`.

use serde_json::json;

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    fields::Fields,
    import,
    page::page,
    policies::Policy,
    state::{AccountId, Caller, State},
    zone::Zone,
};
use crate::{Method, Scope};

pub(super) fn collection(state: &mut State, ask: &Ask<'_>) -> Reply {
    let caller = state.caller(ask)?;
    if ask.method == Method::Post {
        if !state.token(&caller).settings.may.create_domains {
            return Err(Answer::forbidden());
        }
        let limit = state.accounts[&caller.account].limit_domains;
        if limit.is_some_and(|limit| state.domains_of(caller.account).count() as u64 >= limit) {
            return Err(Answer::detail(403, LIMIT));
        }
    }
    let read = ask.method == Method::Get;
    state.count(Some(caller.account), if read { &Scope::Read } else { &Scope::Domains })?;
    match ask.method {
        Method::Get => list(state, ask, &caller),
        Method::Post => create(state, ask, &caller),
        _ => Err(ask.not_allowed()),
    }
}

pub(super) fn one(state: &mut State, ask: &Ask<'_>, domain: &str) -> Reply {
    let caller = state.caller(ask)?;
    if ask.method == Method::Delete && !state.token(&caller).settings.may.delete_domains {
        return Err(Answer::forbidden());
    }
    let read = ask.method == Method::Get;
    state.count(Some(caller.account), if read { &Scope::Read } else { &Scope::Domains })?;
    match ask.method {
        Method::Get => {
            let zone = state.owned(&caller, domain).ok_or_else(|| Answer::no_match("Domain"))?;
            Ok(Answer::json(200, zone.domain_json_with_keys(domain)))
        }
        Method::Delete => {
            if state.owned(&caller, domain).is_some() {
                if !state.token(&caller).may_delete(domain) {
                    return Err(Answer::forbidden());
                }
                state.domains.remove(domain);
                for token in &mut state.tokens {
                    token.policies.retain(|policy| policy.domain.as_deref() != Some(domain));
                }
            }
            Ok(Answer::empty(204))
        }
        _ => Err(ask.not_allowed()),
    }
}

/// Returns why a new domain cannot have a name, in the words of the server.
pub(super) fn unavailable(state: &State, account: AccountId, name: &str) -> Option<&'static str> {
    if state.domains.contains_key(name) || name == LOCAL_SUFFIX {
        return Some(EXISTS);
    }
    let labels: Vec<&str> = name.split('.').collect();
    let reserved = |first: &str| first.starts_with('_') || ["autoconfig", "autodiscover"].contains(&first);
    let parent = name.split_once('.').map(|(_, parent)| parent);
    let below_suffix = parent.is_some_and(is_suffix);
    if is_suffix(name) || labels.last() == Some(&"internal") || below_suffix && reserved(labels[0]) {
        return Some(CONFLICTS);
    }
    let strangers = state.domains.iter().filter(|(_, zone)| zone.owner != account);
    let mut kin = strangers.filter(|(other, _)| below(name, other) || below(other, name));
    kin.next().map(|_| CONFLICTS)
}

/// Returns whether a name is directly below the suffix under which everybody can have domains.
pub(super) fn is_local(name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, parent)| parent == LOCAL_SUFFIX)
}

/// Reads the name of a new domain from a member of a request.
pub(super) fn name(
    state: &State,
    account: AccountId,
    fields: &mut Fields<'_>,
    member: &str,
) -> Option<String> {
    // Other than elsewhere, blanks are not stripped.
    let text = match fields.present(member)? {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => {
            fields.wrong(member, "Not a valid string.");
            return None;
        }
    };
    if text.is_empty() {
        fields.wrong(member, super::fields::BLANK);
        return None;
    }
    if text != text.to_lowercase() {
        fields.wrong(member, &format!("Invalid value (not lowercase): {text}"));
    }
    if text.len() > 191 {
        fields.wrong(member, "Ensure this field has no more than 191 characters.");
    }
    let mut labels = text.split('.');
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if !labels.all(fits) || text.rsplit('.').next().is_some_and(|last| last.contains('_')) {
        fields.wrong(member, BAD_NAME);
    }
    if fields.is_fine(member)
        && let Some(reason) = unavailable(state, account, &text)
    {
        fields.wrong(member, reason);
    }
    fields.is_fine(member).then_some(text)
}

fn list(state: &State, ask: &Ask<'_>, caller: &Caller) -> Reply {
    if let Some(name) = ask.query("owns_qname") {
        let own =
            state.domains_of(caller.account).filter(|(domain, _)| *domain == name || below(name, domain));
        let closest = own.max_by_key(|(domain, _)| domain.len());
        let found = closest.into_iter().map(|(domain, zone)| zone.domain_json(domain));
        return Ok(Answer::json(200, found.collect()));
    }
    let all = state.domains_of(caller.account).map(|(name, zone)| (zone.created, (name, zone))).collect();
    page(ask, state.page_size, all, |(name, zone)| zone.domain_json(name))
}

fn create(state: &mut State, ask: &Ask<'_>, caller: &Caller) -> Reply {
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let name = fields.required("name").and_then(|_| name(state, caller.account, &mut fields, "name"));
    let text = fields.text("zonefile", usize::MAX);
    let Some(name) = name else { return Err(Answer::refused(fields.errors().into())) };
    fields.check()?;
    let mut zone = Zone::new(caller.account, state.clock.tick(), MINIMUM_TTL);
    if let Some(text) = text {
        let writes = import::read(&name, &zone, &text)
            .map_err(|errors| Answer::refused(json!({ "zonefile": errors })))?;
        for write in &writes {
            zone.write(write, state.clock.tick());
        }
    }
    // After what was imported.
    zone.delegate(state.clock.tick());
    let mut shown = zone.domain_json_with_keys(&name);
    shown["published"] = json!(null);
    zone.publish();
    let id = state.id();
    let token = state.token_mut(caller);
    if token.settings.auto_policy {
        let domain = Some(name.clone());
        token.policies.push(Policy { id, domain, subname: None, rtype: None, writes: true });
    }
    state.domains.insert(name, zone);
    Ok(Answer::json(201, shown))
}

fn below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

// A stand-in for the public suffix list.
fn is_suffix(name: &str) -> bool {
    !name.contains('.') || [LOCAL_SUFFIX, "co.uk", "org.uk", "com.au", "co.jp"].contains(&name)
}

/// The least time to live of new domains, in seconds.
pub(super) const MINIMUM_TTL: u32 = 3_600;
const LOCAL_SUFFIX: &str = "dedyn.io";
const LIMIT: &str = "Domain limit exceeded. Please contact support to create additional domains.";
const EXISTS: &str = "domain with this name already exists.";
pub(super) const CONFLICTS: &str =
    "This domain name conflicts with an existing domain, or is disallowed by policy.";
const BAD_NAME: &str = "Domain names must be labels separated by dots. Labels may consist of up to 63 letters, \
                        digits, hyphens, and underscores. The last label may not contain an underscore.";
