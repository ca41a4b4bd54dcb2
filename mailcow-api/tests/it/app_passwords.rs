//! App passwords: recordings played back, and the ensure procedure on the fake.

use mailcow_api::{
    AppPasswordChange, AppPasswordId, Error, FakeMailcow, Fault, How, MailboxAddress, Mib, NewAppPassword,
    NewMailbox, ProblemKind, Protocol,
};

use crate::{mailboxes, replay};

const ALL: &str = "app_passwords/all.json";

fn agent() -> MailboxAddress {
    "agent-0001@agents.example.com".parse().unwrap()
}

fn id(number: u32) -> AppPasswordId {
    number.to_string().parse().unwrap()
}

fn new(name: &str, password: &str) -> NewAppPassword {
    NewAppPassword::new(agent(), name, password.into(), [Protocol::Imap, Protocol::Smtp])
}

async fn fleet() -> (FakeMailcow, mailcow_api::Client) {
    let (mailcow, client) = mailboxes::fleet().await;
    client.add_mailbox(&NewMailbox::new(agent(), "Fake-Passw0rd-1".into(), Mib::new(64))).await.unwrap();
    (mailcow, client)
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    replay::one(ALL, 0, &[]).add_app_password(&new("agent <runtime>", "App-Passw0rd-1")).await.unwrap();
    let weak = new("agent <runtime>", "abc");
    let error = replay::one(ALL, 3, &[]).add_app_password(&weak).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::PasswordPolicy);
}

#[tokio::test]
async fn the_list_is_free_of_escapes_and_hashes() {
    for at in [6, 10] {
        let list = replay::one(ALL, at, &[]).app_passwords(&agent()).await.unwrap();
        assert_eq!(list.len(), 3);
        assert!(list.iter().all(|app| app.name == "agent <runtime>"), "{list:?}");
        assert_eq!(list[1].protocols, [Protocol::Imap, Protocol::Smtp]);
        assert!(list[1].active && !list[2].active && list[2].protocols.is_empty());
        assert!(!format!("{list:?}").contains("BLF-CRYPT"));
    }
}

#[tokio::test]
async fn a_mailbox_without_any_has_an_empty_list() {
    let mut exchange = replay::load(ALL).swap_remove(14);
    exchange.path = format!("/api/v1/get/app-passwd/all/{}", agent());
    assert_eq!(replay::client([exchange]).app_passwords(&agent()).await.unwrap(), []);
}

#[tokio::test]
async fn edits_are_sent_as_recorded_and_judged() {
    let change = AppPasswordChange::new().with_active(true).with_protocols([Protocol::Imap]);
    replay::one(ALL, 9, &[]).edit_app_password(&agent(), id(1), &change).await.unwrap();

    let change = AppPasswordChange::new()
        .with_active(true)
        .with_protocols([Protocol::Imap, Protocol::Smtp, Protocol::Sieve])
        .with_password("App-Passw0rd-2".into());
    replay::one(ALL, 11, &[]).edit_app_password(&agent(), id(2), &change).await.unwrap();

    let mut unknown = replay::load(ALL).swap_remove(12);
    unknown.body["attr"]["username"] = agent().as_str().into();
    let change = AppPasswordChange::new().with_active(true);
    let error = replay::client([unknown]).edit_app_password(&agent(), id(99_999), &change).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::NotFound);
}

#[tokio::test]
async fn a_delete_of_an_unknown_id_is_not_found() {
    let (_, client) = fleet().await;
    client.add_app_password(&new("runtime", "App-Passw0rd-1")).await.unwrap();
    client.delete_app_password(id(1)).await.unwrap();
    let error = client.delete_app_password(id(1)).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::NotFound);
}

#[tokio::test]
async fn the_second_ensure_writes_nothing_although_names_are_not_unique() {
    let (mailcow, client) = fleet().await;
    let wanted = new("agent <runtime> & 'co'", "App-Passw0rd-1");
    let before = mailcow.writes();
    let first = client.ensure_app_password(&wanted).await.unwrap();
    assert_eq!((first.how, first.differs), (How::Created, vec![]));
    client
        .edit_app_password(&agent(), first.value.id, &AppPasswordChange::new().with_active(true))
        .await
        .unwrap();
    let second = client.ensure_app_password(&wanted).await.unwrap();
    assert_eq!((second.how, second.value.id), (How::Existed, first.value.id));
    assert_eq!(mailcow.writes(), before + 2);
}

#[tokio::test]
async fn ensure_recovers_without_making_a_second_one() {
    let (mailcow, client) = fleet().await;
    mailcow.fail_next("add/app-passwd", Fault::DoneButLost);
    let ensured = client.ensure_app_password(&new("runtime", "App-Passw0rd-1")).await.unwrap();
    assert_eq!(ensured.how, How::Recovered);
    assert_eq!(client.app_passwords(&agent()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn ensure_takes_the_oldest_and_names_what_differs() {
    let (_, client) = fleet().await;
    client.add_app_password(&new("runtime", "App-Passw0rd-1").with_active(false)).await.unwrap();
    client.add_app_password(&new("runtime", "App-Passw0rd-2")).await.unwrap();
    let ensured = client.ensure_app_password(&new("runtime", "App-Passw0rd-3")).await.unwrap();
    assert_eq!((ensured.value.id, ensured.differs), (id(1), vec!["active"]));
}

#[tokio::test]
async fn what_mailcow_would_make_useless_is_not_sent() {
    let (mailcow, client) = fleet().await;
    let before = mailcow.writes();
    let useless = NewAppPassword::new(agent(), "runtime", "App-Passw0rd-1".into(), []);
    assert!(matches!(client.add_app_password(&useless).await, Err(Error::InvalidInput { .. })));
    assert!(matches!(client.add_app_password(&new(" ", "x")).await, Err(Error::InvalidInput { .. })));
    let nothing = AppPasswordChange::new();
    assert!(matches!(
        client.edit_app_password(&agent(), id(1), &nothing).await,
        Err(Error::InvalidInput { .. })
    ));
    assert_eq!(mailcow.writes(), before);
}

#[tokio::test]
async fn the_futures_can_be_spawned() {
    let (_, client) = fleet().await;
    let wanted = new("runtime", "App-Passw0rd-1");
    let spawned =
        tokio::spawn(async move { client.ensure_app_password(&wanted).await.map(|ensured| ensured.how) });
    assert_eq!(spawned.await.unwrap().unwrap(), How::Created);
}
