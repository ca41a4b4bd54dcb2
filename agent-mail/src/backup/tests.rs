use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use mail_access::{Flag, FolderName, PostOffice, Selection};
use tokio::time::Instant;

use super::*;

const DAY: Duration = Duration::from_hours(24);

struct World {
    office: PostOffice,
    folder: tempfile::TempDir,
    ada: Login,
    bob: Login,
}

impl World {
    fn new() -> Self {
        let office = PostOffice::new();
        office.add_domain("agents.example".parse().unwrap());
        let [ada, bob] = ["ada", "bob"].map(|name| {
            let login = Login::new(format!("{name}@agents.example").parse().unwrap(), "a password".into());
            office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
            login
        });
        Self { office, folder: tempfile::tempdir().unwrap(), ada, bob }
    }

    fn backups(&self) -> Backups {
        Backups::open(self.folder.path().join("backups"), key()).unwrap()
    }

    async fn fill(&self) {
        let projects: FolderName = "Projects/Entw\u{fc}rfe".parse().unwrap();
        self.office.create_folder(&self.ada, &projects).await.unwrap();
        self.office.subscribe(&self.ada, &projects, true).await.unwrap();
        let big = [b"Subject: big\r\n\r\n".to_vec(), b"x".repeat(70).repeat(3000), b"\r\n".to_vec()].concat();
        let letters: [(&FolderName, &[u8], &[Flag]); 5] = [
            (&FolderName::inbox(), b"Subject: canary-subject\r\n\r\ncanary-body\r\n", &[Flag::Seen]),
            (&FolderName::inbox(), b"Subject: twice\r\n\r\nthe same\r\n", &[]),
            (&FolderName::inbox(), b"Subject: twice\r\n\r\nthe same\r\n", &[]),
            (&FolderName::inbox(), b"Subject: no line end\r\n\r\nthe last line has none", &[]),
            (&projects, &big, &[Flag::Flagged, Flag::keyword("$Forwarded").unwrap()]),
        ];
        for (folder, letter, flags) in letters {
            self.office.append(&self.ada, folder, letter, flags, Some(UNIX_EPOCH + DAY)).await.unwrap();
        }
    }

    async fn contents(&self, login: &Login) -> Vec<String> {
        let mut contents = Vec::new();
        for folder in self.office.folders(login).await.unwrap().iter().filter(|folder| folder.selectable) {
            let listing = self.office.list(login, &folder.name, &Selection::After(None)).await.unwrap();
            for entry in listing.entries {
                let at = mail_access::Position { uid_validity: listing.uid_validity, uid: entry.uid.get() };
                let bytes = self.office.read(login, &folder.name, at, 0..entry.size).await.unwrap();
                let hash = records::digest(&bytes);
                contents.push(format!("{} {:?} {:?} {hash}", folder.name, entry.flags, entry.internal_date));
            }
        }
        contents.sort();
        contents
    }

    fn files(&self, login: &Login) -> Vec<String> {
        let place = folder::place(&self.folder.path().join("backups"), login.address());
        let mut names: Vec<_> = fs::read_dir(place)
            .unwrap()
            .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name != ".lock")
            .collect();
        names.sort();
        names
    }
}

fn key() -> EncryptionKey {
    EncryptionKey::from_passphrase("correct horse battery".into()).unwrap().with_work_factor(2)
}

#[tokio::test]
async fn a_mailbox_comes_back_whole_and_once() {
    let world = World::new();
    world.fill().await;
    let backups = world.backups();
    let archive = backups.back_up(&world.office, &world.ada).await.unwrap();
    assert_eq!((archive.messages, archive.folders >= 2), (5, true));
    backups.verify(&archive).await.unwrap();
    assert_eq!(backups.archives(world.ada.address()).await.unwrap(), std::slice::from_ref(&archive));

    let restored = backups.restore(&archive, &world.office, &world.bob).await.unwrap();
    assert_eq!((restored.added, restored.present), (5, 0));
    assert_eq!(world.contents(&world.bob).await, world.contents(&world.ada).await);
    let folders = world.office.folders(&world.bob).await.unwrap();
    assert!(folders.iter().any(|folder| folder.name.as_str().starts_with("Projects/") && folder.subscribed));
    for login in [&world.bob, &world.ada] {
        let again = backups.restore(&archive, &world.office, login).await.unwrap();
        assert_eq!((again.added, again.present), (0, 5));
    }
    for name in world.files(&world.ada) {
        let place = folder::place(&world.folder.path().join("backups"), world.ada.address());
        let bytes = fs::read(place.join(name)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "nothing is in the clear");
    }
}

#[tokio::test]
async fn wherever_an_archive_is_cut_or_changed_it_is_known_and_files_nothing() {
    let world = World::new();
    world.fill().await;
    let backups = world.backups();
    let archive = backups.back_up(&world.office, &world.ada).await.unwrap();
    let path = backups.path(&archive);
    let whole = fs::read(&path).unwrap();
    let before = world.contents(&world.bob).await;
    for at in (0..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        for bytes in [&whole[..at], &changed] {
            fs::write(&path, bytes).unwrap();
            let error = backups.restore(&archive, &world.office, &world.bob).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
            // Also where whoever changed it has changed the manifest too.
            let mut forged = archive.clone();
            forged.file_sha256 = records::digest(bytes);
            forged.file_bytes = bytes.len() as u64;
            let error = backups.verify(&forged).await.unwrap_err();
            let known = [ErrorKind::Unexpected, ErrorKind::Unauthenticated];
            assert!(known.contains(&error.kind()), "{at} {error}");
        }
    }
    assert_eq!(world.contents(&world.bob).await, before);
    // Cut off, it doesn't count.
    fs::write(&path, &whole[..9]).unwrap();
    assert!(backups.archives(world.ada.address()).await.unwrap().is_empty());
    fs::remove_file(&path).unwrap();
    assert_eq!(backups.verify(&archive).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_archive_of_another_mailbox_is_none_of_this_one() {
    let world = World::new();
    world.fill().await;
    let backups = world.backups();
    let clock = || UNIX_EPOCH + DAY;
    let backups = backups.with_clock(clock);
    let ada = backups.back_up(&world.office, &world.ada).await.unwrap();
    let bob = backups.back_up(&world.office, &world.bob).await.unwrap();
    fs::copy(backups.path(&ada), backups.path(&bob)).unwrap();
    let mut forged = bob.clone();
    (forged.file_bytes, forged.file_sha256) = (ada.file_bytes, ada.file_sha256.clone());
    assert_eq!(backups.verify(&forged).await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test]
async fn the_public_half_of_a_key_writes_and_another_key_is_told_from_damage() {
    let world = World::new();
    world.fill().await;
    let whole = EncryptionKey::generate();
    let public = EncryptionKey::from_recipient(&whole.recipient().unwrap()).unwrap();
    let root = world.folder.path().join("backups");
    let writes = Backups::open(&root, public).unwrap();
    let archive = writes.back_up(&world.office, &world.ada).await.unwrap();
    writes.verify(&archive).await.unwrap();
    let reads = Backups::open(&root, whole).unwrap();
    reads.verify(&archive).await.unwrap();
    assert_eq!(reads.restore(&archive, &world.office, &world.bob).await.unwrap().added, 5);
    for other in [writes, Backups::open(&root, EncryptionKey::generate()).unwrap(), world.backups()] {
        let error = other.restore(&archive, &world.office, &world.bob).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    }
}

#[tokio::test]
async fn wherever_a_backup_is_dropped_the_older_one_stays_and_the_next_clears_up() {
    let world = World::new();
    world.fill().await;
    let backups = world.backups();
    let first = backups.back_up(&world.office, &world.ada).await.unwrap();
    let mut polls = 0;
    loop {
        let finished = {
            let mut backup = Box::pin(backups.back_up(&world.office, &world.ada));
            let mut left = polls;
            std::future::poll_fn(|context| {
                if left == 0 {
                    return std::task::Poll::Ready(None);
                }
                left -= 1;
                backup.as_mut().poll(context).map(Some)
            })
            .await
        };
        let listed = backups.archives(world.ada.address()).await.unwrap();
        assert!(listed.contains(&first));
        for archive in &listed {
            backups.verify(archive).await.unwrap();
        }
        if let Some(finished) = finished {
            finished.unwrap();
            break;
        }
        polls += 1;
    }
    assert!(polls > 5, "{polls}");
    // What a killed program leaves.
    let place = folder::place(&world.folder.path().join("backups"), world.ada.address());
    for name in ["19700101T000000Z.age", "19700101T000000Z.age.new", "19700101T000000Z.json.new"] {
        fs::write(place.join(name), "half").unwrap();
    }
    let last = loop {
        // The thread of a dropped call may still be at its last write.
        match backups.back_up(&world.office, &world.ada).await {
            Ok(archive) => break archive,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
        }
        tokio::task::yield_now().await;
    };
    backups.verify(&last).await.unwrap();
    let listed = backups.archives(world.ada.address()).await.unwrap().len();
    assert_eq!(world.files(&world.ada).len(), 2 * listed, "an archive and a manifest each");
}

#[tokio::test]
async fn of_two_at_a_time_the_second_is_told() {
    let world = World::new();
    let backups = world.backups();
    let root = world.folder.path().join("backups");
    let held = Folder::enter(&root, world.ada.address()).unwrap();
    let error = backups.back_up(&world.office, &world.ada).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable() && backups.prune(world.ada.address()).await.is_err());
    backups.back_up(&world.office, &world.bob).await.unwrap();
    drop(held);
    backups.back_up(&world.office, &world.ada).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn for_sixty_days_there_is_an_archive_of_each_day_and_month() {
    let world = World::new();
    let (start, begun) = (UNIX_EPOCH + DAY * 20_000, Instant::now());
    let now = move || start + begun.elapsed();
    let backups = world.backups().with_clock(now);
    let logins = vec![world.ada.clone(), world.bob.clone()];
    let keep = backups.keep(&world.office, &logins, DAY);
    let live = async {
        for day in 0..60 {
            let letter = format!("Subject: day {day}\r\n\r\nHello\r\n");
            let inbox = FolderName::inbox();
            world.office.append(&world.ada, &inbox, letter.as_bytes(), &[], None).await.unwrap();
            if day == 30 {
                // Bob's password is another one for some days.
                world.office.set_password(world.bob.address(), "changed".into()).unwrap();
            }
            if day == 33 {
                world.office.set_password(world.bob.address(), world.bob.password().clone()).unwrap();
            }
            tokio::time::sleep(DAY).await;
            let newest = backups.newest().await.unwrap();
            let age = |login: &Login| now().duration_since(newest[login.address()]).unwrap();
            assert!(age(&world.ada) <= DAY + Duration::from_hours(1), "{day} {:?}", age(&world.ada));
            if !(30..34).contains(&day) {
                assert!(age(&world.bob) <= DAY + Duration::from_hours(2), "{day} {:?}", age(&world.bob));
            }
        }
    };
    tokio::select! {
        () = keep => unreachable!("it never ends"),
        () = live => {}
    }
    let archives = backups.archives(world.ada.address()).await.unwrap();
    let last = calendar::day(archives.last().unwrap().made) - 20_000;
    assert!((59..=60).contains(&last));
    let all: Vec<_> = (0..=last).map(|day| UNIX_EPOCH + Duration::from_hours(24 * (20_000 + day))).collect();
    let wanted: Vec<_> = Retention::default().kept(&all).into_iter().map(calendar::day).collect();
    let there: Vec<_> = archives.iter().map(|archive| calendar::day(archive.made)).collect();
    assert_eq!((there, wanted.len()), (wanted.clone(), 8));
    for archive in &archives {
        backups.verify(archive).await.unwrap();
    }
    assert_eq!(world.files(&world.ada).len(), 2 * archives.len());
    let last = archives.last().unwrap();
    assert!(last.messages >= 59, "{}", last.messages);
}

#[tokio::test]
async fn a_message_that_the_server_withholds_keeps_no_other_back() {
    use mail_access::{Fault, MailAccess as _, NewMessage};
    let world = World::new();
    let letter = NewMessage::to(world.bob.address().clone()).with_text("Hello");
    let letter = letter.seal(&world.ada.address().clone().into()).unwrap();
    for fault in [true, false]
        .map(|with_header| Some(Fault::DeliveredBroken { with_header }))
        .into_iter()
        .chain([None])
    {
        if let Some(fault) = fault {
            world.office.fail_next(world.ada.address(), fault);
        }
        world.office.submit(&world.ada, &letter).await.unwrap();
    }
    let backups = world.backups();
    let archive = backups.back_up(&world.office, &world.bob).await.unwrap();
    assert_eq!((archive.messages, archive.withheld), (1, 2));
    assert_eq!(backups.archives(world.bob.address()).await.unwrap(), std::slice::from_ref(&archive));
    assert_eq!(backups.restore(&archive, &world.office, &world.ada).await.unwrap().added, 1);
}

#[tokio::test]
async fn an_archive_of_a_clock_that_was_far_ahead_makes_no_round_write_again() {
    let world = World::new();
    let (ahead, now) = (UNIX_EPOCH + DAY * 9_000, UNIX_EPOCH + DAY * 100);
    world.backups().with_clock(move || ahead).back_up(&world.office, &world.ada).await.unwrap();
    let backups = world.backups().with_clock(move || now);
    let logins = vec![world.ada.clone()];
    let done = [0, 1, 2].map(|_| backups.round(&world.office, &logins, DAY));
    let mut count = Vec::new();
    for round in done {
        count.push(round.await.unwrap().done.len());
    }
    assert_eq!(count, [1, 0, 0]);
}

#[tokio::test]
async fn no_secret_shows() {
    let world = World::new();
    let passphrase = EncryptionKey::from_passphrase("canary canary canary".into()).unwrap();
    let backups = Backups::open(world.folder.path().join("b"), passphrase.with_work_factor(2)).unwrap();
    let wrong = Login::new(world.ada.address().clone(), "canary-7".into());
    let error = backups.back_up(&world.office, &wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let shown = format!("{backups:?} {error} {error:?}");
    assert!(!shown.contains("canary"), "{shown}");
}
