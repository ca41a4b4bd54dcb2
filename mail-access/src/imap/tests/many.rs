//! Many logins, and few connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::{Arrival, SmtpImap, Watcher};

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

/// A server that is down for a minute, with 200 who watch: they come back spread out, within the cap, and miss nothing.
#[tokio::test(start_paused = true)]
async fn a_restarted_server_is_not_stormed() {
    let server = Arc::new(Double::new().pacing(Duration::from_millis(5)));
    let mail = Arc::new(server.mail(Double::config().with_max_imap_connections(150)));
    let watch = |number| {
        let mut watcher = Watcher::new(Arc::clone(&mail) as Arc<dyn MailAccess>, agent(number), None);
        tokio::spawn(async move {
            let mut subjects = Vec::new();
            while subjects.len() < 3 {
                let next = watcher.next().await.unwrap().unwrap();
                subjects.push((next.message.subject().to_owned(), next.is_repeated));
            }
            subjects
        })
    };
    let watchers: Vec<_> = (0..200).map(watch).collect();
    let deliver = |name: &str| {
        for number in 0..200 {
            server.deliver(&agent(number), name);
        }
    };
    tokio::time::sleep(Duration::from_secs(30)).await;
    deliver("before");
    tokio::time::sleep(Duration::from_mins(2)).await;
    server.set_up(false);
    deliver("meanwhile");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let up = Instant::now();
    server.set_up(true);
    tokio::time::sleep(Duration::from_mins(2)).await;
    deliver("after");
    for watcher in watchers {
        let expected = ["before", "meanwhile", "after"].map(|name| (name.to_owned(), false));
        assert_eq!(watcher.await.unwrap(), expected);
    }
    assert!(peak(&server) <= 150, "{}", peak(&server));
    let mut seconds = [0_usize; 60];
    server.world(|world| {
        for login in &world.logins {
            let after = login.saturating_duration_since(up).as_secs();
            if *login >= up && after < 60 {
                seconds[usize::try_from(after).unwrap()] += 1;
            }
        }
    });
    assert!(seconds.iter().all(|logins| *logins <= 40), "{seconds:?}");
    assert!(seconds.iter().sum::<usize>() >= 150, "{seconds:?}");
}

/// Mailboxes that are numbered anew under those who watch them.
#[tokio::test(start_paused = true)]
async fn a_watched_mailbox_may_be_numbered_anew() {
    let (server, login) = (Arc::new(Double::new()), agent(0));
    let mut watcher = Watcher::new(Arc::new(server.mail(Double::config())), login.clone(), None);
    let mut told = Vec::new();
    for round in 0..20 {
        let name = round.to_string();
        server.deliver(&login, &name);
        if round % 3 == 1 {
            server.renumber(&login);
        }
        loop {
            let next = watcher.next().await.unwrap().unwrap();
            let subject = next.message.subject().to_owned();
            if !next.is_repeated {
                told.push(subject.clone());
            }
            if subject == name {
                break;
            }
        }
    }
    assert_eq!(told, (0..20).map(|round| round.to_string()).collect::<Vec<_>>());
}

/// Polling in turn holds no connection between two looks, and a hint leads to a few more.
#[tokio::test(start_paused = true)]
async fn polling_holds_no_connection() {
    let server = Arc::new(Double::new());
    let config = Double::config().with_imap_polling().with_imap_turn(Duration::from_secs(20));
    let mail = Arc::new(server.mail(config));
    let waits = wait_all(&mail, 3);
    tokio::time::sleep(Duration::from_secs(105)).await;
    let logins = server.world(|world| world.logins.len());
    assert!((3 * 5..=3 * 12).contains(&logins), "{logins}");
    assert_eq!(open(&server), 0);
    mail.hint(agent(0).address());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(server.world(|world| world.logins.len()) <= logins + 6);
    mail.hint(agent(1).address());
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_millis(10)).await;
    (0..3).for_each(|number| assert_eq!(server.deliver(&agent(number), "one"), 1));
    let mut waits = waits.into_iter();
    let (first, hinted) = (waits.next().unwrap(), waits.next().unwrap());
    assert_eq!(hinted.await.unwrap().unwrap(), Arrival::New);
    assert!(begin.elapsed() < Duration::from_millis(50), "{:?}", begin.elapsed());
    for wait in waits.chain([first]) {
        assert_eq!(wait.await.unwrap().unwrap(), Arrival::New);
    }
    assert!(begin.elapsed() <= Duration::from_secs(21), "{:?}", begin.elapsed());
}
