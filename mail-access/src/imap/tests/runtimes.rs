//! Calls from runtimes that end or stand still: the task of a login runs on the one that was there first.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::{Arrival, SmtpImap};

fn bob() -> Login {
    Login::new("bob@agents.example".parse().unwrap(), PASSWORD.into())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

async fn read(mail: &SmtpImap, expected: &[u32]) {
    let batch = mail.fetch(&bob(), &Selection::After(None), 9).await.unwrap();
    assert_eq!(uids(&batch), expected);
}

const HERE: Position = Position { uid_validity: 7, uid: 1 };

#[test]
fn a_runtime_that_ended_is_replaced() {
    let server = Arc::new(Double::new());
    server.deliver(&bob(), "a");
    let mail = server.mail(Double::config());
    for round in 1..4 {
        let runtime = runtime();
        runtime.block_on(async {
            let begin = Instant::now();
            read(&mail, &[1]).await;
            let waited = mail.wait(&bob(), HERE, Duration::from_secs(1)).await.unwrap();
            assert_eq!((waited, begin.elapsed()), (Arrival::TimedOut, Duration::from_secs(1)));
        });
        // In the midst of a job, too.
        runtime.block_on(async {
            let login = bob();
            let _ =
                tokio::time::timeout(Duration::ZERO, mail.fetch(&login, &Selection::After(None), 9)).await;
        });
        drop(runtime);
        assert_eq!(server.world(|world| world.logins.len()), round);
    }
    assert_eq!(server.world(|world| world.problems.clone()), [""; 0]);
}

#[test]
fn a_runtime_that_stands_still_is_passed_by() {
    let server = Arc::new(Double::new());
    server.deliver(&bob(), "a");
    let mail = server.mail(Double::config());
    let (still, other) = (runtime(), runtime());
    still.block_on(read(&mail, &[1]));
    other.block_on(async {
        let begin = Instant::now();
        read(&mail, &[1]).await;
        assert!(begin.elapsed() <= Duration::from_secs(10), "{:?}", begin.elapsed());
        let begin = Instant::now();
        read(&mail, &[1]).await;
        assert_eq!(begin.elapsed(), Duration::ZERO, "from now on it has a task of its own");
    });
    // The task that stood still sees that it was replaced, and now the other one stands still.
    still.block_on(async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(
            server.traffic.open.load(Ordering::Relaxed),
            1,
            "it keeps no connection beside that one's"
        );
        read(&mail, &[1]).await;
        assert_eq!(server.traffic.open.load(Ordering::Relaxed), 2);
    });
    assert_eq!(server.world(|world| (world.logins.len(), world.logouts)), (3, 1));
}

/// A task that ends again and again is begun again a few times, and not for ever.
#[tokio::test(start_paused = true)]
async fn a_task_that_always_panics_is_an_error_after_a_while() {
    #[derive(Debug, Default)]
    struct Trap(std::sync::atomic::AtomicUsize);

    #[async_trait::async_trait]
    impl crate::Connector for Trap {
        async fn connect(&self, _: &crate::Endpoint) -> std::io::Result<crate::Stream> {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            panic!("a connector of somebody else's");
        }

        async fn connect_plain(&self, _: &crate::Endpoint) -> std::io::Result<crate::PlainStream> {
            Err(std::io::ErrorKind::Unsupported.into())
        }

        async fn upgrade(
            &self,
            _: &crate::Endpoint,
            _: crate::PlainStream,
        ) -> std::io::Result<crate::Stream> {
            Err(std::io::ErrorKind::Unsupported.into())
        }
    }

    let trap = std::sync::Arc::new(Trap::default());
    let mail = crate::SmtpImap::new(Double::config(), trap.clone());
    let begin = Instant::now();
    let waited = mail.wait(&ada(), Position { uid_validity: 7, uid: 0 }, Duration::from_hours(1)).await;
    assert!(matches!(waited, Err(Error::Unavailable { .. })), "{waited:?}");
    let read = mail.fetch(&ada(), &Selection::After(None), 1).await;
    assert!(matches!(read, Err(Error::Unavailable { .. })), "{read:?}");
    assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
    let tasks = trap.0.load(std::sync::atomic::Ordering::SeqCst);
    assert!((2..=12).contains(&tasks), "{tasks} tasks");
}
