//! A hub, set up as recorded: a catch-all mailbox that may send as every address of its domain.

use mailcow_api::{
    AliasAddress, DkimKeySpec, DomainName, MailboxAddress, MailboxChange, Mib, NewAlias, NewDomain,
    NewMailbox,
};
use serde_json::json;

use crate::tape::{Tape, outcome};

#[tokio::test]
async fn a_hub_is_set_up() {
    let tape = Tape::load("filters/hub-setup.json");
    for at in [4, 5] {
        tape.impossible(at, "the filing filter is replayed with the filters");
    }
    let domain: DomainName = "hub2.example.com".parse().unwrap();
    let hub: MailboxAddress = "hub@hub2.example.com".parse().unwrap();

    let new = NewDomain::new(domain.clone())
        .with_description("agents on a hub")
        .with_max_aliases(50)
        .with_max_mailboxes(50)
        .with_quotas(Mib::new(100), Mib::new(1000), Mib::new(10_000))
        .with_dkim(DkimKeySpec::new("dkim").unwrap());
    assert_eq!(outcome(tape.play(0).add_domain(&new).await), "ok");

    let mailbox = NewMailbox::new(hub.clone(), "Fake-Passw0rd-123".into(), Mib::new(1000)).with_name("Hub");
    let always = json!({"authsource": "mailcow", "force_pw_update": 0});
    assert_eq!(outcome(tape.sending(1, always).add_mailbox(&mailbox).await), "ok");

    let all = AliasAddress::catch_all(&domain);
    let alias = NewAlias::new(all.clone(), hub.clone()).with_webmail_visible(false).with_sender_allowed(true);
    assert_eq!(outcome(tape.play(2).add_alias(&alias).await), "ok");
    let senders = MailboxChange::new().with_senders([all.clone()]);
    assert_eq!(outcome(tape.play(3).edit_mailbox(&hub, &senders).await), "ok");

    let found = tape.play(6).get_mailbox(&hub).await.unwrap().unwrap();
    assert_eq!(found.senders, ["@hub2.example.com"]);
    let found = tape.play(7).get_alias(&all).await.unwrap().unwrap();
    assert!(found.catch_all && found.sender_allowed && !found.webmail_visible);
    let key = tape.play(8).get_dkim(&domain).await.unwrap().unwrap();
    assert_eq!((key.selector.as_str(), key.bits), ("dkim", 2048));
}
