//! All that was recorded about domains, played back.

use mailcow_api::{
    Bytes, DkimKeySpec, Domain, DomainChange, DomainFooter, DomainName, DomainTemplateSpec, FakeMailcow,
    MailboxChange, Mib, NewDomain, RateFrame, RateLimit,
};
use serde_json::{Value, json};

use crate::tape::{Tape, outcome};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn quotas(text: &str, each: u32, max: u32, all: u32) -> NewDomain {
    NewDomain::new(name(text)).with_quotas(Mib::new(each), Mib::new(max), Mib::new(all))
}

fn fleet() -> NewDomain {
    quotas("agents.example.com", 64, 1024, 2_000_000)
        .with_description("Agent fleet")
        .with_max_aliases(400)
        .with_max_mailboxes(20000)
        .with_global_address_list(false)
        .with_rate_limit(RateLimit::new(10.try_into().unwrap(), RateFrame::Hour))
        .with_dkim(DkimKeySpec::new("dkim").unwrap())
        .with_tags(["fleet", "agents"])
}

/// What is always sent and was not recorded.
fn always() -> Value {
    json!({"active": 1, "key_size": 0})
}

async fn read(tape: &Tape, at: usize, text: &str) -> Domain {
    tape.play(at).get_domain(&name(text)).await.unwrap().unwrap()
}

#[tokio::test]
async fn creates() {
    let tape = Tape::load("domains/add.json");
    let left_out = || json!({"backupmx": null, "relay_all_recipients": null, "restart_sogo": null});
    assert_eq!(outcome(tape.sending(0, left_out()).add_domain(&fleet()).await), "ok");
    let said = outcome(tape.sending(1, left_out()).add_domain(&fleet()).await);
    assert_eq!(said, "refused: domain_exists (agents.example.com)");
    assert!("Example.ORG ".parse::<DomainName>().is_err());
    let plain = tape.with_body(2, json!({"domain": "example.org", "active": 1, "key_size": 0}));
    assert_eq!(outcome(plain.add_domain(&NewDomain::new(name("Example.ORG"))).await), "ok");
    let texts = quotas("example.net", 3072, 10240, 10240)
        .with_description("strings as in the docs")
        .with_max_mailboxes(10)
        .with_max_aliases(400);
    let left_out = json!({"rl_value": null, "rl_frame": null, "dkim_selector": null});
    assert_eq!(outcome(tape.sending(3, left_out).add_domain(&texts).await), "ok");
    let own = quotas("mail.example.com", 10, 10, 100).with_max_mailboxes(5);
    let said = outcome(tape.sending(4, always()).add_domain(&own).await);
    assert_eq!(said, "refused: domain_cannot_match_hostname");
    for (at, (each, max, all), code) in [
        (5, (2048, 1024, 10240), "mailbox_defquota_exceeds_mailbox_maxquota"),
        (6, (512, 10240, 1024), "mailbox_quota_exceeds_domain_quota"),
        (7, (0, 10240, 10240), "defquota_empty"),
        (8, (0, 0, 10240), "defquota_empty"),
    ] {
        let new = quotas("q1.example.com", each, max, all);
        assert_eq!(outcome(tape.sending(at, always()).add_domain(&new).await), format!("refused: {code}"));
    }
    assert!("not a domain".parse::<DomainName>().is_err());
    tape.impossible(9, "what is no domain name cannot be sent");
    tape.impossible(10, "a domain has a name");
    let twice = quotas("tags.example.com", 10, 10, 100).with_tags(["same", "same"]);
    assert_eq!(outcome(tape.unsent(11).add_domain(&twice).await), "invalid input");
    assert_eq!(read(&tape, 12, "tags.example.com").await.tags, ["same"]);
    let many = quotas("tags26.example.com", 10, 10, 100).with_tags((0..30).map(|n| format!("t{n:02}")));
    assert_eq!(outcome(tape.unsent(13).add_domain(&many).await), "invalid input");
    assert_eq!(read(&tape, 14, "tags26.example.com").await.tags.len(), 26);
}

#[tokio::test]
async fn reads_and_lists() {
    let tape = Tape::load("domains/get.json");
    let agents = read(&tape, 0, "agents.example.com").await;
    assert_eq!((agents.aliases_left, agents.messages, agents.relayhost), (400, 0, None));
    assert!(agents.admins.is_empty() && !agents.backup_mx && agents.unicode_name == "agents.example.com");
    assert_eq!(read(&tape, 1, "example.org").await.rate_limit, None);
    let lower = tape.with_path(2, "get/domain/agents.example.com");
    assert_eq!(lower.get_domain(&name("AGENTS.EXAMPLE.COM")).await.unwrap(), Some(agents.clone()));
    let all = tape.play(3).domains().await.unwrap();
    assert!(all.len() == 6 && all[0] == agents);
    assert_eq!(tape.play(4).domains_tagged(&["fleet", "nosuch"]).await.unwrap(), [agents]);
    assert_eq!(tape.play(5).domains_tagged(&["nosuch"]).await.unwrap(), []);
    let ascii = "get/domain/xn--bcher-kva.example";
    let books = tape.with_path(6, ascii).get_domain(&name("bücher.example")).await.unwrap().unwrap();
    assert_eq!(
        (books.name.as_str(), books.unicode_name.as_str()),
        ("xn--bcher-kva.example", "bücher.example")
    );
    assert_eq!(read(&tape, 7, "xn--bcher-kva.example").await, books);
    let client = crate::replay::client([]);
    assert_eq!(outcome(client.domains_tagged(&[]).await), "invalid input");
    assert_eq!(outcome(client.domains_tagged(&["a,b"]).await), "invalid input");
}

#[tokio::test]
async fn deletes() {
    let tape = Tape::load("domains/delete.json");
    let said = outcome(tape.play(0).delete_domain(&name("agents.example.com")).await);
    assert_eq!(said, "refused: domain_not_empty (agents.example.com)");
    let both = [name("tpl.example.com"), name("nope.example.com")];
    assert_eq!(outcome(tape.play(1).delete_domains(&both).await), "ok");
    assert_eq!(outcome(tape.play(2).delete_domain(&both[0]).await), "ok");
    tape.impossible(3, "what is no domain name cannot be sent");
}

#[tokio::test]
async fn edits() {
    let tape = Tape::load("domains/edit.json");
    let agents = name("agents.example.com");
    let description = "Agents <b>&</b> \"friends\"";
    let change = DomainChange::new()
        .with_description(description)
        .with_active(true)
        .with_global_address_list(true)
        .with_max_mailboxes(20000);
    assert_eq!(outcome(tape.play(0).edit_domain(&agents, &change).await), "ok");
    let found = read(&tape, 1, "agents.example.com").await;
    assert!(found.description == description && found.global_address_list);
    let hidden = DomainChange::new().with_global_address_list(false);
    let in_a_list = |at| {
        tape.altered(at, |exchange| {
            assert_eq!(exchange.body["items"], "agents.example.com");
            exchange.body["items"] = json!(["agents.example.com"]);
        })
    };
    assert_eq!(outcome(in_a_list(2).edit_domain(&agents, &hidden).await), "ok");
    let large = DomainChange::new().with_default_mailbox_quota(Mib::new(2048));
    let said = outcome(tape.play(3).edit_domain(&agents, &large).await);
    assert_eq!(said, "refused: mailbox_defquota_exceeds_mailbox_maxquota");
    tape.impossible(4, "what is to be kept is left out");
    let there = DomainChange::new().with_added_tags(["fleet"]);
    assert_eq!(outcome(tape.play(5).edit_domain(&agents, &there).await), "unknown");
    let added = DomainChange::new().with_added_tags(["new-tag"]);
    assert_eq!(outcome(tape.play(6).edit_domain(&agents, &added).await), "ok");
    tape.impossible(7, "one domain is edited per call");
    tape.impossible(8, "one domain is edited per call");
    assert_eq!(outcome(tape.unsent(9).edit_domain(&agents, &DomainChange::new()).await), "invalid input");
}

#[tokio::test]
async fn an_overrun_domain_refuses_every_edit() {
    let tape = Tape::load("domains/overrun.json");
    let found = read(&tape, 0, "cap.example.com").await;
    assert_eq!((found.mailboxes_left, found.max_new_mailbox_quota), (-7, Bytes::new(-73_400_320)));
    let c0 = "c0@cap.example.com".parse().unwrap();
    let mailbox = tape.play(1).get_mailbox(&c0).await.unwrap().unwrap();
    assert_eq!(mailbox.max_quota, Bytes::new(-62_914_560));
    let change = DomainChange::new().with_description("x");
    let said = outcome(tape.play(2).edit_domain(&name("cap.example.com"), &change).await);
    assert_eq!(said, "refused: domain_quota_m_in_use (120)");
    let said = outcome(tape.play(3).edit_mailbox(&c0, &MailboxChange::new().with_name("x")).await);
    assert_eq!(said, "refused: mailbox_quota_left_exceeded (-60)");
}

#[tokio::test]
async fn footers() {
    let tape = Tape::load("domains/footer.json");
    let race = name("race.example.com");
    let excluded = ["same0@race.example.com".parse().unwrap()];
    tape.impossible(0, "mbox_exclude, which the server ignores, is never sent");
    let footer = DomainFooter::new("<br>x", "x").with_excluded(excluded).with_skipped_replies(true);
    let in_a_list = tape.altered(1, |exchange| exchange.body["items"] = json!(["race.example.com"]));
    assert_eq!(outcome(in_a_list.set_domain_footer(&race, &footer).await), "ok");
    let unknown = tape.sending(2, json!({"exclude": [], "skip_replies": 0}));
    let said =
        outcome(unknown.set_domain_footer(&name("nope.example.com"), &DomainFooter::new("x", "x")).await);
    assert_eq!(said, "refused: access_denied");
}

#[tokio::test]
async fn tags_are_removed() {
    let tape = Tape::load("domains/tag-delete.json");
    let agents = name("agents.example.com");
    assert_eq!(outcome(tape.play(0).remove_domain_tags(&agents, &["new-tag"]).await), "ok");
    assert_eq!(outcome(tape.play(1).remove_domain_tags(&agents, &["nosuch"]).await), "ok");
    let said = outcome(tape.play(2).remove_domain_tags(&name("nope.example.com"), &["x"]).await);
    assert_eq!(said, "refused: access_denied");
    let client = crate::replay::client([]);
    assert_eq!(outcome(client.remove_domain_tags(&agents, &[]).await), "invalid input");
}

#[tokio::test]
async fn templates() {
    let tape = Tape::load("domains/template.json");
    let three = "3".parse().unwrap();
    let spec = DomainTemplateSpec::new("Fleet")
        .with_max_mailboxes(5000)
        .with_max_aliases(400)
        .with_quotas(Mib::new(64), Mib::new(256), Mib::new(320_000))
        .with_rate_limit(&RateLimit::new(5.try_into().unwrap(), RateFrame::Minute))
        .with_active(true)
        .with_global_address_list(false)
        .with_dkim(&DkimKeySpec::new("s1").unwrap().with_bits(1024).unwrap())
        .with_tags(["tpl"]);
    assert_eq!(outcome(tape.play(0).add_domain_template(&spec).await), "ok");
    let said = outcome(tape.play(1).add_domain_template(&DomainTemplateSpec::new("Fleet")).await);
    assert_eq!(said, "refused: template_exists (Fleet)");
    let all = tape.play(2).domain_templates().await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].attributes.rate_limit_value), ("Default", None));
    let one = tape.play(3).get_domain_template(three).await.unwrap().unwrap();
    assert_eq!(all[1], one);
    let says = &one.attributes;
    assert_eq!((says.max_mailboxes, says.default_mailbox_quota), (5000, Mib::new(64).into()));
    assert_eq!((says.rate_limit_value, says.rate_limit_frame.as_str()), (Some(5), "m"));
    assert_eq!((says.dkim_selector.as_str(), says.dkim_bits, says.tags.len()), ("s1", 1024, 1));
    assert!(says.active && !says.global_address_list && !says.backup_mx);
    let by_template = NewDomain::new(name("tpl.example.com")).with_template(three);
    assert_eq!(outcome(tape.sending(4, json!({"active": 1})).add_domain(&by_template).await), "ok");
    let made = read(&tape, 5, "tpl.example.com").await;
    assert_eq!((made.max_mailboxes, made.tags.as_slice()), (5000, &["tpl".to_owned()][..]));
    let small = DomainTemplateSpec::new("Fleet2").with_max_mailboxes(10).with_quotas(
        Mib::new(10),
        Mib::new(10),
        Mib::new(100),
    );
    assert_eq!(outcome(tape.play(6).replace_domain_template(three, &small).await), "ok");
    let replaced = tape.play(7).get_domain_template(three).await.unwrap().unwrap().attributes;
    assert_eq!((replaced.max_aliases, replaced.max_mailboxes, replaced.rate_limit_value), (0, 10, None));
    for (at, id) in [(8, "3"), (9, "1"), (10, "999")] {
        assert_eq!(outcome(tape.play(at).delete_domain_template(id.parse().unwrap()).await), "ok");
    }
}

#[tokio::test]
async fn the_fake_edits_domains_as_the_server_does() {
    let client = FakeMailcow::new().client();
    let agents = name("agents.example.com");
    client.add_domain(&quotas("agents.example.com", 64, 1024, 2048).with_tags(["fleet"])).await.unwrap();
    let change = DomainChange::new()
        .with_description("Fleet")
        .with_max_aliases(7)
        .with_quota(Mib::new(4096))
        .with_relaying(true, true, false)
        .with_added_tags(["new-tag"]);
    client.edit_domain(&agents, &change).await.unwrap();
    let found = client.get_domain(&agents).await.unwrap().unwrap();
    assert_eq!(
        (found.description.as_str(), found.max_aliases, found.quota),
        ("Fleet", 7, Mib::new(4096).into())
    );
    assert!(found.backup_mx && found.relay_all_recipients && !found.relay_unknown_only);
    assert_eq!(found.tags, ["fleet", "new-tag"]);
    let there = DomainChange::new().with_added_tags(["fleet"]);
    assert_eq!(outcome(client.edit_domain(&agents, &there).await), "unknown");
    let small = DomainChange::new().with_quota(Mib::new(512));
    let said = outcome(client.edit_domain(&agents, &small).await);
    assert_eq!(said, "refused: mailbox_quota_exceeds_domain_quota");
    client.remove_domain_tags(&agents, &["fleet"]).await.unwrap();
    assert_eq!(client.domains_tagged(&["new-tag", "fleet"]).await.unwrap()[0].tags, ["new-tag"]);
    assert_eq!(client.domains_tagged(&["fleet"]).await.unwrap(), []);
    let said = outcome(client.edit_domain(&name("nope.example.com"), &there).await);
    assert_eq!(said, "refused: access_denied");
    let relayed = quotas("agents.example.com", 64, 1024, 4096).with_relaying(false, false, false);
    let ensured = client.ensure_domain(&relayed).await.unwrap();
    assert_eq!(ensured.differs, ["backupmx", "relay_all_recipients"]);
}
