//! The link breaks after every byte of a session of some mails, either way and in three manners.

use super::double::{CHUNKING, NEITHER, PIPELINING};
use super::*;
use crate::wire::link::{Cut, Manner, Side};

/// How the second and the third mail come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Come {
    OneByOne,
    /// The envelope of the third one goes behind the second one.
    Together,
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_at_any_byte_leads_to_no_lie() {
    break_at_any_byte(Come::OneByOne).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_with_an_envelope_ahead_leads_to_no_lie() {
    break_at_any_byte(Come::Together).await;
}

async fn break_at_any_byte(come: Come) {
    let (mut runs, mut sum) = (0, Told::default());
    for offers in [PIPELINING, CHUNKING, NEITHER] {
        let whole = Arc::new(Double::new(offers));
        let told = three(&whole, come).await;
        assert_eq!(judge(&told, &whole, "whole").ok, 4);
        assert_eq!(whole.seen(|seen| (seen.connections, seen.quits)), (1, 1));
        let bytes = whole.seen(|seen| seen.bytes_of_three);
        assert!(bytes.iter().all(|&bytes| bytes > 200), "{bytes:?}");
        for side in [Side::ToServer, Side::ToClient] {
            for (manner, after) in [Manner::Fin, Manner::Reset, Manner::Half]
                .into_iter()
                .flat_map(|manner| (0..bytes[side as usize]).map(move |after| (manner, after)))
            {
                let cut = Cut { side, after, manner };
                let context = format!("{offers:?} {cut:?}");
                let server = Arc::new(Double::new(offers).cutting([cut]));
                let told = three(&server, come).await;
                let one = judge(&told, &server, &context);
                assert!(one.not + one.unknown <= 1, "{context}: one broken link harms one mail: {one:?}");
                assert!(matches!(told[3].1, Some(Ok(_))), "{context}: the next one is fine: {told:?}");
                assert_eq!(server.seen(|seen| seen.problems.clone()), [""; 0], "{context}");
                assert!(server.seen(|seen| seen.peak) <= 1, "{context}");
                runs += 1;
                sum.ok += one.ok;
                sum.not += one.not;
                sum.unknown += one.unknown;
            }
        }
    }
    assert!(sum.not > 0 && sum.unknown > 0);
    println!("{come:?}: {runs} broken links, 4 mails each: {sum:?}");
}

/// Submits three mails over a link that may break, a fourth one later, and takes leave.
async fn three(server: &Arc<Double>, come: Come) -> Vec<(usize, Option<Result<Submission, Fault>>)> {
    // Longer than a server may be silent, so that who comes third doesn't give up.
    let pool = Arc::new(pool(server, Limits { wait: Duration::from_mins(15), ..LIMITS }));
    let mut told = Vec::new();
    let mut calls = Vec::new();
    for number in 0..4 {
        let begin = tokio::time::Instant::now();
        let pool = Arc::clone(&pool);
        calls.push((number, tokio::spawn(async move { pool.submit(&ada(), &mail(number)).await })));
        if come == Come::OneByOne || number != 1 {
            for (number, call) in calls.drain(..) {
                told.push((number, Some(call.await.unwrap())));
            }
        }
        // The longest: silence at the second mail, then the message itself on a new connection.
        assert!(begin.elapsed() <= Duration::from_secs(601), "{:?}", begin.elapsed());
        if number == 2 {
            settle().await;
            server.seen(|seen| seen.bytes_of_three = seen.bytes);
        }
    }
    drop(pool);
    settle().await;
    told
}
