//! What was sent and received, counted exactly, and not for ever.

use std::time::Duration;

use agent_mail::backend::{Change, StateStore};
use agent_mail::{Effects, NewMessage, Period, Reputation, ReputationLimits, Sending, Usage};
use mail_access::{Fault, FaultRule, Refusal};

use crate::world::{World, deliver, id, letter, nobody};

#[tokio::test(start_paused = true)]
async fn what_happens_is_counted_once_however_often_it_is_tried_and_read() {
    let world = World::new();
    let mail = world.program();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    let office = world.embedded.post_office();
    let all = async |who: &agent_mail::AgentMailbox| who.usage(Period::all()).await.unwrap();

    // At once: one of two recipients is refused; with a key it counts once, however often it is called.
    office
        .add_fault(FaultRule::new(Fault::RecipientRefused(Refusal::PERMANENT)).with_recipient(bob.address()));
    let receipt = ada.send(letter(bob.address()).with_cc(ada.contact())).await.unwrap();
    assert_eq!((receipt.accepted.len(), receipt.refused.len()), (1, 1));
    for _ in 0..3 {
        ada.send_once("key", letter(bob.address())).await.unwrap();
    }
    office.fail_next(ada.address(), Fault::SubmitRefused(Refusal::PERMANENT));
    ada.send(letter(bob.address())).await.unwrap_err();
    let used = all(&ada).await;
    assert_eq!((used.sent, used.accepted, used.refused, used.deferred), (2, 2, 2, 0));
    assert!((500..4000).contains(&used.bytes_sent), "{used:?}");

    // By the courier: to one at once, to the other after two tries.
    office.add_fault(
        FaultRule::new(Fault::RecipientRefused(Refusal::TEMPORARY))
            .with_recipient(bob.address())
            .with_times(2),
    );
    ada.enqueue(Sending::new(letter(bob.address()).with_cc(nobody()))).await.unwrap();
    deliver(&mail, &ada).await;
    let used = all(&ada).await;
    assert_eq!((used.sent, used.accepted, used.refused, used.deferred), (3, 4, 2, 1));

    // What came to bob is counted when it is handed out, and once.
    assert_eq!(all(&bob).await, Usage::default());
    for _ in 0..3 {
        let mut events = bob.events();
        for _ in 0..2 {
            events.next().await.unwrap().unwrap();
        }
    }
    office.reset_uid_validity(bob.address()).unwrap();
    let mut events = bob.events();
    for _ in 0..3 {
        events.next().await.unwrap().unwrap();
    }
    let got = all(&bob).await;
    assert_eq!(got.received, 2);
    assert!(got.bytes_received > 500, "{got:?}");

    // The report on nobody bounces.
    let mut events = ada.events();
    while let Ok(event) = tokio::time::timeout(Duration::from_secs(1), events.next()).await {
        event.unwrap().unwrap().ack_with(Effects::new()).await.unwrap();
    }
    let used = all(&ada).await;
    assert_eq!((used.bounced, used.complained, used.received), (1, 0, 1));
    assert_eq!(used.bounce_rate(), Some(0.25));
    assert_eq!(used.reputation(&ReputationLimits::default()), Reputation::Unknown);
    assert_eq!(used.reputation(&ReputationLimits::default().with_at_least(4)), Reputation::Critical);

    // Another program knows it, and what was of an agent goes with it.
    let report = world.program().usage(Period::all()).await.unwrap();
    assert_eq!(report.agents.values().map(|usage| usage.sent).collect::<Vec<_>>(), [3, 0]);
    assert_eq!((report.total.sent, report.total.received), (3, 3));
    mail.retire(&id("bob")).await.unwrap();
    mail.provision(&id("bob")).await.unwrap();
    let report = mail.usage(Period::all()).await.unwrap();
    assert_eq!(report.agents.keys().map(ToString::to_string).collect::<Vec<_>>(), ["ada"]);
    assert_eq!(report.total, used);
}

#[tokio::test(start_paused = true)]
async fn the_records_stay_few_and_the_counts_exact_over_a_month() {
    let world = World::new();
    let mail = world.program();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let records = async || world.state.scan("agents.example/usage/").await.unwrap().len();
    let (mut sent, mut most) = (0, 0);
    for _day in 0..30 {
        for _hour in 0..3 {
            for _ in 0..10 {
                ada.send(NewMessage::to(ada.address())).await.unwrap();
                sent += 1;
            }
            tokio::time::sleep(Duration::from_hours(8)).await;
        }
        most = most.max(records().await);
        let known = mail.usage(Period::all()).await.unwrap();
        assert_eq!(known.total.sent, sent);
    }
    // 64 on average wait to be summed up, besides a sum for each of 21 hours and 23 days.
    assert!(most < 450, "{most} records of {sent} messages");
    let last_day = mail.usage(Period::last(Duration::from_hours(24))).await.unwrap();
    assert_eq!(last_day.total.sent, 30);
    let now = world.now();
    let week = Duration::from_hours(7 * 24);
    let before = Period::between(now - 3 * week, now - 2 * week - Duration::from_hours(1));
    assert_eq!(mail.usage(before).await.unwrap().total.sent, 210);
}

#[tokio::test(start_paused = true)]
async fn what_is_long_ago_is_forgotten_and_a_damaged_record_is_told() {
    let world = World::new();
    let mail = world.program();
    let ada = mail.provision(&id("ada")).await.unwrap();
    for _ in 0..20 {
        ada.send(NewMessage::to(ada.address())).await.unwrap();
    }
    tokio::time::sleep(Duration::from_hours(401 * 24)).await;
    for n in 1..=500 {
        ada.send(NewMessage::to(ada.address())).await.unwrap();
        let known = ada.usage(Period::all()).await.unwrap().sent;
        assert!([n, n + 20].contains(&known), "all or nothing of it: {known}");
    }
    assert_eq!(ada.usage(Period::all()).await.unwrap().sent, 500);
    let damaged = Change::new().put("agents.example/usage/ada/0000001/sum", "?");
    let _done = world.state.commit(damaged).await.unwrap();
    let error = mail.usage(Period::all()).await.unwrap_err();
    assert_eq!(error.kind(), agent_mail::ErrorKind::Unexpected);
    assert_eq!(mail.usage(Period::last(Duration::from_hours(1))).await.unwrap().total.sent, 500);
}
