use tokio::task::JoinSet;

use super::exchange::{Exchange, body_of, drop_after, has, moments, subjects, tagged};
use super::{Harness, Missing};
use crate::{Address, Error, NewMessage, Reason};

pub(super) async fn what_is_accepted_is_delivered(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let (ada, bob) = (exchange.ada.address(), exchange.bob.address());
    let message = NewMessage::to(bob).with_cc(ada).with_subject("to both").seal(&ada.into());
    let submission = exchange.submit(&message.expect("the message can be written")).await;
    assert_eq!((submission.accepted, submission.refused), (vec![bob.clone(), ada.clone()], vec![]));
    assert_eq!(submission.status.code, 250, "{}", submission.status);
    for login in [&exchange.ada, &exchange.bob] {
        assert_eq!(subjects(&exchange.arrived(login, 1).await), ["to both"]);
    }
    Ok(())
}

pub(super) async fn a_plus_address_delivers(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let message = exchange.message_to(&tagged(&exchange.bob, "tag"), "to the tag");
    exchange.submit(&message).await;
    assert_eq!(subjects(&exchange.arrived(&exchange.bob, 1).await), ["to the tag"]);
    Ok(())
}

pub(super) async fn the_catch_all_takes_what_nobody_owns(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let (hub, domain) = harness.catch_all().await?;
    for local_part in ["any", "some.body"] {
        let recipient = Address::new(local_part, domain.clone()).expect("it is an address");
        exchange.submit(&exchange.message_to(&recipient, "to whom it concerns")).await;
    }
    assert_eq!(subjects(&exchange.arrived(&hub, 2).await), ["to whom it concerns"; 2]);
    Ok(())
}

pub(super) async fn an_unknown_recipient_is_refused_or_reported_by_a_dsn(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let domain = exchange.bob.address().domain().clone();
    let nobody = Address::new("nobody-of-that-name", domain).expect("it is an address");
    match exchange.access.submit(&exchange.ada, &exchange.message_to(&nobody, "to nobody")).await {
        Err(Error::Refused { status, .. }) => assert!(!status.is_temporary(), "{status}"),
        Err(other) => panic!("{other:?}"),
        Ok(submission) => {
            assert_eq!(submission.accepted, [nobody]);
            let arrived = exchange.arrived(&exchange.ada, 1).await;
            assert!(arrived[0].is_delivery_report() && arrived[0].is_auto_submitted(), "{:?}", arrived[0]);
            let raw = String::from_utf8_lossy(arrived[0].raw());
            assert!(raw.contains("nobody-of-that-name") && raw.contains("Status: 5."), "{raw}");
        }
    }
    Ok(())
}

pub(super) async fn another_sender_is_refused(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let message = NewMessage::to(exchange.bob.address()).seal(&exchange.bob.address().into());
    let message = message.expect("the message can be written");
    let error = exchange.access.submit(&exchange.ada, &message).await.expect_err("it is Bob's name");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert_eq!((error.reason(), error.is_retryable()), (Some(Reason::SenderNotOwned), false), "{error:?}");
    let carol = harness.mailbox().await;
    let message = NewMessage::to(exchange.bob.address()).with_cc(carol.address());
    let message = message.seal(&exchange.bob.address().into()).expect("the message can be written");
    let error = exchange.access.submit(&exchange.ada, &message).await.expect_err("it is Bob's name");
    assert_eq!(error.reason(), Some(Reason::SenderNotOwned), "{error:?}");
    assert!(!has(&exchange.settled(0).await, message.message_id()));
    Ok(())
}

pub(super) async fn an_oversized_message_is_refused(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let line = format!("{}\r\n", "x".repeat(98));
    let message = exchange.with_body(line.repeat(harness.size_limit() / line.len() + 1).as_bytes());
    let answer = exchange.access.submit(&exchange.ada, &message).await;
    let Err(error @ Error::Refused { .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((error.reason(), error.is_retryable()), (Some(Reason::TooLarge), false), "{error:?}");
    assert!(!has(&exchange.settled(0).await, message.message_id()));
    Ok(())
}

pub(super) async fn submissions_of_one_login_at_the_same_time_all_arrive_once(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let mut calls = JoinSet::new();
    for number in 0..12 {
        let (access, ada) = (exchange.access.clone(), exchange.ada.clone());
        let message = exchange.message(&format!("message {number:02}"));
        calls.spawn(async move { access.submit(&ada, &message).await.expect("the message is taken") });
    }
    assert_eq!(calls.join_all().await.len(), 12);
    let messages = exchange.arrived(&exchange.bob, 12).await;
    let mut subjects = subjects(&messages);
    subjects.sort_unstable();
    assert_eq!(subjects, (0..12).map(|number| format!("message {number:02}")).collect::<Vec<_>>());
    Ok(())
}

pub(super) async fn an_interrupted_submit_has_taken_the_message_or_not(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    for taken in [false, true] {
        let exchange = Exchange::open(harness).await;
        harness.interrupt_next(&exchange.ada, taken).await?;
        let message = exchange.message("did it arrive?");
        let error = exchange.access.submit(&exchange.ada, &message).await.expect_err("the link is cut");
        assert!(error.is_outcome_unknown() && !error.is_retryable(), "{error:?}");
        let taken = usize::from(taken);
        let arrived = exchange.settled(taken).await;
        let copies = |all: &[crate::Received]| {
            all.iter().filter(|one| one.message_id() == Some(message.message_id())).count()
        };
        assert_eq!(copies(&arrived), taken, "{error:?}");
        exchange.submit(&message).await;
        let arrived = exchange.settled(arrived.len() + 1).await;
        assert_eq!(copies(&arrived), taken + 1, "the next call is in step");
    }
    Ok(())
}

pub(super) async fn a_message_submitted_again_is_delivered_again_with_its_message_id(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let message = exchange.message("twice");
    exchange.submit(&message).await;
    exchange.submit(&message).await;
    for copy in exchange.arrived(&exchange.bob, 2).await {
        assert_eq!(copy.message_id(), Some(message.message_id()));
    }
    Ok(())
}

pub(super) async fn a_dropped_submit_leaves_the_message_whole_or_not_at_all(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let body = "a line of a message that is long enough to be cut\r\n".repeat(2_000);
    let mut ids = Vec::new();
    for moment in moments() {
        let message = exchange.with_body(body.as_bytes());
        drop_after(moment, exchange.access.submit(&exchange.ada, &message)).await;
        ids.push(message.message_id().clone());
    }
    let messages = exchange.settled(0).await;
    for id in ids {
        let copies: Vec<_> = messages.iter().filter(|message| message.message_id() == Some(&id)).collect();
        assert!(copies.len() <= 1, "{id} arrived {} times", copies.len());
        assert!(copies.iter().all(|copy| body_of(copy.raw()) == body.as_bytes()), "{id} is not whole");
    }
    Ok(())
}
