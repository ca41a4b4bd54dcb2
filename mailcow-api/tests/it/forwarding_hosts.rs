//! Forwarding hosts, played back from recordings.

use crate::tape::{Tape, outcome};
use serde_json::json;

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("forwarding_hosts/all.json");
    assert_eq!(outcome(tape.play(0).add_forwarding_host("192.0.2.25", false).await), "ok");
    assert_eq!(outcome(tape.play(1).add_forwarding_host("2001:db8::/32", true).await), "ok");
    assert_eq!(outcome(tape.play(2).add_forwarding_host("192.0.2.25", false).await), "ok");
    let nameless = tape.sending(3, json!({"filter_spam": 1}));
    let said = outcome(nameless.add_forwarding_host("nohost.invalid", true).await);
    assert_eq!(said, "refused: invalid_host (nohost.invalid)");
    let all = tape.play(4).forwarding_hosts().await.unwrap();
    let shown: Vec<_> = all.iter().map(|host| (host.host.as_str(), host.spam_filter)).collect();
    assert_eq!(shown, [("192.0.2.25", false), ("2001:db8::/32", true)]);
    let one = tape.play(5).get_forwarding_host("192.0.2.25").await.unwrap();
    assert_eq!(one.as_ref(), Some(&all[0]));
    assert_eq!(outcome(tape.play(6).set_forwarding_host_spam_filter("192.0.2.25", true).await), "ok");
    let said = outcome(tape.play(7).set_forwarding_host_spam_filter("192.0.2.26", true).await);
    assert_eq!(said, "refused: access_denied");
    assert_eq!(outcome(tape.play(8).delete_forwarding_hosts(&["192.0.2.25", "192.0.2.99"]).await), "ok");
}

#[tokio::test]
async fn hosts_that_mailcow_would_split_and_paths_with_a_slash_are_not_sent() {
    let client = crate::replay::client([]);
    assert_eq!(outcome(client.add_forwarding_host("192.0.2.1,192.0.2.2", true).await), "invalid input");
    assert_eq!(outcome(client.get_forwarding_host("2001:db8::/32").await), "invalid input");
}
