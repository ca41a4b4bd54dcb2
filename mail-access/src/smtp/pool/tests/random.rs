//! Many calls at a time, dropped at random while connections break at random.

use super::double::PIPELINING;
use super::*;
use crate::wire::link::{Cut, Manner, Side};

/// Runs 20 calls for each case, of which 2 or 3 are dropped: `PROPTEST_CASES=4000` drops more than 10 000.
#[tokio::test(start_paused = true)]
async fn calls_dropped_at_random_lead_to_no_lie() {
    let mut random: u64 = 7;
    let mut sum = Told::default();
    for case in 0..cases() {
        let mut below = |limit: u32| {
            // xorshift64: the same numbers each time.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 32) as u32 % limit
        };
        let mut server = Double::new(PIPELINING);
        server.pace = Duration::from_millis(below(20).into());
        server.buffer = 1 << (4 + below(8));
        let cuts: Vec<Cut> = (0..below(12))
            .map(|_| Cut {
                side: if below(2) == 0 { Side::ToServer } else { Side::ToClient },
                after: below(600) as usize,
                manner: [Manner::Fin, Manner::Reset, Manner::Half][below(3) as usize],
            })
            .collect();
        let server = Arc::new(server.cutting(cuts));
        let pool = Arc::new(pool(&server, Limits { per_login: 2, in_all: 4, ..LIMITS }));
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let pool = Arc::clone(&pool);
                let login = login(["ada", "bob", "eve"][below(3) as usize], "canary");
                let (begin, patience) = (below(400), if below(2) == 0 { below(300) } else { u32::MAX });
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(begin.into())).await;
                    let (message, patience) = (mail(number), Duration::from_millis(patience.into()));
                    let call = tokio::time::timeout(patience, pool.submit(&login, &message));
                    (number, call.await.ok())
                })
            })
            .collect();
        let mut told = Vec::new();
        for call in calls {
            told.push(call.await.unwrap());
        }
        // What was dropped while it was under way ends by its deadlines.
        tokio::time::sleep(Duration::from_mins(20)).await;
        let context = format!("case {case}");
        let one = judge(&told, &server, &context);
        assert!(server.seen(|seen| seen.peak) <= 4, "{context}");
        assert_eq!(server.seen(|seen| seen.problems.clone()), [""; 0], "{context}");
        assert_eq!(server.seen(|seen| seen.open), 0, "{context}: idle connections leave");
        assert_eq!(pool.shared.ledger().counts(), (0, 0, 0), "{context}");
        sum.ok += one.ok;
        sum.not += one.not;
        sum.unknown += one.unknown;
        sum.dropped += one.dropped;
    }
    assert!(sum.ok > 0 && sum.not > 0 && sum.unknown > 0 && sum.dropped > 0, "{sum:?}");
    println!("{} calls: {sum:?}", 20 * cases());
}
