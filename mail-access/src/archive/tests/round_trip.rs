//! Out and in again, and nothing is another one.

use super::*;
use crate::archive::export::whole;
use crate::{Reason, Received, Uid};

#[tokio::test]
async fn all_comes_back_as_it_was() {
    let world = World::new().await;
    let before = world.contents(&world.ada).await;
    let count = before.iter().map(|(_, _, messages)| messages.len() as u64).sum::<u64>();
    for archive in world.archives() {
        let exported = world.export(&archive).await.unwrap();
        assert_eq!((exported.added, exported.present, exported.folders), (count, 0, before.len() as u64));
        let verified = archive.verify().await.unwrap();
        assert_eq!((verified.messages, verified.folders), (count, exported.folders));
        world.wipe(&world.bob);
        let imported = world.import(&archive, &world.bob).await.unwrap();
        assert_eq!((imported.added, imported.present), (count, 0));
        assert_eq!(world.contents(&world.bob).await, before, "{archive:?}");
        // Again, and nothing is there twice.
        let again = world.import(&archive, &world.bob).await.unwrap();
        assert_eq!((again.added, again.present), (0, count));
        assert_eq!(world.contents(&world.bob).await, before);
        let again = world.export(&archive).await.unwrap();
        assert_eq!((again.added, again.present), (0, count));
        assert_eq!(archive.verify().await.unwrap(), verified);
    }
}

#[tokio::test]
async fn copies_are_counted() {
    let world = World::new().await;
    let [archive, _] = world.archives().map(|archive| archive.with_folder(folder("Work")));
    world.export(&archive).await.unwrap();
    // One of the two is there already.
    world.office.create_folder(&world.bob, &folder("Work")).await.unwrap();
    world.office.append(&world.bob, &folder("Work"), b"Subject: a\r\n\r\na\r\n", &[], None).await.unwrap();
    let imported = world.import(&archive, &world.bob).await.unwrap();
    assert_eq!((imported.folders, imported.added, imported.present), (1, 1, 1));
}

#[tokio::test]
async fn what_is_new_is_added_and_what_went_stays() {
    let world = World::new().await;
    for archive in world.archives() {
        let archive = archive.with_folder(FolderName::inbox());
        let first = world.export(&archive).await.unwrap();
        let listing = world.office.list(&world.ada, &folder("INBOX"), &Selection::After(None)).await.unwrap();
        let gone = listing.entries[0].uid;
        world.office.expunge(world.ada.address(), &[gone]).unwrap();
        world.file("INBOX", format!("Subject: new\r\n\r\n{archive:?}\r\n").as_bytes(), &[], 50).await;
        let second = world.export(&archive).await.unwrap();
        assert_eq!((second.added, second.present), (1, first.added - 1));
        assert_eq!(archive.verify().await.unwrap().messages, first.added + 1);
        // Numbered anew, it is still the same mail.
        world.office.reset_uid_validity(world.ada.address()).unwrap();
        let third = world.export(&archive).await.unwrap();
        assert_eq!((third.added, third.present), (0, first.added));
        let fourth = world.export(&archive).await.unwrap();
        assert_eq!((fourth.added, fourth.present), (0, first.added));
        assert_eq!(archive.verify().await.unwrap().messages, first.added + 1);
    }
}

/// Numbered anew, one of two copies has the UID that the other one had.
#[tokio::test]
async fn a_copy_that_takes_the_number_of_another_is_kept_beside_it() {
    let world = World::new().await;
    let (inbox, date) = (FolderName::inbox(), Some(SystemTime::UNIX_EPOCH));
    for archive in world.archives() {
        world.wipe(&world.bob);
        let file = |message: &'static [u8]| world.office.append(&world.bob, &inbox, message, &[], date);
        file(b"Subject: first\r\n\r\n").await.unwrap();
        file(b"Subject: twice\r\n\r\n").await.unwrap();
        archive.export(&world.office, &world.bob).await.unwrap();
        world.office.expunge(world.bob.address(), &[Uid::new(1).unwrap()]).unwrap();
        file(b"Subject: twice\r\n\r\n").await.unwrap();
        world.office.reset_uid_validity(world.bob.address()).unwrap();
        let exported = archive.export(&world.office, &world.bob).await.unwrap();
        assert_eq!((exported.added, exported.present), (1, 1), "{archive:?}");
        assert_eq!(archive.verify().await.unwrap().messages, 3, "{archive:?}");
        archive.export(&world.office, &world.bob).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn no_link_leads_out_of_the_directory() {
    use std::os::unix::fs::symlink;

    let world = World::new().await;
    let outside = world.directory.path().join("outside");
    for (archive, link) in world.archives().into_iter().zip(["m/Work.mbox", "d/.Work"]) {
        let link = world.root().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        if archive.root.ends_with("d") {
            fs::create_dir(&outside).unwrap();
        }
        symlink(&outside, link).unwrap();
        let exported = world.export(&archive.with_folder(folder("Work"))).await;
        assert!(matches!(exported, Err(ArchiveError::Damaged { .. })), "{exported:?}");
        assert!(!outside.exists() || fs::read_dir(&outside).unwrap().next().is_none());
    }
}

#[tokio::test]
async fn no_folder_leads_out_of_the_directory() {
    let world = World::new().await;
    for archive in world.archives() {
        world.export(&archive).await.unwrap();
    }
    let all = files(world.directory.path());
    assert!(all.iter().all(|file| file.starts_with(world.root())), "{all:?}");
    let names = |part: &str| {
        let here = fs::read_dir(world.root().join(part)).unwrap();
        let mut names: Vec<_> = here.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.contains('%'));
        names.sort();
        names
    };
    assert_eq!(names("m"), ["%2e%2e.mbox", "Entw%c3%bcrfe.%2541.mbox", "Work.2026%2e11.mbox", "a%5cb.mbox"]);
    assert_eq!(names("d"), [".%2e%2e", ".Entw%c3%bcrfe.%2541", ".Work.2026%2e11", ".a%5cb"]);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_no_empty_archive() {
    let world = World::new().await;
    let [archive, _] = world.archives().map(|archive| archive.with_folder(folder("Nowhere")));
    match world.export(&archive).await {
        Err(ArchiveError::Mail { source, .. }) => assert_eq!(source.reason(), Some(Reason::NoSuchFolder)),
        answer => panic!("{answer:?}"),
    }
    assert!(!world.root().join("m").exists());
}

#[tokio::test]
async fn files_of_others_are_not_written_into() {
    let world = World::new().await;
    let [mbox, maildir] = world.archives();
    fs::create_dir_all(world.root().join("m")).unwrap();
    fs::write(world.root().join("m/INBOX.mbox"), "From x\n").unwrap();
    fs::create_dir_all(world.root().join("d/cur")).unwrap();
    for archive in [mbox, maildir] {
        assert!(matches!(world.export(&archive).await, Err(ArchiveError::Damaged { .. })));
    }
    assert_eq!(fs::read(world.root().join("m/INBOX.mbox")).unwrap(), b"From x\n");
}

#[tokio::test]
async fn a_message_over_the_limit_is_read_piece_by_piece() {
    let world = World::new().await;
    for size in [(16 << 20) - 1, 16 << 20, (16 << 20) + 1] {
        let mut message = b"Subject: large\r\n\r\n".to_vec();
        message.resize(size, b'x');
        let place = world.office.append(&world.bob, &FolderName::inbox(), &message, &[], None).await.unwrap();
        let place = place.expect("the office tells it");
        let header = b"Subject: large\r\n\r\n".to_vec();
        let uid = Uid::new(place.uid).unwrap();
        let received = Received::parse_header(uid, SystemTime::UNIX_EPOCH, false, header);
        let read =
            whole(&world.office, &world.bob, &FolderName::inbox(), place.uid_validity, &received).await;
        assert!(read.unwrap() == message, "{size}");
    }
}
