//! The outbox and its courier.

mod model;
mod order;
mod sweep;
mod world;

use std::sync::Arc;
use std::time::Duration;

use agent_mail::safety::Scope;
use agent_mail::{ErrorKind, Guarantee, NewMessage, RecipientState, Sending};
use mail_access::{Fault, FaultRule, PostOffice, Refusal};

use world::{World, events, id, other};

const HOUR: Duration = Duration::from_hours(1);

fn message(subject: &str, to: &[&str]) -> NewMessage {
    let first = NewMessage::to(other(to[0])).with_subject(subject).with_text("hello");
    to[1..].iter().fold(first, |message, name| message.with_cc(other(name)))
}

#[tokio::test(start_paused = true)]
async fn what_is_put_into_the_outbox_is_sent_once_and_a_copy_is_kept() {
    let world = World::new(1);
    let ada = world.agent("ada").await;
    let sending = Sending::new(message("one", &["x", "y"])).with_key("k");
    let queued = ada.enqueue(sending.clone()).await.unwrap();
    assert_eq!(queued.in_state(RecipientState::Waiting).count(), 2);
    let again = ada.enqueue(sending.clone()).await.unwrap();
    assert_eq!(again, queued, "the same key and message: the same sending");
    let another = Sending::new(message("two", &["x"])).with_key("k");
    assert_eq!(ada.enqueue(another).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let busy = ada.send_once("k", message("one", &["x", "y"])).await.unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::NotReady);
    assert_eq!(ada.outbox().await.unwrap(), std::slice::from_ref(&queued));

    world.deliver(&world.program(), HOUR).await;
    assert_eq!(world.got("x").await.0, ["one"]);
    assert_eq!(world.got("y").await.0, ["one"]);
    assert_eq!(world.copies(&ada).await, 1);
    assert_eq!(events(&ada).await, ["sent x y"]);
    let done = ada.enqueue(sending).await.unwrap();
    assert_eq!((done.is_over(), &done.message_id), (true, &queued.message_id));
    let receipt = ada.send_once("k", message("one", &["x", "y"])).await.unwrap();
    assert_eq!(receipt.accepted, [other("x"), other("y")]);
    assert_eq!(receipt.message_id, queued.message_id);

    let alone = Sending::new(message("three", &["x"])).with_copy_to_sent(false);
    ada.enqueue(alone).await.unwrap();
    world.deliver(&world.program(), HOUR).await;
    assert_eq!(world.copies(&ada).await, 1);
    world.program().retire(&id("ada")).await.unwrap();
    assert_eq!(format!("{:?}", world.state.kept), "MemoryState { records: 0 }");
}

#[tokio::test(start_paused = true)]
async fn a_recipient_who_is_refused_for_now_is_tried_again_alone() {
    let world = World::new(2);
    let ada = world.agent("ada").await;
    let office = world.embedded.post_office();
    let later = Fault::RecipientRefused(Refusal::new(450, (4, 2, 0), "Greylisted, try again in 300 seconds"));
    office.add_fault(FaultRule::new(later).with_recipient(&other("y")).with_times(2));
    let never = Fault::RecipientRefused(Refusal::PERMANENT);
    office.add_fault(FaultRule::new(never).with_recipient(&other("z")));
    ada.enqueue(Sending::new(message("one", &["x", "y", "z"]))).await.unwrap();
    let start = world.now();
    world.deliver(&world.program(), 3 * HOUR).await;
    let took = world.now().duration_since(start).unwrap();
    assert!(took >= Duration::from_mins(10), "the server's pause is kept: {took:?}");
    for (name, count) in [("x", 1), ("y", 1), ("z", 0)] {
        assert_eq!(world.got(name).await.0.len(), count, "{name}");
    }
    assert_eq!(events(&ada).await, ["sent x", "deferred y", "refused z", "sent y"]);
    assert_eq!(world.copies(&ada).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_in_its_time_expires() {
    let world = World::new(3);
    let ada = world.agent("ada").await;
    let down = FaultRule::new(Fault::SubmitUnavailable).with_times(1000);
    world.embedded.post_office().add_fault(down);
    let sending = Sending::new(message("one", &["x"])).with_expiry(2 * HOUR).with_key("k");
    ada.enqueue(sending.clone()).await.unwrap();
    let start = world.now();
    world.deliver(&world.program(), 9 * HOUR).await;
    let took = world.now().duration_since(start).unwrap();
    assert!(took >= 2 * HOUR && took < 2 * HOUR + Duration::from_mins(3), "{took:?}");
    assert_eq!(events(&ada).await, ["deferred x", "expired x"]);
    world.embedded.post_office().clear_faults();
    let known = ada.enqueue(sending).await.unwrap();
    assert_eq!(known.in_state(RecipientState::Expired).count(), 1);
    assert!(ada.send_once("k", message("one", &["x"])).await.unwrap().accepted.is_empty());
    world.deliver(&world.program(), HOUR).await;
    assert!(world.got("x").await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_waits_and_its_time_does_not_run_out() {
    let world = World::new(4);
    let ada = world.agent("ada").await;
    let mail = world.program();
    mail.stop_sending(&Scope::Agent(id("ada")), "an incident").await.unwrap();
    ada.enqueue(Sending::new(message("one", &["x"])).with_expiry(HOUR)).await.unwrap();
    world.deliver(&mail, 2 * HOUR).await;
    assert!(events(&ada).await.is_empty());
    let (start, courier) = (world.now(), mail.courier());
    courier
        .run(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            mail.allow_sending(&Scope::Agent(id("ada"))).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        })
        .await;
    assert_eq!(world.now().duration_since(start).unwrap().as_secs(), 4);
    assert_eq!(events(&ada).await, ["sent x"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_not_sent_or_it_is_said_that_it_is_too_late() {
    let world = World::new(5);
    let ada = world.agent("ada").await;
    let mail = world.program();
    let tomorrow = world.now() + 24 * HOUR;
    let queued = ada.enqueue(Sending::new(message("one", &["x", "y"])).with_time(tomorrow)).await.unwrap();
    let keyed = Sending::new(message("two", &["x"])).with_time(tomorrow).with_key("k");
    let other_one = ada.enqueue(keyed.clone()).await.unwrap();
    for queued in [&queued, &queued, &other_one, &other_one] {
        let cancelled = ada.cancel(queued).await.unwrap();
        assert_eq!((cancelled.not_sent.len(), cancelled.too_late.len()), (queued.recipients.len(), 0));
    }
    let known = ada.enqueue(keyed).await.unwrap();
    assert_eq!(known.in_state(RecipientState::Canceled).count(), 1, "it doesn't come to life again");

    let down = Fault::RecipientRefused(Refusal::TEMPORARY);
    world.embedded.post_office().add_fault(FaultRule::new(down).with_recipient(&other("y")).with_times(1000));
    let half = ada.enqueue(Sending::new(message("three", &["x", "y"]))).await.unwrap();
    let sent = ada.enqueue(Sending::new(message("four", &["z"]))).await.unwrap();
    world.deliver(&mail, HOUR).await;
    let cancelled = ada.cancel(&half).await.unwrap();
    assert_eq!((cancelled.not_sent, cancelled.too_late), (vec![other("y")], vec![other("x")]));
    assert_eq!(ada.cancel(&sent).await.unwrap().too_late, [other("z")]);
    assert!(ada.outbox().await.unwrap().is_empty());
    world.deliver(&mail, 48 * HOUR).await;
    assert_eq!(world.got("x").await.0, ["three"]);
    assert!(world.got("y").await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_fate_nobody_knows_is_sent_again_or_not_as_wanted() {
    for (guarantee, fault, copies) in [
        (Guarantee::AtLeastOnce, Fault::SubmitLost, 1),
        (Guarantee::AtLeastOnce, Fault::SubmitTakenAndLost, 2),
        (Guarantee::AtMostOnce, Fault::SubmitLost, 0),
        (Guarantee::AtMostOnce, Fault::SubmitTakenAndLost, 1),
    ] {
        let world = World::new(6);
        let ada = world.agent("ada").await;
        world.embedded.post_office().fail_next(ada.address(), fault);
        let sending = Sending::new(message("one", &["x"])).with_guarantee(guarantee).with_expiry(3 * HOUR);
        let queued = ada.enqueue(sending).await.unwrap();
        ada.enqueue(Sending::new(message("two", &["x"]))).await.unwrap();
        world.deliver(&world.program(), 12 * HOUR).await;
        let (got, ids) = world.got("x").await;
        assert_eq!(
            got.iter().filter(|subject| *subject == "one").count(),
            copies,
            "{guarantee:?}, {fault:?}"
        );
        assert_eq!(ids, usize::from(copies > 0) + 1, "copies share their Message-ID");
        let at_most = guarantee == Guarantee::AtMostOnce;
        let told = events(&ada).await;
        let last = if at_most { ["sent x", "unconfirmed x"] } else { ["sent x", "sent x"] };
        assert_eq!(told, last);
        let unconfirmed = ada.unconfirmed().await.unwrap();
        assert_eq!(unconfirmed.len(), usize::from(at_most));
        for entry in unconfirmed {
            assert_eq!(entry.message_id(), &queued.message_id);
            assert_eq!(ada.cancel(&queued).await.unwrap().too_late, [other("x")]);
            assert_eq!(entry.resend().await.unwrap().accepted, [other("x")]);
        }
        assert!(ada.unconfirmed().await.unwrap().is_empty());
        assert_eq!(
            world.got("x").await.0.iter().filter(|s| *s == "one").count(),
            copies + usize::from(at_most)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_mailboxes_show_is_believed() {
    for guarantee in [Guarantee::AtLeastOnce, Guarantee::AtMostOnce] {
        let world = World::new(7);
        let (ada, bob) = (world.agent("ada").await, world.agent("bob").await);
        let office = world.embedded.post_office();
        // In the recipient's own INBOX, and in one's own.
        office.fail_next(ada.address(), Fault::SubmitTakenAndLost);
        let both = NewMessage::to(bob.address()).with_cc(ada.address()).with_subject("both");
        ada.enqueue(Sending::new(both).with_guarantee(guarantee)).await.unwrap();
        world.deliver(&world.program(), HOUR).await;
        assert_eq!(world.inbox(&bob).await, ["both"]);
        assert_eq!(world.inbox(&ada).await, ["both"]);
        assert_eq!(events(&ada).await, ["sent agent_bob agent_ada"]);
        // By a report that it could not be delivered.
        office.fail_next(ada.address(), Fault::SubmitTakenAndLost);
        let failed = Fault::DeliveryFailed(Refusal::PERMANENT);
        office.add_fault(FaultRule::new(failed).with_recipient(&other("x")));
        ada.enqueue(Sending::new(message("bounces", &["x"])).with_guarantee(guarantee)).await.unwrap();
        world.deliver(&world.program(), HOUR).await;
        assert_eq!(events(&ada).await, ["sent x"], "a report says that it was taken");
        assert!(world.got("x").await.0.is_empty(), "it is not sent again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_store_that_refuses_the_login_leaves_nothing_in_doubt_for_ever() {
    for (guarantee, copies, told) in
        [(Guarantee::AtLeastOnce, 1, vec!["sent x"]), (Guarantee::AtMostOnce, 0, vec!["unconfirmed x"])]
    {
        let world = World::new(31);
        // It knows none of the mailboxes.
        let strange = Arc::new(PostOffice::new());
        let mail = world.builder().message_store(strange).build().unwrap();
        let ada = mail.provision(&id("ada")).await.unwrap();
        world.embedded.post_office().fail_next(ada.address(), Fault::SubmitLost);
        let sending = Sending::new(message("one", &["x"])).with_guarantee(guarantee).with_expiry(2 * HOUR);
        ada.enqueue(sending).await.unwrap();
        world.deliver(&mail, 3 * HOUR).await;
        assert_eq!(world.got("x").await.0.len(), copies, "{guarantee:?}");
        assert_eq!(events(&ada).await, told);
        assert!(world.is_idle().await);
    }
}
