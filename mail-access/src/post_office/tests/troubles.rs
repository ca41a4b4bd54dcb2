//! The faults of reading and changing mailboxes.

use std::future::poll_fn;

use tokio::time::Instant;

use super::*;
use crate::{Flag, FlagChange, MessageStore, Received, Uid};

fn seen() -> FlagChange {
    FlagChange::Add(vec![Flag::Seen])
}

fn inbox_name() -> FolderName {
    FolderName::inbox()
}

/// An office in which Bob has so many messages, and their UIDs.
async fn with_messages(count: usize) -> (PostOffice, u32, Vec<Uid>) {
    let office = office();
    for _ in 0..count {
        submit(&office, &["bob@agents.example"]).await.unwrap();
    }
    let batch = inbox(&office, "bob").await;
    let uids = batch.messages.iter().map(Received::uid).collect();
    (office, batch.uid_validity, uids)
}

async fn flagged(office: &PostOffice) -> usize {
    let found = office.search(&login("bob"), &inbox_name(), &crate::Query::Flag(Flag::Flagged)).await;
    found.unwrap().uids.len()
}

#[tokio::test]
async fn a_change_fails_once_as_it_was_told_and_says_no_lie() {
    for (fault, unknown, done) in [
        (Fault::ChangeUnavailable, false, 0),
        (Fault::ChangeLost, true, 0),
        (Fault::ChangeTakenAndLost, true, 2),
    ] {
        let (office, uid_validity, uids) = with_messages(2).await;
        office.fail_next(&at_home("bob"), fault);
        inbox(&office, "bob").await;
        let flag = FlagChange::Add(vec![Flag::Flagged]);
        let change =
            async || office.change_flags(&login("bob"), &inbox_name(), uid_validity, &uids, &flag).await;
        let error = change().await.unwrap_err();
        assert_eq!((error.is_outcome_unknown(), error.is_retryable()), (unknown, !unknown), "{error:?}");
        assert_eq!(flagged(&office).await, done, "{fault:?}");
        change().await.unwrap();
        assert_eq!(flagged(&office).await, 2);
    }
}

#[tokio::test]
async fn every_change_can_lose_its_link() {
    let (office, uid_validity, uids) = with_messages(1).await;
    let (bob, inbox, other) = (login("bob"), inbox_name(), "Other".parse().unwrap());
    office.add_fault(FaultRule::new(Fault::ChangeTakenAndLost).with_login(&at_home("bob")).with_times(100));
    for (method, error) in [
        ("mark_seen", office.mark_seen(&bob, uid_validity, &uids).await.err()),
        ("create_folder", office.create_folder(&bob, &other).await.err()),
        ("subscribe", office.subscribe(&bob, &other, true).await.err()),
        ("copy", office.copy(&bob, &inbox, uid_validity, &uids, &other).await.err()),
        ("change_flags", office.change_flags(&bob, &inbox, uid_validity, &uids, &seen()).await.err()),
        ("append", office.append(&bob, &inbox, b"x", &[], None).await.err()),
        ("move_to", office.move_to(&bob, &inbox, uid_validity, &uids, &other).await.err()),
        ("expunge", MessageStore::expunge(&office, &bob, &inbox, uid_validity, &uids).await.err()),
        ("rename_folder", office.rename_folder(&bob, &other, &"New".parse().unwrap()).await.err()),
        ("delete_folder", office.delete_folder(&bob, &"New".parse().unwrap()).await.err()),
    ] {
        assert!(
            matches!(error, Some(Error::Interrupted { operation, .. }) if operation == method),
            "{error:?}"
        );
    }
    office.clear_faults();
    assert_eq!(office.status(&bob, &inbox).await.unwrap().messages, 1, "the one that was appended");
}

#[tokio::test]
async fn a_refusal_of_a_change_is_the_answer_before_a_lost_link() {
    let (office, uid_validity, uids) = with_messages(1).await;
    let nowhere = "Nowhere".parse().unwrap();
    office.fail_next(&at_home("bob"), Fault::ChangeTakenAndLost);
    let answer = office.copy(&login("bob"), &inbox_name(), uid_validity, &uids, &nowhere).await;
    assert_eq!(answer.unwrap_err().reason(), Some(crate::Reason::NoSuchFolder));
}

#[tokio::test]
async fn every_read_can_find_no_server() {
    let (office, uid_validity, uids) = with_messages(1).await;
    let (bob, inbox, all) = (login("bob"), inbox_name(), Selection::After(None));
    let at = Position { uid_validity, uid: uids[0].get() };
    office.add_fault(FaultRule::new(Fault::FetchUnavailable).with_times(8));
    for error in [
        office.fetch(&bob, &all, 1).await.err(),
        office.folders(&bob).await.err(),
        office.status(&bob, &inbox).await.err(),
        office.search(&bob, &inbox, &crate::Query::Unseen).await.err(),
        office.list(&bob, &inbox, &all).await.err(),
        office.read(&bob, &inbox, at, 0..1).await.err(),
        office.changes(&bob, &inbox, uid_validity, 1).await.err(),
        office.quota(&bob).await.err(),
    ] {
        assert!(matches!(error, Some(Error::Unavailable { .. })), "{error:?}");
    }
    office.folders(&bob).await.expect("eight calls were to fail");
}

#[tokio::test]
async fn a_stream_breaks_behind_as_many_messages_as_it_was_told() {
    let (office, _, uids) = with_messages(5).await;
    for after in [0_usize, 2, 5] {
        office.fail_next(&at_home("bob"), Fault::StreamBroken { after: u32::try_from(after).unwrap() });
        let mut messages = office.messages(&login("bob"), &inbox_name(), &Selection::After(None));
        let mut next = async || poll_fn(|context| messages.as_mut().poll_next(context)).await;
        for uid in &uids[..after] {
            assert_eq!(next().await.unwrap().unwrap().uid(), *uid);
        }
        assert!(matches!(next().await, Some(Err(Error::Unavailable { .. }))));
        assert!(next().await.is_none(), "the error was its end");
    }
}

#[tokio::test]
async fn a_folder_is_numbered_anew_at_the_next_call() {
    let (office, uid_validity, uids) = with_messages(2).await;
    let roll = || office.fail_next(&at_home("bob"), Fault::NumberedAnew);
    roll();
    let answer = office.mark_seen(&login("bob"), uid_validity, &uids).await;
    let Err(Error::Renumbered { expected, found, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(expected, uid_validity);
    assert_eq!(inbox(&office, "bob").await.uid_validity, found);

    roll();
    let waited = office.wait(&login("bob"), Position { uid_validity: found, uid: 9 }, Duration::ZERO).await;
    assert_eq!(waited.unwrap(), crate::Arrival::New);

    // In the midst of a stream.
    let mut messages = office.messages(&login("bob"), &inbox_name(), &Selection::After(None));
    let mut next = async || poll_fn(|context| messages.as_mut().poll_next(context)).await;
    next().await.unwrap().unwrap();
    roll();
    assert!(matches!(next().await, Some(Err(Error::Renumbered { .. }))));
    assert_eq!(count(&office, "bob").await, 2, "no message was lost");
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_late_and_right() {
    let (office, uid_validity, uids) = with_messages(1).await;
    let slow = |times| {
        let rule = FaultRule::new(Fault::ReceiveSlow(Duration::from_secs(5))).with_times(times);
        office.add_fault(rule.with_login(&at_home("bob")));
    };
    slow(3);
    let begun = Instant::now();
    office.mark_seen(&login("bob"), uid_validity, &uids).await.unwrap();
    assert_eq!(office.status(&login("bob"), &inbox_name()).await.unwrap().unseen, 0);
    let mut messages = office.messages(&login("bob"), &inbox_name(), &Selection::After(None));
    poll_fn(|context| messages.as_mut().poll_next(context)).await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(15));

    slow(1);
    let flag = FlagChange::Add(vec![Flag::Flagged]);
    let (bob, inbox) = (login("bob"), inbox_name());
    let changing = office.change_flags(&bob, &inbox, uid_validity, &uids, &flag);
    let ended = tokio::time::timeout(Duration::from_secs(4), changing);
    assert!(ended.await.is_err());
    assert_eq!(flagged(&office).await, 0, "a call that was dropped by then has done nothing");
}
