//! Mailboxes: recordings played back, and the ensure procedure on the fake.

use mailcow_api::{
    Client, Error, FakeMailcow, Fault, How, Mailbox, MailboxAddress, MailboxChange, MailboxStatus, Mib,
    NewDomain, NewMailbox, ProblemKind, Protocol, RateFrame, RateLimit,
};

use crate::replay;

const PASSWORD: &str = "Fake-Passw0rd-123";
const NOT_SENT: &[&str] = &["force_tfa", "tls_enforce_in", "tls_enforce_out"];

fn address(text: &str) -> MailboxAddress {
    text.parse().unwrap()
}

fn new(text: &str, mib: u32) -> NewMailbox {
    NewMailbox::new(address(text), PASSWORD.into(), Mib::new(mib)).with_name("Agent 0001")
}

fn agent() -> NewMailbox {
    new("agent-0001@agents.example.com", 64).with_tags(["pool-a", "gen-1"])
}

async fn read(at: usize, text: &str) -> Mailbox {
    replay::one("mailboxes/get.json", at, &[]).get_mailbox(&address(text)).await.unwrap().unwrap()
}

pub(crate) async fn fleet() -> (FakeMailcow, Client) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    let domain = NewDomain::new("agents.example.com".parse().unwrap()).with_max_mailboxes(3).with_quotas(
        Mib::new(64),
        Mib::new(1024),
        Mib::new(1088),
    );
    client.add_domain(&domain).await.unwrap();
    (mailcow, client)
}

#[tokio::test]
async fn a_create_is_confirmed_by_its_own_code() {
    replay::one("mailboxes/add.json", 0, NOT_SENT).add_mailbox(&agent()).await.unwrap();
}

#[tokio::test]
async fn a_create_with_everything_is_sent_as_recorded() {
    let omitted = &[
        "force_tfa",
        "tls_enforce_in",
        "tls_enforce_out",
        "quarantine_notification",
        "quarantine_category",
        "sogo_access",
        "acl",
        "tagged_mail_handler",
    ];
    let mailbox = new("protos@agents.example.com", 64)
        .with_tags(["pool-b"])
        .with_protocols([Protocol::Smtp, Protocol::Imap])
        .with_rate_limit(RateLimit::new(5.try_into().unwrap(), RateFrame::Minute));
    replay::one("mailboxes/add.json", 17, omitted).add_mailbox(&mailbox).await.unwrap();
}

#[tokio::test]
async fn refusals_have_their_kind() {
    const NO_TAGS: &[&str] = &["force_tfa", "tls_enforce_in", "tls_enforce_out", "tags"];
    for (at, mailbox, omitted, kind, shown) in [
        (1, agent(), NOT_SENT, ProblemKind::AlreadyExists, "object_exists (agent-0001@agents.example.com)"),
        (7, new("x@nope.example.com", 64), NO_TAGS, ProblemKind::AccessDenied, "access_denied"),
        (
            11,
            new("big@agents.example.com", 4096),
            NO_TAGS,
            ProblemKind::QuotaExceeded { mib: Some(1024) },
            "mailbox_quota_exceeded (1024)",
        ),
        (
            13,
            new("sum2@xn--bcher-kva.example", 10),
            NO_TAGS,
            ProblemKind::LimitReached,
            "max_mailbox_exceeded (5, 5)",
        ),
        (
            15,
            new("sum2@xn--bcher-kva.example", 10),
            NO_TAGS,
            ProblemKind::QuotaExceeded { mib: Some(5) },
            "mailbox_quota_left_exceeded (5)",
        ),
    ] {
        let error = replay::one("mailboxes/add.json", at, omitted).add_mailbox(&mailbox).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        let problem = error.problem().unwrap();
        assert_eq!((problem.kind(), problem.to_string().as_str()), (kind, shown));
        assert!(!problem.fix().is_empty());
    }
    let weak = NewMailbox::new(address("weak@agents.example.com"), "abc".into(), Mib::new(64))
        .with_name("Agent 0001");
    let error = replay::one("mailboxes/add.json", 3, NO_TAGS).add_mailbox(&weak).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::PasswordPolicy);
}

#[tokio::test]
async fn mailboxes_are_read_in_every_recorded_shape() {
    let plain = read(0, "agent-0001@agents.example.com").await;
    assert_eq!((plain.quota, plain.percent_in_use), (Mib::new(64).into(), Some(0)));
    assert_eq!(
        (plain.status, plain.tags),
        (MailboxStatus::Active, vec!["gen-1".to_owned(), "pool-a".to_owned()])
    );
    assert_eq!(plain.protocols.len(), 6);

    let unlimited = read(3, "unlim@example.net").await;
    assert_eq!((unlimited.quota, unlimited.percent_in_use), (Mib::UNLIMITED.into(), None));
    assert_eq!((unlimited.rate_limit, unlimited.tags.len()), (None, 0));

    assert_eq!(read(4, "uni@agents.example.com").await.name, "Agént <script>\"x\"</script> & Söhne");

    let limited = read(5, "protos@agents.example.com").await;
    assert_eq!(limited.protocols, [Protocol::Imap, Protocol::Smtp]);
    assert_eq!(limited.rate_limit.unwrap().to_string(), "5/m");
}

#[tokio::test]
async fn each_status_is_read() {
    for (at, status) in [(7, MailboxStatus::Inactive), (9, MailboxStatus::LoginDenied)] {
        let client = replay::one("mailboxes/edit.json", at, &[]);
        let found = client.get_mailbox(&address("agent-0001@agents.example.com")).await.unwrap().unwrap();
        assert_eq!(found.status, status);
    }
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_none() {
    let client = replay::one("server/get-nonexistent.json", 2, &[]);
    assert_eq!(client.get_mailbox(&address("nope@nope.example.com")).await.unwrap(), None);
}

#[tokio::test]
async fn a_resource_full_of_nulls_is_no_mailbox() {
    let mut exchange = replay::load("mailboxes/get.json").swap_remove(0);
    let mut body: serde_json::Value = serde_json::from_slice(&exchange.response.body).unwrap();
    for field in
        ["username", "active", "domain", "name", "quota", "attributes", "custom_attributes", "created"]
    {
        body[field] = serde_json::Value::Null;
    }
    exchange.response.body = body.to_string().into();
    let client = replay::client([exchange]);
    assert_eq!(client.get_mailbox(&address("agent-0001@agents.example.com")).await.unwrap(), None);
}

#[tokio::test]
async fn edits_are_sent_as_recorded_and_judged() {
    let agent = address("agent-0001@agents.example.com");
    let change = MailboxChange::new().with_password("New-Passw0rd-456".into());
    replay::one("mailboxes/edit.json", 2, &["force_pw_update"]).edit_mailbox(&agent, &change).await.unwrap();

    let change = MailboxChange::new().with_status(MailboxStatus::LoginDenied);
    replay::one("mailboxes/edit.json", 8, &[]).edit_mailbox(&agent, &change).await.unwrap();

    let change = MailboxChange::new().with_quota(Mib::new(999_999));
    let error = replay::one("mailboxes/edit.json", 12, &[]).edit_mailbox(&agent, &change).await.unwrap_err();
    assert_eq!(error.problem().unwrap().args(), ["1024"]);

    let change = MailboxChange::new().with_password("abc".into());
    let error = replay::one("mailboxes/edit.json", 5, &[]).edit_mailbox(&agent, &change).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::PasswordPolicy);
}

#[tokio::test]
async fn what_would_change_nothing_is_not_sent() {
    let (mailcow, client) = fleet().await;
    let agent = address("agent-0001@agents.example.com");
    let before = mailcow.writes();
    for change in [MailboxChange::new(), MailboxChange::new().with_password("".into())] {
        assert!(matches!(client.edit_mailbox(&agent, &change).await, Err(Error::InvalidInput { .. })));
    }
    assert_eq!(mailcow.writes(), before);
}

#[tokio::test]
async fn deletes_are_judged() {
    let gone = address("del1@agents.example.com");
    replay::one("mailboxes/delete.json", 0, &[]).delete_mailbox(&gone).await.unwrap();
    let error = replay::one("mailboxes/delete.json", 1, &[]).delete_mailbox(&gone).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::AccessDenied);
}

#[tokio::test]
async fn the_loser_of_a_race_finds_the_mailbox() {
    let mut race = replay::load("mailboxes/race.json");
    let (empty, found) = (race[0].clone(), race.swap_remove(7));
    let mut missing = found.clone();
    missing.response.body = b"{}".to_vec();
    let mut lost = empty;
    for (field, value) in
        [("active", 1.into()), ("force_pw_update", 0.into()), ("authsource", "mailcow".into())]
    {
        lost.body[field] = value;
    }
    let client = replay::client([missing, lost, found]);
    let wanted = NewMailbox::new(address("samerec@race.example.com"), PASSWORD.into(), Mib::new(10))
        .with_name("A")
        .with_tags(["x"]);
    let ensured = client.ensure_mailbox(&wanted).await.unwrap();
    assert_eq!((ensured.how, ensured.differs), (How::Recovered, vec![]));
}

#[tokio::test]
async fn the_second_ensure_writes_nothing() {
    let (mailcow, client) = fleet().await;
    let before = mailcow.writes();
    assert_eq!(client.ensure_mailbox(&agent()).await.unwrap().how, How::Created);
    assert_eq!(mailcow.writes(), before + 1);
    let second = client.ensure_mailbox(&agent()).await.unwrap();
    assert_eq!((second.how, second.differs), (How::Existed, vec![]));
    assert_eq!(mailcow.writes(), before + 1);
}

#[tokio::test]
async fn ensure_names_what_differs() {
    let (_, client) = fleet().await;
    client.add_mailbox(&new("agent-0001@agents.example.com", 32)).await.unwrap();
    let wanted =
        agent().with_name("Other").with_status(MailboxStatus::Inactive).with_protocols([Protocol::Imap]);
    let ensured = client.ensure_mailbox(&wanted).await.unwrap();
    assert_eq!(ensured.differs, ["name", "quota", "active", "protocol_access", "tags"]);
}

#[tokio::test]
async fn a_partial_create_is_reported_and_read_back_by_the_next_ensure() {
    let (_, client) = fleet().await;
    let odd = RateLimit::new(5.try_into().unwrap(), RateFrame::Other("w".to_owned()));
    let wanted = agent().with_rate_limit(odd);
    let error = client.ensure_mailbox(&wanted).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }) && error.outcome_unknown(), "{error}");
    assert_eq!(client.ensure_mailbox(&wanted).await.unwrap().differs, ["rl_value"]);
}

#[tokio::test]
async fn to_make_certain_that_a_mailbox_is_gone_is_safe_to_repeat() {
    for fault in [None, Some(Fault::DoneButEmpty), Some(Fault::DoneButLost)] {
        let (mailcow, client) = fleet().await;
        client.add_mailbox(&agent()).await.unwrap();
        if let Some(fault) = fault {
            mailcow.fail_next("delete/mailbox", fault);
        }
        assert!(client.ensure_no_mailbox(agent().address()).await.unwrap());
        let before = mailcow.writes();
        assert!(!client.ensure_no_mailbox(agent().address()).await.unwrap());
        assert_eq!(mailcow.writes(), before, "probing by a failing delete is slow");
    }
    let (mailcow, client) = fleet().await;
    client.add_mailbox(&agent()).await.unwrap();
    mailcow.fail_next("delete/mailbox", Fault::NotDone500);
    assert!(client.ensure_no_mailbox(agent().address()).await.unwrap_err().outcome_unknown());
}
