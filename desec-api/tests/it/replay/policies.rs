use desec_api::{Error, NewPolicy, Policy, PolicyId, PolicyPatch, TokenId};
use serde_json::Value;

use super::{Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[
    ("GET", "/auth/tokens/{id}/policies/"),
    ("GET", LIST),
    ("POST", LIST),
    ("GET", ONE),
    ("PUT", ONE),
    ("PATCH", ONE),
    ("DELETE", ONE),
];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let (_, template) = ENDPOINTS.iter().find(|(_, template)| matches(template, &exchange.path))?;
    let steps: Vec<&str> = exchange.path.split('/').collect();
    let token: TokenId = steps[5].parse().unwrap();
    let (script, client) = client(exchange);
    if *template == ENDPOINTS[0].1 {
        let links = client.policy_links(&token).await;
        exchange.assert_sent(&script.seen());
        return Some(links.map(|links| assert_eq!(links.rrsets.as_str(), exchange.body["rrsets"])));
    }
    let id = steps.get(8).and_then(|id| id.parse().ok()).unwrap_or_else(stand_in);
    let (new, patch) = (new_policy(&exchange.sent), patch(&exchange.sent));
    let expressed = match (exchange.method.as_str(), *template) {
        ("POST" | "PUT", _) => new.is_some(),
        ("PATCH", _) => patch.is_some(),
        (_, ONE) => id.as_str() == steps[8],
        _ => true,
    };
    let new = new.unwrap_or_else(|| NewPolicy::default_policy(false));
    let played = match (exchange.method.as_str(), *template) {
        ("GET", LIST) => client.policies(&token).await,
        ("POST", LIST) => client.create_policy(&token, &new).await.map(|policy| vec![policy]),
        ("GET", _) => client.policy(&token, &id).await.map(|policy| vec![policy]),
        ("PUT", _) => client.replace_policy(&token, &id, &new).await.map(|policy| vec![policy]),
        ("PATCH", _) => {
            client.update_policy(&token, &id, &patch.unwrap_or_default()).await.map(|policy| vec![policy])
        }
        ("DELETE", _) => client.delete_policy(&token, &id).await.map(|()| Vec::new()),
        other => panic!("{other:?}"),
    };
    if expressed {
        exchange.assert_sent(&script.seen());
    }
    Some(played.map(|policies| {
        let recorded = match &exchange.body {
            Value::Array(list) => list.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        };
        assert_eq!(policies.iter().map(json).collect::<Vec<_>>(), recorded);
    }))
}

fn json(policy: &Policy) -> Value {
    serde_json::json!({
        "id": policy.id, "domain": policy.domain, "subname": policy.subname, "type": policy.rtype,
        "perm_write": policy.perm_write,
    })
}

// The recorded request in the client's own types, if they can say it: `@`, upper case for a name and lower case
// for a type they cannot.
fn new_policy(sent: &Value) -> Option<NewPolicy> {
    let members = sent.as_object()?;
    let [domain, subname, rtype] = ["domain", "subname", "type"].map(|name| members.get(name));
    let write = members.get("perm_write")?.as_bool()?;
    Some(NewPolicy::new(part(domain?).ok()?, part(subname?).ok()?, part(rtype?).ok()?, write))
}

fn patch(sent: &Value) -> Option<PolicyPatch> {
    let mut patch = PolicyPatch::new();
    for (member, value) in sent.as_object()? {
        patch = match member.as_str() {
            "domain" => patch.with_domain(part(value).ok()?),
            "subname" => patch.with_subname(part(value).ok()?),
            "type" => patch.with_rtype(part(value).ok()?),
            "perm_write" => patch.with_perm_write(value.as_bool()?),
            _ => return None,
        };
    }
    Some(patch)
}

fn part<T: std::str::FromStr<Err = Error> + serde::Serialize>(value: &Value) -> Result<Option<T>, NotSaid> {
    let Some(text) = value.as_str() else { return Ok(None) };
    let part: T = text.parse().map_err(|_| NotSaid)?;
    if serde_json::to_value(&part).is_ok_and(|said| said == *value) { Ok(Some(part)) } else { Err(NotSaid) }
}

struct NotSaid;

fn stand_in() -> PolicyId {
    "00000000-0000-4000-8000-000000000000".parse().unwrap()
}

const LIST: &str = "/auth/tokens/{id}/policies/rrsets/";
const ONE: &str = "/auth/tokens/{id}/policies/rrsets/{id}/";
