//! The server stalls in every state.

use tokio::time::Instant;

use super::double::{CHUNKING, Kind, NEITHER, PIPELINING, Trouble};
use super::*;

#[tokio::test(start_paused = true)]
async fn every_call_ends_by_its_deadline_whatever_stalls() {
    let (mut longest, mut runs) = (Duration::ZERO, 0);
    for offers in [PIPELINING, CHUNKING, NEITHER] {
        // Greeting, EHLO, AUTH, and twice MAIL, RCPT, DATA and the message.
        for (from, kind) in (0..11).flat_map(|from| {
            [Kind::Silent, Kind::Slow, Kind::Deaf, Kind::Closing].map(move |kind| (from, kind))
        }) {
            for buffer in [1 << 16, 16] {
                let context = format!("{offers:?} {from} {kind:?} {buffer}");
                let mut server = Double::new(offers);
                (server.fault, server.buffer) = (Some(Trouble { from, kind }), buffer);
                let server = Arc::new(server);
                let pool = pool(&server, LIMITS);
                let mut told = Vec::new();
                for number in 0..2 {
                    let begin = Instant::now();
                    told.push((number, Some(pool.submit(&ada(), &mail(number)).await)));
                    let limit = if kind == Kind::Slow { SLOW } else { SILENT };
                    assert!(begin.elapsed() <= limit, "{context}: {:?}", begin.elapsed());
                    longest = longest.max(begin.elapsed());
                    runs += 1;
                }
                drop(pool);
                settle().await;
                judge(&told, &server, &context);
            }
        }
    }
    println!("{runs} calls to a server that stalls, the longest {} s", longest.as_secs());
}

/// A call waits for its turn only so long, and takes nothing with it.
#[tokio::test(start_paused = true)]
async fn waiting_for_a_connection_has_a_deadline() {
    let mut server = Double::new(PIPELINING);
    server.fault = Some(Trouble { from: 6, kind: Kind::Silent });
    let server = Arc::new(server);
    let pool = Arc::new(pool(&server, LIMITS));
    let first = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.submit(&ada(), &mail(0)).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begin = Instant::now();
    let second = pool.submit(&ada(), &mail(1)).await;
    assert_eq!(begin.elapsed(), LIMITS.wait);
    let Err(Fault::Lost(error)) = &second else { panic!("{second:?}") };
    assert_eq!(error.to_string(), "no connection was free for 300 s");
    let told = [(0, Some(first.await.unwrap())), (1, Some(second))];
    let told = judge(&told, &server, "");
    assert_eq!((told.unknown, told.not), (1, 1));
}

/// Ten minutes for the answer to the message, after up to five for what came before on a connection that was kept.
const SILENT: Duration = Duration::from_secs(15 * 60 + 2);
/// Each reply may take just less than its deadline.
const SLOW: Duration = Duration::from_secs(40 * 60);
