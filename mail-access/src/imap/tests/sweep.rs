//! A whole session of reading whose link breaks after every byte, or whose server falls silent at any reply.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::wire::link::{Cut, Manner, Side};
use crate::{Arrival, SmtpImap};

fn bob() -> Login {
    Login::new("bob@agents.example".parse().unwrap(), PASSWORD.into())
}

/// What a session was told: the subjects read, and how often a call failed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    subjects: Vec<String>,
    failed: usize,
    longest: Duration,
}

impl Told {
    /// Makes a call until it succeeds, at most three times.
    async fn call<T>(&mut self, mut call: impl AsyncFnMut() -> Result<T, Error>) -> T {
        for _ in 0..3 {
            let begin = Instant::now();
            let done = call().await;
            self.longest = self.longest.max(begin.elapsed());
            match done {
                Ok(done) => return done,
                Err(Error::Unavailable { .. } | Error::Interrupted { .. }) => self.failed += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        panic!("a server that runs again is reached: {self:?}")
    }
}

/// Reads, marks and waits, twice, while mail comes.
async fn session(server: &Arc<Double>) -> Told {
    let mail: SmtpImap = server.mail(Double::config());
    let (mut told, login) = (Told::default(), bob());
    server.deliver(&login, "a");
    let mut here = Position { uid_validity: 7, uid: 0 };
    for name in ["b", "c"] {
        let batch = told.call(async || mail.fetch(&login, &Selection::After(Some(here)), 10).await).await;
        assert_eq!((batch.uid_validity, batch.more), (7, false));
        let new: Vec<Uid> = batch.messages.iter().map(crate::Received::uid).collect();
        told.subjects.extend(batch.messages.iter().map(|message| message.subject().to_owned()));
        here.uid = new.last().map_or(here.uid, |uid| uid.get());
        told.call(async || mail.mark_seen(&login, 7, &new).await).await;
        let delivery = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            server.deliver(&login, name);
        };
        let wait = told.call(async || mail.wait(&login, here, Duration::from_mins(8)).await);
        assert_eq!(tokio::join!(wait, delivery).0, Arrival::New);
    }
    let batch = told.call(async || mail.fetch(&login, &Selection::After(Some(here)), 10).await).await;
    told.subjects.extend(batch.messages.iter().map(|message| message.subject().to_owned()));
    drop(mail);
    tokio::time::sleep(Duration::from_secs(5)).await;
    told
}

fn check(server: &Double, told: &Told, context: &str) {
    assert_eq!(told.subjects, ["a", "b", "c"], "{context}");
    let seen = server.world(|world| {
        assert_eq!(world.problems, [""; 0], "{context}");
        let messages = &world.mailboxes["bob@agents.example"].messages;
        messages.iter().map(|message| message.1).collect::<Vec<_>>()
    });
    assert_eq!(seen, [true, true, false], "{context}");
    assert!(server.traffic.peak.load(Ordering::Relaxed) <= 2, "{context}: the one that leaves and the next");
    assert_eq!(server.traffic.open.load(Ordering::Relaxed), 0, "{context}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_at_any_byte_loses_nothing() {
    let whole = Arc::new(Double::new());
    let told = session(&whole).await;
    check(&whole, &told, "whole");
    assert_eq!(told.failed, 0);
    let commands = whole.world(|world| world.commands.join(" "));
    for command in ["SELECT", "UID FETCH", "UID STORE", "IDLE", "LOGOUT"] {
        assert!(commands.contains(command), "{commands}");
    }
    let (mut runs, mut failed) = (0, 0);
    for side in [Side::ToServer, Side::ToClient] {
        let bytes = whole.traffic.bytes[side as usize].load(Ordering::Relaxed);
        assert!(bytes > 300, "{bytes}");
        for manner in [Manner::Fin, Manner::Reset, Manner::Half] {
            for after in 0..bytes {
                let cut = Cut { side, after, manner };
                let server = Arc::new(Double::new().cutting([cut]));
                let told = session(&server).await;
                check(&server, &told, &format!("{cut:?}"));
                assert!(told.failed <= 1, "{cut:?}: one broken link harms one call: {told:?}");
                // A half-dead one is noticed by its silence.
                assert!(told.longest <= Duration::from_mins(4), "{cut:?}: {told:?}");
                (runs, failed) = (runs + 1, failed + told.failed);
            }
        }
    }
    assert!(failed > 0);
    println!("{runs} broken links, {failed} calls failed");
}

#[tokio::test(start_paused = true)]
async fn silence_at_any_reply_ends_by_its_deadline() {
    let login = bob();
    let (mut silences, mut is_whole) = (0, false);
    while !is_whole {
        let server = Arc::new(Double::new().silent_from(silences));
        server.deliver(&login, "a");
        let mail = server.mail(Double::config());
        is_whole = true;
        let here = Position { uid_validity: 7, uid: 1 };
        for call in 0..3 {
            let begin = Instant::now();
            let done = match call {
                0 => mail.fetch(&login, &Selection::After(None), 10).await.map(|_| ()),
                1 => mail.mark_seen(&login, 7, &[uid(1)]).await,
                _ => mail.wait(&login, here, Duration::from_mins(10)).await.map(|_| ()),
            };
            is_whole &= done.is_ok();
            assert!(begin.elapsed() <= Duration::from_mins(10), "{silences} {call}: {done:?}");
            if call < 2 {
                assert!(
                    begin.elapsed() <= Duration::from_secs(181),
                    "{silences} {call}: {:?}",
                    begin.elapsed()
                );
            }
            let kind = matches!(&done, Ok(()) | Err(Error::Unavailable { .. } | Error::Interrupted { .. }));
            assert!(kind, "{silences} {call}: {done:?}");
        }
        silences += 1;
    }
    assert!(silences > 8, "{silences}");
}

/// A call that is dropped at any moment leaves the next one as if it had never been.
#[tokio::test(start_paused = true)]
async fn calls_dropped_at_any_step_leave_nothing_behind() {
    let login = bob();
    for call in 0..3 {
        for moment in 0..60 {
            let server = Arc::new(Double::new().pacing(Duration::from_millis(3)));
            server.deliver(&login, "a");
            let mail = server.mail(Double::config());
            let here = Position { uid_validity: 7, uid: 1 };
            let limit = Duration::from_millis(moment);
            let dropped = match call {
                0 => {
                    tokio::time::timeout(limit, mail.fetch(&login, &Selection::After(None), 9)).await.is_err()
                }
                1 => tokio::time::timeout(limit, mail.mark_seen(&login, 7, &[uid(1)])).await.is_err(),
                _ => tokio::time::timeout(limit, mail.wait(&login, here, seconds(9))).await.is_err(),
            };
            let batch = mail.fetch(&login, &Selection::After(None), 9).await.unwrap();
            assert_eq!(uids(&batch), [1], "{call} {moment} {dropped}");
            mail.mark_seen(&login, 7, &[uid(1)]).await.unwrap();
            server.deliver(&login, "b");
            assert_eq!(mail.wait(&login, here, seconds(9)).await.unwrap(), Arrival::New, "{call} {moment}");
            assert_eq!(server.world(|world| world.problems.clone()), [""; 0], "{call} {moment}");
            assert_eq!(server.world(|world| world.logins.len()), 1, "{call} {moment}");
        }
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
