use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exchange::{Exchange, PATIENCE, drop_after, end, moments, numbers, subjects};
use super::{Harness, Missing};
use crate::{Arrival, Batch, Position, Selection};

pub(super) async fn a_wait_ends_when_a_message_arrives(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let (access, bob, after) = (Arc::clone(&exchange.access), exchange.bob.clone(), end(&batch));
    let waiting = tokio::spawn(async move { access.wait(&bob, after, PATIENCE).await });
    exchange.submit(&exchange.message("while someone waits")).await;
    let ended = waiting.await.expect("the wait does not panic").expect("the mailbox can be waited for");
    assert_eq!(ended, Arrival::New);
    assert_eq!(exchange.fetch(&Selection::After(Some(after)), 10).await.messages.len(), 1);
    Ok(())
}

pub(super) async fn nothing_between_fetch_and_wait_is_missed(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let empty = exchange.fetch(&Selection::After(None), 10).await;
    exchange.submit(&exchange.message("in between")).await;
    exchange.arrived(&exchange.bob, 1).await;
    assert_eq!(wait(&exchange, end(&empty), PATIENCE).await, Arrival::New);
    Ok(())
}

pub(super) async fn a_wait_behind_another_uidvalidity_ends_at_once(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let other = Position { uid_validity: batch.uid_validity ^ 1, ..end(&batch) };
    assert_eq!(wait(&exchange, other, PATIENCE).await, Arrival::New);
    Ok(())
}

pub(super) async fn a_wait_ends_after_its_time(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let (begun, at_most) = (Instant::now(), Duration::from_millis(300));
    assert_eq!(wait(&exchange, end(&batch), at_most).await, Arrival::TimedOut);
    let took = begun.elapsed();
    assert!((at_most..PATIENCE).contains(&took), "it took {took:?}");
    Ok(())
}

pub(super) async fn waiting_changes_nothing(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let start = Position { uid: 0, ..end(&batch) };
    for _ in 0..2 {
        assert_eq!(wait(&exchange, start, PATIENCE).await, Arrival::New);
        let unseen = exchange.fetch(&Selection::Unseen, 10).await;
        assert_eq!((unseen.uid_validity, numbers(&unseen)), (batch.uid_validity, numbers(&batch)));
    }
    Ok(())
}

pub(super) async fn waiting_and_reading_in_turns_gives_each_message_once(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let other = Position { uid_validity: batch.uid_validity ^ 1, ..end(&batch) };
    assert_eq!(wait(&exchange, other, PATIENCE).await, Arrival::New);
    assert_eq!(
        numbers(&fetch_arrived(&exchange, other).await),
        numbers(&batch),
        "it begins at the first message"
    );
    let (mut last, mut sent, mut came) = (end(&batch), Vec::new(), Vec::new());
    for round in 0..4 {
        for n in 0..=round {
            let subject = format!("{n} of round {round}");
            exchange.submit(&exchange.message(&subject)).await;
            sent.push(subject);
        }
        while came.len() < sent.len() {
            assert_eq!(wait(&exchange, last, PATIENCE).await, Arrival::New);
            let news = fetch_arrived(&exchange, last).await;
            came.extend(subjects(&news.messages).into_iter().map(str::to_owned));
            last.uid = news.messages.last().map_or(last.uid, |message| message.uid().get());
        }
    }
    came.sort_unstable();
    sent.sort_unstable();
    assert_eq!(came, sent);
    let rest = exchange.fetch(&Selection::After(Some(last)), 10).await;
    assert_eq!(numbers(&rest), [0; 0], "all was read");
    Ok(())
}

pub(super) async fn a_dropped_wait_leaves_the_next_call_correct(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let mut last = end(&batch);
    for moment in moments() {
        drop_after(moment, exchange.access.wait(&exchange.bob, last, PATIENCE)).await;
        exchange.submit(&exchange.message("after a dropped wait")).await;
        assert_eq!(wait(&exchange, last, PATIENCE).await, Arrival::New);
        let news = exchange.fetch(&Selection::After(Some(last)), 10).await;
        assert_eq!(news.messages.len(), 1, "the message arrived once");
        last = end(&news);
    }
    Ok(())
}

async fn fetch_arrived(exchange: &Exchange, after: Position) -> Batch {
    exchange.access.fetch_arrived(&exchange.bob, after, 10).await.expect("the mailbox can be read")
}

async fn wait(exchange: &Exchange, after: Position, at_most: Duration) -> Arrival {
    exchange.access.wait(&exchange.bob, after, at_most).await.expect("the mailbox can be waited for")
}
