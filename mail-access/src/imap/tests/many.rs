//! Many logins, and few connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::{Arrival, SmtpImap};

fn agent(number: usize) -> Login {
    Login::new(format!("agent-{number}@agents.example").parse().unwrap(), PASSWORD.into())
}

fn peak(server: &Double) -> usize {
    server.traffic.peak.load(Ordering::Relaxed)
}

fn open(server: &Double) -> usize {
    server.traffic.open.load(Ordering::Relaxed)
}

const START: Position = Position { uid_validity: 7, uid: 0 };

/// Waits for the first mail of so many agents.
fn wait_all(mail: &Arc<SmtpImap>, agents: usize) -> Vec<tokio::task::JoinHandle<Result<Arrival, Error>>> {
    let wait = |number| {
        let mail = Arc::clone(mail);
        tokio::spawn(async move { mail.wait(&agent(number), START, Duration::from_mins(20)).await })
    };
    (0..agents).map(wait).collect()
}

#[tokio::test(start_paused = true)]
async fn one_connection_serves_all_calls_of_a_login() {
    let server = Arc::new(Double::new());
    let mail = Arc::new(server.mail(Double::config()));
    let waits = wait_all(&mail, 1);
    let (mut calls, login) = (Vec::new(), agent(0));
    for _ in 0..20 {
        let (mail, login) = (Arc::clone(&mail), login.clone());
        calls.push(tokio::spawn(async move { mail.fetch(&login, &Selection::After(None), 9).await }));
    }
    for call in calls {
        assert!(call.await.unwrap().unwrap().messages.is_empty());
    }
    server.deliver(&login, "one");
    for wait in waits {
        assert_eq!(wait.await.unwrap().unwrap(), Arrival::New);
    }
    assert_eq!((peak(&server), server.world(|world| world.logins.len())), (1, 1));
    drop(mail);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((open(&server), server.world(|world| world.logouts)), (0, 1));
    assert_eq!(server.world(|world| world.problems.clone()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_has_nothing_to_do_is_closed_after_a_while() {
    let server = Arc::new(Double::new());
    let mail = server.mail(Double::config().with_imap_idle(Duration::from_mins(2)));
    mail.fetch(&agent(0), &Selection::After(None), 1).await.unwrap();
    tokio::time::sleep(Duration::from_secs(119)).await;
    assert_eq!(open(&server), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((open(&server), server.world(|world| world.logouts)), (0, 1));
    assert!(format!("{mail:?}").contains("mailboxes: Pool { open: 0,"), "{mail:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_asked_once() {
    let server = Arc::new(Double::new());
    let mail = Arc::new(server.mail(Double::config()));
    let wrong = Login::new(agent(0).address().clone(), "wrong".into());
    let mut calls = Vec::new();
    for number in 0..40 {
        let (mail, wrong) = (Arc::clone(&mail), wrong.clone());
        calls.push(tokio::spawn(async move {
            match number % 2 {
                0 => mail.fetch(&wrong, &Selection::Unseen, 1).await.map(|_| ()),
                _ => mail.wait(&wrong, START, Duration::from_mins(9)).await.map(|_| ()),
            }
        }));
    }
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    }
    tokio::time::sleep(Duration::from_secs(299)).await;
    let error = mail.mark_seen(&wrong, 7, &[uid(1)]).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(server.world(|world| world.refused), 1);
    assert!(
        mail.fetch(&agent(0), &Selection::After(None), 1).await.is_ok(),
        "the right one is another login"
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    mail.fetch(&wrong, &Selection::Unseen, 1).await.unwrap_err();
    assert_eq!(server.world(|world| world.refused), 2);
}

/// Each of 200 gets its mail within a round, over 20 connections.
#[tokio::test(start_paused = true)]
async fn who_waits_gives_way_in_turn() {
    let server = Arc::new(Double::new().pacing(Duration::from_millis(5)));
    let mail = Arc::new(server.mail(Double::config().with_max_imap_connections(20)));
    let waits = wait_all(&mail, 200);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(open(&server), 20);
    let begin = Instant::now();
    for number in 0..200 {
        server.deliver(&agent(number), "one");
    }
    for wait in waits {
        assert_eq!(wait.await.unwrap().unwrap(), Arrival::New);
    }
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
    // Those who read need not wait for a turn.
    let begin = Instant::now();
    let waits = wait_all(&mail, 0);
    assert_eq!(mail.fetch(&agent(199), &Selection::After(None), 9).await.unwrap().messages.len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(peak(&server) <= 20 && waits.is_empty(), "{}", peak(&server));
}
