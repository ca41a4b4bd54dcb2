//! The whole way on the embedded world.

mod program;

use std::time::Duration;

use agent_mail::{AgentMail, Embedded, ErrorKind, Event, EventKind, Events, NewMessage};
use mail_access::Fault;
use program::{id, next};

fn world() -> Embedded {
    Embedded::new("agents.example".parse().unwrap())
}

async fn nothing_more(events: &mut Events) {
    assert!(tokio::time::timeout(Duration::from_secs(5), events.next()).await.is_err(), "nothing more comes");
}

#[tokio::test(start_paused = true)]
async fn the_program_runs_in_memory() {
    program::exchange(&AgentMail::embedded("agents.example").unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_comes_again_and_is_marked() {
    let world = world();
    {
        let mail = world.system().build().unwrap();
        let (ada, bob) =
            (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
        for n in 0..3 {
            ada.send(NewMessage::to(bob.address()).with_subject(n.to_string())).await.unwrap();
        }
        let mut events = bob.events();
        let handed: Vec<Event> =
            vec![next(&mut events).await, next(&mut events).await, next(&mut events).await];
        assert!(handed.iter().all(|event| !event.is_redelivery()));
        handed[1].ack().await.unwrap();
        handed[1].ack().await.unwrap();
    }
    let mail = world.system().build().unwrap();
    let bob = mail.open(&id("bob")).await.unwrap();
    let mut events = bob.events();
    for expected in ["0", "2"] {
        let event = next(&mut events).await;
        assert_eq!(event.received().unwrap().subject(), expected);
        assert!(event.is_redelivery());
        event.ack().await.unwrap();
    }
    nothing_more(&mut events).await;
    drop(events);
    nothing_more(&mut bob.events()).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_numbering_redelivers_only_what_was_not_handled() {
    let world = world();
    let mail = world.system().build().unwrap();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    for n in 0..100 {
        ada.send(NewMessage::to(bob.address()).with_subject(n.to_string())).await.unwrap();
    }
    let mut events = bob.events();
    for n in 0..90 {
        let event = next(&mut events).await;
        if n % 9 != 0 {
            event.ack().await.unwrap();
        }
    }
    world.post_office().reset_uid_validity(bob.address()).unwrap();
    drop(events);
    let mut events = bob.events();
    // What is noted without a mail comes when it was found: the reading meets the new numbers first.
    let event = next(&mut events).await;
    assert!(matches!(event.kind(), EventKind::MailboxReset { .. }), "{:?}", event.kind());
    event.ack().await.unwrap();
    let mut again = Vec::new();
    let mut new = Vec::new();
    for _ in 0..20 {
        let event = next(&mut events).await;
        event.ack().await.unwrap();
        let subject: u32 = event.received().unwrap().subject().expose().parse().unwrap();
        if event.is_redelivery() { again.push(subject) } else { new.push(subject) }
    }
    nothing_more(&mut events).await;
    // 96 messages were read ahead; those behind the 90th were not handed out.
    assert_eq!(again, (0..10).map(|n| n * 9).collect::<Vec<_>>());
    assert_eq!(new, (90..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_stream_waits_through_an_outage() {
    let world = world();
    let mail = world.system().build().unwrap();
    let bob = mail.provision(&id("bob")).await.unwrap();
    world.post_office().fail_next(bob.address(), Fault::FetchUnavailable);
    bob.send(NewMessage::to(bob.address()).with_subject("later")).await.unwrap();
    assert_eq!(next(&mut bob.events()).await.received().unwrap().subject(), "later");
}

#[tokio::test(start_paused = true)]
async fn a_retired_agent_is_gone_with_everything() {
    let world = world();
    let mail = world.system().build().unwrap();
    let bob = mail.provision(&id("bob")).await.unwrap();
    bob.send(NewMessage::to(bob.address())).await.unwrap();
    let mut events = bob.events();
    next(&mut events).await.ack().await.unwrap();
    mail.retire(&id("bob")).await.unwrap();
    mail.retire(&id("bob")).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert!(events.next().await.is_none(), "an error that no waiting mends ends the stream");
    assert_eq!(mail.open(&id("bob")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(mail.agents().await.unwrap().is_empty());
    assert!(!world.post_office().has_mailbox(bob.address()));
    let anew = mail.provision(&id("bob")).await.unwrap();
    nothing_more(&mut anew.events()).await;
}

#[tokio::test]
async fn provisioning_twice_is_one_mailbox_and_a_foreign_one_is_left_alone() {
    let world = world();
    let mail = world.system().build().unwrap();
    let id_of_ada = id("ada");
    let (one, two) = tokio::join!(mail.provision(&id_of_ada), mail.provision(&id_of_ada));
    assert_eq!(one.unwrap().address(), two.unwrap().address());
    assert_eq!(mail.agents().await.unwrap().len(), 1);

    let foreign = "agent_eve@agents.example".parse().unwrap();
    world.post_office().add_mailbox(&foreign, "theirs".to_owned().into(), 0).unwrap();
    let error = mail.provision(&id("eve")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(mail.open(&id("eve")).await.unwrap_err().kind(), ErrorKind::NotFound);
    mail.retire(&id("eve")).await.unwrap();
    assert!(world.post_office().has_mailbox(&foreign), "what is not ours is not removed");
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_and_never_blindly_resent() {
    let world = world();
    let mail = world.system().build().unwrap();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    for (fault, copies) in [(Fault::SubmitTakenAndLost, 1), (Fault::SubmitLost, 2)] {
        world.post_office().fail_next(ada.address(), fault);
        let error = ada.send(NewMessage::to(bob.address()).with_subject("x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        let open = ada.unconfirmed().await.unwrap();
        assert_eq!(open.len(), 1);
        let receipt = open[0].resend().await.unwrap();
        assert_eq!(receipt.accepted, [bob.address().clone()]);
        assert_eq!(open[0].resend().await.unwrap_err().kind(), ErrorKind::NotFound, "it is closed");
        assert!(ada.unconfirmed().await.unwrap().is_empty());
        let mut events = bob.events();
        for _ in 0..copies {
            next(&mut events).await;
        }
    }
    assert_eq!(bob.fetch_unseen(10).await.unwrap().len(), 2, "each arrived once");

    world.post_office().fail_next(ada.address(), Fault::SubmitLost);
    ada.send(NewMessage::to(bob.address())).await.unwrap_err();
    ada.unconfirmed().await.unwrap().remove(0).forget().await.unwrap();
    assert!(ada.unconfirmed().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failure_that_is_known_leaves_nothing_in_the_outbox() {
    let world = world();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    world.post_office().fail_next(ada.address(), Fault::SubmitUnavailable);
    let error = ada.send(NewMessage::to(ada.address())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(ada.unconfirmed().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_sends_once_also_after_a_restart() {
    let world = world();
    let mail = world.system().build().unwrap();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    let message = || NewMessage::to(bob.address()).with_subject("order 7");
    world.post_office().fail_next(ada.address(), Fault::SubmitTakenAndLost);
    ada.send_once("order-7", message()).await.unwrap_err();

    let mail = world.system().build().unwrap();
    let ada = mail.open(&id("ada")).await.unwrap();
    let receipt = ada.send_once("order-7", message()).await.unwrap();
    assert_eq!(ada.send_once("order-7", message()).await.unwrap(), receipt);
    let other = ada.send_once("order-7", message().with_text("changed")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::AlreadyExists);
    assert_eq!(bob.fetch_unseen(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_recipient_bounces_to_the_sender() {
    let mail = AgentMail::embedded("agents.example").unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let nobody: agent_mail::Address = "nobody@agents.example".parse().unwrap();
    let sent = ada.send(NewMessage::to(nobody)).await.unwrap();
    let event = next(&mut ada.events()).await;
    let EventKind::Bounced(bounce) = event.kind() else { panic!("{:?}", event.kind()) };
    assert_eq!(bounce.message_id, sent.message_id);
    let [failed] = &*bounce.recipients else { panic!("{bounce:?}") };
    assert_eq!((failed.recipient.to_string(), failed.code), ("nobody@agents.example".to_owned(), Some(500)));
    assert!(bounce.report.as_ref().unwrap().is_delivery_report(), "the report itself can be looked at");
}

#[tokio::test]
async fn dns_is_bootstrapped_once() {
    let world = world();
    let mail = world.system().build().unwrap();
    let report = mail.bootstrap_dns().await.unwrap();
    assert_eq!((report.written.len(), report.unchanged), (8, 0));
    let again = mail.bootstrap_dns().await.unwrap();
    assert_eq!((again.written.len(), again.unchanged), (0, 8));
    assert_eq!(world.zone_records().len(), 9, "with the zone's own NS");
}

#[tokio::test(start_paused = true)]
async fn dns_is_kept_in_repair() {
    let world = world();
    let builder = world.system().dns_interval(Duration::from_hours(1));
    let mail = builder.build().unwrap();
    let keeper = tokio::spawn({
        let mail = mail.clone();
        async move { mail.keep_dns().await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.zone_records().len(), 9);
    let gone = agent_mail::backend::RrSet::new("", "MX", 3600, vec![]);
    agent_mail::backend::DnsProvider::replace(&world, mail.domain(), &[gone]).await.unwrap();
    assert_eq!(world.zone_records().len(), 8);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(world.zone_records().len(), 9);
    keeper.abort();
}

#[tokio::test]
async fn limits_that_would_mean_none_are_refused() {
    for builder in [world().system().hourly_limit(0), world().system().dns_interval(Duration::ZERO)] {
        assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn none_at_most_is_none() {
    let mail = world().system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    ada.send(NewMessage::to(ada.address())).await.unwrap();
    assert_eq!(ada.fetch_unseen(0).await.unwrap().len(), 0);
    assert_eq!(ada.fetch_unseen(1).await.unwrap().len(), 1, "it was not marked");
}
