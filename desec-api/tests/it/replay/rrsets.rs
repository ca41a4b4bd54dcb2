//! Lists of RRsets, and single ones: `/domains/{name}/rrsets/{subname}/{type}/`.

use desec_api::{
    DomainName, Error, Method, NewRrSet, RecordType, RrSet, RrSetFilter, RrSetPatch, SubName, Ttl,
};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::{Endpoint, Played, bulk::bare, client};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    ("GET", "/domains/{name}/rrsets/"),
    ("GET", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("PUT", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("PATCH", "/domains/{name}/rrsets/{subname}/{type}/"),
    ("DELETE", "/domains/{name}/rrsets/{subname}/{type}/"),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
    let steps: Vec<&str> = path.split('/').collect();
    let result = match (exchange.method.as_str(), &steps[..]) {
        ("GET", ["", "api", "v1", "domains", domain, "rrsets", ""]) => list(exchange, domain, query).await,
        (method, ["", "api", "v1", "domains", domain, "rrsets", subname, rtype, ..]) => {
            // Other spellings of a name, of which the client has one.
            let subname = subname.strip_suffix("...").unwrap_or(subname).replace("%2A", "*");
            let one = One {
                domain: domain.parse().unwrap(),
                subname: subname.parse().unwrap(),
                rtype: rtype.parse().unwrap(),
            };
            match method {
                "GET" => one.read(exchange).await,
                "PUT" => one.replace(exchange).await,
                "PATCH" => one.patch(exchange).await,
                "DELETE" => one.delete(exchange).await,
                // There is no such call: the answer is judged.
                _ => client(exchange).1.rrset(&one.domain, &one.subname, &one.rtype).await.map(|_| ()),
            }
        }
        // A collection cannot be deleted: the answer is judged.
        ("DELETE", ["", "api", "v1", "domains", domain, "rrsets", ""]) => {
            let domain = domain.parse().unwrap();
            client(exchange).1.delete_rrset(&domain, &SubName::apex(), &RecordType::A).await
        }
        _ => return None,
    };
    Some(result)
}

async fn list(exchange: &Exchange, domain: &str, query: &str) -> Result<(), Error> {
    let mut filter = RrSetFilter::default();
    let mut sent = String::new();
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    // What the client cannot ask for (the apex as `@`, lower case types) it asks without a filter.
    let last = |name: &str| pairs.iter().rev().find(|(given, _)| given == name).map(|(_, value)| &**value);
    if let Some(subname) = last("subname").filter(|text| *text != "@") {
        filter = filter.with_subname(subname.parse().unwrap());
        sent.extend(["subname=", subname, "&"]);
    }
    if let Some(rtype) = last("type").and_then(exact_type) {
        sent.extend(["type=", rtype.as_str(), "&"]);
        filter = filter.with_rtype(rtype);
    }
    let (script, client) = client(exchange);
    let sets: Result<Vec<RrSet>, _> = client.rrsets(&domain.parse().unwrap(), &filter).try_collect().await;
    let path = format!("/api/v1/domains/{domain}/rrsets/?{sent}cursor=");
    let seen = script.seen();
    assert_eq!(seen[0], (Method::Get, path, Value::Null));
    if let Some((_, next, _)) = seen.get(1).filter(|_| exchange.status == 200) {
        let response = exchange.response();
        let link = response.header("link").unwrap();
        let cursor = next.split_once("cursor=").unwrap().1;
        assert!(link.contains(&format!("cursor={cursor}")) && next.contains(&sent), "{next}: {link}");
    }
    assert_eq!(serde_json::to_value(sets?).unwrap(), bare(&exchange.body));
    Ok(())
}

/// One RRset, as a recorded path names it.
struct One {
    domain: DomainName,
    subname: SubName,
    rtype: RecordType,
}

impl One {
    async fn read(&self, exchange: &Exchange) -> Result<(), Error> {
        let (script, client) = client(exchange);
        let set = client.rrset(&self.domain, &self.subname, &self.rtype).await;
        assert_eq!(script.seen(), [(Method::Get, self.path(), Value::Null)]);
        assert_eq!(serde_json::to_value(set?).unwrap(), bare(&exchange.body));
        Ok(())
    }

    async fn replace(&self, exchange: &Exchange) -> Result<(), Error> {
        let typed = serde_json::from_value::<NewRrSet>(exchange.sent.clone()).ok();
        let typed = typed.filter(|set| (&set.subname, &set.rtype) == (&self.subname, &self.rtype));
        let stand_in = || {
            let ttl = Ttl::new(3600).unwrap();
            NewRrSet::new(self.subname.clone(), self.rtype.clone(), ttl, ["192.0.2.1".into()])
        };
        let is_typed = typed.is_some();
        let (script, client) = client(exchange);
        let result = client.replace_rrset(&self.domain, &typed.unwrap_or_else(stand_in)).await;
        let seen = script.seen();
        if is_typed {
            assert_eq!(seen, [(Method::Put, self.path(), exchange.sent.clone())]);
        }
        self.written(exchange, result)
    }

    async fn patch(&self, exchange: &Exchange) -> Result<(), Error> {
        let mut patch = RrSetPatch::new(self.subname.clone(), self.rtype.clone());
        if let Some(ttl) = exchange.sent.get("ttl") {
            patch = patch.with_ttl(serde_json::from_value(ttl.clone()).unwrap());
        }
        if let Some(records) = exchange.sent.get("records") {
            patch = patch.with_records(serde_json::from_value::<Vec<String>>(records.clone()).unwrap());
        }
        let (script, client) = client(exchange);
        let result = client.patch_rrset(&self.domain, &patch).await;
        // Name and type cannot be changed, so they are never sent. No body is an empty change.
        let mut sent = if exchange.sent.is_null() { json!({}) } else { exchange.sent.clone() };
        sent.as_object_mut().unwrap().retain(|name, _| name == "ttl" || name == "records");
        assert_eq!(script.seen(), [(Method::Patch, self.path(), sent)]);
        self.written(exchange, result)
    }

    fn written(&self, exchange: &Exchange, result: Result<Option<RrSet>, Error>) -> Result<(), Error> {
        match result? {
            Some(set) => assert_eq!(serde_json::to_value(set).unwrap(), bare(&exchange.body)),
            None => assert_eq!(exchange.status, 204, "{}", self.path()),
        }
        Ok(())
    }

    async fn delete(&self, exchange: &Exchange) -> Result<(), Error> {
        let (script, client) = client(exchange);
        let result = client.delete_rrset(&self.domain, &self.subname, &self.rtype).await;
        assert_eq!(script.seen(), [(Method::Delete, self.path(), Value::Null)]);
        result
    }

    fn path(&self) -> String {
        format!("/api/v1/domains/{}/rrsets/{}/{}/", self.domain, self.subname, self.rtype)
    }
}

fn exact_type(text: &str) -> Option<RecordType> {
    text.parse().ok().filter(|rtype: &RecordType| rtype.as_str() == text)
}
