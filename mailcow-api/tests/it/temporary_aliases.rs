//! Temporary aliases, played back from recordings.

use mailcow_api::{MailboxAddress, NewTemporaryAlias};
use serde_json::json;

use crate::tape::{Tape, outcome};

fn mailbox(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn new() -> NewTemporaryAlias {
    NewTemporaryAlias::new(mailbox("agent-0001@agents.example.com"))
}

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("temporary_aliases/all.json");
    let hour = new().with_description("one hour").with_hours(1);
    assert_eq!(outcome(tape.play(0).add_temporary_alias(&hour).await), "ok");
    let permanent = new().with_description("perm").with_no_expiry();
    let client = tape.sending(1, json!({"permanent": 1}));
    assert_eq!(outcome(client.add_temporary_alias(&permanent).await), "ok");
    let elsewhere = new().with_description("x").with_domain("example.net".parse().unwrap());
    assert_eq!(outcome(tape.play(2).add_temporary_alias(&elsewhere).await), "refused: domain_invalid");
    assert_eq!(outcome(tape.unsent(3).add_temporary_alias(&new().with_hours(0)).await), "invalid input");
    assert_eq!(outcome(tape.play(4).add_temporary_alias(&new()).await), "ok");
    let nobody = NewTemporaryAlias::new(mailbox("nope@agents.example.com"));
    assert_eq!(outcome(tape.play(5).add_temporary_alias(&nobody).await), "refused: access_denied");
    let all = tape.play(6).temporary_aliases(&mailbox("agent-0001@agents.example.com")).await.unwrap();
    let shown: Vec<_> = all.iter().map(|alias| (alias.description.as_str(), alias.permanent)).collect();
    assert_eq!(shown, [("", false), ("one hour", false), ("perm", true)]);
    assert_eq!(
        (all[1].address.as_str(), all[1].expires),
        ("bisoyose.gedu@agents.example.com", 1_795_166_875)
    );
    let alias = mailbox("bayuja.neduvi@agents.example.com");
    assert_eq!(outcome(tape.play(7).extend_temporary_alias(&alias, 24).await), "ok");
    let unknown = mailbox("nope.nope@agents.example.com");
    assert_eq!(outcome(tape.play(8).extend_temporary_alias(&unknown, 24).await), "refused: access_denied");
    assert_eq!(outcome(tape.play(9).delete_temporary_alias(&alias).await), "ok");
    assert_eq!(outcome(tape.play(10).delete_temporary_alias(&unknown).await), "refused: access_denied");
}

#[tokio::test]
async fn one_can_be_made_permanent_later() {
    let mut exchange = crate::replay::load("temporary_aliases/all.json").swap_remove(7);
    exchange.body["attr"] = json!({"permanent": 1});
    let alias = mailbox("bayuja.neduvi@agents.example.com");
    let client = crate::replay::client([exchange]);
    assert_eq!(outcome(client.set_temporary_alias_permanent(&alias, true).await), "ok");
    let client = crate::replay::client([]);
    assert_eq!(outcome(client.extend_temporary_alias(&alias, 87_601).await), "invalid input");
}
