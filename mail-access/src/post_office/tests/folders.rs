//! What the cases of the contract leave open: the office's own folders, limits and promises.

use super::*;
use crate::{Arrival, Flag, FlagChange, MessageStore, Reason, Uid};

fn named(name: &str) -> FolderName {
    name.parse().unwrap()
}

async fn append(office: &PostOffice, folder: &str, size: usize) -> Result<Option<Position>, Error> {
    office.append(&login("bob"), &named(folder), &vec![b'x'; size], &[], None).await
}

fn small_office() -> PostOffice {
    let office = office_of(PostOffice::builder().with_size_limit(2 << 20));
    office.remove_mailbox(&at_home("bob")).unwrap();
    office.add_mailbox(&at_home("bob"), PASSWORD.into(), 1).unwrap();
    office
}

#[tokio::test]
async fn the_quota_counts_all_folders_and_what_goes_makes_room() {
    let office = small_office();
    append(&office, "Sent", 600 << 10).await.unwrap();
    let full = append(&office, "INBOX", 600 << 10).await.unwrap_err();
    assert_eq!(full.reason(), Some(Reason::MailboxFull));
    let large = append(&office, "INBOX", (2 << 20) + 1).await.unwrap_err();
    assert_eq!(large.reason(), Some(Reason::TooLarge));
    office.delete_folder(&login("bob"), &named("Sent")).await.unwrap();
    let place = append(&office, "INBOX", 600 << 10).await.unwrap().unwrap();
    let uid = Uid::new(place.uid).unwrap();
    MessageStore::expunge(&office, &login("bob"), &named("INBOX"), place.uid_validity, &[uid]).await.unwrap();
    append(&office, "Sent", 600 << 10).await.unwrap();
    assert_eq!(office.quota(&login("bob")).await.unwrap().unwrap().used, 600 << 10);
    let letter = message(&["bob@agents.example"]);
    office.submit(&login("ada"), &letter).await.expect("there is room for a small one");
}

#[tokio::test]
async fn names_that_can_not_be_are_refused() {
    let office = office();
    let bob = login("bob");
    for name in ["/", "a/", "/a", "a//b"] {
        let refused = office.create_folder(&bob, &named(name)).await.unwrap_err();
        assert!(refused.status().is_some(), "{refused:?}");
    }
    office.create_folder(&bob, &named("a")).await.unwrap();
    office.create_folder(&bob, &named(&format!("a/{}", "b".repeat(200)))).await.unwrap();
    let long = named(&"c".repeat(100));
    let refused = office.rename_folder(&bob, &named("a"), &long).await.unwrap_err();
    assert!(refused.status().is_some(), "{refused:?}");
    let folders = office.folders(&bob).await.unwrap();
    assert_eq!(folders.len(), 6 + 2, "nothing was renamed by half: {folders:?}");
    let taken = office.rename_folder(&bob, &named("a"), &named("Trash")).await.unwrap_err();
    assert_eq!(taken.reason(), Some(Reason::FolderExists));
}

#[tokio::test]
async fn changes_tell_no_more_than_there_was() {
    let office = office();
    let (bob, inbox) = (login("bob"), named("INBOX"));
    let mut uids = Vec::new();
    for _ in 0..4 {
        uids.push(Uid::new(append(&office, "INBOX", 1).await.unwrap().unwrap().uid).unwrap());
    }
    let status = office.status(&bob, &inbox).await.unwrap();
    let change = async |uid: Uid, change: FlagChange| {
        office.change_flags(&bob, &inbox, status.uid_validity, &[uid], &change).await.unwrap();
    };
    change(uids[1], FlagChange::Add(vec![Flag::Flagged])).await;
    change(uids[2], FlagChange::Remove(vec![Flag::Flagged])).await;
    office.expunge(bob.address(), &uids[3..]).unwrap();
    let since = status.modseq.unwrap();
    let changes = office.changes(&bob, &inbox, status.uid_validity, since).await.unwrap();
    let told: Vec<Uid> = changes.changed.iter().map(|entry| entry.uid).collect();
    assert_eq!((told, &changes.vanished[..]), (vec![uids[1]], &uids[3..]));
    let nothing = office.changes(&bob, &inbox, status.uid_validity, changes.modseq).await.unwrap();
    assert_eq!((nothing.changed.len(), nothing.vanished.len(), nothing.modseq), (0, 0, changes.modseq));
}

#[tokio::test]
async fn what_is_filed_in_the_inbox_wakes_who_waits_for_it() {
    let office = office();
    let place = append(&office, "Sent", 1).await.unwrap().unwrap();
    let bob = login("bob");
    for way in 0..3 {
        let status = office.status(&bob, &named("INBOX")).await.unwrap();
        let after = Position { uid_validity: status.uid_validity, uid: status.uid_next - 1 };
        let other = office.clone();
        let waiting =
            tokio::spawn(async move { other.wait(&login("bob"), after, Duration::from_secs(30)).await });
        tokio::task::yield_now().await;
        let (sent, inbox, uid) = (named("Sent"), named("INBOX"), [Uid::new(place.uid).unwrap()]);
        match way {
            0 => drop(append(&office, "INBOX", 1).await.unwrap()),
            1 => drop(office.copy(&bob, &sent, place.uid_validity, &uid, &inbox).await.unwrap()),
            _ => drop(office.move_to(&bob, &sent, place.uid_validity, &uid, &inbox).await.unwrap()),
        }
        assert_eq!(waiting.await.unwrap().unwrap(), Arrival::New);
    }
}

#[tokio::test]
async fn the_filter_of_duplicates_knows_what_was_moved_away() {
    let office = office_of(PostOffice::builder().with_policy(Policy::new().with_duplicate_filter(true)));
    let letter = message(&["bob@agents.example"]);
    office.submit(&login("ada"), &letter).await.unwrap();
    let batch = inbox(&office, "bob").await;
    let uid = [batch.messages[0].uid()];
    office
        .move_to(&login("bob"), &named("INBOX"), batch.uid_validity, &uid, &named("Archive"))
        .await
        .unwrap();
    office.submit(&login("ada"), &letter).await.unwrap();
    assert_eq!(count(&office, "bob").await, 0);
}

#[tokio::test]
async fn times_of_arrival_are_kept_to_the_second() {
    let office = office();
    let half = Duration::from_millis(500);
    for (time, kept) in [
        (SystemTime::UNIX_EPOCH + half, SystemTime::UNIX_EPOCH),
        (SystemTime::UNIX_EPOCH - half, SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
    ] {
        office.append(&login("bob"), &named("Sent"), b"x", &[], Some(time)).await.unwrap();
        let listing = office.list(&login("bob"), &named("Sent"), &Selection::After(None)).await.unwrap();
        assert_eq!(listing.entries.last().unwrap().internal_date, kept);
    }
}

#[tokio::test]
async fn a_forward_goes_on_with_or_without_a_copy() {
    let office = office_of(PostOffice::builder().with_policy(Policy::like_postfix()));
    let elsewhere = address("bob@elsewhere.example");
    let forward = |targets, keeps_copy| office.set_forward(&at_home("bob"), targets, keeps_copy).unwrap();
    let mut known = 0;
    for (targets, keeps_copy, stays, goes) in [
        (vec![elsewhere.clone()], true, 1, 1),
        (vec![elsewhere.clone(), at_home("bob")], false, 0, 1),
        (vec![at_home("Ada"), elsewhere.clone()], true, 1, 1),
        (vec![], false, 1, 0),
    ] {
        forward(targets.clone(), keeps_copy);
        submit(&office, &["bob+tag@agents.example"]).await.unwrap();
        assert_eq!(count(&office, "bob").await, known + stays, "{targets:?}");
        known += stays;
        let gone: Vec<Address> =
            office.take_departed().into_iter().map(|departed| departed.recipient).collect();
        assert_eq!(gone, vec![elsewhere.clone(); goes], "{targets:?}");
    }
    assert_eq!(count(&office, "ada").await, 1);
    let nobody = office.set_forward(&at_home("nobody"), vec![elsewhere], true);
    assert_eq!(nobody, Err(PostOfficeError::UnknownMailbox(at_home("nobody"))));
}
