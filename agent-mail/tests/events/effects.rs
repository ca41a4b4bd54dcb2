//! What a handler commits with the acknowledgement: all of it or nothing, and once.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use agent_mail::backend::StateStore;
use agent_mail::{Effects, ErrorKind, EventKind, NewMessage, Sending};
use tokio::time::{Instant, timeout};

use crate::{World, id, next, next_of_any_kind};

#[tokio::test(start_paused = true)]
async fn effects_are_written_once_with_the_acknowledgement() {
    let world = World::new();
    let ada = world.program().await;
    world.inbox.put("Subject: 1\r\n\r\n");
    let first = next(&mut ada.events()).await.unwrap();
    let second = next(&mut ada.events()).await.unwrap();
    ada.commit(Effects::new().with_note("open", "1").with_note("count", "0")).await.unwrap();
    first.ack_with(Effects::new().with_note("count", "1").without_note("open")).await.unwrap();
    assert_eq!(ada.note("count").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(ada.note("open").await.unwrap(), None);

    // The other stream had it too.
    let late = second.ack_with(Effects::new().with_note("count", "2")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Stale);
    let twice = first.ack_with(Effects::new().with_note("count", "3")).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::Stale);
    assert_eq!(ada.note("count").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert!(next(&mut world.program().await.events()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn mail_is_put_into_the_outbox_with_the_acknowledgement() {
    let world = World::new();
    let ada = world.program().await;
    let answer = |subject: &str| Sending::new(NewMessage::to(ada.contact()).with_subject(subject));
    for key in [None, Some("answer/1")] {
        world.inbox.put(&format!("Subject: {key:?}\r\n\r\n"));
        let mut events = ada.events();
        let event = next(&mut events).await.unwrap();
        let before = ada.outbox().await.unwrap().len();
        let sending = || key.map_or(answer("hello"), |key| answer("hello").with_key(key));
        // What can't be sent keeps the rest from being written too.
        let never = answer("too late").with_expiry(Duration::ZERO);
        let refused = Effects::new().with_note("sent", "1").with_send(sending()).with_send(never);
        assert_eq!(event.ack_with(refused).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!((ada.note("sent").await.unwrap(), ada.outbox().await.unwrap().len()), (None, before));

        event.ack_with(Effects::new().with_send(sending())).await.unwrap();
        assert_eq!(ada.outbox().await.unwrap().len(), before + 1);
        assert_eq!(
            event.ack_with(Effects::new().with_send(sending())).await.unwrap_err().kind(),
            ErrorKind::Stale
        );
        assert_eq!(ada.outbox().await.unwrap().len(), before + 1, "nothing of a second handling is sent");
    }
    // A key of an earlier event is the same sending.
    ada.commit(Effects::new().with_send(answer("hello").with_key("answer/1"))).await.unwrap();
    assert_eq!(ada.outbox().await.unwrap().len(), 2);
    let twice = Effects::new().with_send(answer("a").with_key("k")).with_send(answer("b").with_key("k"));
    assert_eq!(ada.commit(twice).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn what_became_of_it_wakes_a_stream_that_waits_and_is_told_until_it_is_acknowledged() {
    let world = World::new();
    let mail = world.system();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let mut events = ada.events();
    // No mail comes: the stream waits at the mailbox, which looks at nothing else for a minute.
    assert!(timeout(Duration::from_millis(100), events.next()).await.is_err());
    let sending = Sending::new(NewMessage::to(ada.contact()).with_subject("never taken")).with_key("k");
    let began = Instant::now();
    let courier = mail.courier();
    tokio::spawn(async move { courier.run(std::future::pending()).await });
    ada.commit(Effects::new().with_send(sending)).await.unwrap();
    let event = next_of_any_kind(&mut events).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let EventKind::Refused(told) = event.kind() else { panic!("{event:?}") };
    assert_eq!((told.key.as_deref(), told.recipients[0].code), (Some("k"), Some(550)));
    assert!(!event.is_redelivery());

    let again = next_of_any_kind(&mut ada.events()).await.unwrap();
    assert!(again.is_redelivery() && matches!(again.kind(), EventKind::Refused(_)), "{again:?}");
    again.ack_with(Effects::new().with_note("refused", "1")).await.unwrap();
    let late = event.ack_with(Effects::new().with_note("refused", "2")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Stale);
    assert_eq!(ada.note("refused").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert!(next_of_any_kind(&mut ada.events()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_or_failed_acknowledgement_leaves_all_or_nothing() {
    let mut points = 0;
    let mut ended = 0;
    while ended < 2 {
        // Dropped after so many polls, and failed at so many operations of the store.
        for is_dropped in [true, false] {
            let world = World::new();
            let ada = world.program().await;
            world.inbox.put("Subject: 1\r\n\r\n");
            let event = next(&mut ada.events()).await.unwrap();
            let answer = Sending::new(NewMessage::to(ada.contact()).with_subject("answer"));
            let effects = Effects::new().with_note("a", "1").with_note("b", "1").with_send(answer);
            if is_dropped {
                let mut call = pin!(event.ack_with(effects));
                let waker = &mut Context::from_waker(Waker::noop());
                let done = (0..points).any(|_| matches!(call.as_mut().poll(waker), Poll::Ready(Ok(()))));
                ended += usize::from(done);
            } else {
                world.state.fail_after(points);
                let _told = event.ack_with(effects).await;
                ended += usize::from(world.state.calm());
            }
            let ada = world.program().await;
            let again = next(&mut ada.events()).await;
            let (a, b) = (ada.note("a").await.unwrap(), ada.note("b").await.unwrap());
            let sent = ada.outbox().await.unwrap().len();
            assert_eq!(
                (a.is_some(), b.is_some(), sent == 1),
                (again.is_none(), again.is_none(), again.is_none())
            );
            assert!(again.is_none_or(|event| event.is_redelivery()));
        }
        points += 1;
    }
    assert!(points > 4, "the store was interrupted: {points}");
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_noted_is_gone_with_it() {
    let world = World::new();
    let mail = world.system();
    let ada = mail.provision(&id("ada")).await.unwrap();
    ada.commit(Effects::new().with_note("a/b", "1")).await.unwrap();
    world.inbox.put("Subject: 1\r\n\r\n");
    let event = next(&mut ada.events()).await.unwrap();
    world.inbox.renumber();
    assert!(event.ack_with(Effects::new().with_note("a/c", "1")).await.is_ok());
    assert!(next(&mut ada.events()).await.is_none());
    mail.retire(&id("ada")).await.unwrap();
    assert_eq!(world.state.kept.scan("").await.unwrap(), []);
    let late = ada.commit(Effects::new().with_note("a/d", "1")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound);
    let late = event.ack_with(Effects::new().with_note("a/d", "1")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound);
    assert_eq!(world.state.kept.scan("").await.unwrap(), []);
}
