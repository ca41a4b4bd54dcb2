//! Fewer connections than are wanted.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::{Arrival, FolderName, MessageStore, SmtpImap};

fn agent(number: usize) -> Login {
    Login::new(format!("agent-{number}@agents.example").parse().unwrap(), PASSWORD.into())
}

const START: Position = Position { uid_validity: 7, uid: 0 };

/// A stream that nobody reads on gives its connection to who waits for one, and goes on over another.
#[tokio::test(start_paused = true)]
async fn an_unread_stream_holds_nobody_up_for_long() {
    let server = Arc::new(Double::new());
    let mail = server.mail(Double::config().with_max_imap_connections(1));
    for name in ["a", "b", "c"] {
        server.deliver(&agent(0), name);
    }
    let mut stream = mail.messages(&agent(0), &FolderName::inbox(), &Selection::After(None));
    for name in ["a", "b", "c"] {
        assert_eq!(stream.next().await.unwrap().unwrap().subject(), name);
        for login in [agent(0), agent(1)] {
            let begin = Instant::now();
            mail.fetch(&login, &Selection::After(None), 1).await.unwrap();
            assert!(begin.elapsed() <= Duration::from_secs(11), "{:?}", begin.elapsed());
        }
    }
    assert!(stream.next().await.is_none());
}

/// Nobody waits: it keeps its connection for a while, but not until the server closes it.
#[tokio::test(start_paused = true)]
async fn a_stream_left_alone_goes_on_hours_later() {
    let server = Arc::new(Double::new());
    let mail = server.mail(Double::config());
    for name in ["a", "b", "c"] {
        server.deliver(&agent(0), name);
    }
    let mut stream = mail.messages(&agent(0), &FolderName::inbox(), &Selection::After(None));
    for (name, logins) in [("a", 1), ("b", 1), ("c", 2)] {
        assert_eq!(stream.next().await.unwrap().unwrap().subject(), name);
        assert_eq!(server.world(|world| world.logins.len()), logins, "{name}");
        tokio::time::sleep(if name == "a" { Duration::from_mins(1) } else { Duration::from_hours(9) }).await;
    }
    server.renumber(&agent(0));
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Renumbered { .. }), "{error:?}");
}

/// While nobody asks for the next message, the server is not asked either.
#[tokio::test(start_paused = true)]
async fn a_stream_asks_for_nothing_while_nobody_asks_it() {
    let server = Arc::new(Double::new());
    let mail = server.mail(Double::config());
    // More than go into one command.
    for number in 0..1500 {
        server.deliver(&agent(0), &number.to_string());
    }
    let commands = || server.world(|world| world.commands.len());
    let mut stream = mail.messages(&agent(0), &FolderName::inbox(), &Selection::After(None));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (commands(), server.world(|world| world.logins.len())),
        (0, 0),
        "before the first one neither"
    );
    let mut asked = Vec::new();
    for number in 0..1500 {
        assert_eq!(stream.next().await.unwrap().unwrap().subject(), number.to_string());
        let before = commands();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(commands(), before, "{number}");
        asked.push(before);
    }
    asked.dedup();
    assert_eq!(asked.len(), 3, "and one command asks for hundreds: {asked:?}");
}

/// The link is held by a call whose server says nothing; who waits for one hears of it after a while.
#[tokio::test(start_paused = true)]
async fn a_call_ends_where_no_connection_comes_free() {
    let server = Arc::new(Double::new().silent_from(2));
    let config = Double::config().with_max_imap_connections(1).with_max_imap_wait(Duration::from_secs(20));
    let mail = Arc::new(server.mail(config));
    let holder = Arc::clone(&mail);
    tokio::spawn(async move { holder.fetch(&agent(0), &Selection::After(None), 1).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    for at_most in [10, 30] {
        let begin = Instant::now();
        let login = agent(1);
        let done = mail.wait(&login, START, Duration::from_secs(at_most)).await;
        assert!(matches!(done, Err(Error::Unavailable { .. })), "{done:?}");
        assert!(begin.elapsed().as_secs().abs_diff(at_most.max(20)) <= 6, "{:?}", begin.elapsed());
    }
}

/// Opening a connection is no waiting for one.
#[tokio::test(start_paused = true)]
async fn a_slow_login_does_not_count_as_waiting() {
    let server = Arc::new(Double::new().pacing(Duration::from_secs(20)));
    let config = Double::config().with_max_imap_wait(Duration::from_secs(5));
    let mail = server.mail(config);
    server.deliver(&agent(0), "a");
    let batch = mail.fetch(&agent(0), &Selection::After(None), 1).await.unwrap();
    assert_eq!(uids(&batch), [1]);
    let done = mail.wait(&agent(1), START, Duration::from_secs(1)).await;
    assert_eq!(done.unwrap(), Arrival::TimedOut);
}

/// A job whose kept connection is gone queues for another one like any other job.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_again_waits_in_turn() {
    let bob = Login::new("bob@agents.example".parse().unwrap(), SecretString::from("canary"));
    let shown = STANDARD.encode("\0bob@agents.example\0canary");
    let stale = Dialogue::default().hears("A4 NOOP\r\n").waits(Duration::from_secs(5)).closes();
    let slow = greeting("SASL-IR AUTH=PLAIN")
        .hears(format!("L1 AUTHENTICATE PLAIN {shown}\r\n"))
        .waits(Duration::from_secs(10))
        .says("L1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")
        .then(select("A1", 0, 1));
    let script =
        Script::of([logged_in().then(two_messages()).then(stale), slow, logged_in().then(two_messages())]);
    let config = Script::config().with_max_imap_connections(1);
    let mail = SmtpImap::new(config, Arc::clone(&script) as Arc<dyn crate::wire::Connector>);
    let (ada, all) = (ada(), Selection::After(None));
    mail.fetch(&ada, &all, 10).await.unwrap();
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        mail.fetch(&bob, &all, 10).await
    };
    let (batch, other) = tokio::join!(mail.fetch(&ada, &all, 10), other);
    assert_eq!(uids(&batch.unwrap()), [3, 5]);
    assert!(other.unwrap().messages.is_empty());
    assert_eq!((script.connections(), script.problems()), (3, vec![]));
}

/// A login that has always something to do doesn't keep the others out.
#[tokio::test(start_paused = true)]
async fn a_busy_login_lets_others_have_their_turn() {
    let server = Arc::new(Double::new().pacing(Duration::from_millis(5)));
    let mail = Arc::new(server.mail(Double::config().with_max_imap_connections(1)));
    let busy = |_| {
        let mail = Arc::clone(&mail);
        tokio::spawn(async move {
            let login = agent(0);
            loop {
                mail.fetch(&login, &Selection::After(None), 1).await.unwrap();
            }
        })
    };
    let busy: Vec<_> = (0..3).map(busy).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for number in 1..4 {
        let login = agent(number);
        let fetch = mail.fetch(&login, &Selection::After(None), 1);
        let done = tokio::time::timeout(Duration::from_secs(5), fetch).await;
        assert!(done.is_ok_and(|done| done.is_ok()), "{number}");
    }
    let logins = server.world(|world| world.logins.len());
    assert!(logins < 30, "nor do they take turns after each call: {logins}");
    assert!(busy.iter().all(|busy| !busy.is_finished()));
    busy.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_asked_once_whoever_asks() {
    let server = Arc::new(Double::new().pacing(Duration::from_millis(5)));
    let mail = Arc::new(server.mail(Double::config()));
    let ask = |number| {
        let mail = Arc::clone(&mail);
        tokio::spawn(async move {
            let wrong = Login::new(agent(0).address().clone(), "wrong".into());
            if number % 2 == 0 {
                mail.fetch(&wrong, &Selection::Unseen, 1).await.map(|_| ())
            } else {
                let all = mail.messages(&wrong, &FolderName::inbox(), &Selection::Unseen);
                all.map(|one| one.map(|_| ())).next().await.unwrap()
            }
        })
    };
    for call in (0..40).map(ask).collect::<Vec<_>>() {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    }
    assert_eq!(server.world(|world| world.refused), 1);
    server.deliver(&agent(0), "a");
    let read = |_| mail.messages(&agent(0), &FolderName::inbox(), &Selection::After(None)).count();
    assert_eq!(
        futures_util::future::join_all((0..9).map(read)).await,
        [1; 9],
        "the right one is not held up"
    );
}

/// A stream that is asked for its first message and then left alone holds nobody up, wherever it stands.
#[tokio::test(start_paused = true)]
async fn a_stream_left_at_the_door_holds_nobody_up() {
    for moment in 0..40 {
        let server = Arc::new(Double::new().pacing(Duration::from_millis(5)));
        let mail = server.mail(Double::config());
        server.deliver(&agent(0), "a");
        let login = agent(0);
        let mut stream = mail.messages(&login, &FolderName::inbox(), &Selection::After(None));
        let asked = tokio::time::timeout(Duration::from_millis(moment), stream.next()).await;
        let fetch = mail.fetch(&login, &Selection::After(None), 1);
        let done = tokio::time::timeout(Duration::from_secs(1), fetch).await.expect("it isn't held up");
        assert_eq!(uids(&done.unwrap()), [1], "{moment}");
        assert_eq!(stream.count().await, usize::from(asked.is_err()), "{moment}");
    }
}
