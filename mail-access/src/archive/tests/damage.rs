//! Archives that are not as they were written.

use super::*;

/// Every byte matters, or else what comes back is the same without it.
#[tokio::test]
async fn no_changed_byte_brings_another_message_back() {
    let world = World::new().await;
    let before = world.contents(&world.ada).await;
    for archive in world.archives() {
        let archive = archive.with_folder(folder("Work")).with_folder(folder("Sent"));
        world.export(&archive).await.unwrap();
        let (mut noticed, mut harmless) = (0, 0);
        for file in files(&archive.root) {
            if file.ends_with("manifest.lock") {
                continue;
            }
            let bytes = fs::read(&file).unwrap();
            for at in (0..bytes.len()).step_by(3) {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                fs::write(&file, changed).unwrap();
                if archive.verify().await.is_err() {
                    noticed += 1;
                    continue;
                }
                harmless += 1;
                if file.ends_with("manifest") || harmless % 10 > 0 {
                    continue;
                }
                world.wipe(&world.bob);
                world.import(&archive, &world.bob).await.unwrap();
                let after = world.contents(&world.bob).await;
                for name in ["Work", "Sent"] {
                    let of = |all: &[(FolderName, bool, Vec<Seen>)]| {
                        all.iter().find(|(known, ..)| *known == folder(name)).map(|(_, _, seen)| seen.clone())
                    };
                    assert_eq!(of(&after), of(&before), "{file:?} {at}");
                }
            }
            fs::write(&file, bytes).unwrap();
        }
        archive.verify().await.unwrap();
        assert!(noticed > 50, "{noticed} of {}", noticed + harmless);
    }
}

#[tokio::test]
async fn what_is_missing_or_too_much_is_found() {
    let world = World::new().await;
    let [mbox, maildir] = world.archives().map(|archive| archive.with_folder(folder("Work")));
    world.export(&mbox).await.unwrap();
    world.export(&maildir).await.unwrap();
    let file = mbox.root.join("Work.mbox");
    let whole = fs::read(&file).unwrap();
    let end = whole.windows(6).rposition(|window| window == b"\nFrom ").unwrap() + 1;
    let more = [&whole[..], b"From x Fri Nov 20 10:39:50 2026\nSubject: y\n\nz\n\n"].concat();
    for bytes in [&whole[..end], b"", b"x", &more] {
        fs::write(&file, bytes).unwrap();
        let verified = mbox.verify().await;
        assert!(matches!(verified, Err(ArchiveError::Damaged { .. })), "{verified:?}");
        world.wipe(&world.bob);
        assert!(world.import(&mbox, &world.bob).await.is_err());
    }
    let cur = maildir.root.join(".Work/cur");
    let message = files(&cur).remove(0);
    fs::copy(&message, cur.join("1.x.y:2,")).unwrap();
    let error = maildir.verify().await.unwrap_err();
    assert!(error.to_string().ends_with("1.x.y:2, is damaged: it is not in the manifest"), "{error}");
    fs::remove_file(cur.join("1.x.y:2,")).unwrap();
    fs::remove_file(message).unwrap();
    assert!(maildir.verify().await.unwrap_err().to_string().contains("is missing or changed"));
}

#[tokio::test]
async fn a_manifest_that_makes_no_sense_is_an_error_and_leads_nowhere() {
    let world = World::new().await;
    let [archive, _] = world.archives();
    fs::create_dir_all(&archive.root).unwrap();
    fs::write(world.root().join("secret.mbox"), "From x\n\n").unwrap();
    for lines in [
        "",
        "mail-access archive 1 maildir\nend\n",
        "mail-access archive 2 mbox\nend\n",
        "mail-access archive 1 mbox\n",
        "mail-access archive 1 mbox\nend",
        "mail-access archive 1 mbox\nwhat\nend\n",
        "mail-access archive 1 mbox\nmessage 1 2 3 4\nend\n",
        "mail-access archive 1 mbox\nfolder ../secret a - 0 1\nend\n",
        "mail-access archive 1 mbox\nfolder .secret a - 0 1\nend\n",
        "mail-access archive 1 mbox\nfolder a/../../secret a - 0 1\nend\n",
        "mail-access archive 1 mbox\nfolder a %00 - 0 1\nend\n",
        "mail-access archive 1 mbox\nfolder a a - 0 -1\nend\n",
        "mail-access archive 1 mbox\nfolder a a - 0 1 2\nend\n",
        "mail-access archive 1 mbox\nfolder a a - 0 1\nmessage 1 2 zz 4\nend\n",
    ] {
        fs::write(archive.root.join("manifest"), lines).unwrap();
        let verified = archive.verify().await;
        assert!(matches!(verified, Err(ArchiveError::Damaged { .. })), "{lines:?}: {verified:?}");
        assert!(world.import(&archive, &world.bob).await.is_err(), "{lines:?}");
    }
    assert_eq!(fs::read(world.root().join("secret.mbox")).unwrap(), b"From x\n\n");
}
