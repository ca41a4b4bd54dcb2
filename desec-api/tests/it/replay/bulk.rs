//! Writes to `/domains/{name}/rrsets/`: one RRset by POST, and many.

use std::collections::BTreeSet;

use desec_api::{Client, DomainName, Error, Method, NewRrSet, RrSet, RrSetPatch, Ttl, canonical};
use serde::Deserialize;
use serde_json::Value;

use super::{Endpoint, Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    ("POST", "/domains/{name}/rrsets/"),
    ("PUT", "/domains/{name}/rrsets/"),
    ("PATCH", "/domains/{name}/rrsets/"),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let method = match exchange.method.as_str() {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        _ => return None,
    };
    matches("/domains/{name}/rrsets/", &exchange.path).then_some(())?;
    let domain: DomainName = exchange.path.split('/').nth(4).unwrap().parse().unwrap();
    let (script, client) = client(exchange);
    let mut typed = Write::read(method, &exchange.sent);
    let mut result = match &typed {
        Some(write) => write.send(&client, &domain).await,
        None => Ok(Vec::new()),
    };
    if script.calls() == 0 {
        // Nothing to write, or refused before it is sent: the answer is judged with a stand-in.
        match &result {
            Ok(sets) => assert_eq!(sets, &[]),
            Err(error) => {
                assert!(matches!(error, Error::InvalidInput { .. }) && exchange.status >= 400, "{error:?}");
            }
        }
        typed = None;
        result = Write::stand_in(method, exchange).send(&client, &domain).await;
    }
    let [(sent_by, path, sent)] = &script.seen()[..] else { panic!("one request") };
    assert_eq!((*sent_by, path.as_str()), (method, exchange.path.split('?').next().unwrap()));
    if typed.is_some() {
        assert_eq!(*sent, stored(&exchange.sent));
    }
    if let Err(error) = &result {
        let said = exchange.body.to_string();
        let exists = said.contains("Another RRset with the same") || said.contains("duplicate key value");
        assert_eq!(error.already_exists(), exists, "{error:?}");
    }
    Some(result.map(|sets| check(exchange, &sets, sent)))
}

/// Returns recorded RRsets without the members that the typed ones leave out.
pub(super) fn bare(recorded: &Value) -> Value {
    only(recorded, &["subname", "type", "ttl", "records", "created", "touched"])
}

fn check(exchange: &Exchange, sets: &[RrSet], sent: &Value) {
    let decoded = serde_json::to_value(sets).unwrap();
    let in_order = |list: &Value| {
        let mut list = list.as_array().unwrap().clone();
        list.sort_by_key(|set| (set["subname"].to_string(), set["type"].to_string()));
        list
    };
    let recorded = bare(&exchange.body);
    let recorded = if recorded.is_object() { Value::from(vec![recorded]) } else { recorded };
    assert_eq!(in_order(&decoded), in_order(&recorded));
    // What was sent is what is stored, letter by letter.
    for (set, sent) in
        sets.iter().zip(items(sent).iter().filter(|item| item["records"] != Value::Array(vec![])))
    {
        assert_eq!(set.subname.as_str(), sent["subname"]);
        let Some(records) = sent.get("records") else { continue };
        let sent: Vec<String> = serde_json::from_value(records.clone()).unwrap();
        assert_eq!(BTreeSet::from_iter(&sent), BTreeSet::from_iter(&set.records));
    }
}

/// A recorded request in the types of the client.
enum Write {
    One(NewRrSet),
    Sets(Method, Vec<NewRrSet>),
    Patches(Vec<RrSetPatch>),
}

impl Write {
    /// Returns nothing for what the typed API cannot express.
    fn read(method: Method, sent: &Value) -> Option<Self> {
        if method == Method::Patch {
            return sent.as_array()?.iter().map(patch).collect::<Option<_>>().map(Self::Patches);
        }
        match sent {
            Value::Object(_) if method == Method::Post => {
                let mut whole = sent.clone();
                // An apex may be left out; the client always names it.
                whole.as_object_mut()?.entry("subname").or_insert("".into());
                exact(&whole).map(Self::One)
            }
            Value::Array(list) => {
                list.iter().map(exact).collect::<Option<_>>().map(|sets| Self::Sets(method, sets))
            }
            _ => None,
        }
    }

    /// Returns a request with the answer of which the recorded one can be understood.
    fn stand_in(method: Method, exchange: &Exchange) -> Self {
        let answered: Vec<NewRrSet> = match &exchange.body {
            body if exchange.status >= 300 => {
                let items = if body.is_array() { items(&exchange.sent).len().max(1) } else { 1 };
                (0..items).map(plain).collect()
            }
            body => items(body).iter().map(|set| serde_json::from_value(set.clone()).unwrap()).collect(),
        };
        // A deletion is answered by nothing as well.
        let answered =
            if answered.is_empty() { vec![NewRrSet { records: Vec::new(), ..plain(0) }] } else { answered };
        let patch = |set: NewRrSet| {
            RrSetPatch::new(set.subname, set.rtype).with_ttl(set.ttl).with_records(set.records)
        };
        match (method, answered) {
            (Method::Patch, sets) => Self::Patches(sets.into_iter().map(patch).collect()),
            (Method::Post, mut sets) if !exchange.body.is_array() && !exchange.sent.is_array() => {
                Self::One(sets.remove(0))
            }
            (method, sets) => Self::Sets(method, sets),
        }
    }

    async fn send(&self, client: &Client, domain: &DomainName) -> Result<Vec<RrSet>, Error> {
        match self {
            Self::One(set) => client.create_rrset(domain, set).await.map(|set| vec![set]),
            Self::Sets(Method::Post, sets) => client.create_rrsets(domain, sets).await,
            Self::Sets(_, sets) => client.put_rrsets(domain, sets).await,
            Self::Patches(patches) => client.patch_rrsets(domain, patches).await,
        }
    }
}

fn patch(item: &Value) -> Option<RrSetPatch> {
    #[derive(Deserialize)]
    struct Parts {
        ttl: Option<Ttl>,
        records: Option<Vec<String>>,
    }
    let member = |name: &str| item.get(name)?.as_str();
    let mut patch = RrSetPatch::new(member("subname")?.parse().ok()?, member("type")?.parse().ok()?);
    let parts: Parts = serde_json::from_value(item.clone()).ok()?;
    if let Some(ttl) = parts.ttl {
        patch = patch.with_ttl(ttl);
    }
    if let Some(records) = parts.records {
        patch = patch.with_records(records);
    }
    Some(patch)
}

// Another spelling of the name or type, which the client folds, is another request.
fn exact(item: &Value) -> Option<NewRrSet> {
    let set: NewRrSet = serde_json::from_value(item.clone()).ok()?;
    (set.subname.as_str() == item["subname"] && set.rtype.as_str() == item["type"]).then_some(set)
}

fn plain(n: usize) -> NewRrSet {
    let ttl = Ttl::new(3600).unwrap();
    NewRrSet::new(format!("n{n}").parse().unwrap(), "A".parse().unwrap(), ttl, ["192.0.2.1".into()])
}

/// Returns what is sent for a recorded request: known members only, contents as the server stores them.
fn stored(sent: &Value) -> Value {
    let mut sent = only(sent, &["subname", "type", "ttl", "records"]);
    let items = match &mut sent {
        Value::Array(list) => &mut list[..],
        one => {
            one.as_object_mut().unwrap().entry("subname").or_insert("".into());
            std::slice::from_mut(one)
        }
    };
    for item in items {
        let rtype = item["type"].as_str().unwrap().parse().unwrap();
        if let Some(records) = item.get_mut("records") {
            for record in records.as_array_mut().unwrap() {
                *record = canonical(&rtype, record.as_str().unwrap()).unwrap().into();
            }
        }
    }
    sent
}

fn only(value: &Value, members: &[&str]) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|item| only(item, members)).collect(),
        Value::Object(object) => {
            let known = object.iter().filter(|(name, _)| members.contains(&name.as_str()));
            Value::Object(known.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}
