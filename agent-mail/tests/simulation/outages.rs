use std::time::Duration;

use agent_mail::simulator::{Service, Simulation};
use agent_mail::{ErrorKind, Event};
use tokio::time::{advance, sleep, timeout};

use super::{id, note};

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[tokio::test(start_paused = true)]
async fn each_service_is_away_by_schedule_and_only_then() {
    let world = Simulation::builder(1)
        .outage(Service::Mailcow, minutes(10)..minutes(20))
        .outage(Service::Desec, minutes(20)..minutes(30))
        .outage(Service::Smtp, minutes(30)..minutes(40))
        .outage(Service::Imap, minutes(40)..minutes(50))
        .build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    for minute in (5..60).step_by(10) {
        sleep(minutes(minute) - world.elapsed()).await;
        let failed = [
            mail.provision(&id(&format!("at-{minute}"))).await.err().map(|error| error.kind()),
            mail.bootstrap_dns().await.err().map(|error| error.kind()),
            ada.send(note(ada.address(), "hello")).await.err().map(|error| error.kind()),
            ada.fetch_unseen(10).await.err().map(|error| error.kind()),
        ];
        let mut expected = [None; 4];
        match minute {
            // Without the mail system nobody knows the key that the zone has to have.
            15 => (expected[0], expected[1]) = (Some(ErrorKind::Unavailable), Some(ErrorKind::Unavailable)),
            25 => expected[1] = Some(ErrorKind::Unavailable),
            35 => expected[2] = Some(ErrorKind::Unavailable),
            45 => expected[3] = Some(ErrorKind::Unavailable),
            _ => {}
        }
        assert_eq!(failed, expected, "after {minute} minutes");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_learns_of_an_outage_and_who_listens_rides_it_out() {
    let world = Simulation::builder(1).outage(Service::Imap, minutes(5)..minutes(15)).build();
    let mail = world.system().build().unwrap();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    let mut events = bob.events();
    assert!(timeout(minutes(6), events.next()).await.is_err(), "nothing has come");
    ada.send(note(bob.address(), "in the dark")).await.unwrap();
    let event: Event = events.next().await.unwrap().unwrap();
    assert_eq!(event.received().unwrap().subject(), "in the dark");
    let late = world.elapsed();
    assert!(late >= minutes(15) && late < minutes(17), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_an_outage_swallows_leaves_the_outcome_unknown() {
    let slow = agent_mail::simulator::Weather::calm().with_latency(minutes(1), minutes(1));
    let world = Simulation::builder(1).outage(Service::Smtp, minutes(7)..minutes(8)).weather(slow).build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    advance(Duration::from_millis(1)).await;
    sleep(Duration::from_secs(330) - world.elapsed()).await;
    let error = ada.send(note(ada.address(), "lost?")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(ada.unconfirmed().await.unwrap().len(), 1);
    assert_eq!(ada.fetch_unseen(10).await.unwrap().len(), 1, "it was taken");
}
