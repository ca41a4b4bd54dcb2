//! `/domains/` and `/domains/{name}/`.

use desec_api::{DomainName, Error, Method, NewDomain};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::{Endpoint, Played, client};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    ("GET", "/domains/"),
    ("POST", "/domains/"),
    ("GET", "/domains/{name}/"),
    ("DELETE", "/domains/{name}/"),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let qname = pairs.find_map(|(name, value)| (name == "owns_qname").then_some(value));
    let result = match (exchange.method.as_str(), &steps[..], qname) {
        ("GET", ["api", _, "domains"], Some(qname)) => owning(exchange, &qname).await,
        ("GET", ["api", _, "domains"], None) => list(exchange).await,
        ("POST", ["api", _, "domains"], _) => create(exchange).await,
        ("GET", ["api", _, "domains", name], _) => read(exchange, name).await,
        ("DELETE", ["api", _, "domains", name], _) => delete(exchange, name).await,
        // There is no such call: the answer is judged.
        ("DELETE", ["api", _, "domains"], _) | ("PUT" | "PATCH", ["api", _, "domains", _], _) => {
            client(exchange).1.delete_domain(&name("stand-in.example")).await
        }
        _ => return None,
    };
    Some(result)
}

async fn list(exchange: &Exchange) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let domains: Result<Vec<_>, _> = client.domains().try_collect().await;
    assert_eq!(script.seen()[0], (Method::Get, "/api/v1/domains/?cursor=".into(), Value::Null));
    assert_eq!(serde_json::to_value(domains?).unwrap(), with_no_keys(&exchange.body));
    Ok(())
}

async fn owning(exchange: &Exchange, qname: &str) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let mut result = client.domain_owning(qname).await;
    if matches!(result, Err(Error::InvalidInput { .. })) {
        assert_eq!(script.calls(), 0, "refused before it is sent");
        result = client.domain_owning("stand-in.example").await;
    } else {
        let sent = qname.to_ascii_lowercase();
        let path = format!("/api/v1/domains/?owns_qname={}", sent.strip_suffix('.').unwrap_or(&sent));
        assert_eq!(script.seen(), [(Method::Get, path, Value::Null)]);
    }
    let found: Vec<_> = result?.into_iter().collect();
    assert_eq!(serde_json::to_value(found).unwrap(), with_no_keys(&exchange.body));
    Ok(())
}

async fn create(exchange: &Exchange) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let given = |member: &str| exchange.sent.get(member).and_then(Value::as_str);
    let Some(Ok(name)) = given("name").map(str::parse::<DomainName>) else {
        // No such name can be given.
        client.create_domain(&NewDomain::new(name("stand-in.example"))).await?;
        return Ok(());
    };
    let mut domain = NewDomain::new(name);
    if let Some(text) = given("zonefile") {
        domain = domain.with_zonefile(text);
    }
    let result = client.create_domain(&domain).await;
    assert_eq!(script.seen(), [(Method::Post, exchange.path.clone(), exchange.sent.clone())]);
    if let Err(error) = &result {
        let taken = exchange.body.to_string().contains("already exists");
        assert_eq!(error.already_exists(), taken, "{error:?}");
    }
    assert_eq!(serde_json::to_value(result?).unwrap(), exchange.body);
    Ok(())
}

async fn read(exchange: &Exchange, given: &str) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let name = name(&given.replace("%2E", "."));
    let domain = client.domain(&name).await;
    assert_eq!(script.seen(), [(Method::Get, format!("/api/v1/domains/{name}/"), Value::Null)]);
    assert_eq!(serde_json::to_value(domain?).unwrap(), exchange.body);
    Ok(())
}

async fn delete(exchange: &Exchange, given: &str) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let result = client.delete_domain(&name(given)).await;
    assert_eq!(script.seen(), [(Method::Delete, exchange.path.clone(), Value::Null)]);
    result
}

/// Lists have no keys; the typed ones have an empty list.
fn with_no_keys(list: &Value) -> Value {
    let mut list = list.clone();
    for domain in list.as_array_mut().unwrap() {
        domain["keys"] = json!([]);
    }
    list
}

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}
