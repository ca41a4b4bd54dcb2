//! Relay hosts: recordings played back, and the fake.

use mailcow_api::{
    DomainChange, DomainName, FakeMailcow, MailboxAddress, MailboxChange, Mib, NewDomain, NewMailbox,
    NewRelayhost, RelayhostChange, RelayhostId,
};
use serde_json::json;

use crate::tape::{Tape, outcome};

fn id(number: u32) -> RelayhostId {
    number.to_string().parse().unwrap()
}

fn new() -> NewRelayhost {
    NewRelayhost::new("[smtp.relay.test]:587").with_login("relay:user", "rel:ay-pass".into())
}

fn agents() -> DomainName {
    "agents.example.com".parse().unwrap()
}

fn agent() -> MailboxAddress {
    "agent-0001@agents.example.com".parse().unwrap()
}

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("relayhosts/all.json");
    assert_eq!(outcome(tape.play(0).add_relayhost(&new()).await), "ok");
    assert_eq!(outcome(tape.unsent(1).add_relayhost(&NewRelayhost::new("")).await), "invalid input");
    let all = tape.play(2).relayhosts().await.unwrap();
    assert_eq!(all.len(), 2);
    let one = tape.play(3).get_relayhost(id(1)).await.unwrap().unwrap();
    assert_eq!((one.hostname.as_str(), one.username.as_str()), ("[smtp.relay.test]:587", "relay:user"));
    assert!(one.active && one.used_by_domains.is_empty() && all[0] == one);
    assert!(!format!("{all:?}").contains("ay-pass"), "the password is not kept");
    let by_domain = DomainChange::new().with_relayhost(Some(id(1)));
    assert_eq!(outcome(tape.play(4).edit_domain(&agents(), &by_domain).await), "ok");
    let by_mailbox = MailboxChange::new().with_relayhost(Some(id(1)));
    assert_eq!(outcome(tape.play(5).edit_mailbox(&agent(), &by_mailbox).await), "ok");
    let used = tape.play(6).get_relayhost(id(1)).await.unwrap().unwrap();
    assert_eq!(used.used_by_domains, ["agents.example.com"]);
    assert_eq!(used.used_by_mailboxes, ["agent-0001@agents.example.com"]);
    let domain = tape.play(7).get_domain(&agents()).await.unwrap().unwrap();
    assert_eq!(domain.relayhost, Some(id(1)));
    let off = RelayhostChange::new().with_active(false);
    let said = outcome(tape.play(8).edit_relayhost(id(999), &off).await);
    assert_eq!(said, "refused: relayhost_invalid (999)");
    let unknown = DomainChange::new().with_relayhost(Some(id(999)));
    assert_eq!(outcome(tape.play(9).edit_domain(&agents(), &unknown).await), "ok");
}

#[tokio::test]
async fn none_is_sent_as_nought() {
    let tape = Tape::load("relayhosts/all.json");
    let none = DomainChange::new().with_relayhost(None);
    let client = tape.sending(9, json!({"relayhost": 0}));
    assert_eq!(outcome(client.edit_domain(&agents(), &none).await), "ok");
    (0..9).for_each(|at| tape.impossible(at, "played in the other test"));
}

#[tokio::test]
async fn the_fake_assigns_relay_hosts_and_releases_them() {
    let client = FakeMailcow::new().client();
    client.add_domain(&NewDomain::new(agents())).await.unwrap();
    client.add_mailbox(&NewMailbox::new(agent(), "Fake-Passw0rd-1".into(), Mib::new(64))).await.unwrap();
    client.add_relayhost(&new()).await.unwrap();
    client.add_relayhost(&new()).await.unwrap();
    let all = client.relayhosts().await.unwrap();
    assert_eq!((all.len(), all[0].username.as_str()), (2, "relay:user"));
    let relay = all[0].id;
    client.edit_domain(&agents(), &DomainChange::new().with_relayhost(Some(relay))).await.unwrap();
    client.edit_mailbox(&agent(), &MailboxChange::new().with_relayhost(Some(relay))).await.unwrap();
    let shown = client.get_relayhost(relay).await.unwrap().unwrap();
    assert_eq!((shown.used_by_domains.len(), shown.used_by_mailboxes.len()), (1, 1));
    let mailbox = client.get_mailbox(&agent()).await.unwrap().unwrap();
    assert_eq!(mailbox.settings.relayhost, Some(relay));
    client.edit_relayhost(relay, &RelayhostChange::new().with_active(false)).await.unwrap();
    assert!(!client.get_relayhost(relay).await.unwrap().unwrap().active);
    client.delete_relayhosts(&[relay, id(99)]).await.unwrap();
    assert_eq!(client.get_domain(&agents()).await.unwrap().unwrap().relayhost, None);
    assert_eq!(client.get_relayhost(relay).await.unwrap(), None);
}
