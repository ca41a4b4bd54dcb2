//! Addresses on a hub, and agents that move there and back.

use std::collections::BTreeMap;

use agent_mail::{Address, MemorySecrets, Way};

use super::faulty::{Pausing, drop_after};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_fleet_on_a_hub_has_one_mailbox_and_the_next_owner_of_an_address_gets_nothing_of_the_one_before() {
    let world = world();
    let mail = world.system().hub(world.hub().await.unwrap()).build().unwrap();
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let mut agents = Vec::new();
    for n in 0..50 {
        agents.push(provision(&mail, &format!("agent-{n}")).await);
    }
    assert!(!world.post_office().has_mailbox(agents[0].address()));
    let mut events = fleet.events();
    for (from, to) in agents.iter().zip(agents.iter().cycle().skip(1)) {
        send(from, to, from.id().as_str()).await;
    }
    for _ in &agents {
        let event = next(&mut events).await;
        let before: usize = subject(&event)["agent-".len()..].parse().unwrap();
        assert_eq!(event.mailbox().id().as_str(), format!("agent-{}", (before + 1) % 50));
        event.ack().await.unwrap();
    }
    let (first, sender) = (&agents[0], &agents[1]);
    send(sender, first, "for the first").await;
    assert_eq!(subject(&next(&mut events).await), "for the first");
    mail.retire(first.id()).await.unwrap();
    receive(&world, first.address(), "for nobody").await;
    let second = mail.provision(first.id()).await.unwrap();
    assert!(timeout(Duration::from_hours(1), events.next()).await.is_err());
    send(sender, &second, "for the second").await;
    assert_eq!(subject(&next(&mut events).await), "for the second");
    drop((events, fleet, mail, second, agents));

    let mail = world.system().hub(world.hub().await.unwrap()).build().unwrap();
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let event = next(&mut fleet.events()).await;
    assert_eq!((subject(&event).as_str(), event.is_redelivery()), ("for the second", true));
    assert_eq!(mail.open(&id("agent-0")).await.unwrap().fetch_unseen(10).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_move_may_be_killed_at_any_step_and_loses_nothing() {
    for way in [Way::Hub, Way::Mailbox] {
        let mut points = 0;
        while !killed_at(points, way).await {
            points += step();
        }
        println!("to {way:?}: killed at every point of {points} in steps of {}", step());
        assert!(points > 30, "{points}");
    }
}

/// Moves ada and kills the program at a point; true if the move came to its end before.
async fn killed_at(point: usize, way: Way) -> bool {
    let (world, state, secrets) =
        (Arc::new(world()), Arc::new(MemoryState::default()), Arc::new(MemorySecrets::default()));
    let before = if way == Way::Hub { Way::Mailbox } else { Way::Hub };
    let run = async || {
        let office = Arc::new(world.post_office().clone());
        let hub = world.hub().await.unwrap().with_admin(Pausing::once(world.clone()));
        let builder = AgentMail::builder("agents.example".parse().unwrap())
            .provisioner(Pausing::once(world.clone()))
            .mail_access(Pausing::once(office.clone()))
            .message_store(Pausing::once(office))
            .state(Pausing::once(state.clone()))
            .secrets(secrets.clone());
        builder.hub(hub).addresses(before).build().unwrap()
    };
    let mail = run().await;
    let ada = provision(&mail, "ada").await;
    let (id, address) = (ada.id().clone(), ada.address().clone());
    for n in 0..4 {
        receive(&world, &address, &format!("{n}")).await;
    }
    let mut events = ada.events();
    for acknowledged in [true, true, false] {
        let event = timeout(Duration::from_mins(1), events.next()).await.unwrap().unwrap().unwrap();
        if acknowledged {
            event.ack().await.unwrap();
        }
    }
    drop((events, ada));
    let meanwhile = async || receive(&world, &address, "4").await;
    let moved = drop_after(point, mail.move_to(&id, way), meanwhile).await;
    if let Some(moved) = &moved {
        moved.as_ref().unwrap();
    }
    if point == 0 {
        receive(&world, &address, "4").await;
    }
    receive(&world, &address, "5").await;
    drop(mail);

    let mail = run().await;
    mail.move_to(&id, way).await.unwrap();
    mail.move_to(&id, way).await.unwrap();
    assert!(mail.unfinished_moves().await.unwrap().is_empty());
    receive(&world, &address, "6").await;
    assert_eq!(world.post_office().has_mailbox(&address), way == Way::Mailbox);

    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let (mut events, mut came) = (fleet.events(), BTreeMap::<String, Vec<bool>>::new());
    while let Ok(event) = timeout(Duration::from_mins(5), events.next()).await {
        let event = event.unwrap();
        came.entry(subject(&event)).or_default().push(event.is_redelivery());
        event.ack().await.unwrap();
    }
    let unmarked =
        |what: &str| came.get(what).map_or(0, |marks| marks.iter().filter(|again| !**again).count());
    assert!(
        !came.contains_key("0") && !came.contains_key("1"),
        "at {point}: handled mail came again: {came:?}"
    );
    assert!(came.contains_key("2") && unmarked("2") == 0, "at {point}: {came:?}");
    for new in ["3", "4", "5", "6"] {
        assert_eq!(unmarked(new), 1, "at {point}: {new} of {came:?}");
    }
    // What was handled has come along.
    let ada = mail.open(&id).await.unwrap();
    let all = ada.fetch_unseen(100).await.unwrap();
    let mut all: Vec<_> = all.iter().map(|message| message.subject().expose().to_owned()).collect();
    all.sort();
    all.dedup();
    assert_eq!(all, ["0", "1", "2", "3", "4", "5", "6"], "at {point}");
    moved.is_some()
}

async fn receive(world: &Embedded, to: &Address, subject: &str) {
    let eve: Address = "eve@elsewhere.example".parse().unwrap();
    let note = NewMessage::to(to).with_subject(subject).with_text("x").seal(&eve.into()).unwrap();
    world.post_office().receive(&note).await.unwrap();
}

/// Every point on demand, some of them else.
fn step() -> usize {
    if std::env::var_os("AGENT_MAIL_SEEDS").is_some() { 1 } else { 3 }
}
