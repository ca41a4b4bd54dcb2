//! Archives that other programs wrote.

use super::*;

async fn imported(world: &World, archive: &Archive, name: &str) -> Vec<(String, Vec<Flag>, u64)> {
    world.wipe(&world.bob);
    world.import(archive, &world.bob).await.unwrap();
    let contents = world.contents(&world.bob).await;
    let found = contents.into_iter().find(|(known, ..)| *known == folder(name));
    let seconds = |date: SystemTime| date.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let messages = found.unwrap().2.into_iter();
    messages.map(|(raw, flags, date)| (String::from_utf8(raw).unwrap(), flags, seconds(date))).collect()
}

#[tokio::test]
async fn an_mbox_is_read_with_its_flags() {
    let world = World::new().await;
    let root = world.root();
    fs::create_dir_all(&root).unwrap();
    let text = "From ada@x.example Fri Nov 20 10:39:50 2026\nSubject: a\nstatus: RO\nX-Status: AF\n folded\n\
        X-Keywords: one  TWO (bad\nTo: b\n\n>From a\n>>From b\n\nStatus: text\n\n\
        From bob@x.example what\nSubject: b\r\n\r\nb\n";
    fs::write(root.join("Lists.Rust.mbox"), text).unwrap();
    fs::write(root.join("notes.txt"), "no mbox").unwrap();
    let found = imported(&world, &Archive::mbox(&root), "Lists/Rust").await;
    let keywords = ["one", "two"].map(|word| Flag::keyword(word).unwrap());
    let flags = [vec![Flag::Answered, Flag::Flagged, Flag::Seen], keywords.to_vec()].concat();
    let first = "Subject: a\r\nTo: b\r\n\r\nFrom a\r\n>From b\r\n\r\nStatus: text\r\n";
    assert_eq!(found[0], (first.to_owned(), flags, 1_795_171_190));
    assert_eq!((found[1].0.as_str(), found[1].1.len(), found.len()), ("Subject: b\r\n\r\nb\r\n", 0, 2));
    // Here too nothing is filed twice.
    let again = world.import(&Archive::mbox(&root), &world.bob).await.unwrap();
    assert_eq!((again.added, again.present), (0, 2));
}

/// The empty line that parts two messages belongs to neither, however lines end.
#[tokio::test]
async fn an_mbox_with_the_line_ends_of_windows_gains_no_lines() {
    let world = World::new().await;
    let root = world.root();
    fs::create_dir_all(&root).unwrap();
    let text = "From a Fri Nov 20 10:39:50 2026\r\nSubject: a\r\nStatus: RO\r\n\r\na\r\n\r\n\r\n\
        From b Fri Nov 20 10:39:50 2026\r\nSubject: b\r\n\r\n>From b\r\n\r\n";
    fs::write(root.join("INBOX.mbox"), text).unwrap();
    let found = imported(&world, &Archive::mbox(&root), "INBOX").await;
    let found: Vec<_> = found.iter().map(|(raw, flags, _)| (raw.as_str(), flags.len())).collect();
    assert_eq!(found, [("Subject: a\r\n\r\na\r\n\r\n", 1), ("Subject: b\r\n\r\nFrom b\r\n", 0)]);
}

#[tokio::test]
async fn a_maildir_is_read_with_its_flags_and_keywords() {
    let world = World::new().await;
    let root = world.root();
    for part in ["cur", "new", "tmp", ".Work.2026/cur"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::write(root.join("dovecot-keywords"), "0 $Forwarded\n2 later\n99 none\nx\n").unwrap();
    fs::write(root.join("cur/100.a.host:2,RSac"), "Subject: a\n\na\n").unwrap();
    fs::write(root.join("cur/.hidden"), "x").unwrap();
    fs::write(root.join("new/90.b.host"), "Subject: b\r\n\r\nb").unwrap();
    fs::write(root.join("tmp/80.c.host"), "Subject: c\n\nunfinished\n").unwrap();
    fs::write(root.join(".Work.2026/cur/100.d.host:2,FTPDb"), "Subject: d\n\nd\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", root.join("cur/70.e.host:2,")).unwrap();
    let archive = Archive::maildir(&root);
    let inbox = imported(&world, &archive, "INBOX").await;
    let keyword = |word: &str| Flag::keyword(word).unwrap();
    let flags = vec![Flag::Answered, Flag::Seen, keyword("$forwarded"), keyword("later")];
    assert_eq!(
        inbox,
        [("Subject: b\r\n\r\nb".to_owned(), vec![], 90), ("Subject: a\r\n\r\na\r\n".to_owned(), flags, 100)]
    );
    let work = imported(&world, &archive, "Work/2026").await;
    let flags = vec![Flag::Deleted, Flag::Draft, Flag::Flagged, keyword("$forwarded")];
    assert_eq!(work, [("Subject: d\r\n\r\nd\r\n".to_owned(), flags, 100)]);
}

#[tokio::test]
async fn a_maildir_that_dovecot_encrypted_is_refused() {
    let world = World::new().await;
    let root = world.root();
    fs::create_dir_all(root.join("cur")).unwrap();
    fs::write(root.join("cur/100.a.host:2,S"), b"CRYPTED\x03\x07\x02\0\0\0\x01secret").unwrap();
    let error = world.import(&Archive::maildir(&root), &world.bob).await.unwrap_err();
    assert!(
        matches!(&error, ArchiveError::Encrypted { path } if path.ends_with("cur/100.a.host:2,S")),
        "{error:?}"
    );
    assert!(error.to_string().contains("encrypted by Dovecot"), "{error}");
    let status = world.office.status(&world.bob, &folder("INBOX")).await.unwrap();
    assert_eq!(status.messages, 0);
}
