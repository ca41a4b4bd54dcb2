//! DynDNS as the server was recorded to do it, and the service that tells a caller its address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret;

use super::{
    FakeDesec,
    answer::{Answer, Reply},
    ask::Ask,
    bulk::{FORBIDDEN, conflict_text},
    rrsets::store,
    state::{Caller, State},
    yaml::{self, Item},
    zone::Write,
};
use crate::{HttpRequest, IpNetwork, Method, RecordType, Scope, SubName, dyndns::IpAddress};

/// What the dynDNS servers see of the world.
#[derive(Default)]
pub(super) struct Front {
    second: Option<IpAddr>,
    blocked: Vec<Ipv4Addr>,
}

impl FakeDesec {
    /// Gives the machine from which requests come an address of the other family, or none, as it is from the
    /// beginning. The hosts of a family without an address answer 502.
    pub fn set_second_client_address(&self, address: Option<IpAddr>) {
        self.lock().state.front.second = address;
    }

    /// Refuses an address to names below `dedyn.io`, as addresses on deSEC's block list are.
    pub fn block_address(&self, address: Ipv4Addr) {
        self.lock().state.front.blocked.push(address);
    }
}

/// Returns whether a request is a dynDNS update, which writes although it is a GET.
pub(super) fn is_update(request: &HttpRequest) -> bool {
    let url = request.url();
    let picture = [".ico", ".png"].iter().any(|end| url.path().ends_with(end));
    let host = url.host_str().is_some_and(|host| UPDATE_HOSTS.contains(&host));
    host && !picture || url.path() == "/api/v1/dyndns/update"
}

/// Returns the answer to a request for dynDNS or for the caller's address; `None` to any other request.
pub(super) fn answer(state: &mut State, request: &HttpRequest) -> Option<Reply> {
    match request.url().host_str() {
        _ if is_update(request) => Some(update(state, &Ask::new(request))),
        Some(host) if host.starts_with("checkip") && host.ends_with(".dedyn.io") => {
            Some(checkip(state, host))
        }
        _ => None,
    }
}

fn checkip(state: &State, host: &str) -> Reply {
    let address = seen_at(state, host).ok_or_else(|| Answer::front(502, "Bad Gateway"))?;
    Ok(text(200, address.to_string()))
}

fn update(state: &mut State, ask: &Ask<'_>) -> Reply {
    let (caller, basic_name) = authenticate(state, ask).map_err(Answer::plain)?;
    let names = names(state, ask, &caller, basic_name)?;
    let own = own(ask);
    let domain = domain(state, &caller, names.iter().chain(own.iter().map(|own| &own.name)))?;
    let scope = Scope::DynDns(domain.parse().expect("domains have valid names"));
    state.count(Some(caller.account), &scope).map_err(Answer::plain)?;
    if ask.method != Method::Get {
        return Err(ask.not_allowed().plain());
    }

    let host = ask.request.url().host_str().unwrap_or_default();
    let client = seen_at(state, host).map(|address| address.to_string());
    let v4 = action(ask, &["myip", "myipv4", "ip"], '.', client.as_deref())?;
    let v6 = action(ask, &["myipv6", "ipv6", "myip", "ip"], ':', client.as_deref())?;
    let mut actions: Vec<(String, RecordType, Action)> = Vec::new();
    for name in names.iter().map(|name| subname(name, &domain)) {
        actions.push((name.clone(), RecordType::A, v4.clone()));
        actions.push((name, RecordType::Aaaa, v6.clone()));
    }
    for own in own {
        let (name, action) = (subname(&own.name, &domain), parse(&own.parameter, &own.value, own.separator)?);
        let Some(action) = action else { continue };
        actions.retain(|(other, rtype, _)| *other != name || *rtype != own.rtype);
        actions.push((name, own.rtype, action));
    }

    let mut writes = Vec::new();
    for (subname, rtype, action) in actions {
        let present = || records(state, &domain, &subname, &rtype);
        let records = match action {
            Action::Preserve => continue,
            Action::Set(records) => records,
            Action::Subnet(text) if rtype == RecordType::A => moved::<Ipv4Addr>(present(), &text),
            Action::Subnet(text) => moved::<Ipv6Addr>(present(), &text),
        };
        writes.push(Write { subname, rtype, ttl: Some(60), records: Some(records) });
    }
    let token = state.token(&caller);
    if !writes.iter().all(|write| token.may_write(&domain, &write.subname, write.rtype.as_str())) {
        return Err(text(403, FORBIDDEN));
    }
    let items: Vec<_> =
        writes.iter().map(|write| objection(state, &domain, write).map(Item::NonField)).collect();
    if items.iter().any(Option::is_some) {
        return Err(text(400, yaml::list(&items)));
    }
    store(state, &domain, &writes);
    Ok(text(200, "good"))
}

/// Returns the address that a host sees, if it can be reached at all.
fn seen_at(state: &State, host: &str) -> Option<IpAddr> {
    let addresses = [Some(state.client), state.front.second];
    let mut addresses = addresses.into_iter().flatten();
    match host {
        "checkipv4.dedyn.io" => addresses.find(IpAddr::is_ipv4),
        "checkipv6.dedyn.io" | "update6.dedyn.io" => addresses.find(IpAddr::is_ipv6),
        _ => addresses.next(),
    }
}

/// Returns who asks, with the user name of Basic authentication, if there is one.
fn authenticate(state: &mut State, ask: &Ask<'_>) -> Result<(Caller, Option<String>), Answer> {
    let badauth = || Answer::unauthenticated("badauth");
    if let Some(secret) = ask.secret()? {
        let caller = state.authenticate(secret).ok_or_else(|| Answer::unauthenticated("Invalid token."))?;
        return Ok((caller, None));
    }
    let header = ask.request.authorization().map(|header| header.expose_secret().to_owned());
    let header = header.unwrap_or_default();
    let mut words = header.split_ascii_whitespace();
    if words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic")) {
        let none = || Answer::unauthenticated("Invalid basic auth token header. No credentials provided.");
        let plain = BASE64_STANDARD.decode(words.next().ok_or_else(none)?).map_err(|_| badauth())?;
        let plain = String::from_utf8(plain).map_err(|_| badauth())?;
        let (name, secret) = plain.split_once(':').ok_or_else(badauth)?;
        let caller = state.authenticate(secret).ok_or_else(badauth)?;
        let mine = name.is_empty() || is_of(state, &caller, name);
        return if mine { Ok((caller, Some(name.into()))) } else { Err(badauth()) };
    }
    let missing = |what: &str| Answer::unauthenticated(&format!("No {what} URL parameter provided."));
    let name = ask.query("username").ok_or_else(|| missing("username"))?;
    let secret = ask.query("password").ok_or_else(|| missing("password"))?;
    let caller = state.authenticate(secret).ok_or_else(badauth)?;
    if is_of(state, &caller, name) { Ok((caller, None)) } else { Err(badauth()) }
}

/// Returns whether a user name, a mail address or the name of a host, belongs to the caller.
fn is_of(state: &State, caller: &Caller, name: &str) -> bool {
    if name.contains('@') {
        return state.accounts[&caller.account].email.eq_ignore_ascii_case(name);
    }
    owner(state, caller, &name.to_lowercase()).is_some()
}

/// Returns the names to update, in lower case.
fn names(
    state: &State,
    ask: &Ask<'_>,
    caller: &Caller,
    basic_name: Option<String>,
) -> Result<Vec<String>, Answer> {
    let hostname = ask.query("hostname").filter(|name| !["", "YES"].contains(name));
    let basic_name = basic_name.filter(|name| !name.is_empty() && !name.contains('@'));
    let given =
        hostname.or_else(|| ask.query("host_id")).or(basic_name.as_deref()).or_else(|| ask.query("username"));
    if let Some(given) = given {
        let mut names: Vec<_> = given.to_lowercase().split(',').map(|name| name.trim().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        return Ok(names);
    }
    let mut domains = state.domains_of(caller.account).map(|(domain, _)| domain);
    match (domains.next(), domains.next()) {
        (Some(only), None) => Ok(vec![only.clone()]),
        (None, _) => Err(text(404, "nohost")),
        _ => Err(text(400, "Request does not properly specify domain for update.")),
    }
}

/// Returns the one domain that all names belong to.
fn domain<'a>(
    state: &State,
    caller: &Caller,
    names: impl Iterator<Item = &'a String>,
) -> Result<String, Answer> {
    let nohost = || text(404, "nohost");
    let domains: Result<Vec<String>, Answer> =
        names.map(|name| owner(state, caller, name).ok_or_else(nohost)).collect();
    let domains = domains?;
    if domains.iter().any(|domain| *domain != domains[0]) {
        return Err(text(400, "Cannot update subdomains from more than one domain."));
    }
    domains.into_iter().next().ok_or_else(nohost)
}

/// Returns the longest domain of the account that `name` is in, if the name is valid.
fn owner(state: &State, caller: &Caller, name: &str) -> Option<String> {
    let below = |domain: &str| {
        let subname = name.strip_suffix(domain)?.strip_suffix('.')?;
        subname.parse::<SubName>().ok().filter(|subname| !subname.is_apex())
    };
    let own = state.domains_of(caller.account).map(|(domain, _)| domain);
    let own = own.filter(|domain| name == *domain || below(domain).is_some());
    own.max_by_key(|domain| domain.len()).cloned()
}

fn subname(name: &str, domain: &str) -> String {
    name.strip_suffix(domain).unwrap_or_default().trim_end_matches('.').to_owned()
}

fn records<'a>(state: &'a State, domain: &str, subname: &str, rtype: &RecordType) -> &'a [String] {
    let stored = state.domains[domain].sets.get(&(subname.to_owned(), rtype.to_string()));
    stored.map_or(&[], |stored| &stored.records)
}

fn moved<A: IpAddress>(records: &[String], network: &str) -> Vec<String> {
    // Was parsed before; records are addresses.
    let Ok(network) = network.parse::<IpNetwork<A>>() else { return records.to_vec() };
    records.iter().filter_map(|record| record.parse().ok()).map(|a| network.adopt(a).to_string()).collect()
}

fn objection(state: &State, domain: &str, write: &Write) -> Option<String> {
    let (rtype, records) = (&write.rtype, write.records.as_deref().unwrap_or_default());
    for record in records {
        let address = record.parse::<IpAddr>().ok();
        if address.is_none_or(|address| address.is_ipv4() != (*rtype == RecordType::A)) {
            return Some(format!("Record content for type {rtype} malformed: Text input is malformed."));
        }
        let blocked = state.front.blocked.iter().any(|blocked| address == Some(IpAddr::V4(*blocked)));
        if blocked && domain.ends_with(".dedyn.io") {
            return Some(format!("IP address {record} not allowed."));
        }
    }
    let alias = !write.deletes() && state.domains[domain].holds(&write.subname, "CNAME");
    alias.then(|| conflict_text("database (CNAME)"))
}

/// A parameter for one name alone.
struct Own {
    parameter: String,
    name: String,
    rtype: RecordType,
    separator: char,
    value: String,
}

#[derive(Clone)]
enum Action {
    Set(Vec<String>),
    Preserve,
    Subnet(String),
}

fn own(ask: &Ask<'_>) -> Vec<Own> {
    let own = |(parameter, value): &(String, String)| {
        let (kind, name) = parameter.split_once(':')?;
        let (rtype, separator) = match kind {
            "myipv4" => (RecordType::A, '.'),
            "myipv6" => (RecordType::Aaaa, ':'),
            _ => return None,
        };
        let name = name.trim().to_lowercase();
        Some(Own { parameter: parameter.clone(), name, rtype, separator, value: value.clone() })
    };
    ask.queries().iter().filter_map(own).collect()
}

/// Returns what shall happen to one family, whose addresses contain `separator`.
fn action(
    ask: &Ask<'_>,
    parameters: &[&str],
    separator: char,
    client: Option<&str>,
) -> Result<Action, Answer> {
    for parameter in parameters {
        let Some(value) = ask.query(parameter) else { continue };
        if let Some(action) = parse(parameter, value, separator)? {
            return Ok(action);
        }
    }
    let client = client.filter(|address| address.contains(separator));
    Ok(Action::Set(client.map(str::to_owned).into_iter().collect()))
}

/// Returns what a parameter says about the family whose addresses contain `separator`, if anything.
fn parse(parameter: &str, value: &str, separator: char) -> Result<Option<Action>, Answer> {
    let mut values: Vec<&str> = value.split(',').map(str::trim).collect();
    values.retain(|value| value.contains(separator) || ["", "preserve"].contains(value));
    values.sort_unstable();
    values.dedup();
    let refused = |text: &str| {
        let text = format!("IP parameter \"{parameter}\" {text}");
        Err(self::text(400, yaml::list(&[Some(Item::Bare(text))])))
    };
    let subnet = |value: &str| match separator {
        '.' => value.parse::<IpNetwork<Ipv4Addr>>().is_ok(),
        _ => value.parse::<IpNetwork<Ipv6Addr>>().is_ok(),
    };
    match values[..] {
        [] => Ok(None),
        [""] => Ok(Some(Action::Set(Vec::new()))),
        ["preserve"] => Ok(Some(Action::Preserve)),
        [one] if one.contains('/') && subnet(one) => Ok(Some(Action::Subnet(one.into()))),
        [one] if one.contains('/') => {
            let why = format!("is an invalid subnet: '{one}' does not appear to be an IPv4 or IPv6 network");
            refused(&why)
        }
        [_] => Ok(Some(Action::Set(vec![values[0].into()]))),
        _ if values.iter().any(|value| ["", "preserve"].contains(value)) => {
            refused("cannot have addresses and \"preserve\" or an empty value at the same time.")
        }
        _ if values.iter().any(|value| value.contains('/')) => {
            refused("cannot use subnet notation with multiple addresses.")
        }
        _ => Ok(Some(Action::Set(values.into_iter().map(str::to_owned).collect()))),
    }
}

fn text(status: u16, text: impl Into<String>) -> Answer {
    Answer::text(status, "text/plain", text)
}

const UPDATE_HOSTS: [&str; 2] = ["update.dedyn.io", "update6.dedyn.io"];
