use super::exchange::{Exchange, drop_after, end, moments, numbers, subjects, uids};
use super::{Harness, Missing};
use crate::{Error, Limit, Login, Position, Received, Selection, Uid};

pub(super) async fn an_error_is_never_an_empty_batch(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let empty = exchange.fetch(&Selection::After(None), 10).await;
    assert!(empty.messages.is_empty() && !empty.more);
    let wrong = Login::new(exchange.bob.address().clone(), "a-wrong-password".into());
    let one = Uid::new(1).expect("it is not 0");
    for selection in
        [Selection::After(None), Selection::Unseen, Selection::Uids(empty.uid_validity, vec![one])]
    {
        let answer = exchange.access.fetch(&wrong, &selection, 10).await;
        assert!(answer.is_err(), "{selection:?}: {answer:?}");
    }
    Ok(())
}

pub(super) async fn messages_come_whole_and_in_the_order_of_their_uids(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    assert_eq!(subjects(&batch.messages), ["message 1", "message 2", "message 3"]);
    assert!(numbers(&batch).is_sorted_by(|one, next| one < next), "{:?}", numbers(&batch));
    for message in &batch.messages {
        assert_eq!(message.text().map(str::trim_end), Some("a text"));
        assert_eq!(message.from().map(|from| &from.address), Some(exchange.ada.address()));
        assert!(!message.is_truncated() && !message.is_seen());
    }
    let mut backwards = uids(&batch.messages);
    backwards.reverse();
    let again = exchange.fetch(&Selection::Uids(batch.uid_validity, backwards), 10).await;
    assert_eq!(numbers(&again), numbers(&batch));
    Ok(())
}

pub(super) async fn at_most_limit_messages_are_given_out_those_with_the_lowest_uids(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    let all = numbers(&batch);
    for selection in [
        Selection::After(None),
        Selection::Unseen,
        Selection::Uids(batch.uid_validity, uids(&batch.messages)),
    ] {
        for (limit, expected, more) in [(2, &all[..2], true), (3, &all[..], false), (4, &all[..], false)] {
            let found = exchange.fetch(&selection, limit).await;
            assert_eq!((&*numbers(&found), found.more), (expected, more), "{selection:?}, limit {limit}");
        }
    }
    Ok(())
}

pub(super) async fn a_limit_of_0_counts_as_1(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 2).await;
    let found = exchange.fetch(&Selection::After(None), 0).await;
    assert_eq!((numbers(&found), found.more), (numbers(&batch)[..1].to_vec(), true));
    Ok(())
}

pub(super) async fn a_position_of_another_uidvalidity_begins_at_the_first_message(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 2).await;
    let other = Position { uid_validity: batch.uid_validity ^ 1, ..end(&batch) };
    let found = exchange.fetch(&Selection::After(Some(other)), 10).await;
    assert_eq!(numbers(&found), numbers(&batch));
    assert_eq!(found.uid_validity, batch.uid_validity);
    Ok(())
}

pub(super) async fn a_mailbox_numbered_anew_shows_another_uidvalidity(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 2).await;
    harness.renumber(&exchange.bob).await?;
    let found = exchange.fetch(&Selection::After(Some(end(&batch))), 10).await;
    assert_ne!(found.uid_validity, batch.uid_validity);
    assert_eq!(subjects(&found.messages), subjects(&batch.messages));
    Ok(())
}

pub(super) async fn uids_that_are_no_longer_there_are_left_out(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    let mut wanted = uids(&batch.messages);
    harness.expunge(&exchange.bob, &wanted[..1]).await?;
    wanted.extend(Uid::new(end(&batch).uid + 1_000));
    let found = exchange.fetch(&Selection::Uids(batch.uid_validity, wanted.clone()), 10).await;
    assert_eq!((uids(&found.messages), found.more), (wanted[1..3].to_vec(), false));
    let none = exchange.fetch(&Selection::Uids(batch.uid_validity, wanted[..1].to_vec()), 10).await;
    assert_eq!((none.messages.len(), none.more), (0, false));
    Ok(())
}

pub(super) async fn uids_of_another_uidvalidity_are_an_error(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 1).await;
    let other = batch.uid_validity ^ 1;
    let selection = Selection::Uids(other, uids(&batch.messages));
    match exchange.access.fetch(&exchange.bob, &selection, 10).await {
        Err(Error::Renumbered { expected, found, .. }) => {
            assert_eq!((expected, found), (other, batch.uid_validity));
        }
        answer => panic!("{answer:?}"),
    }
    Ok(())
}

pub(super) async fn the_worked_example_comes_out_as_written(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 9).await;
    // What stands as 3, 5 and 9 in the example, as a server need not begin at 1.
    let numbered = |number: usize| batch.messages[number - 1].uid();
    harness.expunge(&exchange.bob, &[1, 2, 4, 6, 7, 8].map(numbered)).await?;
    let after = |uid_validity, uid| Selection::After(Some(Position { uid_validity, uid }));
    let seven = batch.uid_validity;
    for (selection, limit, expected, more) in [
        (after(seven, numbered(3).get()), 10, &[5, 9][..], false),
        (after(seven, 0), 2, &[3, 5], true),
        (after(seven ^ 1, numbered(9).get()), 10, &[3, 5, 9], false),
        (Selection::Uids(seven, vec![numbered(4), numbered(5)]), 10, &[5], false),
    ] {
        let found = exchange.fetch(&selection, limit).await;
        let expected: Vec<_> = expected.iter().map(|number| numbered(*number)).collect();
        assert_eq!((uids(&found.messages), found.more), (expected, more), "{selection:?}");
    }
    Ok(())
}

pub(super) async fn a_message_is_found_by_its_message_id(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    let second = &batch.messages[1];
    let wanted = Selection::MessageId(second.message_id().expect("it has one").clone());
    assert_eq!(uids(&exchange.fetch(&wanted, 10).await.messages), [second.uid()]);
    let unknown = Selection::MessageId("never.sent@by.example".parse().expect("it is a Message-ID"));
    let none = exchange.fetch(&unknown, 10).await;
    assert_eq!((none.messages.len(), none.more), (0, false));
    Ok(())
}

pub(super) async fn a_message_that_can_not_be_given_out_keeps_no_other_back(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    for with_header in [true, false] {
        let exchange = Exchange::open(harness).await;
        harness.break_next(&exchange.ada, with_header).await?;
        for (subject, count) in [("broken", 1), ("whole", 2)] {
            exchange.submit(&exchange.message(subject)).await;
            exchange.arrived(&exchange.bob, count).await;
        }
        let batch = exchange.fetch(&Selection::After(None), 10).await;
        let [broken, whole] = &batch.messages[..] else { panic!("{batch:?}") };
        assert_eq!((broken.opaque(), broken.is_truncated()), (Some(Limit::Withheld), true));
        assert_eq!((broken.subject() == "broken", broken.raw().is_empty()), (with_header, !with_header));
        assert!(broken.text().is_none() && broken.whole_size() > 0);
        assert_eq!((whole.subject(), whole.opaque(), whole.is_truncated()), ("whole", None, false));
        // It can be gone past, and marked, like any other.
        assert_eq!(numbers(&exchange.fetch(&Selection::After(None), 1).await), [broken.uid().get()]);
        let marked = exchange.access.mark_seen(&exchange.bob, batch.uid_validity, &[broken.uid()]).await;
        marked.expect("it can be marked");
        assert_eq!(subjects(&exchange.fetch(&Selection::Unseen, 10).await.messages), ["whole"]);
    }
    Ok(())
}

pub(super) async fn fetching_changes_nothing(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 2).await;
    for _ in 0..2 {
        let again = exchange.fetch(&Selection::Unseen, 10).await;
        assert_eq!((again.uid_validity, numbers(&again)), (batch.uid_validity, numbers(&batch)));
        assert!(!again.messages.iter().any(Received::is_seen));
    }
    Ok(())
}

pub(super) async fn a_dropped_fetch_leaves_nothing_behind(harness: &dyn Harness) -> Result<(), Missing> {
    let (exchange, batch) = Exchange::with_messages(harness, 3).await;
    for moment in moments() {
        drop_after(moment, exchange.access.fetch(&exchange.bob, &Selection::After(None), 10)).await;
        let last = uids(&batch.messages[2..]);
        let found = exchange.fetch(&Selection::Uids(batch.uid_validity, last.clone()), 10).await;
        assert_eq!(uids(&found.messages), last, "nothing of the dropped answer comes with the next");
        assert_eq!(numbers(&exchange.fetch(&Selection::Unseen, 10).await), numbers(&batch));
    }
    Ok(())
}
