//! Exports that stop in the middle.

use super::*;
use crate::Fault;
use crate::archive::writer::Writer;

#[tokio::test]
async fn an_export_that_fails_is_unfinished_and_goes_on() {
    let world = World::new().await;
    let before = world.contents(&world.ada).await;
    for archive in world.archives() {
        let mut failures = 0;
        for after in [0, 1, 5, 9, 15] {
            world.office.fail_next(world.ada.address(), Fault::StreamBroken { after });
            if world.export(&archive).await.is_err() {
                failures += 1;
                assert!(matches!(archive.verify().await, Err(ArchiveError::Unfinished { .. })));
                let imported = world.import(&archive, &world.bob).await;
                assert!(matches!(imported, Err(ArchiveError::Unfinished { .. })), "{imported:?}");
            }
        }
        assert!(failures >= 2, "{failures}");
        world.export(&archive).await.unwrap();
        archive.verify().await.unwrap();
        world.wipe(&world.bob);
        world.import(&archive, &world.bob).await.unwrap();
        assert_eq!(world.contents(&world.bob).await, before);
    }
}

/// The file ends anywhere, and the manifest tells of as many messages as it likes: what is whole in both is kept.
#[tokio::test]
async fn an_mbox_that_was_cut_at_any_byte_is_mended() {
    let world = World::new().await;
    let before = world.contents(&world.ada).await;
    let [archive, _] = world.archives().map(|archive| archive.with_folder(FolderName::inbox()));
    world.export(&archive).await.unwrap();
    let root = world.root().join("m");
    let (mbox, manifest) =
        (fs::read(root.join("INBOX.mbox")).unwrap(), fs::read_to_string(root.join("manifest")).unwrap());
    // As it is before the first end: the lines, each torn in its middle too.
    let body = manifest.strip_suffix("end\n").unwrap().replacen("end\n", "", 1);
    let ends: Vec<_> = body.match_indices('\n').map(|(at, _)| at + 1).collect();
    for (number, cut) in (0..=mbox.len()).step_by(7).chain([mbox.len()]).enumerate() {
        let lines = ends[number % ends.len()];
        fs::remove_file(root.join("manifest")).unwrap();
        fs::write(root.join("manifest.partial"), &body[..(lines + number % 3 * 9).min(body.len())]).unwrap();
        fs::write(root.join("INBOX.mbox"), &mbox[..cut]).unwrap();
        // Without a line for the folder, its file is a stranger's.
        if !body[..lines].contains("folder") {
            fs::remove_file(root.join("INBOX.mbox")).unwrap();
        }
        world.export(&archive).await.unwrap_or_else(|error| panic!("{cut} {lines}: {error:?}"));
        assert_eq!(archive.verify().await.unwrap().messages, AWKWARD.len() as u64, "{cut} {lines}");
        if number % 40 == 0 {
            world.wipe(&world.bob);
            world.import(&archive, &world.bob).await.unwrap();
            let inbox = &world.contents(&world.bob).await;
            let mut found = inbox.iter().find(|(name, ..)| name.is_inbox()).unwrap().2.clone();
            let mut wanted = before.iter().find(|(name, ..)| name.is_inbox()).unwrap().2.clone();
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted);
        }
    }
}

#[tokio::test]
async fn a_maildir_that_lost_files_or_gained_them_is_mended() {
    let world = World::new().await;
    let [_, archive] = world.archives().map(|archive| archive.with_folder(FolderName::inbox()));
    world.export(&archive).await.unwrap();
    let root = world.root().join("d");
    let manifest = fs::read_to_string(root.join("manifest")).unwrap();
    let body = manifest.strip_suffix("end\n").unwrap().replacen("end\n", "", 1);
    let lines: Vec<_> = body.lines().collect();
    for number in 0..AWKWARD.len() {
        fs::remove_file(root.join("manifest")).unwrap();
        // Two lines stand before the messages.
        let kept = lines[..2 + number].iter().map(|line| format!("{line}\n")).collect::<Vec<_>>();
        fs::write(root.join("manifest.partial"), kept.concat()).unwrap();
        let files = files(&root.join("cur"));
        fs::rename(&files[number], root.join("tmp").join(files[number].file_name().unwrap())).unwrap();
        fs::write(&files[(number + 5) % AWKWARD.len()], "torn").unwrap();
        world.export(&archive).await.unwrap();
        assert_eq!(archive.verify().await.unwrap().messages, AWKWARD.len() as u64, "{number}");
        assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    }
}

/// What was on the disk once is never thrown away, whatever happened to it since.
#[tokio::test]
async fn a_finished_archive_that_was_damaged_is_left_alone() {
    let world = World::new().await;
    for archive in world.archives() {
        let archive = archive.with_folder(FolderName::inbox());
        world.export(&archive).await.unwrap();
        let victim = files(&world.root()).into_iter().find(|file| {
            let name = file.to_string_lossy();
            name.ends_with("INBOX.mbox") || name.contains("archive,")
        });
        let victim = victim.unwrap();
        let mut bytes = fs::read(&victim).unwrap();
        let at = bytes.windows(5).position(|window| window == b"plain").unwrap();
        bytes[at] = b'P';
        fs::write(&victim, &bytes).unwrap();
        let error = world.export(&archive).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{error:?}");
        assert_eq!(fs::read(&victim).unwrap(), bytes);
        bytes[at] = b'p';
        fs::write(&victim, &bytes).unwrap();
        world.export(&archive).await.unwrap();
        archive.verify().await.unwrap();
        fs::remove_dir_all(world.root()).unwrap();
    }
}

#[tokio::test]
async fn two_exports_do_not_meet() {
    let world = World::new().await;
    for archive in world.archives() {
        let writer = Writer::open(&archive.root, archive.format).unwrap();
        assert!(matches!(world.export(&archive).await, Err(ArchiveError::InUse { .. })));
        drop(writer);
        world.export(&archive).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_that_is_dropped_at_any_moment_goes_on() {
    let world = World::new().await;
    let [archive, _] = world.archives().map(|archive| archive.with_folder(FolderName::inbox()));
    for micros in [0, 50, 200, 500, 1_000, 2_000, 5_000, 10_000] {
        let _ = tokio::time::timeout(Duration::from_micros(micros), world.export(&archive)).await;
    }
    // What the last one had begun with comes to its end first.
    let finished = tokio::time::timeout(Duration::from_secs(30), async {
        while let Err(error) = world.export(&archive).await {
            assert!(matches!(error, ArchiveError::InUse { .. }), "{error:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    finished.await.unwrap();
    assert_eq!(archive.verify().await.unwrap().messages, AWKWARD.len() as u64);
}
