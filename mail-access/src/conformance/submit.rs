use super::exchange::{Exchange, drop_after, has, moments, subjects};
use super::{Harness, Missing};
use crate::{Address, Error, NewMessage, Outgoing};

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

pub(super) async fn a_message_arrives_byte_for_byte(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let long = "x".repeat(900);
    let body = format!(
        ".\r\n..\r\n.a\r\n\r\n \ttabs and blanks \t\r\nFrom here on\r\n\u{fc}\r\n{long}\r\n.\r\n\r\n"
    );
    let message = with_body(&exchange, &body);
    exchange.submit(&message).await;
    let arrived = exchange.arrived(&exchange.bob, 1).await;
    assert_eq!(body_of(arrived[0].raw()), body.as_bytes());
    assert_eq!(arrived[0].message_id(), Some(message.message_id()));
    Ok(())
}

pub(super) async fn a_blind_copy_arrives_and_does_not_show(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let carol = harness.mailbox().await;
    let message = NewMessage::to(exchange.bob.address()).with_bcc(carol.address()).with_subject("psst");
    let message = message.seal(&exchange.ada.address().into()).expect("the message can be written");
    exchange.submit(&message).await;
    assert_eq!(subjects(&exchange.arrived(&carol, 1).await), ["psst"]);
    let arrived = exchange.arrived(&exchange.bob, 1).await;
    let raw = String::from_utf8_lossy(arrived[0].raw());
    assert!(!raw.contains(carol.address().local_part()), "{raw}");
    Ok(())
}

pub(super) async fn a_plus_address_delivers(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let bob = exchange.bob.address();
    let tagged = Address::new(&format!("{}+tag", bob.local_part()), bob.domain().clone());
    let message = exchange.message_to(&tagged.expect("it is an address"), "to the tag");
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

pub(super) async fn one_refused_recipient_does_not_lose_the_others(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let refused = harness.refused_recipient().await?;
    let exchange = Exchange::open(harness).await;
    let (ada, bob) = (exchange.ada.address(), exchange.bob.address());
    let message = NewMessage::to(&refused).with_to(bob).with_subject("to two").seal(&ada.into());
    let submission = exchange.submit(&message.expect("the message can be written")).await;
    assert_eq!(submission.accepted, std::slice::from_ref(bob));
    assert_eq!(submission.refused.len(), 1);
    assert_eq!(submission.refused[0].0, refused);
    assert!(submission.refused[0].1.code >= 400, "{}", submission.refused[0].1);
    assert_eq!(subjects(&exchange.arrived(&exchange.bob, 1).await), ["to two"]);
    Ok(())
}

pub(super) async fn all_or_nothing_reaches_nobody_if_one_recipient_is_refused(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let refused = harness.refused_recipient().await?;
    let exchange = Exchange::open(harness).await;
    let (ada, bob) = (exchange.ada.address(), exchange.bob.address());
    for first in [bob, &refused] {
        let second = if first == bob { &refused } else { bob };
        let message = NewMessage::to(first).with_to(second).with_subject("to neither").seal(&ada.into());
        let message = message.expect("the message can be written").with_all_or_nothing();
        let answer = exchange.access.submit(&exchange.ada, &message).await;
        let Err(Error::RecipientsRefused { refused: told, .. }) = &answer else { panic!("{answer:?}") };
        assert!(told.len() == 1 && told[0].0 == refused, "{told:?}");
    }
    let message = NewMessage::to(bob).with_to(ada).with_subject("to both").seal(&ada.into());
    exchange.submit(&message.expect("the message can be written").with_all_or_nothing()).await;
    for login in [&exchange.ada, &exchange.bob] {
        assert_eq!(subjects(&exchange.arrived(login, 1).await), ["to both"]);
    }
    Ok(())
}

pub(super) async fn if_all_recipients_are_refused_nothing_is_sent(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let refused = harness.refused_recipient().await?;
    let exchange = Exchange::open(harness).await;
    let answer = exchange.access.submit(&exchange.ada, &exchange.message_to(&refused, "to none")).await;
    assert!(matches!(answer, Err(Error::Refused { .. })), "{answer:?}");
    exchange.submit(&exchange.message_to(exchange.ada.address(), "to myself")).await;
    assert_eq!(subjects(&exchange.arrived(&exchange.ada, 1).await), ["to myself"], "not even a report");
    Ok(())
}

pub(super) async fn another_sender_is_refused(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let message = NewMessage::to(exchange.bob.address()).seal(&exchange.bob.address().into());
    let message = message.expect("the message can be written");
    let answer = exchange.access.submit(&exchange.ada, &message).await;
    assert!(matches!(answer, Err(Error::Refused { .. })), "{answer:?}");
    assert!(!has(&exchange.settled().await, message.message_id()));
    Ok(())
}

pub(super) async fn an_oversized_message_is_refused(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let line = format!("{}\r\n", "x".repeat(98));
    let message = with_body(&exchange, &line.repeat(harness.size_limit() / line.len() + 1));
    let answer = exchange.access.submit(&exchange.ada, &message).await;
    assert!(matches!(answer, Err(Error::Refused { .. })), "{answer:?}");
    assert!(!has(&exchange.settled().await, message.message_id()));
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
        let message = with_body(&exchange, &body);
        drop_after(moment, exchange.access.submit(&exchange.ada, &message)).await;
        ids.push(message.message_id().clone());
    }
    let messages = exchange.settled().await;
    for id in ids {
        let copies: Vec<_> = messages.iter().filter(|message| message.message_id() == Some(&id)).collect();
        assert!(copies.len() <= 1, "{id} arrived {} times", copies.len());
        assert!(copies.iter().all(|copy| body_of(copy.raw()) == body.as_bytes()), "{id} is not whole");
    }
    Ok(())
}

/// Puts another body below the header of a message to Bob.
fn with_body(exchange: &Exchange, body: &str) -> Outgoing {
    let message = exchange.message("bytes");
    let header = message.bytes().len() - body_of(message.bytes()).len();
    let bytes = [&message.bytes()[..header], body.as_bytes()].concat();
    Outgoing::restore(
        message.sender().clone(),
        message.recipients().to_vec(),
        message.message_id().clone(),
        bytes,
    )
    .expect("the message can be sent")
}

fn body_of(raw: &[u8]) -> &[u8] {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("a message has a body");
    &raw[end + 4..]
}
