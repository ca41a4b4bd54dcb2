use std::time::Duration;

use agent_mail::ErrorKind;
use agent_mail::simulator::{Simulation, Trouble, Weather};

use super::{id, note};

/// Each trouble, alone and certain, does what it says.
#[tokio::test(start_paused = true)]
async fn a_trouble_shows_where_it_belongs() {
    for &trouble in Trouble::ALL {
        let calm = Weather::calm();
        let world = Simulation::builder(1).build();
        let mail = world.system().build().unwrap();
        let ada = mail.provision(&id("ada")).await.unwrap();
        ada.send(note(ada.address(), "before")).await.unwrap();
        assert!(ada.events().next().await.is_some());
        world.set_weather(calm.clone().with(trouble, 1.0));

        let sent = ada.send(note(ada.address(), "during")).await.map_err(|error| error.kind());
        let read = ada.fetch_unseen(10).await.map_err(|error| error.kind());
        let made = mail.provision(&id("bob")).await.map_err(|error| error.kind());
        let zone = mail.bootstrap_dns().await.map_err(|error| error.kind());
        let departed = || world.snapshot().mail().clone();
        let mut copies = 0;
        departed().for_each_message(|_, _, _, bytes| {
            copies += usize::from(bytes.windows(6).any(|six| six == b"during"));
        });

        use ErrorKind::{Interrupted, RateLimited, Rejected, Unavailable};
        let sending = sent.as_ref().err().copied();
        let reading = read.as_ref().err().copied();
        let making = made.as_ref().err().copied();
        let zoning = zone.as_ref().err().copied();
        let (send, fetch, make, dns, arrived) = match trouble {
            Trouble::SubmitUnavailable => (Some(Unavailable), None, None, None, 0),
            Trouble::SubmitLost => (Some(Interrupted), None, None, None, 0),
            Trouble::SubmitTakenAndLost => (Some(Interrupted), None, None, None, 1),
            Trouble::SubmitDeferred | Trouble::RecipientDeferred => (Some(Unavailable), None, None, None, 0),
            Trouble::SubmitRefused | Trouble::RecipientRefused => (Some(Rejected), None, None, None, 0),
            // The report holds the subject too.
            Trouble::Bounced => (None, None, None, None, 1),
            Trouble::DeliveredTwice => (None, None, None, None, 2),
            Trouble::DeliveredLate | Trouble::Overtaken => (None, None, None, None, 0),
            Trouble::FetchUnavailable => (None, Some(Unavailable), None, None, 1),
            Trouble::ChangeUnavailable => (None, Some(Unavailable), None, None, 1),
            Trouble::ChangeLost | Trouble::ChangeTakenAndLost => (None, Some(Interrupted), None, None, 1),
            // The marks go to UIDs that mean nothing any more.
            Trouble::NumberedAnew => (None, Some(ErrorKind::NotReady), None, None, 1),
            Trouble::WaitLost => (None, None, None, None, 1),
            Trouble::MailcowUnavailable => (None, None, Some(Unavailable), Some(Unavailable), 1),
            Trouble::MailcowTakenAndLost => (None, None, Some(Interrupted), Some(Interrupted), 1),
            Trouble::DesecUnavailable => (None, None, None, Some(Unavailable), 1),
            Trouble::DesecRateLimited => (None, None, None, Some(RateLimited), 1),
            Trouble::DesecTakenAndLost => (None, None, None, Some(Interrupted), 1),
            other => panic!("{other:?} is new"),
        };
        assert_eq!((sending, reading, making, zoning), (send, fetch, make, dns), "{trouble:?}");
        assert_eq!(copies, arrived, "{trouble:?}");

        world.set_weather(calm);
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert!(
            mail.provision(&id("bob")).await.is_ok() && mail.bootstrap_dns().await.is_ok(),
            "{trouble:?}"
        );
        let seen = ada.fetch_unseen(10).await.unwrap().len() + read.map_or(0, |read| read.len());
        // What was done and not known to be done is done.
        assert_eq!(seen == 0, trouble == Trouble::ChangeTakenAndLost, "{trouble:?}: {seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_its_time_there_and_back() {
    let millis = Duration::from_millis;
    let slow = Weather::calm().with_latency(millis(100), millis(100));
    let world = Simulation::builder(1).weather(slow).build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let before = world.elapsed();
    ada.send(note(ada.address(), "hello")).await.unwrap();
    assert_eq!(world.elapsed() - before, millis(200));
}

#[tokio::test(start_paused = true)]
async fn greylisting_puts_a_stranger_off() {
    let world =
        Simulation::builder(1).weather(Weather::calm().with_greylisting(Duration::from_secs(300))).build();
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    let error = ada.send(note(ada.address(), "hello")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(300)));
    tokio::time::sleep(Duration::from_secs(301)).await;
    ada.send(note(ada.address(), "hello")).await.unwrap();
}
