//! Programs with several runtimes: the task of a connection may end, or stand still, with one of them.

use async_trait::async_trait;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::wire::{PlainStream, Stream};

/// A runtime whose clock goes ahead whenever there is nothing else to do.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn a_runtime_that_stands_still_keeps_no_other_one_waiting() {
    let server = Arc::new(Double::new(double::PIPELINING));
    let pool = pool(&server, Limits { per_login: 2, ..LIMITS });
    let (first, second) = (runtime(), runtime());
    assert!(first.block_on(pool.submit(&ada(), &mail(1))).is_ok());
    // The idle connection's task is on a runtime that nobody runs now.
    assert!(second.block_on(pool.submit(&ada(), &mail(2))).is_ok());
    assert_eq!(server.taken(), [1, 2]);
    // It finds that the message was taken back, and is of use again.
    first.block_on(settle());
    assert!(first.block_on(pool.submit(&ada(), &mail(3))).is_ok());
    assert_eq!(server.taken(), [1, 2, 3]);
    drop((first, second));
    assert_eq!(pool.shared.ledger().counts(), (0, 0, 0));
}

#[test]
fn with_no_other_connection_to_be_had_the_wait_ends_all_the_same() {
    let server = Arc::new(Double::new(double::PIPELINING));
    let pool = pool(&server, LIMITS);
    let (first, second) = (runtime(), runtime());
    assert!(first.block_on(pool.submit(&ada(), &mail(1))).is_ok());
    let told = second.block_on(pool.submit(&ada(), &mail(2)));
    assert!(matches!(told, Err(Fault::Lost(_))), "{told:?}");
    assert_eq!(server.taken(), [1]);
    drop(first);
    assert!(second.block_on(pool.submit(&ada(), &mail(3))).is_ok());
}

#[test]
fn a_message_that_a_runtime_took_with_it_is_told_as_unknown() {
    let mut server = Double::new(double::PIPELINING);
    server.pace = Duration::from_secs(1);
    let server = Arc::new(server);
    let pool = Arc::new(pool(&server, LIMITS));
    for stands_still in [false, true] {
        let (first, second) = (runtime(), runtime());
        assert!(first.block_on(pool.submit(&ada(), &mail(1))).is_ok());
        let told = second.spawn({
            let pool = Arc::clone(&pool);
            async move { pool.submit(&ada(), &mail(2)).await }
        });
        second.block_on(tokio::task::yield_now());
        // It takes the message in hand, and the server thinks about it still.
        first.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
        let first = stands_still.then_some(first);
        let told = second.block_on(told).unwrap();
        assert!(matches!(told, Err(Fault::Interrupted(_))), "{told:?}");
        drop(first);
    }
    assert_eq!(server.taken(), [1, 1]);
    assert_eq!(pool.shared.ledger().counts(), (0, 0, 0));
}

#[test]
fn a_message_that_a_runtime_never_took_in_hand_goes_another_way() {
    let server = Arc::new(Double::new(double::PIPELINING));
    let pool = Arc::new(pool(&server, LIMITS));
    let (first, second) = (runtime(), runtime());
    assert!(first.block_on(pool.submit(&ada(), &mail(1))).is_ok());
    let told = second.spawn({
        let pool = Arc::clone(&pool);
        async move { pool.submit(&ada(), &mail(2)).await }
    });
    second.block_on(tokio::task::yield_now());
    drop(first);
    assert!(second.block_on(told).unwrap().is_ok());
    assert_eq!(server.taken(), [1, 2]);
}

/// A connector that panics, once.
#[derive(Debug)]
struct Panics(Mutex<bool>, Arc<Double>);

#[async_trait]
impl Connector for Panics {
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        let first = !std::mem::replace(&mut *self.0.lock().unwrap(), true);
        assert!(!first, "not today");
        self.1.connect(server).await
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        self.1.connect_plain(server).await
    }

    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        self.1.upgrade(server, plain).await
    }
}

#[test]
fn a_task_that_panics_takes_no_place_with_it() {
    let server = Arc::new(Double::new(double::PIPELINING));
    let mut pool = pool(&server, LIMITS);
    let connector = Arc::new(Panics(Mutex::new(false), Arc::clone(&server)));
    Arc::get_mut(&mut pool.shared).unwrap().connector = connector;
    runtime().block_on(async {
        let told = pool.submit(&ada(), &mail(1)).await;
        assert!(matches!(told, Err(Fault::Interrupted(_))), "{told:?}");
        assert!(pool.submit(&ada(), &mail(2)).await.is_ok());
    });
    assert_eq!(server.taken(), [2]);
    assert_eq!(pool.shared.ledger().counts(), (0, 0, 0));
}
