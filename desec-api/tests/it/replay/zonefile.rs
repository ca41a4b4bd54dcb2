//! `/domains/{name}/zonefile/`.

use desec_api::Method;
use serde_json::Value;

use super::{Endpoint, Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[Endpoint] = &[("GET", "/domains/{name}/zonefile/")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    matches("/domains/{name}/zonefile/", &exchange.path).then_some(())?;
    let (script, client) = client(exchange);
    let domain = exchange.path.split('/').nth(4).unwrap().parse().unwrap();
    let result = client.export_zonefile(&domain).await;
    // Whatever the recorded method was: there is one only.
    assert_eq!(script.seen(), [(Method::Get, exchange.path.clone(), Value::Null)]);
    Some(result.map(|text| assert_eq!(text, exchange.body.as_str().unwrap())))
}
