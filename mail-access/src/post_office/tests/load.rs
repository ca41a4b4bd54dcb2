use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;

use super::*;

/// Ten writers, and a reader that follows its cursor while they write.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_messages_none_is_lost_and_none_comes_twice() {
    let office = office();
    let mut writers = JoinSet::new();
    for _ in 0..10 {
        let office = office.clone();
        writers.spawn(async move {
            let mut sent = Vec::new();
            for _ in 0..100 {
                let message = message(&["bob@agents.example"]);
                office.submit(&login("ada"), &message).await.unwrap();
                sent.push(message.message_id().clone());
            }
            sent
        });
    }
    let mut read = Vec::new();
    let mut cursor = None;
    while read.len() < 1_000 {
        let batch = office.fetch(&login("bob"), &Selection::After(cursor), 7).await.unwrap();
        let uid =
            batch.messages.last().map_or(cursor.map_or(0, |last: Position| last.uid), |m| m.uid().get());
        let position = Position { uid_validity: batch.uid_validity, uid };
        let uids: Vec<_> = batch.messages.iter().map(crate::Received::uid).collect();
        office.mark_seen(&login("bob"), batch.uid_validity, &uids).await.unwrap();
        read.extend(batch.messages.iter().map(|found| found.message_id().unwrap().clone()));
        if !batch.more {
            office.wait(&login("bob"), position, Duration::from_secs(1)).await.unwrap();
        }
        cursor = Some(position);
    }
    let sent: BTreeSet<_> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!((read.len(), read.into_iter().collect::<BTreeSet<_>>()), (1_000, sent));
    let unseen = office.fetch(&login("bob"), &Selection::Unseen, 1).await.unwrap();
    assert_eq!(unseen.messages.len(), 0);
}

/// One waits while the other changes the mailbox, at ever other moments of the wait's beginning.
#[test]
fn no_wake_up_is_lost_between_the_look_and_the_wait() {
    let office = office();
    let ready = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                while ready.load(Ordering::Acquire) < round {
                    std::thread::yield_now();
                }
                for _ in 0..round % 200 {
                    std::hint::spin_loop();
                }
                office.reset_uid_validity(&at_home("bob")).unwrap();
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let missed = (1..=ROUNDS).find(|&round| {
            let last = NOW + round;
            ready.store(round, Ordering::Release);
            let after = Position { uid_validity: last, uid: 0 };
            let ended = runtime.block_on(office.wait(&login("bob"), after, Duration::from_secs(2)));
            ended.unwrap() != crate::Arrival::New
        });
        // Lets the other run to its end, so that a failure is seen and doesn't hang.
        ready.store(ROUNDS, Ordering::Release);
        assert_eq!(missed, None, "the round whose wake-up was lost");
    });
}

const ROUNDS: u32 = 20_000;
