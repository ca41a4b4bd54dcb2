//! Aliases: recordings played back, and the fake.

use mailcow_api::{
    Alias, AliasAddress, AliasChange, AliasId, AliasTarget, Error, FakeMailcow, MailboxAddress, Mib,
    NewAlias, NewAliasDomain, NewDomain, NewMailbox,
};
use serde_json::json;

use crate::{
    replay,
    tape::{Tape, outcome},
};

fn at(text: &str) -> AliasAddress {
    text.parse().unwrap()
}

fn mailbox(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn id(number: u32) -> AliasId {
    number.to_string().parse().unwrap()
}

fn to(target: &str) -> AliasTarget {
    AliasTarget::Addresses(target.split(',').map(mailbox).collect())
}

fn new(address: &str) -> NewAlias {
    NewAlias::new(at(address), to("agent-0001@agents.example.com"))
        .with_webmail_visible(false)
        .with_sender_allowed(false)
}

#[tokio::test]
async fn creates_are_judged() {
    let tape = Tape::load("aliases/add.json");
    // What the recorded calls leave to the server is always sent.
    let always = json!({"sogo_visible": 0, "sender_allowed": 0});
    for (exchange, new, expected) in [
        (0, new("info@agents.example.com"), "ok"),
        (1, new("info@agents.example.com"), "refused: is_alias_or_mailbox (info@agents.example.com)"),
        (4, new("@agents.example.com"), "ok"),
        (5, new("@agents.example.com"), "refused: is_alias_or_mailbox (@agents.example.com)"),
        (9, new("x@nope.example.com"), "refused: domain_not_found (nope.example.com)"),
        (15, new("c@agents.example.com").with_active(false), "ok"),
    ] {
        let mut fields = always.clone();
        fields["active"] = json!(i32::from(exchange != 15));
        assert_eq!(outcome(tape.sending(exchange, fields).add_alias(&new).await), expected);
    }
    let taken = NewAlias::new(at("agent-0001@agents.example.com"), to("agent-0003@agents.example.com"))
        .with_webmail_visible(false)
        .with_sender_allowed(false);
    let said = outcome(tape.sending(2, always.clone()).add_alias(&taken).await);
    assert_eq!(said, "refused: is_alias_or_mailbox (agent-0001@agents.example.com)");
    for (exchange, address, target) in [
        (6, "spam@agents.example.com", AliasTarget::LearnSpam),
        (7, "ham@agents.example.com", AliasTarget::LearnHam),
        (8, "ext@agents.example.com", to("someone@partner.test")),
    ] {
        let new = NewAlias::new(at(address), target).with_webmail_visible(false).with_sender_allowed(false);
        assert_eq!(outcome(tape.sending(exchange, always.clone()).add_alias(&new).await), "ok");
    }
    // The server keeps upper case, this client sends none.
    let mut lower = always;
    lower["address"] = json!("mixed.case@agents.example.com");
    let mixed = new("Mixed.Case@agents.example.com");
    assert_eq!(outcome(tape.sending(17, lower).add_alias(&mixed).await), "ok");

    for bad in ["bad address@agents.example.com", "", "a@agents.example.com,b@agents.example.com"] {
        assert!(bad.parse::<AliasAddress>().is_err(), "{bad:?} was accepted");
    }
    tape.impossible(3, "one alias is created per call, so that each has its own outcome");
    tape.impossible(10, "an address with a blank is none");
    assert!("not-an-address".parse::<MailboxAddress>().is_err());
    tape.impossible(11, "what is no address cannot be a target");
    let nowhere = NewAlias::new(at("y@agents.example.com"), AliasTarget::Addresses(vec![]));
    assert_eq!(outcome(tape.unsent(12).add_alias(&nowhere).await), "invalid input");
    tape.impossible(13, "an empty address is none");
    let own = new("agent-0001@agents.example.com");
    assert_eq!(outcome(tape.unsent(14).add_alias(&own).await), "invalid input");
    let long = new("long@agents.example.com").with_public_comment(&"x".repeat(161));
    assert_eq!(outcome(tape.unsent(16).add_alias(&long).await), "invalid input");
    tape.impossible(18, "lists are sent as text");
}

#[tokio::test]
async fn an_alias_is_read_by_id_by_address_and_in_lists() {
    let tape = Tape::load("aliases/get.json");
    let domain = "agents.example.com".parse().unwrap();
    let all = tape.play(0).aliases().await.unwrap();
    assert_eq!(tape.play(1).aliases_of(&domain).await.unwrap(), all);
    assert_eq!(all[0].address, "agent-0002@agents.example.com");
    assert!(all[0].private_comment.starts_with("Mailbox was renamed") && all[0].public_comment.is_empty());
    let info = tape.play(2).get_alias_by_id(id(22)).await.unwrap().unwrap();
    assert_eq!(
        (info.id, info.targets.as_slice()),
        (id(22), &["agent-0001@agents.example.com".to_owned()][..])
    );
    assert!(
        info.active && !info.catch_all && !info.webmail_visible && !info.sender_allowed && !info.internal
    );
    assert_eq!(tape.play(3).get_alias(&at("info@agents.example.com")).await.unwrap(), Some(info.clone()));
    assert!(all.contains(&info));
    let everything = tape.play(4).get_alias_by_id(id(25)).await.unwrap().unwrap();
    assert!(everything.catch_all && everything.address == "@agents.example.com");
    let inactive = tape.play(5).get_alias_by_id(id(31)).await.unwrap().unwrap();
    assert!(!inactive.active);
}

#[tokio::test]
async fn the_alias_that_a_mailbox_has_for_itself_is_not_shown() {
    let tape = Tape::load("aliases/of-mailbox.json");
    assert_eq!(tape.play(0).get_alias(&at("same0@race.example.com")).await.unwrap(), None);
    let all = tape.play(1).aliases_of(&"race.example.com".parse().unwrap()).await.unwrap();
    assert!(!all.is_empty() && all.iter().all(|alias| alias.address != "same0@race.example.com"));
}

#[tokio::test]
async fn an_alias_in_an_alias_domain_names_the_primary_one() {
    let tape = Tape::load("aliases/in-alias-domain.json");
    let team = tape.play(0).get_alias(&at("team@al.example.com")).await.unwrap().unwrap();
    assert_eq!(
        (team.domain.as_str(), team.primary_domain.as_str()),
        ("al.example.com", "agents.example.com")
    );
    let list = tape.play(1).aliases_of(&"al.example.com".parse().unwrap()).await.unwrap();
    assert_eq!(list, [team]);
}

#[tokio::test]
async fn edits_are_judged_and_one_that_changes_nothing_is_no_success() {
    let tape = Tape::load("aliases/edit.json");
    let change = AliasChange::new()
        .with_target(to("agent-0001@agents.example.com,agent-0003@agents.example.com"))
        .with_active(true)
        .with_private_comment("edited")
        .with_sender_allowed(false);
    assert_eq!(outcome(tape.play(0).edit_alias(id(22), &change).await), "ok");
    let comment = AliasChange::new().with_public_comment("by address");
    let by_id = tape.altered(1, |exchange| exchange.body["items"] = json!([22]));
    assert_eq!(outcome(by_id.edit_alias(id(22), &comment).await), "ok");
    let taken = AliasChange::new().with_address(at("a@agents.example.com"));
    let said = outcome(tape.play(2).edit_alias(id(22), &taken).await);
    assert_eq!(said, "refused: is_alias_or_mailbox (a@agents.example.com)");
    let discard = AliasChange::new().with_target(AliasTarget::Discard);
    assert_eq!(outcome(tape.play(3).edit_alias(id(22), &discard).await), "ok");
    let off = AliasChange::new().with_active(false);
    let result = tape.play(4).edit_aliases(&[id(22), id(999_999)], &off).await;
    let Err(Error::PartlyDone { items, .. }) = result else { panic!("{result:?}") };
    assert_eq!(
        (items.done.len(), items.unknown.as_slice()),
        (0, &["22".to_owned(), "999999".to_owned()][..])
    );
    let codes: Vec<_> = items.problems.iter().map(mailcow_api::Problem::code).collect();
    assert_eq!(codes, ["goto_invalid", "alias_invalid"]);
    assert_eq!(outcome(tape.play(5).edit_alias(id(999_999), &off).await), "refused: alias_invalid ()");
    let nothing = AliasChange::new();
    assert_eq!(outcome(replay::client([]).edit_alias(id(22), &nothing).await), "invalid input");
}

#[tokio::test]
async fn deletes_are_judged_per_item() {
    let tape = Tape::load("aliases/delete.json");
    assert_eq!(outcome(tape.play(0).delete_aliases(&[id(23), id(24)]).await), "ok");
    assert_eq!(outcome(tape.play(1).delete_alias(id(999_999)).await), "refused: access_denied");
    let by_id = tape.with_body(2, json!([26]));
    assert_eq!(outcome(by_id.delete_alias(id(26)).await), "ok");
    let said = outcome(tape.play(3).delete_aliases(&[id(27), id(999_999), id(28)]).await);
    // The answer names addresses, not ids: nobody can tell which two of the three.
    assert_eq!(said, r#"done [], unknown ["27", "999999", "28"], problem: access_denied"#);
}

async fn fleet() -> (FakeMailcow, mailcow_api::Client) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    client
        .add_domain(&NewDomain::new("agents.example.com".parse().unwrap()).with_max_aliases(3))
        .await
        .unwrap();
    for name in ["hub@agents.example.com", "one@agents.example.com"] {
        let new = NewMailbox::new(mailbox(name), "Fake-Passw0rd-1".into(), Mib::new(64));
        client.add_mailbox(&new).await.unwrap();
    }
    (mailcow, client)
}

async fn found(client: &mailcow_api::Client, address: &str) -> Option<Alias> {
    client.get_alias(&at(address)).await.unwrap()
}

#[tokio::test]
async fn the_fake_keeps_aliases_as_the_server_does() {
    let (_, client) = fleet().await;
    let hub = mailbox("hub@agents.example.com");
    client.add_alias(&NewAlias::new(at("@agents.example.com"), hub.clone())).await.unwrap();
    let shared =
        NewAlias::new(at("team@agents.example.com"), to("hub@agents.example.com,one@agents.example.com"));
    client.add_alias(&shared).await.unwrap();
    let said = outcome(client.add_alias(&shared).await);
    assert_eq!(said, "refused: is_alias_or_mailbox (team@agents.example.com)");
    let said =
        outcome(client.add_alias(&NewAlias::new(at("hub@agents.example.com"), to("x@y.example"))).await);
    assert_eq!(said, "refused: is_alias_or_mailbox (hub@agents.example.com)");
    let blocked = NewMailbox::new(mailbox("team@agents.example.com"), "Fake-Passw0rd-1".into(), Mib::new(1));
    assert_eq!(outcome(client.add_mailbox(&blocked).await), "refused: is_alias (team@agents.example.com)");

    let team = found(&client, "team@agents.example.com").await.unwrap();
    client.edit_alias(team.id, &AliasChange::new().with_target(AliasTarget::Discard)).await.unwrap();
    assert_eq!(found(&client, "team@agents.example.com").await.unwrap().targets, ["null@localhost"]);
    let said = outcome(client.edit_alias(team.id, &AliasChange::new().with_active(false)).await);
    assert_eq!(said, "partial: goto_invalid (null@localhost)");
    assert!(found(&client, "team@agents.example.com").await.unwrap().active);

    let both = to("hub@agents.example.com,one@agents.example.com");
    client.edit_alias(team.id, &AliasChange::new().with_target(both)).await.unwrap();
    client.delete_mailbox(&hub).await.unwrap();
    assert_eq!(found(&client, "team@agents.example.com").await.unwrap().targets, ["one@agents.example.com"]);
    assert_eq!(found(&client, "@agents.example.com").await, None);

    assert_eq!(client.aliases().await.unwrap().len(), 1);
    let domain = "agents.example.com".parse().unwrap();
    let shown = client.get_domain(&domain).await.unwrap().unwrap();
    assert_eq!((shown.aliases, shown.aliases_left), (1, 2));
    client.delete_alias(team.id).await.unwrap();
    assert_eq!(outcome(client.delete_alias(team.id).await), "refused: access_denied");
}

#[tokio::test]
async fn the_fake_knows_alias_domains() {
    let (_, client) = fleet().await;
    let (name, target) = ("al.example.com".parse().unwrap(), "agents.example.com".parse().unwrap());
    let new = NewAliasDomain::new("al.example.com".parse().unwrap(), "agents.example.com".parse().unwrap());
    client.add_alias_domain(&new).await.unwrap();
    assert_eq!(
        outcome(client.add_alias_domain(&new).await),
        "refused: alias_domain_invalid (al.example.com)"
    );
    assert_eq!(client.get_domain(&name).await.unwrap(), None);
    let shown = client.get_alias_domain(&name).await.unwrap().unwrap();
    assert_eq!((shown.target.as_str(), shown.active), ("agents.example.com", true));
    client
        .add_alias(&NewAlias::new(at("x@al.example.com"), mailbox("hub@agents.example.com")))
        .await
        .unwrap();
    assert_eq!(client.aliases_of(&name).await.unwrap()[0].primary_domain, "agents.example.com");
    assert_eq!(client.aliases_of(&target).await.unwrap(), []);
    client.delete_alias_domain(&name).await.unwrap();
    assert_eq!(client.alias_domains().await.unwrap(), []);
    assert_eq!(client.aliases().await.unwrap(), []);
}
