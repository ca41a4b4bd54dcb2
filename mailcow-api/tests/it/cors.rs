//! CORS: recordings played back.

use mailcow_api::{Cors, CorsMethod};
use serde_json::json;
use url::Url;

use crate::replay;

const ALL: &str = "cors/all.json";

fn app() -> Url {
    "https://app.example.org".parse().unwrap()
}

#[tokio::test]
async fn permissions_are_sent_as_recorded() {
    let cors = Cors::new([&app()], [CorsMethod::Get, CorsMethod::Post]).unwrap();
    // Recorded with an empty list of items, which means as much as none.
    replay::one(ALL, 0, &["items"]).set_cors(&cors).await.unwrap();
}

#[tokio::test]
async fn refusals_are_understood() {
    // No address and no method that could be sent: exchange 1 asks for "not a url", exchange 2 for PATCH.
    assert!("not a url".parse::<Url>().is_err());
    for (at, code) in [(1, "cors_invalid_origin"), (2, "cors_invalid_method")] {
        let client = replay::altered(ALL, at, |exchange| {
            exchange.body["attr"] = json!({"allowed_origins": ["*"], "allowed_methods": ["GET"]});
        });
        let anywhere = Cors::from_anywhere([CorsMethod::Get]).unwrap();
        assert_eq!(replay::code(client.set_cors(&anywhere).await), code);
    }
}

#[tokio::test]
async fn a_foreign_origin_does_not_change_an_answer() {
    // Exchange 3 is a preflight, which only browsers send.
    assert_eq!(replay::one(ALL, 4, &[]).version().await.unwrap(), "2026-07a");
}
