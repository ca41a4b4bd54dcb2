//! Many agents in one process: fair, apart from each other's troubles, paused, stopped, moved, and the short way.

mod doorbell;
#[path = "../failing/mod.rs"]
mod failing;
mod faulty;
mod moving;
#[path = "../pausing/mod.rs"]
mod pausing;
mod renumbering;
mod short_way;
mod troubles;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::StateStore;
use agent_mail::mail_access::Fault;
use agent_mail::simulator::Simulation;
use agent_mail::{
    AgentId, AgentMail, AgentMailbox, Effects, Embedded, Error, ErrorKind, Event, EventHandler, Fleet,
    FleetEvents, Health, MemoryState, NewMessage, Sending, ShortWay,
};
use async_trait::async_trait;
use tokio::time::timeout;

#[tokio::test(start_paused = true)]
async fn all_agents_have_one_stream_that_is_fair_and_keeps_the_order_of_each() {
    let world = world();
    let mail = world.system().build().unwrap();
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let (busy, quiet, sender) =
        (provision(&mail, "busy").await, provision(&mail, "quiet").await, provision(&mail, "sender").await);
    for n in 0..100 {
        send(&sender, &busy, &format!("{n}")).await;
    }
    send(&sender, &quiet, "hello").await;

    let (mut events, mut order, mut quiet_at) = (fleet.events(), Vec::new(), None);
    for n in 0..101 {
        let event = next(&mut events).await;
        if event.mailbox().id() == quiet.id() {
            quiet_at = Some(n);
        } else {
            order.push(subject(&event));
        }
        event.ack().await.unwrap();
    }
    assert_eq!(order, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(quiet_at.unwrap() < 10, "{quiet_at:?}: one with much mail keeps nobody waiting");
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err(), "nothing comes twice");

    // What nobody acknowledged comes again, to the next stream and to the next run.
    send(&sender, &quiet, "again").await;
    assert!(!next(&mut events).await.is_redelivery());
    drop(events);
    let event = next(&mut fleet.events()).await;
    assert_eq!((subject(&event).as_str(), event.is_redelivery()), ("again", true));
    drop(fleet);
    let later = Fleet::builder(world.system().build().unwrap()).start().await.unwrap();
    let event = next(&mut later.events()).await;
    assert_eq!((subject(&event).as_str(), event.is_redelivery()), ("again", true));
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_waits_also_through_a_restart() {
    let world = world();
    let mail = world.system().build().unwrap();
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    fleet.pause(ada.id()).await.unwrap();
    assert!(matches!(fleet.health_of(ada.id()), Some(Health::Paused)));
    assert_eq!(fleet.pause(&id("nobody")).await.unwrap_err().kind(), ErrorKind::NotFound);
    send(&bob, &ada, "waits").await;
    send(&ada, &bob, "comes").await;
    let mut events = fleet.events();
    let event = next(&mut events).await;
    assert_eq!(subject(&event), "comes", "who is paused may send");
    event.ack().await.unwrap();
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err());
    drop((events, fleet));

    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let mut events = fleet.events();
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err(), "it lasts");
    fleet.resume(ada.id()).await.unwrap();
    let event = next(&mut events).await;
    assert_eq!((subject(&event).as_str(), event.is_redelivery()), ("waits", false));
    event.ack().await.unwrap();

    fleet.pause_all().await.unwrap();
    send(&bob, &ada, "one").await;
    send(&ada, &bob, "two").await;
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err());
    assert_eq!(fleet.health().paused, 2);
    drop((events, fleet));
    let fleet = Fleet::builder(mail).start().await.unwrap();
    let mut events = fleet.events();
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err(), "it lasts");
    fleet.resume_all().await.unwrap();
    let mut both = [subject(&next(&mut events).await), subject(&next(&mut events).await)];
    both.sort();
    assert_eq!(both, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_handlers_end_and_acknowledges_nothing_that_was_not_handled() {
    let world = world();
    let mail = world.system().build().unwrap();
    let fleet = Fleet::builder(mail.clone()).mailboxes_at_once(4).start().await.unwrap();
    let sender = provision(&mail, "sender").await;
    let quick = provision(&mail, "quick").await;
    let slow = provision(&mail, "slow").await;
    for to in [&quick, &slow] {
        for n in 0..3 {
            send(&sender, to, &format!("{n}")).await;
        }
    }
    let handler = Slow::default();
    let serving = fleet.clone();
    let (stopped, ()) = tokio::join!(
        async {
            // Each of the quick one's takes 10 s, each of the slow one's 5 minutes.
            tokio::time::sleep(Duration::from_secs(15)).await;
            fleet.stop(Duration::from_secs(30)).await
        },
        serving.serve(&handler),
    );
    assert_eq!(stopped.broken_off, [slow.id().clone()]);
    assert_eq!(*handler.done.lock().unwrap(), ["quick 0", "quick 1"], "the one in hand was finished");
    assert!(matches!(fleet.health_of(quick.id()), Some(Health::Stopped)));
    assert!(fleet.events().next().await.is_none(), "it ended");

    let fleet = Fleet::builder(mail).start().await.unwrap();
    let mut events = fleet.events();
    let mut left = Vec::new();
    for _ in 0..4 {
        let event = next(&mut events).await;
        left.push((format!("{} {}", event.mailbox().id(), subject(&event)), event.is_redelivery()));
    }
    left.sort();
    let expected = [("quick 2", false), ("slow 0", true), ("slow 1", false), ("slow 2", false)];
    assert_eq!(left, expected.map(|(what, again)| (what.to_owned(), again)));
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_sent_while_the_fleet_runs_and_waits_while_it_does_not() {
    let world = world();
    let mail = world.system().build().unwrap();
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    let queue = async |subject: &str| {
        let message = NewMessage::to(bob.address()).with_subject(subject);
        ada.enqueue(Sending::new(message)).await.unwrap();
    };
    let comes = async |fleet: &Fleet, subject_: &str| {
        let mut events = fleet.events();
        loop {
            let event = next(&mut events).await;
            event.ack().await.unwrap();
            if event.received().is_some() {
                assert_eq!(subject(&event), subject_);
                return;
            }
        }
    };
    queue("before").await;
    for policy in [ShortWay::Never, ShortWay::WithinFleet] {
        let fleet = Fleet::builder(mail.clone()).short_way(policy).start().await.unwrap();
        comes(&fleet, "before").await;
        queue("meanwhile").await;
        comes(&fleet, "meanwhile").await;
        assert_eq!(fleet.stop(Duration::from_secs(30)).await.broken_off, []);
        queue("before").await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(ada.outbox().await.unwrap().len(), 1, "nobody sends it");
    }

    // A fleet that is dropped ends its courier too.
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    comes(&fleet, "before").await;
    drop(fleet);
    tokio::time::sleep(Duration::from_secs(1)).await;
    queue("later").await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(ada.outbox().await.unwrap().len(), 1, "nobody sends it");
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_courier_finish_what_it_has_begun_and_waits_no_longer_than_it_was_told() {
    for (within, is_finished) in [(90, true), (10, false)] {
        let world = Simulation::builder(1).build();
        let mail = world.system().build().unwrap();
        let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
        let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
        world.post_office().fail_next(ada.address(), Fault::SubmitSlow(Duration::from_mins(1)));
        let message = NewMessage::to(bob.address()).with_subject("slow");
        ada.enqueue(Sending::new(message)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let begun = tokio::time::Instant::now();
        fleet.stop(Duration::from_secs(within)).await;
        let took = begun.elapsed().as_secs();
        assert!(if is_finished { (30..60).contains(&took) } else { (10..12).contains(&took) }, "{took} s");
        let left = ada.outbox().await.unwrap();
        assert_eq!(left.is_empty(), is_finished, "{left:?}");

        // What it was broken off with is found out by the next one, and is there once.
        let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
        tokio::time::sleep(Duration::from_hours(2)).await;
        assert_eq!(bob.fetch_unseen(10).await.unwrap().len(), 1);
        assert!(ada.outbox().await.unwrap().is_empty());
        drop(fleet);
    }
}

#[tokio::test(start_paused = true)]
async fn agents_that_come_and_go_belong_to_the_fleet() {
    let world = world();
    let mail = world.system().tombstones(Duration::from_hours(24)).build().unwrap();
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let second = Fleet::builder(mail.clone()).start().await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::AlreadyExists);
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    let mut events = fleet.events();
    send(&bob, &ada, "one").await;
    assert_eq!(subject(&next(&mut events).await), "one");
    mail.retire(ada.id()).await.unwrap();
    assert!(fleet.health_of(ada.id()).is_none());
    assert_eq!(fleet.len(), 1);

    // The address is not given again, in this run and the next, until the time is over.
    let again = world.system().tombstones(Duration::from_hours(24)).build().unwrap();
    let early = again.provision(ada.id()).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::NotReady);
    let left = early.retry_after().unwrap();
    assert!(left > Duration::from_hours(23) && left <= Duration::from_hours(24), "{left:?}");
}

#[derive(Debug, Default)]
struct Slow {
    done: Mutex<Vec<String>>,
}

#[async_trait]
impl EventHandler for Slow {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let time = if mailbox.id().as_str() == "slow" { 300 } else { 10 };
        tokio::time::sleep(Duration::from_secs(time)).await;
        self.done.lock().unwrap().push(format!("{} {}", mailbox.id(), subject(event)));
        Ok(Effects::new())
    }
}

fn world() -> Embedded {
    Embedded::new("agents.example".parse().unwrap())
}

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

async fn provision(mail: &AgentMail, name: &str) -> AgentMailbox {
    mail.provision(&id(name)).await.unwrap()
}

async fn send(from: &AgentMailbox, to: &AgentMailbox, subject: &str) {
    from.send(NewMessage::to(to.address()).with_subject(subject).with_text("x")).await.unwrap();
}

async fn next(events: &mut FleetEvents) -> Event {
    timeout(Duration::from_mins(10), events.next()).await.expect("it comes in time").expect("it runs")
}

fn subject(event: &Event) -> String {
    event.received().expect("a message").subject().expose().to_owned()
}

fn state() -> Arc<dyn StateStore> {
    Arc::new(MemoryState::default())
}
