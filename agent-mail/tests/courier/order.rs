//! In which order the mail of an agent goes out.

use std::time::Duration;

use agent_mail::Sending;
use mail_access::{Fault, FaultRule, Refusal};

use crate::world::{World, other};
use crate::{HOUR, message};

#[tokio::test(start_paused = true)]
async fn mail_to_one_recipient_stays_in_order_and_others_do_not_wait() {
    let world = World::new(11);
    let ada = world.agent("ada").await;
    let later = Fault::RecipientRefused(Refusal::TEMPORARY);
    world.embedded.post_office().add_fault(FaultRule::new(later).with_recipient(&other("x")).with_times(3));
    for n in 0..10 {
        let to: &[&str] = if n % 2 == 0 { &["x", "y"] } else { &["y"] };
        ada.enqueue(Sending::new(message(&n.to_string(), to))).await.unwrap();
    }
    world.deliver(&world.program(), Duration::from_millis(600)).await;
    let all: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(world.got("y").await.0, all, "nobody waits for another one's recipient");
    assert!(world.got("x").await.0.is_empty());
    world.deliver(&world.program(), 12 * HOUR).await;
    assert_eq!(world.got("x").await.0, ["0", "2", "4", "6", "8"]);
    assert_eq!(world.got("y").await.0, all, "and gets nothing twice");
}

#[tokio::test(start_paused = true)]
async fn what_has_a_set_time_goes_then() {
    let world = World::new(12);
    let ada = world.agent("ada").await;
    let at = |hours: u32| world.now() + hours * HOUR;
    let start = world.now();
    for (subject, hours) in [("third", 3), ("first", 1), ("second", 2)] {
        ada.enqueue(Sending::new(message(subject, &["x"])).with_time(at(hours))).await.unwrap();
    }
    ada.enqueue(Sending::new(message("now", &["x"]))).await.unwrap();
    let mail = world.program();
    for (hours, count) in [(0.5, 1), (0.49, 1), (0.02, 2), (1.0, 3), (1.0, 4)] {
        world.deliver(&mail, HOUR.mul_f64(hours)).await;
        let passed = world.now().duration_since(start).unwrap();
        assert_eq!(world.got("x").await.0.len(), count, "after {passed:?}");
    }
    assert_eq!(world.got("x").await.0, ["now", "first", "second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_agents_share_a_courier_and_few_connections() {
    let world = World::new(13);
    let mail = world.program();
    let slow = Fault::SubmitSlow(Duration::from_secs(1));
    world.embedded.post_office().add_fault(FaultRule::new(slow).with_times(1000));
    let mut agents = Vec::new();
    for n in 0..100 {
        let agent = world.agent(&format!("a{n}")).await;
        for k in 0..2 {
            let sending = Sending::new(message(&format!("{n}/{k}"), &["x"])).with_copy_to_sent(false);
            agent.enqueue(sending).await.unwrap();
        }
        agents.push(agent);
    }
    let start = world.now();
    mail.courier()
        .with_at_once(10)
        .run(async {
            while world.got("x").await.0.len() < 200 {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
    let took = world.now().duration_since(start).unwrap().as_secs();
    assert!((20..22).contains(&took), "200 of a second each, 10 at a time: {took} seconds");
    let (got, _) = world.got("x").await;
    for n in 0..100 {
        let place = |k: usize| got.iter().position(|subject| *subject == format!("{n}/{k}")).unwrap();
        assert!(place(0) < place(1));
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_couriers_one_works_and_the_other_takes_over() {
    let world = World::new(14);
    let ada = world.agent("ada").await;
    let (one, other) = (world.program(), world.program());
    let slow = Fault::SubmitSlow(Duration::from_secs(5));
    world.embedded.post_office().add_fault(FaultRule::new(slow));
    ada.enqueue(Sending::new(message("slow", &["x"]))).await.unwrap();
    let (first, second) = (one.courier(), other.courier());
    tokio::join!(
        first.run(tokio::time::sleep(Duration::from_secs(1))),
        second.run(tokio::time::sleep(Duration::from_secs(20))),
        async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            ada.enqueue(Sending::new(message("next", &["x"]))).await.unwrap();
        }
    );
    assert_eq!(world.got("x").await.0, ["slow", "next"]);
    assert_eq!(world.copies(&ada).await, 2);
}
