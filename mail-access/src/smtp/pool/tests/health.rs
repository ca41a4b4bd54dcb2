//! How connections are kept and how they end.

use super::double::{Kind, PIPELINING, Trouble};
use super::*;

fn counts(pool: &Pool) -> (usize, usize, usize) {
    pool.shared.ledger().counts()
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_the_server_closes_is_noticed_at_once() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = pool(&server, LIMITS);
    assert!(pool.submit(&ada(), &mail(0)).await.is_ok());
    assert_eq!(counts(&pool), (1, 1, 0));
    server.restart();
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(counts(&pool), (0, 0, 0));
    assert!(pool.submit(&ada(), &mail(1)).await.is_ok());
    assert_eq!(server.seen(|seen| (seen.connections, seen.quits)), (2, 0));
}

/// The server says 421 in place of an answer, to every first command after a mail.
#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_turns_out_to_be_closed_is_replaced() {
    let mut server = Double::new(PIPELINING);
    server.fault = Some(Trouble { from: 7, kind: Kind::Closing });
    let server = Arc::new(server);
    let pool = pool(&server, LIMITS);
    for number in 0..5 {
        let told = pool.submit(&ada(), &mail(number)).await;
        assert!(told.is_ok(), "{number}: {told:?}");
    }
    assert_eq!(server.taken(), [0, 1, 2, 3, 4]);
    assert_eq!(server.seen(|seen| (seen.connections, seen.peak)), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_takes_leave_in_time() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = pool(&server, LIMITS);
    for number in 0..3 {
        assert!(pool.submit(&ada(), &mail(number)).await.is_ok());
        tokio::time::sleep(LIMITS.idle - Duration::from_millis(10)).await;
        assert_eq!(counts(&pool), (1, 1, 0), "each mail begins the time anew");
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(counts(&pool), (0, 0, 0));
    assert_eq!(server.seen(|seen| (seen.connections, seen.quits, seen.open)), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_only_so_many_messages() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = pool(&server, Limits { messages: 3, ..LIMITS });
    for number in 0..10 {
        assert!(pool.submit(&ada(), &mail(number)).await.is_ok());
    }
    assert_eq!(server.taken(), (0..10).collect::<Vec<_>>());
    assert_eq!(server.seen(|seen| (seen.connections, seen.quits, seen.peak)), (4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_leaves_the_connection_of_use() {
    let server = Arc::new(Double::new(PIPELINING));
    let pool = pool(&server, LIMITS);
    let eight_bits = Outgoing::restore(
        ada().address().clone(),
        vec!["bob@x.example".parse().unwrap()],
        "1@x".parse().unwrap(),
        "Subject: é\r\n\r\n".as_bytes(),
    );
    assert!(pool.submit(&ada(), &mail(0)).await.is_ok());
    let told = pool.submit(&ada(), &eight_bits.unwrap()).await;
    assert!(matches!(told, Err(Fault::Refused(_))), "{told:?}");
    assert!(pool.submit(&ada(), &mail(1)).await.is_ok());
    assert_eq!(server.seen(|seen| (seen.connections, seen.problems.clone())), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn when_the_pool_goes_what_is_under_way_is_done_and_all_take_leave() {
    let mut server = Double::new(PIPELINING);
    server.pace = Duration::from_millis(50);
    let server = Arc::new(server);
    let pool = pool(&server, LIMITS);
    assert!(pool.submit(&login("bob", "canary"), &mail(0)).await.is_ok());
    let (login, message) = (ada(), mail(1));
    let call = tokio::time::timeout(Duration::from_millis(300), pool.submit(&login, &message));
    assert!(call.await.is_err(), "it is under way");
    assert_eq!(server.taken(), [0]);
    drop(pool);
    settle().await;
    assert_eq!(server.taken(), [0, 1]);
    assert_eq!(server.seen(|seen| (seen.connections, seen.quits, seen.open)), (2, 2, 0));
}

/// Connections end with the runtime that they were opened on; the next call opens others on its own.
#[test]
fn the_end_of_a_runtime_ends_its_connections() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut server = Double::new(PIPELINING);
    server.pace = Duration::from_millis(10);
    let server = Arc::new(server);
    let pool = Arc::new(pool(&server, Limits { in_all: 1, ..LIMITS }));
    let (first, second) = (runtime(), runtime());
    first.block_on(async { assert!(pool.submit(&ada(), &mail(0)).await.is_ok()) });
    assert_eq!(counts(&pool), (1, 1, 0));
    drop(first);
    assert_eq!(counts(&pool), (0, 0, 0));
    // A call whose task ends is told, for the message may be out.
    let told = second.block_on(async {
        let third = runtime();
        let begun = {
            let pool = Arc::clone(&pool);
            third.spawn(async move { pool.submit(&ada(), &mail(1)).await })
        };
        drop(begun);
        let third = std::thread::spawn(move || {
            third.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
            third.shutdown_background();
        });
        third.join().unwrap();
        pool.submit(&ada(), &mail(2)).await
    });
    assert!(told.is_ok(), "{told:?}");
    assert_eq!(counts(&pool), (1, 1, 0));
}
