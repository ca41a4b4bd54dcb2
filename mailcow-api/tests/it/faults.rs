//! What the fake lets a test see and set.

use std::sync::{Arc, Mutex};

use mailcow_api::{
    AppPasswordChange, Client, Error, FakeMailcow, Fault, MailboxChange, MailboxStatus, Method, Mib,
    NewAppPassword, NewMailbox, Protocol,
};
use secrecy::ExposeSecret;

use crate::mailboxes::fleet;

fn agent() -> NewMailbox {
    NewMailbox::new("agent@agents.example.com".parse().unwrap(), "Fake-Passw0rd-1".into(), Mib::new(64))
}

fn passwords(mailcow: &FakeMailcow) -> Vec<(String, bool, bool)> {
    let logins = mailcow.logins().into_iter();
    logins.map(|login| (login.password.expose_secret().to_owned(), login.imap, login.smtp)).collect()
}

#[tokio::test]
async fn logins_follow_passwords_protocols_and_status() {
    let (mailcow, client) = fleet().await;
    let address = agent().address().clone();
    client.add_mailbox(&agent().with_protocols([Protocol::Imap])).await.unwrap();
    let app = NewAppPassword::new(address.clone(), "runtime", "App-Passw0rd-1".into(), [Protocol::Smtp]);
    let id = client.ensure_app_password(&app).await.unwrap().value.id;
    let both = [("Fake-Passw0rd-1".to_owned(), true, false), ("App-Passw0rd-1".to_owned(), false, true)];
    assert_eq!(passwords(&mailcow), both);

    client
        .edit_mailbox(&address, &MailboxChange::new().with_password("Fake-Passw0rd-2".into()))
        .await
        .unwrap();
    client.edit_app_password(&address, id, &AppPasswordChange::new().with_active(false)).await.unwrap();
    assert_eq!(passwords(&mailcow), [("Fake-Passw0rd-2".to_owned(), true, false)]);

    client
        .edit_mailbox(&address, &MailboxChange::new().with_status(MailboxStatus::LoginDenied))
        .await
        .unwrap();
    assert_eq!(passwords(&mailcow), []);
}

#[tokio::test]
async fn a_listener_is_told_before_the_call_returns() {
    let (mailcow, client) = fleet().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    mailcow.on_logins_changed(move |logins| tell.lock().unwrap().push(logins.len()));
    client.add_mailbox(&agent()).await.unwrap();
    client.delete_mailbox(agent().address()).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [0, 1, 0]);
}

#[tokio::test]
async fn faults_hit_their_route_once_and_in_order() {
    let (mailcow, client) = fleet().await;
    mailcow.fail_next("add/mailbox", Fault::NotDone500);
    mailcow.fail_next("add/mailbox", Fault::DoneButEmpty);
    mailcow.fail_next("get/mailbox", Fault::Unreachable);
    client.version().await.unwrap();
    assert!(client.get_mailbox(agent().address()).await.unwrap_err().is_retryable());
    assert!(client.add_mailbox(&agent()).await.unwrap_err().outcome_unknown());
    assert_eq!(client.get_mailbox(agent().address()).await.unwrap(), None);
    assert!(client.add_mailbox(&agent()).await.unwrap_err().outcome_unknown());
    assert!(client.get_mailbox(agent().address()).await.unwrap().is_some());
}

#[tokio::test]
async fn calls_are_seen_without_their_bodies() {
    let (mailcow, client) = fleet().await;
    client.add_mailbox(&agent()).await.unwrap();
    let call = mailcow.calls().pop().unwrap();
    assert_eq!((call.method, call.path.as_str()), (Method::Post, "/api/v1/add/mailbox"));
    assert!(!format!("{:?}", mailcow.calls()).contains("Passw0rd"));
}

#[tokio::test]
async fn keys_have_their_roles() {
    let mailcow = FakeMailcow::new();
    let with = |key| {
        let builder = Client::builder("https://mail.example.com", key).http_client(Arc::new(mailcow.clone()));
        builder.build().unwrap()
    };
    let reader = with(mailcow.read_only_key());
    reader.version().await.unwrap();
    assert!(matches!(reader.add_mailbox(&agent()).await, Err(Error::PermissionDenied { .. })));
    assert!(matches!(with("WRONG".into()).version().await, Err(Error::Unauthenticated { .. })));
}
