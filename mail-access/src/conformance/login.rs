use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::exchange::{Exchange, PATIENCE, end, subjects};
use super::{Harness, Missing};
use crate::{Address, Error, Login, Outgoing, Position, Selection, Uid};

pub(super) async fn a_wrong_password_is_refused_by_every_method(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let wrong = Login::new(exchange.ada.address().clone(), "a-wrong-password".into());
    every_method_refuses(&exchange, &wrong).await;
    Ok(())
}

pub(super) async fn an_unknown_login_is_refused_by_every_method(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let domain = exchange.ada.address().domain().clone();
    let nobody = Address::new("nobody-of-that-name", domain).expect("it is an address");
    every_method_refuses(&exchange, &Login::new(nobody, exchange.ada.password().clone())).await;
    Ok(())
}

pub(super) async fn a_login_for_submission_is_checked_and_nothing_is_sent(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let (access, bob) = (&exchange.access, &exchange.bob);
    for login in [&exchange.ada, bob, bob] {
        access.check_submission(login).await.expect("the login is right");
    }
    exchange.submit(&exchange.message("the only one")).await;
    assert_eq!(subjects(&exchange.arrived(bob, 1).await), ["the only one"]);
    Ok(())
}

pub(super) async fn one_mailbox_bears_all_methods_at_the_same_time(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let (first, behind) = (batch.messages[0].uid(), end(&batch));
    let exchange = Arc::new(exchange);
    let mut calls = JoinSet::new();
    for number in 2..=9 {
        let exchange = Arc::clone(&exchange);
        calls.spawn(async move {
            let (access, bob) = (&exchange.access, &exchange.bob);
            exchange.submit(&exchange.message(&format!("message {number}"))).await;
            exchange.fetch(&Selection::Unseen, 100).await;
            access.mark_seen(bob, behind.uid_validity, &[first]).await.expect("the message is marked");
            access.wait(bob, behind, PATIENCE).await.expect("the mailbox can be waited for");
        });
    }
    calls.join_all().await;
    let messages = exchange.arrived(&exchange.bob, 9).await;
    let mut subjects = subjects(&messages);
    subjects.sort_unstable();
    assert_eq!(subjects, (1..=9).map(|number| format!("message {number}")).collect::<Vec<_>>());
    Ok(())
}

async fn every_method_refuses(exchange: &Exchange, login: &Login) {
    let access = &exchange.access;
    let message = exchange.message("from an impostor");
    let (sender, recipients) = (login.address().clone(), message.recipients().to_vec());
    let message = Outgoing::restore(sender, recipients, message.message_id().clone(), message.bytes())
        .expect("the message can be sent");
    let uid = Uid::new(1).expect("it is not 0");
    let start = Position { uid_validity: 1, uid: 0 };
    let answers = [
        ("submit", access.submit(login, &message).await.err()),
        ("check_submission", access.check_submission(login).await.err()),
        ("fetch", access.fetch(login, &Selection::After(None), 1).await.err()),
        ("mark_seen", access.mark_seen(login, 1, &[uid]).await.err()),
        ("wait", access.wait(login, start, Duration::from_secs(1)).await.err()),
    ];
    for (method, answer) in answers {
        assert!(matches!(answer, Some(Error::Authentication { .. })), "{method}: {answer:?}");
    }
}
