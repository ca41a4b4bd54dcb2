use std::future::poll_fn;

use super::desk::{Desk, assert_refused, flags, in_2020, inbox, keyword, letter, named, uids};
use super::exchange::{drop_after, moments};
use super::{Harness, Missing};
use crate::{
    Error, Flag, FlagChange, FolderName, MessageId, Messages, Position, Query, Reason, Received, Selection,
    Uid,
};

pub(super) async fn a_status_counts_messages_and_those_unseen(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    let all = uids(&listing.entries);
    desk.change_flags(&listing, &all[..1], &FlagChange::Add(vec![Flag::Seen])).await;
    desk.expunge(&listing, &all[2..]).await;
    let status = desk.status(&inbox()).await;
    assert_eq!((status.messages, status.unseen), (2, 1));
    assert_eq!((status.uid_validity, status.uid_next), (listing.uid_validity, all[2].get() + 1));
    Ok(())
}

pub(super) async fn a_list_tells_sizes_flags_and_dates_by_ascending_uid(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let set = [keyword("Zebra"), Flag::Seen, keyword("$Label1"), Flag::Answered];
    for (number, text) in ["a", "longer"].into_iter().enumerate() {
        let (message, date) = (letter("x", text), Some(in_2020(number as u64)));
        desk.store
            .append(&desk.login, &inbox(), &message, &set[..number * 4], date)
            .await
            .expect("it is filed");
    }
    let listing = desk.list(&inbox()).await;
    let sizes: Vec<_> = listing.entries.iter().map(|entry| entry.size).collect();
    assert_eq!(sizes, [letter("x", "a").len() as u64, letter("x", "longer").len() as u64]);
    let dates: Vec<_> = listing.entries.iter().map(|entry| entry.internal_date).collect();
    assert_eq!(dates, [in_2020(0), in_2020(1)]);
    let sorted = vec![Flag::Answered, Flag::Seen, keyword("$label1"), keyword("zebra")];
    assert_eq!(flags(&listing.entries), [vec![], sorted]);
    assert!(uids(&listing.entries).is_sorted_by(|one, next| one < next));
    Ok(())
}

pub(super) async fn a_list_and_a_stream_give_out_what_is_selected(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let folder = desk.make("mine").await;
    let id: MessageId = "second@agents.example".parse().expect("it is a Message-ID");
    let second = format!("Message-ID: {id}\r\nSubject: 2\r\n\r\nx\r\n");
    for message in [letter("1", "x"), second.into_bytes(), letter("3", "x"), letter("4", "x")] {
        desk.append(&folder, &message, &[]).await;
    }
    let listing = desk.list(&folder).await;
    let (uid_validity, all) = (listing.uid_validity, uids(&listing.entries));
    desk.store.expunge(&desk.login, &folder, uid_validity, &all[2..3]).await.expect("it is expunged");
    let seen = FlagChange::Add(vec![Flag::Seen]);
    let marking = desk.store.change_flags(&desk.login, &folder, uid_validity, &all[3..], &seen);
    marking.await.expect("it is marked");
    let behind = |uid_validity, uid: Uid| Selection::After(Some(Position { uid_validity, uid: uid.get() }));
    let backwards = all.iter().rev().copied().collect();
    for (selection, found) in [
        (Selection::After(None), vec![all[0], all[1], all[3]]),
        (behind(uid_validity, all[0]), vec![all[1], all[3]]),
        (behind(uid_validity, all[3]), vec![]),
        (behind(uid_validity ^ 1, all[3]), vec![all[0], all[1], all[3]]),
        (Selection::Uids(uid_validity, backwards), vec![all[0], all[1], all[3]]),
        (Selection::Uids(uid_validity, Vec::new()), vec![]),
        (Selection::Unseen, vec![all[0], all[1]]),
        (Selection::MessageId(id), vec![all[1]]),
    ] {
        let listing = desk.store.list(&desk.login, &folder, &selection).await.expect("it is listed");
        assert_eq!(
            (listing.uid_validity, uids(&listing.entries)),
            (uid_validity, found.clone()),
            "{selection:?}"
        );
        let read = read_all(&desk, &folder, &selection).await;
        assert_eq!(read.iter().map(Received::uid).collect::<Vec<_>>(), found, "{selection:?}");
    }
    Ok(())
}

pub(super) async fn a_stream_gives_out_whole_messages_and_marks_none(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 5).await?;
    let (all, of_mailbox) = (Selection::After(None), usize::MAX);
    let batch = desk.store.fetch(&desk.login, &all, of_mailbox).await.expect("the mailbox can be read");
    let read = read_all(&desk, &inbox(), &all).await;
    let shown = |messages: &[Received]| -> Vec<_> {
        messages
            .iter()
            .map(|m| (m.uid(), m.raw().to_vec(), m.is_seen(), m.is_truncated(), m.internal_date()))
            .collect()
    };
    assert_eq!(shown(&read), shown(&batch.messages));
    assert_eq!(read[4].raw(), letter("message 5", "a text"));
    assert_eq!(desk.list(&inbox()).await, listing);
    Ok(())
}

pub(super) async fn a_stream_ends_with_its_first_error(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 1).await?;
    let other = Selection::Uids(listing.uid_validity ^ 1, uids(&listing.entries));
    for (folder, selection) in [(inbox(), other), (named("nowhere"), Selection::After(None))] {
        let mut messages = desk.store.messages(&desk.login, &folder, &selection);
        let first = next(&mut messages).await;
        assert!(matches!(first, Some(Err(Error::Renumbered { .. } | Error::Refused { .. }))), "{first:?}");
        assert!(next(&mut messages).await.is_none());
    }
    Ok(())
}

pub(super) async fn a_dropped_stream_disturbs_no_other_call(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 6).await?;
    for taken in [0, 1, 3, 6] {
        let mut messages = desk.store.messages(&desk.login, &inbox(), &Selection::After(None));
        for place in 0..taken {
            let message = next(&mut messages).await.expect("there is one more").expect("it can be read");
            assert_eq!(message.uid(), listing.entries[place].uid);
        }
        // Another call while the stream is open, and one after it.
        assert_eq!(desk.list(&inbox()).await, listing);
        drop(messages);
        assert_eq!(read_all(&desk, &inbox(), &Selection::Unseen).await.len(), 6);
    }
    Ok(())
}

pub(super) async fn the_bytes_of_a_range_are_read(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let message = letter("bytes", &"0123456789\r\n".repeat(40_000));
    let uid = desk.append(&inbox(), &message, &[]).await;
    let at = Position { uid_validity: desk.list(&inbox()).await.uid_validity, uid: uid.get() };
    let length = message.len() as u64;
    for range in [
        0..10,
        7..7,
        5..300_000,
        length - 3..length,
        length - 3..length + 9,
        length..length + 9,
        length + 5..length + 9,
    ] {
        let bytes = desk.store.read(&desk.login, &inbox(), at, range.clone()).await.expect("it is read");
        let place = |at: u64| usize::try_from(at.min(length)).expect("it is small");
        assert_eq!(bytes, message[place(range.start)..place(range.end)], "{range:?}");
    }
    assert_eq!(desk.bytes(&inbox(), at).await, message);
    assert_eq!(flags(&desk.list(&inbox()).await.entries), [vec![]], "reading marks nothing");
    Ok(())
}

pub(super) async fn a_range_that_can_not_be_is_invalid(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 1).await?;
    let at = Position { uid_validity: listing.uid_validity, uid: listing.entries[0].uid.get() };
    #[expect(clippy::reversed_empty_ranges, reason = "such a range is what the case is about")]
    for range in [5..4, 0..(16 << 20) + 1] {
        let answer = desk.store.read(&desk.login, &inbox(), at, range).await;
        assert!(matches!(answer, Err(Error::Invalid { .. })), "{answer:?}");
    }
    Ok(())
}

pub(super) async fn a_message_that_is_gone_can_not_be_read(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 2).await?;
    desk.expunge(&listing, &[listing.entries[0].uid]).await;
    for uid in [listing.entries[0].uid.get(), 0, 77] {
        let at = Position { uid_validity: listing.uid_validity, uid };
        let answer = desk.store.read(&desk.login, &inbox(), at, 0..10).await;
        let reason = answer.as_ref().err().and_then(Error::reason);
        assert_eq!(reason, Some(Reason::NoSuchMessage), "{answer:?}");
        assert_refused(&answer);
    }
    Ok(())
}

pub(super) async fn what_came_changed_or_went_is_told(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 4).await?;
    let all = uids(&listing.entries);
    let since = desk.status(&inbox()).await.modseq.ok_or_else(|| Missing("it keeps no account".into()))?;
    desk.change_flags(&listing, &all[..1], &FlagChange::Add(vec![Flag::Flagged])).await;
    for gone in [&all[3..], &all[1..2]] {
        desk.expunge(&listing, gone).await;
    }
    let came = desk.append(&inbox(), &letter("new", "x"), &[keyword("x")]).await;
    let changes = desk.store.changes(&desk.login, &inbox(), listing.uid_validity, since).await;
    let changes = changes.expect("changes are told");
    assert!(changes.modseq > since);
    let now = desk.list(&inbox()).await.entries;
    for uid in [all[0], came] {
        assert!(uids(&changes.changed).contains(&uid), "{changes:?}");
    }
    assert!(changes.changed.iter().all(|entry| now.contains(entry)), "each is as it is now");
    assert!(uids(&changes.changed).is_sorted_by(|one, next| one < next));
    assert!(changes.vanished.contains(&all[1]) && changes.vanished.contains(&all[3]), "{changes:?}");
    assert!(changes.vanished.is_sorted_by(|one, next| one < next), "{changes:?}");
    assert!(changes.vanished.iter().all(|uid| !uids(&now).contains(uid)), "{changes:?}");
    let later = desk.store.changes(&desk.login, &inbox(), listing.uid_validity, changes.modseq).await;
    let later = later.expect("changes are told");
    assert!(later.modseq >= changes.modseq && later.changed.is_empty(), "{later:?}");
    Ok(())
}

pub(super) async fn a_quota_counts_all_folders_to_the_kib(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk { store: harness.store()?, login: harness.small_mailbox(1).await? };
    let quota = async || desk.store.quota(&desk.login).await.expect("it can be asked").expect("there is one");
    assert_eq!((quota().await.used, quota().await.limit), (0, 1 << 20));
    let message = letter("x", &"0123456789\r\n".repeat(1_000));
    for (number, folder) in [inbox(), named("Sent")].into_iter().enumerate() {
        desk.append(&folder, &message, &[]).await;
        let bytes = (message.len() * (number + 1)) as u64;
        assert_eq!(quota().await.used, bytes.div_ceil(1_024) * 1_024);
    }
    Ok(())
}

pub(super) async fn without_a_quota_there_is_none(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, _) = Desk::with_messages(harness, 1).await?;
    assert_eq!(desk.store.quota(&desk.login).await.expect("it can be asked"), None);
    Ok(())
}

pub(super) async fn reading_changes_nothing_be_it_dropped_or_not(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    let (store, login, inbox) = (&desk.store, &desk.login, inbox());
    let at = Position { uid_validity: listing.uid_validity, uid: listing.entries[0].uid.get() };
    let (all, query) = (Selection::After(None), Query::Text("x".into()));
    let folders = desk.folders().await;
    let status = desk.status(&inbox).await;
    for moment in moments() {
        drop_after(moment, store.folders(login)).await;
        drop_after(moment, store.status(login, &inbox)).await;
        drop_after(moment, store.search(login, &inbox, &query)).await;
        drop_after(moment, store.list(login, &inbox, &all)).await;
        drop_after(moment, store.read(login, &inbox, at, 0..100)).await;
        drop_after(moment, store.changes(login, &inbox, at.uid_validity, 1)).await;
        drop_after(moment, store.quota(login)).await;
        drop_after(moment, read_all(&desk, &inbox, &all)).await;
        assert_eq!((desk.list(&inbox).await, desk.folders().await), (listing.clone(), folders.clone()));
    }
    let after = desk.status(&inbox).await;
    assert_eq!(
        (after.messages, after.unseen, after.uid_next),
        (status.messages, status.unseen, status.uid_next)
    );
    Ok(())
}

async fn read_all(desk: &Desk, folder: &FolderName, selection: &Selection) -> Vec<Received> {
    let mut messages = desk.store.messages(&desk.login, folder, selection);
    let mut read = Vec::new();
    while let Some(message) = next(&mut messages).await {
        read.push(message.expect("the message can be read"));
    }
    read
}

async fn next(messages: &mut Messages) -> Option<Result<Received, Error>> {
    poll_fn(|context| messages.as_mut().poll_next(context)).await
}
