//! Waiting by looking again and again.

use super::*;
use crate::Arrival;

fn looks(identities: &[&str]) -> Dialogue {
    logged_in().then(lists(identities)).then(leaves())
}

async fn start(mail: &SmtpPop3) -> Position {
    let batch = mail.fetch(&ada(), &Selection::Uids(0, vec![]), 1).await.unwrap_err();
    let Error::Renumbered { found, .. } = batch else { panic!("{batch:?}") };
    Position { uid_validity: found, uid: 1 }
}

#[tokio::test(start_paused = true)]
async fn it_looks_at_once_and_then_by_the_clock() {
    let script = Script::of([looks(&["a"]), looks(&["a"]), looks(&["a"]), looks(&["b"]), looks(&["b", "c"])]);
    let mail = mail(&script);
    let after = start(&mail).await;
    let begin = Instant::now();
    assert_eq!(mail.wait(&ada(), after, Duration::from_mins(10)).await.unwrap(), Arrival::New);
    assert_eq!((begin.elapsed().as_secs(), script.connections()), (60, 4));
    let begin = Instant::now();
    assert_eq!(mail.wait(&ada(), after, Duration::MAX).await.unwrap(), Arrival::New, "it is there already");
    assert_eq!(begin.elapsed().as_secs(), 0);
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_after_its_time() {
    let script = Script::each(looks(&["a"]), 1 << 10);
    let mail = mail(&script);
    let after = start(&mail).await;
    for (seconds, more) in [(0, 1), (10, 1), (29, 1), (65, 3)] {
        let (begin, before) = (Instant::now(), script.connections());
        let at_most = Duration::from_secs(seconds);
        assert_eq!(mail.wait(&ada(), after, at_most).await.unwrap(), Arrival::TimedOut);
        assert_eq!((begin.elapsed(), script.connections() - before), (at_most, more));
    }
    let other = Position { uid_validity: after.uid_validity ^ 1, ..after };
    assert_eq!(mail.wait(&ada(), other, Duration::from_mins(1)).await.unwrap(), Arrival::New);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_their_looks() {
    let script = Script::each(looks(&["a"]), 1 << 10);
    let mail = Arc::new(mail(&script));
    let after = start(&mail).await;
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let mail = Arc::clone(&mail);
        waits.spawn(async move { mail.wait(&ada(), after, Duration::from_mins(10)).await.unwrap() });
    }
    assert_eq!(waits.join_all().await, [Arrival::TimedOut; 10]);
    // One look of each to begin with, then one in 30 s for all of them.
    let looks = script.connections() - 11;
    assert!((18..=20).contains(&looks), "{looks} looks in 10 minutes");
}

#[tokio::test(start_paused = true)]
async fn it_comes_no_sooner_than_the_server_wants() {
    let slow =
        logged_in_with("PIPELINING,SASL PLAIN,LOGIN-DELAY 300 USER").then(lists(&["a"])).then(leaves());
    let script = Script::each(slow, 1 << 10);
    let mail = mail(&script);
    let after = start(&mail).await;
    let begin = Instant::now();
    assert_eq!(mail.wait(&ada(), after, Duration::from_secs(299)).await.unwrap(), Arrival::TimedOut);
    assert_eq!((begin.elapsed().as_secs(), script.connections()), (299, 1));
    assert_eq!(mail.wait(&ada(), after, Duration::from_secs(700)).await.unwrap(), Arrival::TimedOut);
    assert_eq!(script.connections(), 4, "after 300, 600 and 900 s");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_ends_the_wait() {
    let refused = logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n").says("-ERR [SYS/TEMP] disk\r\n");
    let script = Script::of([looks(&["a"]), looks(&["a"]), refused]);
    let mail = mail(&script);
    let after = start(&mail).await;
    let error = mail.wait(&ada(), after, Duration::from_mins(10)).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && error.is_retryable(), "{error:?}");
}

/// Every call keeps to what the server wants, and a server that wants more than a call may take is no wrong password.
#[tokio::test(start_paused = true)]
async fn no_call_comes_sooner_than_the_server_wants() {
    for (delay, calls, expected) in [(120, 3, 240), (900, 2, 0)] {
        let slow = logged_in_with(&format!("PIPELINING,SASL PLAIN,LOGIN-DELAY {delay}"));
        let script = Script::each(slow.then(lists(&["a"])).then(gives(&[1])).then(leaves()), 1 << 10);
        let mail = mail(&script);
        let begin = Instant::now();
        for call in 0..calls {
            let done = fetch_all(&mail).await;
            match done {
                Ok(batch) => assert_eq!(uids(&batch), [1]),
                Err(error) => assert!(delay == 900 && call == 1 && error.is_retryable(), "{error:?}"),
            }
        }
        assert_eq!(begin.elapsed().as_secs(), expected);
    }
}

/// One that refuses quick logins without having said so is left alone, longer each time, and the wait goes on.
#[tokio::test(start_paused = true)]
async fn a_wait_outlasts_a_server_that_refuses_quick_logins() {
    let refuses = || {
        greets("PIPELINING,SASL PLAIN")
            .hears(format!("AUTH PLAIN {BLOB}\r\n"))
            .says("-ERR [LOGIN-DELAY] minimum time between mail checks violation\r\n")
    };
    let script = Script::of([looks(&["a"]), refuses(), refuses(), looks(&["a", "b"])]);
    let mail = mail(&script);
    let after = start(&mail).await;
    let begin = Instant::now();
    assert_eq!(mail.wait(&ada(), after, Duration::from_mins(10)).await.unwrap(), Arrival::New);
    assert_eq!((begin.elapsed().as_secs(), script.problems()), (60 + 120, vec![]));
    let script = Script::of([looks(&["a"]), refuses(), refuses(), refuses()]);
    let mail = mail_with(&script, config());
    let after = start(&mail).await;
    assert_eq!(mail.wait(&ada(), after, Duration::from_mins(4)).await.unwrap(), Arrival::TimedOut);
    assert_eq!(script.connections(), 4);
}
