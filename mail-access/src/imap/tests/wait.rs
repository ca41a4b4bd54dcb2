//! Waiting for mail.

use super::*;
use crate::Arrival;

const HERE: Position = Position { uid_validity: 7, uid: 5 };

/// Waits behind UID 5, at most 1000 s, and tells how long it took.
async fn wait(dialogue: Dialogue) -> (Result<Arrival, Error>, u64) {
    let script = Script::of([dialogue]);
    let begin = Instant::now();
    let done = script.mail().wait(&ada(), HERE, Duration::from_secs(1000)).await;
    assert_eq!(script.problems(), [""; 0]);
    (done, begin.elapsed().as_secs())
}

fn idle(tag: &str) -> Dialogue {
    Dialogue::default().hears(format!("{tag} IDLE\r\n")).says("+ idling\r\n")
}

/// Ends an IDLE and begins the next one.
fn poke(tag: &str, next: &str) -> Dialogue {
    Dialogue::default()
        .hears(format!("DONE\r\n{next} IDLE\r\n"))
        .says(format!("{tag} OK done\r\n+ idling\r\n"))
}

fn last(tag: &str, exists: u32, uid: u32) -> Dialogue {
    asks(tag, &format!("FETCH {exists} (UID)"), &format!("* {exists} FETCH (UID {uid})\r\n"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_ends_it_at_once() {
    for dialogue in [
        logged_in().then(select("A1", 3, 7)).then(last("A2", 3, 6)),
        logged_in()
            .hears("A1 SELECT INBOX\r\n")
            .says("* 0 EXISTS\r\n* OK [UIDVALIDITY 8] new\r\nA1 OK done\r\n"),
    ] {
        let (arrival, after) = wait(dialogue).await;
        assert_eq!((arrival.unwrap(), after), (Arrival::New, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn mail_wakes_it_whenever_it_comes() {
    let exists = "* 3 EXISTS\r\n* 1 RECENT\r\n";
    for (dialogue, expected) in [
        // While it idles.
        (idle("A2").waits(seconds(100)).says(exists), 100),
        // Between the look and the server's readiness to idle.
        (Dialogue::default().hears("A2 IDLE\r\n").says(format!("{exists}+ idling\r\n")), 0),
        // With the answer to DONE, when it is time for a sign of life.
        (idle("A2").hears("DONE\r\nA3 IDLE\r\n").says(format!("{exists}A2 OK done\r\n+ idling\r\n")), 150),
        // After others that don't count: a deleted one, a flag, a sign of life.
        (
            idle("A2")
                .waits(seconds(100))
                .says("* 1 EXPUNGE\r\n* 1 FETCH (FLAGS (\\Seen))\r\n* OK Still here\r\n")
                .waits(seconds(50))
                .says("* 1 EXISTS\r\n")
                .waits(seconds(20))
                .says("* 2 EXISTS\r\n"),
            170,
        ),
    ] {
        let (arrival, after) = wait(logged_in().then(select("A1", 2, 6)).then(dialogue)).await;
        assert_eq!((arrival.unwrap(), after), (Arrival::New, expected));
    }
}

/// UIDNEXT is behind the position, but the message is gone: that is no reason to return again and again.
#[tokio::test(start_paused = true)]
async fn a_deleted_message_wakes_nobody() {
    let dialogue = logged_in()
        .then(select("A1", 2, 9))
        .then(last("A2", 2, 5))
        .then(idle("A3"))
        .waits(seconds(30))
        .says("* 3 EXISTS\r\n");
    let (arrival, after) = wait(dialogue).await;
    assert_eq!((arrival.unwrap(), after), (Arrival::New, 30));
    let empty = logged_in().then(select("A1", 0, 9)).then(idle("A2")).waits(seconds(9)).closes();
    assert!(wait(empty).await.0.is_err());
}

/// The last message was deleted just now; those before it count all the same.
#[tokio::test(start_paused = true)]
async fn what_lies_before_a_deleted_message_is_found() {
    for gone in ["A2 NO [EXPUNGEISSUED] gone\r\n", "A2 OK done\r\n"] {
        let looking = logged_in().then(select("A1", 3, 9)).hears("A2 FETCH 3 (UID)\r\n").says(gone);
        let behind = "UID FETCH 6:4294967295 (UID)";
        let there = looking.clone().then(asks("A3", behind, "* 2 FETCH (UID 7)\r\n"));
        let (arrival, after) = wait(there).await;
        assert_eq!((arrival.unwrap(), after), (Arrival::New, 0), "{gone:?}");
        let nothing = looking
            .then(asks("A3", behind, ""))
            .then(idle("A4"))
            .says("* 3 EXPUNGE\r\n")
            .waits(seconds(30))
            .says("* 3 EXISTS\r\n");
        let (arrival, after) = wait(nothing).await;
        assert_eq!((arrival.unwrap(), after), (Arrival::New, 30), "{gone:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_time_is_over() {
    for (at_most, pokes) in [(0, 0), (10, 0), (150, 0), (200, 1)] {
        let mut dialogue = logged_in().then(select("A1", 2, 6));
        if at_most > 0 {
            dialogue = dialogue.then(idle("A2"));
        }
        if pokes > 0 {
            dialogue = dialogue.then(poke("A2", "A3"));
        }
        let script = Script::of([dialogue]);
        let mail = script.mail();
        let begin = Instant::now();
        let arrival = mail.wait(&ada(), HERE, seconds(at_most)).await.unwrap();
        assert_eq!((arrival, begin.elapsed()), (Arrival::TimedOut, seconds(at_most)));
        assert_eq!(script.problems(), [""; 0]);
        assert!(format!("{mail:?}").contains("mailboxes: Pool { open: 1,"), "{mail:?}");
    }
}

/// One call after the other waits on the same IDLE; a job ends it, in one flight with its first command.
#[tokio::test(start_paused = true)]
async fn waits_share_one_idle_and_jobs_end_it() {
    let dialogue = logged_in()
        .then(select("A1", 2, 6))
        .then(idle("A2"))
        .hears("DONE\r\nA3 NOOP\r\n")
        .says("A2 OK idled\r\nA3 OK done\r\n")
        .then(idle("A4"))
        .says("* 3 EXISTS\r\n")
        .hears("DONE\r\nA5 NOOP\r\n")
        .says("A4 OK idled\r\nA5 OK done\r\n")
        .then(asks("A6", "UID FETCH 6:4294967295 (UID RFC822.SIZE)", "* 3 FETCH (UID 6 RFC822.SIZE 14)\r\n"))
        .then(asks("A7", &format!("UID FETCH 6 {BODIES}"), &body(6).replacen('6', "3", 1)))
        .then(idle("A8"));
    let script = Script::of([dialogue]);
    let mail = script.mail();
    assert_eq!(mail.wait(&ada(), HERE, seconds(100)).await.unwrap(), Arrival::TimedOut);
    let begin = Instant::now();
    let done = mail.wait(&ada(), HERE, seconds(100)).await;
    assert_eq!((done.ok(), script.problems()), (Some(Arrival::New), vec![]));
    assert_eq!(begin.elapsed(), Duration::ZERO);
    let batch = mail.fetch(&ada(), &Selection::After(Some(HERE)), 10).await.unwrap();
    assert_eq!(uids(&batch), [6]);
    let here = Position { uid_validity: 7, uid: 6 };
    assert_eq!(mail.wait(&ada(), here, seconds(100)).await.unwrap(), Arrival::TimedOut);
    assert_eq!((script.connections(), script.problems()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_dead_link_is_noticed() {
    let idling = || logged_in().then(select("A1", 2, 6)).then(idle("A2"));
    let talking = (0..3).fold(idling(), |talking, _| talking.waits(seconds(120)).says("* OK Still here\r\n"));
    for (dialogue, expected) in [
        (idling(), 150 + 30),
        (idling().closes(), 0),
        (idling().waits(seconds(7)).says("* BYE\r\n"), 7),
        // A server that talks has to prove all the same that it listens.
        (talking, 300 + 30),
        (logged_in().then(select("A1", 2, 6)), 30),
    ] {
        let (done, after) = wait(dialogue).await;
        assert!(matches!(done, Err(Error::Unavailable { .. })), "{done:?}");
        assert_eq!(after, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_to_idle_is_an_error() {
    for (answer, expected) in [
        ("A2 NO not now\r\n", "refused"),
        ("A2 BAD\r\n", "protocol"),
        ("A2 OK done\r\n", "protocol"),
        ("+ idling\r\nA2 OK done\r\n", "protocol"),
        ("+ idling\r\nA2 NO done\r\n", "refused"),
        ("+ idling\r\n+ idling\r\n", "protocol"),
    ] {
        let dialogue = logged_in().then(select("A1", 2, 6)).hears("A2 IDLE\r\n").says(answer);
        let (done, after) = wait(dialogue).await;
        let kind = match done {
            Err(Error::Refused { .. }) => "refused",
            Err(Error::Protocol { .. }) => "protocol",
            _ => "another",
        };
        assert_eq!((kind, after), (expected, 0), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_idle_it_asks_every_few_seconds() {
    let dialogue = greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("L1 OK [CAPABILITY IMAP4rev1] in\r\n")
        .then(select("A1", 2, 6))
        .then(asks("A2", "NOOP", ""))
        .then(asks("A3", "NOOP", "* 3 EXISTS\r\n"));
    let (arrival, after) = wait(dialogue).await;
    assert_eq!((arrival.unwrap(), after), (Arrival::New, 10));
}
