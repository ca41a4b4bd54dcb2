use std::time::Duration;

use desec_api::Client;

use super::{Played, client, matches};
use crate::recording::Exchange;

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[("GET", "/")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    matches("/", &exchange.path).then_some(())?;
    let (script, client) = client(exchange);
    // Only a client with a token is shown where to log out.
    let anonymous = exchange.body.get("logout").is_none();
    let client = if anonymous {
        Client::anonymous().http_client(script.clone()).max_wait(Duration::ZERO).build().unwrap()
    } else {
        client
    };
    let entries = client.entry_points().await;
    let seen = if anonymous { script.seen_without_token() } else { script.seen() };
    exchange.assert_sent(&seen);
    Some(entries.map(|entries| {
        let recorded = &exchange.body;
        let urls: Vec<(&str, &str)> =
            entries.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
        for (name, url) in &urls {
            let place = name.split('.').fold(recorded, |value, step| &value[step]);
            assert_eq!(place, url, "{name}");
        }
        assert_eq!(urls.len(), if anonymous { 3 } else { 7 });
    }))
}
