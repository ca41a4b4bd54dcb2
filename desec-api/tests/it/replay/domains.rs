//! `/domains/` and `/domains/{name}/`.

use desec_api::Method;
use serde_json::Value;

use super::{Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[("GET", "/domains/{name}/")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    (exchange.method == "GET" && matches("/domains/{name}/", &exchange.path)).then_some(())?;
    Some(read(exchange).await)
}

async fn read(exchange: &Exchange) -> Result<(), desec_api::Error> {
    let (script, client) = client(exchange);
    let name = exchange.path.split('/').nth(4).unwrap().replace("%2E", ".");
    let domain = client.domain(&name.parse().unwrap()).await;
    let path = format!("/api/v1/domains/{}/", name.to_ascii_lowercase());
    assert_eq!(script.seen(), [(Method::Get, path, Value::Null)]);
    assert_eq!(domain?.name.as_str(), exchange.body["name"]);
    Ok(())
}
