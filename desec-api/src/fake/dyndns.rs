//! DynDNS as the server was recorded to do it, and the service that tells a caller its address.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::{
    FakeDesec, State, TOKEN,
    routes::Answer,
    yaml::{self, Item},
};
use crate::{HttpRequest, IpNetwork, Method, RecordType, Scope, SubName, dyndns::IpAddress};

/// What the dynDNS servers see of the world.
pub(super) struct Front {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    blocked: Vec<Ipv4Addr>,
    /// Who asked for his address, and when.
    asked: Vec<(IpAddr, Instant)>,
}

impl Default for Front {
    fn default() -> Self {
        Self { v4: Some(Ipv4Addr::new(198, 51, 100, 7)), v6: None, blocked: Vec::new(), asked: Vec::new() }
    }
}

impl FakeDesec {
    /// Sets the addresses from which requests come, as dynDNS and the checkip hosts see them; 198.51.100.7
    /// and none if not set. Without an address of a family its hosts answer 502.
    pub fn set_client_addresses(&self, v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr>) {
        let front = &mut self.lock().front;
        (front.v4, front.v6) = (v4, v6);
    }

    /// Refuses an address to names below `dedyn.io`, as addresses on deSEC's block list are.
    pub fn block_address(&self, address: Ipv4Addr) {
        self.lock().front.blocked.push(address);
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
pub(super) fn answer(state: &mut State, request: &HttpRequest) -> Option<Answer> {
    match request.url().host_str() {
        _ if is_update(request) => Some(update(state, request).unwrap_or_else(|refusal| refusal)),
        Some(host) if host.starts_with("checkip") && host.ends_with(".dedyn.io") => {
            Some(checkip(state, host))
        }
        _ => None,
    }
}

fn checkip(state: &mut State, host: &str) -> Answer {
    let limited = state.windows.is_some();
    let front = &mut state.front;
    let address = match host {
        "checkipv4.dedyn.io" => front.v4.map(IpAddr::from),
        "checkipv6.dedyn.io" => front.v6.map(IpAddr::from),
        _ => front.seen_at(host),
    };
    let Some(address) = address else { return Answer::html(502, "no connection of this family") };
    let now = Instant::now();
    front.asked.retain(|(_, at)| *at + CHECKIP_WINDOW > now);
    if limited && front.asked.iter().filter(|(by, _)| *by == address).count() >= CHECKIP_MOST {
        return Answer::throttled(None);
    }
    front.asked.push((address, now));
    Answer::text(200, address.to_string())
}

fn update(state: &mut State, request: &HttpRequest) -> Result<Answer, Answer> {
    let query = Query(request.url().query_pairs().into_owned().collect());
    let basic_name = authenticate(state, request, &query)?;
    let names = names(state, &query, basic_name)?;
    let own = query.own();
    let domain = domain(state, names.iter().chain(own.iter().map(|own| &own.name)))?;
    if let Some(windows) = &mut state.windows {
        let scope = Scope::DynDns(domain.parse().expect("domains have valid names"));
        windows.count(&scope).map_err(Answer::throttled_in_text)?;
    }
    if request.method() != Method::Get {
        let text = format!("Method \"{}\" not allowed.", request.method().as_str());
        return Err(Answer::text(405, text));
    }

    let host = request.url().host_str().unwrap_or_default();
    let client = state.front.seen_at(host).map(|address| address.to_string());
    let v4 = query.action(&["myip", "myipv4", "ip"], '.', client.as_deref())?;
    let v6 = query.action(&["myipv6", "ipv6", "myip", "ip"], ':', client.as_deref())?;
    let mut actions: Vec<(String, RecordType, Action)> = Vec::new();
    let common = names.iter().flat_map(|name| {
        [(name.clone(), RecordType::A, v4.clone()), (name.clone(), RecordType::Aaaa, v6.clone())]
    });
    for (name, rtype, action) in common {
        actions.push((subname(&name, &domain), rtype, action));
    }
    for own in own {
        let (subname, action) =
            (subname(&own.name, &domain), parse(&own.parameter, &own.value, own.separator)?);
        let Some(action) = action else { continue };
        actions.retain(|(name, rtype, _)| *name != subname || *rtype != own.rtype);
        actions.push((subname, own.rtype, action));
    }

    let mut writes = Vec::new();
    let mut items = Vec::new();
    for (subname, rtype, action) in actions {
        let present = records(state, &domain, &subname, &rtype);
        let records = match action {
            Action::Preserve => continue,
            Action::Set(records) => records,
            Action::Subnet(text) if rtype == RecordType::A => moved::<Ipv4Addr>(&present, &text),
            Action::Subnet(text) => moved::<Ipv6Addr>(&present, &text),
        };
        items.push(objection(state, &domain, &subname, &rtype, &records).map(Item::NonField));
        writes.push((subname, rtype, records));
    }
    if items.iter().any(Option::is_some) {
        return Err(Answer::text(400, yaml::list(&items)));
    }
    let tick = state.tick();
    let zone = state.domains.get_mut(&domain).expect("it was found");
    for (subname, rtype, records) in writes {
        zone.write(&subname, &rtype, Some(60), Some(&records), tick);
    }
    Ok(Answer::text(200, "good"))
}

impl Front {
    fn seen_at(&self, host: &str) -> Option<IpAddr> {
        let (v4, v6) = (self.v4.map(IpAddr::from), self.v6.map(IpAddr::from));
        if host.starts_with("update6.") { v6 } else { v4.or(v6) }
    }
}

/// Returns the user name of Basic authentication, if there is one.
fn authenticate(state: &State, request: &HttpRequest, query: &Query) -> Result<Option<String>, Answer> {
    let refused = |text: &str| Answer::text(401, text).with("www-authenticate", "Token".into());
    let header = request.authorization().map(|header| header.expose_secret().to_owned()).unwrap_or_default();
    let words: Vec<&str> = header.split_whitespace().collect();
    let scheme = words.first().map(|scheme| scheme.to_ascii_lowercase());
    match (scheme.as_deref(), &words[..]) {
        (Some("token"), [_]) => Err(refused("Invalid token header. No credentials provided.")),
        (Some("token"), [_, token]) if *token == TOKEN => Ok(None),
        (Some("token"), [_, _]) => Err(refused("Invalid token.")),
        (Some("token"), _) => Err(refused("Invalid token header. Token string should not contain spaces.")),
        (Some("basic"), [_]) => Err(refused("Invalid basic auth token header. No credentials provided.")),
        (Some("basic"), [_, code]) => {
            let plain = BASE64_STANDARD.decode(code).ok().and_then(|plain| String::from_utf8(plain).ok());
            let pair = plain.as_deref().and_then(|plain| plain.split_once(':'));
            let (name, token) = pair.ok_or_else(|| refused("badauth"))?;
            let mine = name.is_empty() || name.contains('@') || owner(state, &name.to_lowercase()).is_some();
            if mine && token == TOKEN { Ok(Some(name.into())) } else { Err(refused("badauth")) }
        }
        _ => {
            let no_name = || refused("No username URL parameter provided.");
            let name = query.get("username").ok_or_else(no_name)?;
            let no_password = || refused("No password URL parameter provided.");
            let password = query.get("password").ok_or_else(no_password)?;
            let mine = name.contains('@') || owner(state, &name.to_lowercase()).is_some();
            if mine && password == TOKEN { Ok(None) } else { Err(refused("badauth")) }
        }
    }
}

/// Returns the names to update, in lower case.
fn names(state: &State, query: &Query, basic_name: Option<String>) -> Result<Vec<String>, Answer> {
    let hostname = query.get("hostname").filter(|name| !["", "YES"].contains(name));
    let basic_name = basic_name.filter(|name| !name.is_empty() && !name.contains('@'));
    let given =
        hostname.or_else(|| query.get("host_id")).or(basic_name.as_deref()).or_else(|| query.get("username"));
    if let Some(given) = given {
        let mut names: Vec<_> = given.to_lowercase().split(',').map(|name| name.trim().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        return Ok(names);
    }
    let mut domains = state.domains.keys();
    match (domains.next(), domains.next()) {
        (Some(only), None) => Ok(vec![only.clone()]),
        (None, _) => Err(Answer::text(404, "nohost")),
        _ => Err(Answer::text(400, "Request does not properly specify domain for update.")),
    }
}

/// Returns the one domain that all names belong to.
fn domain<'a>(state: &State, names: impl Iterator<Item = &'a String>) -> Result<String, Answer> {
    let nohost = || Answer::text(404, "nohost");
    let domains: Result<Vec<String>, Answer> =
        names.map(|name| owner(state, name).ok_or_else(nohost)).collect();
    let domains = domains?;
    if domains.iter().any(|domain| *domain != domains[0]) {
        return Err(Answer::text(400, "Cannot update subdomains from more than one domain."));
    }
    domains.into_iter().next().ok_or_else(nohost)
}

/// Returns the longest domain of the account that `name` is in, if the name is valid.
fn owner(state: &State, name: &str) -> Option<String> {
    let below = |domain: &str| {
        let subname = name.strip_suffix(domain)?.strip_suffix('.')?;
        subname.parse::<SubName>().ok().filter(|subname| !subname.is_apex())
    };
    let own = state.domains.keys().filter(|domain| name == *domain || below(domain).is_some());
    own.max_by_key(|domain| domain.len()).cloned()
}

fn subname(name: &str, domain: &str) -> String {
    name.strip_suffix(domain).unwrap_or_default().trim_end_matches('.').to_owned()
}

fn records(state: &State, domain: &str, subname: &str, rtype: &RecordType) -> Vec<String> {
    let sets = state.domains[domain].rrsets().into_iter();
    let mut same = sets.filter(|set| set.subname.as_str() == subname && set.rtype == *rtype);
    same.next().map(|set| set.records).unwrap_or_default()
}

fn moved<A: IpAddress>(records: &[String], network: &str) -> Vec<String> {
    // Was parsed before; records are addresses.
    let Ok(network) = network.parse::<IpNetwork<A>>() else { return records.to_vec() };
    records.iter().filter_map(|record| record.parse().ok()).map(|a| network.adopt(a).to_string()).collect()
}

fn objection(
    state: &State,
    domain: &str,
    subname: &str,
    rtype: &RecordType,
    records: &[String],
) -> Option<String> {
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
    let alias = !records.is_empty() && !self::records(state, domain, subname, &RecordType::Cname).is_empty();
    alias.then(|| {
        "RRset with conflicting type present at same subname: database (CNAME). (No other RRsets are allowed \
         alongside CNAME.)"
            .into()
    })
}

/// The parameters of a request.
struct Query(Vec<(String, String)>);

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

impl Query {
    // Of a parameter given twice, the last one counts.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn own(&self) -> Vec<Own> {
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
        self.0.iter().filter_map(own).collect()
    }

    /// Returns what shall happen to one family, whose addresses contain `separator`.
    fn action(&self, parameters: &[&str], separator: char, client: Option<&str>) -> Result<Action, Answer> {
        for parameter in parameters {
            let Some(value) = self.get(parameter) else { continue };
            if let Some(action) = parse(parameter, value, separator)? {
                return Ok(action);
            }
        }
        let client = client.filter(|address| address.contains(separator));
        Ok(Action::Set(client.map(str::to_owned).into_iter().collect()))
    }
}

/// Returns what a parameter says about the family whose addresses contain `separator`, if anything.
fn parse(parameter: &str, value: &str, separator: char) -> Result<Option<Action>, Answer> {
    let mut values: Vec<&str> = value.split(',').map(str::trim).collect();
    values.retain(|value| value.contains(separator) || ["", "preserve"].contains(value));
    values.sort_unstable();
    values.dedup();
    let refused = |text: &str| {
        let text = format!("IP parameter \"{parameter}\" {text}");
        Err(Answer::text(400, yaml::list(&[Some(Item::Bare(text))])))
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

// Of the web server, which knows no account: for each address.
const CHECKIP_MOST: usize = 3;
const CHECKIP_WINDOW: Duration = Duration::from_mins(1);
const UPDATE_HOSTS: [&str; 2] = ["update.dedyn.io", "update6.dedyn.io"];
