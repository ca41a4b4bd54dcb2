use std::collections::BTreeSet;

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

/// One waits, one delivers, a thousand times: a lost wake-up would hang until the wait's time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_the_look_and_the_wait() {
    let office = office();
    let other = office.clone();
    let writer = tokio::spawn(async move {
        let uid_validity = inbox(&other, "ada").await.uid_validity;
        for uid in 0..1_000 {
            submit(&other, &["bob@agents.example"]).await.unwrap();
            let answer = other.wait(&login("ada"), Position { uid_validity, uid }, PATIENCE).await;
            assert_eq!(answer.unwrap(), crate::Arrival::New, "answer {uid}");
        }
    });
    let uid_validity = inbox(&office, "bob").await.uid_validity;
    let answer = NewMessage::to(at_home("ada")).seal(&at_home("bob").into()).unwrap();
    for uid in 0..1_000 {
        let asked = office.wait(&login("bob"), Position { uid_validity, uid }, PATIENCE).await;
        assert_eq!(asked.unwrap(), crate::Arrival::New, "question {uid}");
        office.submit(&login("bob"), &answer).await.unwrap();
    }
    writer.await.unwrap();
}

const PATIENCE: Duration = Duration::from_secs(20);
