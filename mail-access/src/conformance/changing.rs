use super::desk::{
    Desk, assert_no_such_folder, assert_refused, flags, in_2020, inbox, keyword, letter, named, uid_at, uids,
};
use super::exchange::{drop_after, moments};
use super::{Harness, Missing};
use crate::{Error, Flag, FlagChange, Position, Selection};

pub(super) async fn flags_and_keywords_are_added_taken_away_and_set(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    let all = uids(&listing.entries);
    let (handled, urgent) = (keyword("Handled"), keyword("$Urgent"));
    for (change, places, expected) in [
        (FlagChange::Add(vec![Flag::Seen, handled.clone()]), 0..2, [2, 2, 0]),
        (FlagChange::Add(vec![Flag::Flagged, Flag::Seen]), 1..3, [2, 3, 2]),
        (FlagChange::Remove(vec![keyword("HANDLED"), Flag::Draft]), 0..3, [1, 2, 2]),
        (FlagChange::Set(vec![urgent.clone(), Flag::Answered, Flag::Deleted]), 0..1, [3, 2, 2]),
        (FlagChange::Set(Vec::new()), 1..2, [3, 0, 2]),
    ] {
        desk.change_flags(&listing, &all[places], &change).await;
        let counts: Vec<_> = flags(&desk.list(&inbox()).await.entries).iter().map(Vec::len).collect();
        assert_eq!(counts, expected, "{change:?}");
    }
    let now = flags(&desk.list(&inbox()).await.entries);
    assert_eq!(now[0], [Flag::Answered, Flag::Deleted, urgent]);
    assert_eq!(now[2], [Flag::Flagged, Flag::Seen]);
    Ok(())
}

pub(super) async fn flags_of_what_is_gone_and_flags_that_are_set_change_nothing(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 2).await?;
    let all = uids(&listing.entries);
    desk.expunge(&listing, &all[..1]).await;
    for _ in 0..2 {
        desk.change_flags(&listing, &all, &FlagChange::Add(vec![keyword("x"), Flag::Draft])).await;
        assert_eq!(flags(&desk.list(&inbox()).await.entries), [vec![Flag::Draft, keyword("x")]]);
    }
    desk.change_flags(&listing, &all[..1], &FlagChange::Set(vec![Flag::Seen])).await;
    desk.change_flags(&listing, &all[1..], &FlagChange::Remove(vec![Flag::Seen])).await;
    assert_eq!(flags(&desk.list(&inbox()).await.entries), [vec![Flag::Draft, keyword("x")]]);
    Ok(())
}

pub(super) async fn a_dropped_change_of_flags_leaves_each_message_changed_or_not(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    let all = uids(&listing.entries);
    let add = FlagChange::Add(vec![Flag::Flagged, keyword("x")]);
    for moment in moments() {
        let (login, uid_validity) = (&desk.login, listing.uid_validity);
        drop_after(moment, desk.store.change_flags(login, &inbox(), uid_validity, &all[..2], &add)).await;
        let now = flags(&desk.list(&inbox()).await.entries);
        for flags in &now[..2] {
            assert!(flags.is_empty() || *flags == [Flag::Flagged, keyword("x")], "{now:?}");
        }
        assert!(now[2].is_empty(), "{now:?}");
    }
    desk.change_flags(&listing, &all[..2], &add).await;
    assert_eq!(flags(&desk.list(&inbox()).await.entries)[1], [Flag::Flagged, keyword("x")]);
    Ok(())
}

pub(super) async fn an_appended_message_is_kept_as_it_is(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let folder = desk.make("mine").await;
    let bytes: Vec<u8> = (1..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    let odd = [b"Subject: bytes\r\n\r\n.\r\n..\r\n", bytes.as_slice(), b"\r\nFrom here\r\nno end"].concat();
    let long = letter("long", &"x".repeat(5_000));
    let headless = b"no header at all\r\n".to_vec();
    for (number, message) in [odd, long, headless].into_iter().enumerate() {
        let (set, date) = ([Flag::Draft, keyword("Mine")], in_2020(number as u64));
        let filed = desk.store.append(&desk.login, &folder, &message, &set[..number], Some(date)).await;
        let place = filed.expect("the message is filed").expect("its place is told");
        let listing = desk.list(&folder).await;
        let entry = listing.entries.last().expect("it is listed");
        assert_eq!((place.uid_validity, place.uid), (listing.uid_validity, entry.uid.get()));
        assert_eq!((entry.size, entry.internal_date), (message.len() as u64, date));
        assert_eq!(entry.flags.len(), number);
        assert_eq!(desk.bytes(&folder, place).await, message);
    }
    Ok(())
}

pub(super) async fn a_message_appended_twice_is_there_twice(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let message = b"Message-ID: <same@agents.example>\r\n\r\nx\r\n";
    let (first, second) =
        (desk.append(&inbox(), message, &[]).await, desk.append(&inbox(), message, &[]).await);
    assert_eq!(uids(&desk.list(&inbox()).await.entries), [first, second]);
    Ok(())
}

pub(super) async fn what_can_not_be_appended_is_refused(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk { store: harness.store()?, login: harness.small_mailbox(1).await? };
    let append = async |folder: &str, message: &[u8]| {
        desk.store.append(&desk.login, &named(folder), message, &[], None).await
    };
    assert_no_such_folder(&append("nowhere", &letter("x", "x")).await);
    assert_refused(&append("INBOX", &letter("x", &"0123456789\r\n".repeat(90_000))).await);
    let answer = append("INBOX", b"").await;
    assert!(matches!(answer, Err(Error::Invalid { .. })), "{answer:?}");
    assert_eq!(desk.list(&inbox()).await.entries, []);
    Ok(())
}

pub(super) async fn a_dropped_append_leaves_the_message_whole_or_not_at_all(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let message = letter("whole", &"0123456789\r\n".repeat(10_000));
    for moment in moments() {
        drop_after(moment, desk.store.append(&desk.login, &inbox(), &message, &[], None)).await;
    }
    let uid = desk.append(&inbox(), &message, &[]).await;
    let listing = desk.list(&inbox()).await;
    assert!(listing.entries.iter().all(|entry| entry.size == message.len() as u64), "{listing:?}");
    let at = Position { uid_validity: listing.uid_validity, uid: uid.get() };
    assert_eq!(desk.bytes(&inbox(), at).await, message);
    Ok(())
}

pub(super) async fn these_messages_are_expunged_and_no_others(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 4).await?;
    let all = uids(&listing.entries);
    desk.change_flags(&listing, &all[1..3], &FlagChange::Add(vec![Flag::Deleted])).await;
    for _ in 0..2 {
        desk.expunge(&listing, &[all[3], all[1]]).await;
        let now = desk.list(&inbox()).await;
        assert_eq!((now.uid_validity, uids(&now.entries)), (listing.uid_validity, vec![all[0], all[2]]));
        assert_eq!(flags(&now.entries), [vec![], vec![Flag::Deleted]]);
    }
    let next = desk.append(&inbox(), &letter("next", "x"), &[]).await;
    assert!(next > all[3], "no UID comes twice");
    Ok(())
}

pub(super) async fn a_dropped_expunge_leaves_each_message_removed_or_not(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 9).await?;
    let all = uids(&listing.entries);
    for (moment, uid) in moments().zip(&all) {
        let (login, one) = (&desk.login, std::slice::from_ref(uid));
        drop_after(moment, desk.store.expunge(login, &inbox(), listing.uid_validity, one)).await;
        assert!(uids(&desk.list(&inbox()).await.entries).ends_with(&all[7..]), "no others are gone");
    }
    desk.expunge(&listing, &all[..7]).await;
    assert_eq!(uids(&desk.list(&inbox()).await.entries), all[7..]);
    Ok(())
}

pub(super) async fn copies_have_the_flags_and_the_dates_and_their_places_are_told(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing, originals) = with_marked(harness).await?;
    let target = desk.make("target").await;
    desk.append(&target, &letter("already there", "x"), &[]).await;
    let places = desk.copy(&listing, &[originals[2], originals[0]], &target).await.expect("they are copied");
    let copies = desk.list(&target).await;
    assert_eq!(
        places.iter().map(|(uid, at)| (*uid, at.uid_validity, uid_at(*at))).collect::<Vec<_>>(),
        [0, 2].map(|place| (originals[place], copies.uid_validity, copies.entries[place / 2 + 1].uid))
    );
    for (copy, original) in copies.entries[1..].iter().zip([&listing.entries[0], &listing.entries[2]]) {
        assert_eq!(
            (copy.size, &copy.flags, copy.internal_date),
            (original.size, &original.flags, original.internal_date)
        );
    }
    assert_eq!(desk.bytes(&target, places[1].1).await, letter("message 2", "a text"));
    assert_eq!(desk.list(&inbox()).await, listing);
    Ok(())
}

pub(super) async fn what_is_not_there_is_neither_copied_nor_moved(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    let (all, target, nowhere) = (uids(&listing.entries), desk.make("target").await, named("nowhere"));
    desk.expunge(&listing, &all[..1]).await;
    for moving in [false, true] {
        let act = async |uids: &[crate::Uid], to| {
            if moving { desk.move_to(&listing, uids, to).await } else { desk.copy(&listing, uids, to).await }
        };
        assert_eq!(act(&all[..1], &target).await.expect("nothing is done"), []);
        assert_eq!(act(&all[..1], &nowhere).await.expect("nothing is done"), []);
        assert_no_such_folder(&act(&all, &nowhere).await);
        assert_eq!(uids(&desk.list(&inbox()).await.entries), all[1..]);
        let places = act(&all[..2], &target).await.expect("one is there");
        assert_eq!(places.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), all[1..2]);
    }
    assert_eq!(desk.status(&target).await.messages, 2);
    Ok(())
}

pub(super) async fn a_folder_may_be_its_own_target(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 2).await?;
    let all = uids(&listing.entries);
    let places = desk.copy(&listing, &all[..1], &inbox()).await.expect("it is copied");
    let copy = uid_at(places[0].1);
    assert_eq!(uids(&desk.list(&inbox()).await.entries), [all[0], all[1], copy]);
    Ok(())
}

pub(super) async fn without_room_nothing_is_copied_and_all_can_be_moved(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk { store: harness.store()?, login: harness.small_mailbox(1).await? };
    for text in ["01234567\r\n".repeat(70_000), "x".into()] {
        desk.append(&inbox(), &letter("x", &text), &[]).await;
    }
    let (listing, target) = (desk.list(&inbox()).await, desk.make("target").await);
    let all = uids(&listing.entries);
    assert_refused(&desk.copy(&listing, &all, &target).await);
    assert_eq!(desk.status(&target).await.messages, 0);
    assert_eq!(desk.list(&inbox()).await, listing);
    assert_eq!(desk.move_to(&listing, &all, &target).await.expect("there is room").len(), 2);
    assert_eq!((desk.status(&inbox()).await.messages, desk.status(&target).await.messages), (0, 2));
    Ok(())
}

pub(super) async fn a_dropped_copy_leaves_all_copied_or_none(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    let (all, target) = (uids(&listing.entries), desk.make("target").await);
    for moment in moments() {
        drop_after(moment, desk.copy(&listing, &all, &target)).await;
        assert_eq!(desk.status(&target).await.messages % 3, 0);
    }
    assert_eq!(desk.list(&inbox()).await, listing);
    Ok(())
}

pub(super) async fn an_interrupted_copy_was_made_or_not(harness: &dyn Harness) -> Result<(), Missing> {
    for taken in [false, true] {
        let (desk, listing) = Desk::with_messages(harness, 2).await?;
        let (all, name) = (uids(&listing.entries), desk.login.address().local_part().to_owned());
        let target = desk.make(&format!("{name}-interrupted-{taken}")).await;
        harness.interrupt_copy(&desk.login, &target, taken).await?;
        let answer = desk.copy(&listing, &all, &target).await;
        assert!(answer.as_ref().is_err_and(Error::is_outcome_unknown), "{taken}: {answer:?}");
        assert_eq!(desk.status(&target).await.messages, if taken { 2 } else { 0 });
        assert_eq!(desk.list(&inbox()).await, listing);
    }
    Ok(())
}

pub(super) async fn moved_messages_are_in_the_other_folder_as_they_were(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing, originals) = with_marked(harness).await?;
    let target = desk.make("target").await;
    let moved = [originals[2], originals[1]];
    let places = desk.move_to(&listing, &moved, &target).await.expect("they are moved");
    let there = desk.list(&target).await;
    assert_eq!(
        places.iter().map(|(uid, at)| (*uid, uid_at(*at))).collect::<Vec<_>>(),
        [(originals[1], there.entries[0].uid), (originals[2], there.entries[1].uid)]
    );
    for (entry, original) in there.entries.iter().zip(&listing.entries[1..]) {
        assert_eq!(
            (entry.size, &entry.flags, entry.internal_date),
            (original.size, &original.flags, original.internal_date)
        );
    }
    assert_eq!(desk.list(&inbox()).await.entries, listing.entries[..1]);
    let again = desk.move_to(&listing, &moved, &target).await.expect("nothing is left to do");
    assert_eq!((again, desk.status(&target).await.messages), (Vec::new(), 2));
    Ok(())
}

pub(super) async fn a_dropped_move_leaves_each_message_in_one_folder_or_both(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 7).await?;
    let target = desk.make("target").await;
    for (moment, uid) in moments().zip(uids(&listing.entries)) {
        drop_after(moment, desk.move_to(&listing, &[uid], &target)).await;
        desk.move_to(&listing, &[uid], &target).await.expect("it is moved");
    }
    assert_eq!(desk.status(&inbox()).await.messages, 0);
    let moved = desk.store.fetch(&desk.login, &Selection::After(None), 1).await.expect("it can be read");
    assert_eq!(moved.messages.len(), 0);
    assert!(desk.status(&target).await.messages >= 7);
    Ok(())
}

/// Opens a mailbox with three messages of different flags and dates.
async fn with_marked(harness: &dyn Harness) -> Result<(Desk, crate::Listing, Vec<crate::Uid>), Missing> {
    let desk = Desk::open(harness).await?;
    let set = [Flag::Seen, keyword("Handled")];
    for number in 0..3 {
        let (message, date) =
            (letter(&format!("message {number}"), "a text"), in_2020(number as u64 * 100_000));
        let filed = desk.store.append(&desk.login, &inbox(), &message, &set[..number], Some(date)).await;
        filed.expect("the message is filed");
    }
    let listing = desk.list(&inbox()).await;
    let originals = uids(&listing.entries);
    Ok((desk, listing, originals))
}
