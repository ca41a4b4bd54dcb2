//! When a fleet tells that a mailbox is numbered anew: never later than with its next mail.

use agent_mail::{EventKind, Inbound};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_numbering_is_told_at_once_while_the_fleet_runs() {
    for has_doorbell in [true, false] {
        let (world, fleet, ada) = begun(has_doorbell).await;
        let mut events = fleet.events();
        for with_mail in [true, false] {
            empty(&world, &ada).await;
            if with_mail {
                send(&ada, &ada, "stays").await;
                next(&mut events).await.ack().await.unwrap();
            }
            world.post_office().reset_uid_validity(ada.address()).unwrap();
            is_told(&mut events).await;
            nothing_more(&mut events).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_numbering_between_two_runs_is_told_before_any_mail() {
    for (has_doorbell, with_mail) in [(true, true), (true, false), (false, true), (false, false)] {
        let (world, fleet, ada) = begun(has_doorbell).await;
        if !with_mail {
            empty(&world, &ada).await;
        }
        fleet.stop(Duration::from_secs(30)).await;
        world.post_office().reset_uid_validity(ada.address()).unwrap();

        let fleet = Fleet::builder(fleet.mail().clone()).start().await.unwrap();
        let mut events = fleet.events();
        if has_doorbell && !with_mail {
            // The doorbell tells of mail alone, and nobody looks into a mailbox without.
            nothing_more(&mut events).await;
            send(&ada, &ada, "next").await;
            is_told(&mut events).await;
            let event = next(&mut events).await;
            assert_eq!(subject(&event), "next");
            event.ack().await.unwrap();
        } else {
            is_told(&mut events).await;
        }
        nothing_more(&mut events).await;
    }
}

/// A fleet of one agent, which has read a mail.
async fn begun(has_doorbell: bool) -> (Embedded, Fleet, AgentMailbox) {
    let world = world();
    let mail = if has_doorbell {
        world.system().build().unwrap()
    } else {
        let builder = AgentMail::builder("agents.example".parse().unwrap())
            .provisioner(Arc::new(world.clone()))
            .mail_access(Arc::new(world.post_office().clone()))
            .state(state());
        builder.build().unwrap()
    };
    let ada = provision(&mail, "ada").await;
    let fleet = Fleet::builder(mail).start().await.unwrap();
    send(&ada, &ada, "first").await;
    let mut events = fleet.events();
    next(&mut events).await.ack().await.unwrap();
    nothing_more(&mut events).await;
    (world, fleet, ada)
}

async fn empty(world: &Embedded, ada: &AgentMailbox) {
    let all = ada.fetch_unseen(10).await.unwrap();
    let uids: Vec<_> = all.iter().map(Inbound::uid).collect();
    world.post_office().expunge(ada.address(), &uids).unwrap();
    assert!(ada.fetch_unseen(10).await.unwrap().is_empty());
}

async fn is_told(events: &mut FleetEvents) {
    let event = next(events).await;
    assert!(matches!(event.kind(), EventKind::MailboxReset { .. }), "{:?}", event.kind());
    assert!(!event.is_redelivery());
    event.ack().await.unwrap();
}

async fn nothing_more(events: &mut FleetEvents) {
    let more = timeout(Duration::from_hours(24), events.next()).await;
    assert!(more.is_err(), "{more:?}");
}
