//! Domains: recordings played back, and the ensure procedure on the fake.

use mailcow_api::{
    Bytes, DkimKeySpec, DomainName, Error, FakeMailcow, Fault, How, Mib, NewDomain, ProblemKind, RateFrame,
    RateLimit,
};

use crate::replay;

const NOT_SENT: &[&str] = &["backupmx", "relay_all_recipients", "restart_sogo"];

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn fleet() -> NewDomain {
    NewDomain::new(name("agents.example.com"))
        .with_description("Agent fleet")
        .with_max_aliases(400)
        .with_max_mailboxes(20000)
        .with_quotas(Mib::new(64), Mib::new(1024), Mib::new(2_000_000))
        .with_global_address_list(false)
        .with_rate_limit(RateLimit::new(10.try_into().unwrap(), RateFrame::Hour))
        .with_dkim(DkimKeySpec::new("dkim").unwrap())
        .with_tags(["fleet", "agents"])
}

#[tokio::test]
async fn a_create_is_confirmed_by_its_own_code_among_three() {
    replay::one("domains/add.json", 0, NOT_SENT).add_domain(&fleet()).await.unwrap();
}

#[tokio::test]
async fn a_second_create_is_already_exists() {
    let error = replay::one("domains/add.json", 1, NOT_SENT).add_domain(&fleet()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code(), "domain_exists");
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::AlreadyExists);
    assert!(!error.is_retryable() && !error.outcome_unknown());
}

#[tokio::test]
async fn refusals_have_their_kind() {
    let quotas = |each, max, all| {
        NewDomain::new(name("q1.example.com")).with_quotas(Mib::new(each), Mib::new(max), Mib::new(all))
    };
    for (at, new, code) in [
        (5, quotas(2048, 1024, 10240), "mailbox_defquota_exceeds_mailbox_maxquota"),
        (6, quotas(512, 10240, 1024), "mailbox_quota_exceeds_domain_quota"),
        (7, quotas(0, 10240, 10240), "defquota_empty"),
    ] {
        // These calls were recorded without the two fields that this client always sends.
        let mut exchange = replay::load("domains/add.json").swap_remove(at);
        exchange.body["active"] = 1.into();
        exchange.body["key_size"] = 0.into();
        let error = replay::client([exchange]).add_domain(&new).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert_eq!(error.problem().unwrap().code(), code);
    }
}

#[tokio::test]
async fn an_empty_answer_to_a_create_is_an_unknown_outcome() {
    let mut exchange = replay::load("domains/add.json").swap_remove(0).omitting(NOT_SENT);
    exchange.response.body.clear();
    let error = replay::client([exchange]).add_domain(&fleet()).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }) && error.outcome_unknown());
}

#[tokio::test]
async fn a_domain_is_read_with_sizes_in_bytes() {
    let domain = name("agents.example.com");
    let found = replay::one("domains/get.json", 0, &[]).get_domain(&domain).await.unwrap().unwrap();
    assert_eq!(found.name, "agents.example.com");
    assert_eq!(found.description, "Agent fleet");
    assert_eq!((found.max_mailboxes, found.mailboxes, found.mailboxes_left), (20000, 0, 20000));
    assert_eq!(found.default_mailbox_quota, Mib::new(64).into());
    assert_eq!(found.max_mailbox_quota, Mib::new(1024).into());
    assert_eq!(found.quota, Mib::new(2_000_000).into());
    assert_eq!(found.quota_assigned, Bytes::new(0));
    assert_eq!(found.rate_limit.unwrap().to_string(), "10/h");
    assert!(found.active && !found.global_address_list);
    assert_eq!(found.tags, ["agents", "fleet"]);
}

#[tokio::test]
async fn a_domain_without_limit_and_tags_is_read() {
    let found =
        replay::one("domains/get.json", 1, &[]).get_domain(&name("example.org")).await.unwrap().unwrap();
    assert_eq!((found.rate_limit, found.tags.len()), (None, 0));
}

#[tokio::test]
async fn an_overrun_domain_shows_negative_space() {
    let found = replay::one("domains/overrun.json", 0, &[])
        .get_domain(&name("cap.example.com"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.mailboxes_left, found.max_new_mailbox_quota), (-7, Bytes::new(-73_400_320)));
    assert_eq!(found.quota_assigned, Bytes::new(125_829_120));
}

#[tokio::test]
async fn a_domain_that_is_not_there_is_none() {
    let client = replay::one("server/get-nonexistent.json", 0, &[]);
    assert_eq!(client.get_domain(&name("nope.example.com")).await.unwrap(), None);
}

#[tokio::test]
async fn the_target_of_an_alias_domain_is_not_taken_for_it() {
    let client = replay::one("domains/alias.json", 0, &[]);
    assert_eq!(client.get_domain(&name("alias.example.com")).await.unwrap(), None);
}

#[tokio::test]
async fn deletes_are_judged() {
    let agents = name("agents.example.com");
    let error = replay::one("domains/delete.json", 0, &[]).delete_domain(&agents).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::NotEmpty);
    replay::one("domains/delete.json", 2, &[]).delete_domain(&name("tpl.example.com")).await.unwrap();
}

#[tokio::test]
async fn the_second_ensure_writes_nothing() {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    let first = client.ensure_domain(&fleet()).await.unwrap();
    assert_eq!((first.how, first.differs), (How::Created, vec![]));
    assert_eq!(mailcow.writes(), 1);
    let second = client.ensure_domain(&fleet()).await.unwrap();
    assert_eq!((second.how, second.differs), (How::Existed, vec![]));
    assert_eq!(second.value, first.value);
    assert_eq!(mailcow.writes(), 1);
}

#[tokio::test]
async fn ensure_names_what_differs_and_changes_nothing() {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    client.add_domain(&NewDomain::new(name("agents.example.com")).with_tags(["fleet"])).await.unwrap();
    let ensured = client.ensure_domain(&fleet()).await.unwrap();
    assert_eq!(ensured.how, How::Existed);
    let wanted = ["description", "mailboxes", "defquota", "maxquota", "quota", "gal", "rl_value", "tags"];
    assert_eq!(ensured.differs, wanted);
    assert_eq!(mailcow.writes(), 1);
}

#[tokio::test]
async fn ensure_recovers_from_a_lost_answer() {
    for fault in [Fault::DoneButEmpty, Fault::DoneBut500, Fault::DoneButLost] {
        let mailcow = FakeMailcow::new();
        mailcow.fail_next("add/domain", fault);
        let ensured = mailcow.client().ensure_domain(&fleet()).await.unwrap();
        assert_eq!((ensured.how, ensured.differs), (How::Recovered, vec![]), "{fault:?}");
        assert_eq!(mailcow.writes(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn ensure_reports_a_create_that_was_not_done() {
    let mailcow = FakeMailcow::new();
    mailcow.fail_next("add/domain", Fault::NotDone500);
    let error = mailcow.client().ensure_domain(&fleet()).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert_eq!(mailcow.client().ensure_domain(&fleet()).await.unwrap().how, How::Created);
}

#[tokio::test]
async fn tags_that_kill_the_server_half_way_are_not_sent() {
    let mailcow = FakeMailcow::new();
    let new = NewDomain::new(name("agents.example.com")).with_tags(["same", "same"]);
    assert!(matches!(mailcow.client().add_domain(&new).await, Err(Error::InvalidInput { .. })));
    assert!(mailcow.calls().is_empty());
}
