use super::exchange::{Exchange, drop_after, moments, numbers, uids};
use super::{Harness, Missing};
use crate::{Error, Received, Selection, Uid};

pub(super) async fn all_are_marked_in_one_go(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    let all = uids(&batch.messages);
    mark(&exchange, batch.uid_validity, &[all[2], all[0]]).await;
    assert_eq!(unseen(&exchange).await, [all[1]]);
    let seen: Vec<_> =
        exchange.fetch(&Selection::After(None), 10).await.messages.iter().map(Received::is_seen).collect();
    assert_eq!(seen, [true, false, true]);
    Ok(())
}

pub(super) async fn marking_what_is_gone_or_marked_changes_nothing(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    let all = uids(&batch.messages);
    harness.expunge(&exchange.bob, &all[..1]).await?;
    for _ in 0..2 {
        mark(&exchange, batch.uid_validity, &all[..2]).await;
        assert_eq!(unseen(&exchange).await, [all[2]]);
    }
    mark(&exchange, batch.uid_validity, &all[..1]).await;
    assert_eq!(numbers(&exchange.fetch(&Selection::After(None), 10).await), numbers(&batch)[1..]);
    Ok(())
}

pub(super) async fn marking_in_another_uidvalidity_is_an_error_and_marks_nothing(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let other = batch.uid_validity ^ 1;
    match exchange.access.mark_seen(&exchange.bob, other, &uids(&batch.messages)).await {
        Err(Error::Renumbered { expected, found, .. }) => {
            assert_eq!((expected, found), (other, batch.uid_validity));
        }
        answer => panic!("{answer:?}"),
    }
    assert_eq!(unseen(&exchange).await, uids(&batch.messages));
    Ok(())
}

pub(super) async fn without_uids_nothing_is_done(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    mark(&exchange, batch.uid_validity, &[]).await;
    assert_eq!(unseen(&exchange).await, uids(&batch.messages));
    Ok(())
}

pub(super) async fn a_dropped_mark_leaves_each_message_marked_or_not(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    let all = uids(&batch.messages);
    for moment in moments() {
        let marking = exchange.access.mark_seen(&exchange.bob, batch.uid_validity, &all[..2]);
        drop_after(moment, marking).await;
        assert!(unseen(&exchange).await.contains(&all[2]), "nothing else was marked");
    }
    mark(&exchange, batch.uid_validity, &all[..2]).await;
    assert_eq!(unseen(&exchange).await, [all[2]]);
    Ok(())
}

async fn mark(exchange: &Exchange, uid_validity: u32, uids: &[Uid]) {
    exchange.access.mark_seen(&exchange.bob, uid_validity, uids).await.expect("the messages are marked");
}

async fn unseen(exchange: &Exchange) -> Vec<Uid> {
    uids(&exchange.fetch(&Selection::Unseen, 10).await.messages)
}
