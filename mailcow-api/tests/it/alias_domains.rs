//! Alias domains, played back from recordings.

use mailcow_api::{
    AliasDomainChange, DkimKeySpec, DomainName, Mib, NewAliasDomain, NewDomain, RateFrame, RateLimit,
};
use serde_json::json;

use crate::tape::{Tape, outcome};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn new(text: &str, target: &str) -> NewAliasDomain {
    NewAliasDomain::new(name(text), name(target))
}

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("alias_domains/all.json");
    let agents = "agents.example.com";
    let full = new("alias.example.com", agents)
        .with_rate_limit(RateLimit::new(5.try_into().unwrap(), RateFrame::Hour))
        .with_dkim(DkimKeySpec::new("dkim").unwrap().with_bits(1024).unwrap());
    assert_eq!(outcome(tape.play(0).add_alias_domain(&full).await), "ok");
    let said = outcome(tape.play(1).add_alias_domain(&new("alias.example.com", agents)).await);
    assert_eq!(said, "refused: alias_domain_invalid (alias.example.com)");
    let lost = new("x.example.com", "nope.example.com");
    assert_eq!(outcome(tape.play(2).add_alias_domain(&lost).await), "refused: access_denied");
    assert_eq!(outcome(tape.unsent(3).add_alias_domain(&new(agents, agents)).await), "invalid input");
    assert!("not a domain!".parse::<DomainName>().is_err());
    tape.impossible(4, "what is no domain name cannot be sent");
    tape.impossible(5, "one alias domain is created per call, so that each has its own outcome");

    let all = tape.play(6).alias_domains().await.unwrap();
    let one = tape.play(7).get_alias_domain(&name("alias.example.com")).await.unwrap().unwrap();
    assert!(all.len() == 5 && all.contains(&one));
    assert_eq!((one.target.as_str(), one.rate_limit.unwrap().to_string()), (agents, "5/h".to_owned()));
    assert_eq!(all[2].rate_limit, None);
    assert_eq!(tape.play(8).get_domain(&name("alias.example.com")).await.unwrap(), None);
    let address = "agent-0001@alias.example.com".parse().unwrap();
    assert_eq!(tape.play(9).get_mailbox(&address).await.unwrap(), None);

    let off = AliasDomainChange::new().with_active(false);
    let said = outcome(tape.play(10).edit_alias_domain(&name("nope.example.com"), &off).await);
    assert_eq!(said, "refused: alias_domain_invalid (nope.example.com)");
    let taken = NewDomain::new(name("alias.example.com")).with_max_mailboxes(1).with_quotas(
        Mib::new(10),
        Mib::new(10),
        Mib::new(10),
    );
    let said = outcome(tape.sending(11, json!({"active": 1, "key_size": 0})).add_domain(&taken).await);
    assert_eq!(said, "refused: domain_exists (alias.example.com)");
    let both = [name("m1.example.com"), name("nope.example.com")];
    let said = outcome(tape.play(12).delete_alias_domains(&both).await);
    assert_eq!(said, r#"done ["m1.example.com"], unknown ["nope.example.com"], problem: access_denied"#);
}
