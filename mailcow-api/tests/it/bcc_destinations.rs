//! What a BCC map can be about: recordings played back.

use mailcow_api::BccDestinations;

use crate::replay;

#[tokio::test]
async fn domains_and_addresses_are_read() {
    let all = replay::one("bcc_destinations/options.json", 0, &[]).bcc_destinations().await.unwrap();
    assert_eq!(all.domains.len(), 7);
    assert_eq!(all.alias_domains, ["a", "alias.example.com", "m2.example.com", "not"]);
    assert_eq!(all.mailboxes["agent-0001@agents.example.com"].len(), 8);
    let empty = replay::one("server/get-empty-collections.json", 28, &[]).bcc_destinations().await.unwrap();
    assert_eq!(empty, BccDestinations::default());
}
