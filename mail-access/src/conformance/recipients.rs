use super::exchange::{Exchange, has, subjects, tagged};
use super::{Harness, Missing};
use crate::{Address, Error, NewMessage, Status};

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

pub(super) async fn each_refused_recipient_has_an_answer_of_its_own(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let refused = [harness.refused_recipient().await?, harness.refused_recipient().await?];
    let exchange = Exchange::open(harness).await;
    let (ada, bob) = (exchange.ada.address(), exchange.bob.address());
    let message = exchange.message_to_all(&[&refused[0], ada, &refused[1], bob], "to four");
    let submission = exchange.submit(&message).await;
    assert_eq!(submission.accepted, [ada.clone(), bob.clone()]);
    told_apart(&submission.refused, &refused);
    for login in [&exchange.ada, &exchange.bob] {
        assert_eq!(subjects(&exchange.arrived(login, 1).await), ["to four"]);
    }
    Ok(())
}

pub(super) async fn if_several_are_refused_each_is_named(harness: &dyn Harness) -> Result<(), Missing> {
    let refused = [harness.refused_recipient().await?, harness.refused_recipient().await?];
    let exchange = Exchange::open(harness).await;
    let message = exchange.message_to_all(&[&refused[0], &refused[1]], "to none");
    let answer = exchange.access.submit(&exchange.ada, &message).await;
    let Err(Error::RecipientsRefused { refused: told, .. }) = answer else { panic!("{answer:?}") };
    told_apart(&told, &refused);
    exchange.submit(&exchange.message_to(exchange.ada.address(), "to myself")).await;
    assert_eq!(subjects(&exchange.arrived(&exchange.ada, 1).await), ["to myself"], "not even a report");
    Ok(())
}

pub(super) async fn recipients_over_the_limit_are_put_off_and_the_others_get_it(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let limit = harness.recipients_limit()?;
    let exchange = Exchange::open(harness).await;
    let all: Vec<_> = (0..limit + 2).map(|number| tagged(&exchange.bob, &number.to_string())).collect();
    let message = exchange.message_to_all(&all.iter().collect::<Vec<_>>(), "to too many");
    let submission = exchange.submit(&message).await;
    assert_eq!(submission.accepted, all[..limit]);
    told_apart(&submission.refused, &all[limit..]);
    assert!(submission.refused.iter().all(|(_, status)| status.is_temporary()), "{:?}", submission.refused);
    let copies = exchange.arrived(&exchange.bob, limit).await;
    assert!(copies.len() == limit && has(&copies, message.message_id()), "{} copies", copies.len());
    Ok(())
}

pub(super) async fn a_message_to_many_arrives_once_at_each(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let mut logins = Vec::new();
    for _ in 0..10 {
        logins.push(harness.mailbox().await);
    }
    let all: Vec<&Address> = logins.iter().map(crate::Login::address).collect();
    let message = exchange.message_to_all(&all, "to ten");
    let submission = exchange.submit(&message).await;
    assert_eq!((submission.accepted.iter().collect::<Vec<_>>(), submission.refused), (all, vec![]));
    for login in &logins {
        let arrived = exchange.arrived(login, 1).await;
        assert_eq!(subjects(&arrived), ["to ten"]);
        assert_eq!(arrived[0].message_id(), Some(message.message_id()));
    }
    Ok(())
}

/// Each of those expected was refused with a status, and nobody else.
fn told_apart(told: &[(Address, Status)], expected: &[Address]) {
    let mut names: Vec<_> = told.iter().map(|(address, _)| address.to_string()).collect();
    let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(told.iter().all(|(_, status)| status.code >= 400 && status.enhanced.is_some()), "{told:?}");
}
