use desec_api::{FactorCreation, FactorId};
use serde_json::Value;

use super::{Played, client, matches};
use crate::recording::Exchange;

// Those of one factor (`/auth/totp/{id}/`) are not recorded.
pub(crate) const ENDPOINTS: &[(&str, &str)] =
    &[("GET", "/auth/totp/"), ("POST", "/auth/totp/"), ("POST", "/auth/totp/{id}/verify/")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    let (_, template) = ENDPOINTS.iter().find(|(_, template)| matches(template, &exchange.path))?;
    let (script, client) = client(exchange);
    let done = match (exchange.method.as_str(), *template) {
        ("GET", "/auth/totp/") => client
            .factors()
            .await
            .map(|factors| assert_eq!((factors.len(), &exchange.body), (0, &Value::Array(vec![])))),
        ("POST", "/auth/totp/") => {
            client.create_factor(exchange.sent["name"].as_str().unwrap()).await.map(|creation| {
                assert!(matches!(creation, FactorCreation::ToBeConfirmed), "{creation:?}");
                assert_eq!(exchange.status, 202);
            })
        }
        ("POST", _) => {
            let id: FactorId = exchange.path.rsplit('/').nth(2).unwrap().parse().unwrap();
            client.verify_factor(&id, &exchange.sent["code"].as_str().unwrap().into()).await
        }
        other => panic!("{other:?}"),
    };
    exchange.assert_sent(&script.seen());
    Some(done)
}
