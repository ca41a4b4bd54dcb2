//! All that was recorded about DKIM keys, app passwords and sending limits, and what of empty lists and missing
//! objects belongs to mail domains and mailboxes, played back.

use mailcow_api::{
    AppPasswordChange, AppPasswordId, Dkim, DkimKeySpec, DomainName, MailboxAddress, NewAppPassword,
    Protocol, RateFrame, RateLimit,
};
use serde_json::json;

use crate::{
    replay,
    tape::{Tape, outcome},
};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn agent() -> MailboxAddress {
    "agent-0001@agents.example.com".parse().unwrap()
}

fn nobody() -> MailboxAddress {
    "nope@agents.example.com".parse().unwrap()
}

fn spec(selector: &str, bits: u16) -> DkimKeySpec {
    DkimKeySpec::new(selector).unwrap().with_bits(bits).unwrap()
}

async fn key(tape: &Tape, at: usize, domain: &str) -> Dkim {
    tape.play(at).get_dkim(&name(domain)).await.unwrap().unwrap()
}

#[tokio::test]
async fn dkim_keys() {
    let tape = Tape::load("dkim/all.json");
    let (agents, tags) = (name("agents.example.com"), name("tags.example.com"));
    let source = key(&tape, 0, "agents.example.com").await;
    let said = outcome(tape.play(1).add_dkim(&agents, &spec("dkim", 2048)).await);
    assert_eq!(said, "refused: dkim_domain_or_sel_invalid (agents.example.com)");
    assert_eq!(outcome(tape.play(2).add_dkim(&name("example.net"), &spec("s1", 1024)).await), "ok");
    assert_eq!(key(&tape, 3, "example.net").await.bits, 1024);
    tape.impossible(4, "one key is made per call, in turn");
    let said = outcome(tape.play(5).add_dkim(&name("nope.example.com"), &spec("dkim", 2048)).await);
    assert_eq!(said, "refused: access_denied (nope.example.com)");
    assert!(DkimKeySpec::new("bad selector").is_err());
    tape.impossible(6, "a selector with a blank is none");
    assert!(DkimKeySpec::new("dkim").unwrap().with_bits(123).is_err());
    tape.impossible(7, "a key has 1024 bits and more");
    let two = [tags.clone(), name("tags26.example.com")];
    assert_eq!(outcome(tape.play(8).duplicate_dkim(&agents, &two).await), "ok");
    let in_a_list = tape.sending(9, json!({"to_domain": ["tags.example.com"]}));
    assert_eq!(outcome(in_a_list.duplicate_dkim(&agents, &two[..1]).await), "ok");
    let said =
        outcome(tape.play(10).duplicate_dkim(&name("nope2.example.com"), &[name("x.example.com")]).await);
    assert_eq!(said, "refused: dkim_domain_or_sel_invalid (nope2.example.com)");
    assert_eq!(key(&tape, 11, "tags.example.com").await.public_key, source.public_key);
    assert_eq!(outcome(tape.play(12).delete_dkim_keys(&two).await), "ok");
    assert_eq!(outcome(tape.play(13).delete_dkim(&tags).await), "ok");
    tape.impossible(14, "what is no domain name cannot be sent");
    let pem = "-----BEGIN PRIVATE KEY-----REDACTED-----END PRIVATE KEY-----".into();
    let said = outcome(tape.play(15).import_dkim(&tags, "imp", &pem, false).await);
    assert_eq!(said, "refused: dkim_domain_or_sel_exists (tags.example.com)");
    let said = outcome(tape.play(16).import_dkim(&tags, "imp", &"garbage".into(), true).await);
    assert!(said.starts_with("refused: private_key_error"), "{said}");
    let client = replay::client([]);
    assert_eq!(outcome(client.import_dkim(&tags, "bad selector", &pem, true).await), "invalid input");
    assert_eq!(outcome(client.import_dkim(&tags, "imp", &"".into(), true).await), "invalid input");
    assert_eq!(outcome(client.duplicate_dkim(&agents, &[]).await), "invalid input");
}

#[tokio::test]
async fn sizes_are_shown_as_guessed_by_the_server() {
    let tape = Tape::load("dkim/key-sizes.json");
    let race = "race.example.com";
    tape.impossible(0, "a key of 512 bits is too weak to be made");
    for (at, bits) in [(2, 1024), (4, 1536), (6, 2048), (8, 3072), (9, 4096)] {
        assert_eq!(outcome(tape.play(at).add_dkim(&name(race), &spec("dkim", bits)).await), "ok");
    }
    for (at, shown) in [(1, 1024), (3, 1024), (5, 1024), (7, 2048), (10, 4096)] {
        let key = key(&tape, at, race).await;
        assert_eq!(key.bits, shown, "exchange {at}");
        assert!(key.txt.ends_with(&key.public_key));
    }
}

#[tokio::test]
async fn sending_limits() {
    let tape = Tape::load("rate_limits/all.json");
    let limit = |value: u32, frame| RateLimit::new(value.try_into().unwrap(), frame);
    let hourly = limit(10, RateFrame::Hour);
    assert_eq!(outcome(tape.play(0).set_mailbox_rate_limit(&agent(), &hourly).await), "ok");
    let twenty = limit(20, RateFrame::Minute);
    assert_eq!(outcome(tape.play(1).set_mailbox_rate_limit(&agent(), &twenty).await), "ok");
    assert_eq!(tape.play(2).mailbox_rate_limit(&agent()).await.unwrap(), Some(twenty));
    let weekly = limit(10, RateFrame::Other("w".to_owned()));
    let said = outcome(tape.play(3).set_mailbox_rate_limit(&agent(), &weekly).await);
    assert_eq!(said, "refused: rl_timeframe");
    let said = outcome(tape.play(4).set_mailbox_rate_limit(&nobody(), &hourly).await);
    assert_eq!(said, "refused: access_denied");
    let two = [agent(), "agent-0003@agents.example.com".parse().unwrap()];
    let daily = limit(7, RateFrame::Day);
    assert_eq!(outcome(tape.play(5).set_mailbox_rate_limits(&two, Some(&daily)).await), "ok");
    let all = tape.play(6).mailbox_rate_limits().await.unwrap();
    assert_eq!((all.len(), all[0].mailbox.as_str(), &all[0].limit), (4, agent().as_str(), &daily));
    assert_eq!(outcome(tape.play(7).remove_mailbox_rate_limit(&agent()).await), "ok");
    assert_eq!(tape.play(8).mailbox_rate_limit(&agent()).await.unwrap(), None);
    tape.impossible(9, "a frame is always sent");
    let (agents, fast) = (name("agents.example.com"), limit(100, RateFrame::Second));
    assert_eq!(outcome(tape.play(10).set_domain_rate_limit(&agents, &fast).await), "ok");
    assert_eq!(tape.play(11).domain_rate_limit(&agents).await.unwrap(), Some(fast.clone()));
    let renamed = "agent-0002b@agents.example.com".parse().unwrap();
    let mailbox = tape.play(12).get_mailbox(&renamed).await.unwrap().unwrap();
    assert!(mailbox.rate_limit == Some(fast.clone()) && !mailbox.rate_limit_is_own);
    let said = outcome(tape.play(13).set_domain_rate_limit(&name("nope.example.com"), &fast).await);
    assert_eq!(said, "refused: access_denied");
    assert_eq!(outcome(tape.play(14).reset_rate_limit("RLabcdefgh").await), "unknown");
}

#[tokio::test]
async fn a_bucket_that_was_emptied_is_confirmed_by_a_bare_one() {
    let mut exchange = replay::load("rate_limits/all.json").swap_remove(14);
    exchange.response.body = b"1".to_vec();
    assert_eq!(outcome(replay::client([exchange]).reset_rate_limit("RLabcdefgh").await), "ok");
    assert_eq!(outcome(replay::client([]).reset_rate_limit("a b").await), "invalid input");
}

#[tokio::test]
async fn app_passwords() {
    let tape = Tape::load("app_passwords/all.json");
    let both = [Protocol::Imap, Protocol::Smtp];
    let id = |number: u32| number.to_string().parse::<AppPasswordId>().unwrap();
    let new = |address, name, password: &str| NewAppPassword::new(address, name, password.into(), both);
    let runtime = new(agent(), "agent <runtime>", "App-Passw0rd-1");
    assert_eq!(outcome(tape.play(0).add_app_password(&runtime).await), "ok");
    assert_eq!(outcome(tape.play(1).add_app_password(&runtime).await), "ok");
    let nameless = new(agent(), "", "App-Passw0rd-1");
    assert_eq!(outcome(tape.unsent(2).add_app_password(&nameless).await), "invalid input");
    let weak = new(agent(), "agent <runtime>", "abc");
    assert_eq!(outcome(tape.play(3).add_app_password(&weak).await), "refused: password_complexity");
    let unknown = new(nobody(), "agent <runtime>", "App-Passw0rd-1");
    assert_eq!(outcome(tape.play(4).add_app_password(&unknown).await), "refused: access_denied");
    let useless = NewAppPassword::new(agent(), "agent <runtime>", "App-Passw0rd-1".into(), []);
    assert_eq!(outcome(tape.unsent(5).add_app_password(&useless).await), "invalid input");
    tape.impossible(7, "the route fails for every id, the list is read instead");
    for at in [6, 8, 10] {
        let list = tape.play(at).app_passwords(&agent()).await.unwrap();
        assert!(list.len() == 3 && list.iter().all(|app| app.name == "agent <runtime>"), "exchange {at}");
        assert_eq!(list[0].protocols.len(), if at == 10 { 1 } else { 2 }, "exchange {at}");
    }
    let change = AppPasswordChange::new().with_active(true);
    let imap = change.clone().with_protocols([Protocol::Imap]);
    assert_eq!(outcome(tape.play(9).edit_app_password(&agent(), id(1), &imap).await), "ok");
    let more = change
        .clone()
        .with_protocols([Protocol::Imap, Protocol::Smtp, Protocol::Sieve])
        .with_password("App-Passw0rd-2".into());
    assert_eq!(outcome(tape.play(11).edit_app_password(&agent(), id(2), &more).await), "ok");
    let unknown = tape.sending(12, json!({"username": agent().as_str()}));
    let said = outcome(unknown.edit_app_password(&agent(), id(99_999), &change).await);
    assert_eq!(said, "refused: app_passwd_id_invalid (99999)");
    let said = outcome(tape.play(13).delete_app_passwords(&[id(3), id(99_999)]).await);
    assert_eq!(said, r#"done ["3"], unknown ["99999"], problem: app_passwd_id_invalid"#);
    tape.impossible(14, "the route lists the app passwords of a user of the name API, which none is");
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let at = |at| replay::one("server/get-nonexistent.json", at, &[]);
    let nope = name("nope.example.com");
    let nobody = "nope@nope.example.com".parse().unwrap();
    assert_eq!(at(4).get_alias_by_id("999999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(at(6).get_alias_domain(&nope).await.unwrap(), None);
    assert_eq!(at(7).get_relayhost("999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(at(8).get_transport("999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(at(9).get_bcc_map("999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(at(14).get_forwarding_host("192.0.2.99").await.unwrap(), None);
    assert_eq!(at(17).mailbox_rate_limit(&nobody).await.unwrap(), None);
    assert_eq!(at(18).domain_rate_limit(&nope).await.unwrap(), None);
    assert_eq!(at(21).temporary_aliases(&nobody).await.unwrap(), []);
    assert_eq!(at(23).get_resource(&nobody).await.unwrap(), None);
    assert_eq!(at(24).spam_score(&nobody).await.unwrap(), None);
    assert_eq!(at(27).get_domain_template("999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(at(28).get_mailbox_template("999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(at(29).mailboxes_of(std::slice::from_ref(&nope)).await.unwrap(), []);
    assert_eq!(at(30).aliases_of(&nope).await.unwrap(), []);
}

#[tokio::test]
async fn empty_lists_are_empty() {
    let at = |at| replay::one("server/get-empty-collections.json", at, &[]);
    assert_eq!(at(0).domains().await.unwrap(), []);
    assert_eq!(at(1).mailboxes_reduced().await.unwrap(), []);
    assert_eq!(at(2).aliases().await.unwrap(), []);
    assert_eq!(at(3).alias_domains().await.unwrap(), []);
    assert_eq!(at(4).resources().await.unwrap(), []);
    assert_eq!(at(5).relayhosts().await.unwrap(), []);
    assert_eq!(at(6).transports().await.unwrap(), []);
    assert_eq!(at(7).bcc_maps().await.unwrap(), []);
    assert_eq!(at(8).recipient_maps().await.unwrap(), []);
    assert_eq!(at(9).tls_policy_maps().await.unwrap(), []);
    assert_eq!(at(13).forwarding_hosts().await.unwrap(), []);
    assert_eq!(at(17).mailbox_rate_limits().await.unwrap(), []);
    assert_eq!(at(18).domain_rate_limits().await.unwrap(), []);
    let agent = "agent@example.org".parse().unwrap();
    assert_eq!(at(20).app_passwords(&agent).await.unwrap(), []);
    assert_eq!(at(29).last_logins(&agent, None).await.unwrap(), mailcow_api::LastLogins::default());
    assert_eq!(at(31).mailbox_templates().await.unwrap().len(), 1);
    assert_eq!(at(32).active_user_sieve(&agent).await.unwrap(), None);
}

#[tokio::test]
async fn the_sieve_script_that_a_mailbox_set_active_is_read() {
    let mut exchange = replay::load("server/get-empty-collections.json").swap_remove(32);
    let script = "if header :contains \"subject\" \"x\" { fileinto \"X\"; }\n";
    exchange.response.body = json!([script]).to_string().into_bytes();
    let agent = "agent@example.org".parse().unwrap();
    assert_eq!(replay::client([exchange]).active_user_sieve(&agent).await.unwrap().as_deref(), Some(script));
}
