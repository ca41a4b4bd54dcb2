use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::{Archive, ArchiveError, Exported, Imported};
use crate::{Flag, FolderName, Login, MessageStore, PostOffice, Selection};

mod crash;
mod damage;
mod foreign;
#[cfg(feature = "smtp-imap")]
mod left_out;
mod properties;
mod round_trip;

/// An office with one mailbox that is full of awkward mail, and another one that is empty.
struct World {
    office: PostOffice,
    ada: Login,
    bob: Login,
    directory: TempDir,
}

/// What can be seen of a message: bytes, flags, and when it arrived.
type Seen = (Vec<u8>, Vec<Flag>, SystemTime);

impl World {
    async fn new() -> Self {
        let office = PostOffice::new();
        office.add_domain("agents.example".parse().unwrap());
        let directory = tempfile::tempdir().unwrap();
        let [ada, bob] = ["ada", "bob"].map(|name| {
            let login = Login::new(format!("{name}@agents.example").parse().unwrap(), "p".into());
            office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
            login
        });
        let world = Self { office, ada, bob, directory };
        for (at, message) in AWKWARD.iter().enumerate() {
            let flags =
                [&[][..], &[Flag::Seen], &[Flag::Answered, Flag::Draft, Flag::Flagged, Flag::Deleted]]
                    [at % 3];
            world.file("INBOX", message, flags, at).await;
        }
        for name in ["Work", "Work/2026.11", "Entw\u{fc}rfe/%41", "..", "a\\b", "sent", "Empty"] {
            world.office.create_folder(&world.ada, &folder(name)).await.unwrap();
        }
        world.file("Work", b"Subject: a\r\n\r\na\r\n", &[Flag::keyword("Handled").unwrap()], 1).await;
        world.file("Work", b"Subject: a\r\n\r\na\r\n", &[], 2).await;
        world.file("Work/2026.11", b"Subject: b\r\n\r\nb\r\n", &[Flag::Seen], 3).await;
        world.file("Entw\u{fc}rfe/%41", b"Subject: c\r\n\r\nc\r\n", &[], 4).await;
        world.file("..", b"Subject: d\r\n\r\nd\r\n", &[], 5).await;
        world.file("a\\b", b"Subject: e\r\n\r\ne\r\n", &[], 6).await;
        world.file("sent", b"Subject: f\r\n\r\nf\r\n", &[], 7).await;
        world.file("Sent", b"Subject: g\r\n\r\ng\r\n", &[], 8).await;
        let many: Vec<_> = (0..30).map(|number| Flag::keyword(&format!("k{number}")).unwrap()).collect();
        world.file("Sent", b"Subject: h\r\n\r\nh\r\n", &many, 9).await;
        world.office.subscribe(&world.ada, &folder("Work"), true).await.unwrap();
        world
    }

    async fn file(&self, name: &str, message: &[u8], flags: &[Flag], at: usize) {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_171_190 + at as u64);
        self.office.append(&self.ada, &folder(name), message, flags, Some(date)).await.unwrap();
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("archive")
    }

    /// The same directory in either format.
    fn archives(&self) -> [Archive; 2] {
        [Archive::mbox(self.root().join("m")), Archive::maildir(self.root().join("d"))]
    }

    async fn export(&self, archive: &Archive) -> Result<Exported, ArchiveError> {
        archive.export(&self.office, &self.ada).await
    }

    async fn import(&self, archive: &Archive, login: &Login) -> Result<Imported, ArchiveError> {
        archive.import(&self.office, login).await
    }

    /// Returns all that a mailbox holds; folders that the office makes by itself only if they hold something.
    async fn contents(&self, login: &Login) -> Vec<(FolderName, bool, Vec<Seen>)> {
        let mut contents = Vec::new();
        for folder in self.office.folders(login).await.unwrap() {
            if !folder.selectable {
                continue;
            }
            let listing = self.office.list(login, &folder.name, &Selection::After(None)).await.unwrap();
            let mut messages = self.office.messages(login, &folder.name, &Selection::After(None));
            let mut seen = Vec::new();
            for entry in listing.entries {
                let message = super::export::next(&mut messages).await.unwrap().unwrap();
                seen.push((message.raw().to_vec(), entry.flags, entry.internal_date));
            }
            contents.push((folder.name, folder.subscribed, seen));
        }
        contents
    }

    /// Gives Bob an empty mailbox of the same address.
    fn wipe(&self, login: &Login) {
        self.office.remove_mailbox(login.address()).unwrap();
        self.office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
    }
}

fn folder(name: &str) -> FolderName {
    name.parse().unwrap()
}

/// Lists all files below a directory.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

const AWKWARD: [&[u8]; 16] = [
    b"Subject: plain\r\n\r\nplain\r\n",
    b"From here on\r\n\r\nFrom there\r\n>From afar\r\n>>From within\r\nFrom\r\n From\r\n",
    b"Subject: no end\r\n\r\nno end",
    b"Subject: blank lines\r\n\r\n\r\n\r\n",
    b"Subject: lone lf\n\nFrom a\n>From b\n",
    b"Subject: lone lf, no end\n\nFrom a",
    b"Subject: mixed\r\n\r\na\nb\r\nc\rd\r\n",
    b"Subject: lone cr\r\r\n\r\n\r\r\n\r",
    b"Status: RO\r\nX-Status: F\r\nX-Keywords: mine\r\nX-Archived-As: verbatim\r\n\r\nits own\r\n",
    b"X-Archived-As: crlf\r\nStatus: RO\r\nX-Status: F\r\nX-Keywords: mine\r\n\r\nall its own\r\n",
    b"\r\n\r\nno header\r\n",
    b"\r\n",
    b"\n",
    b"x",
    b"Subject: gr\xfc\xdfe\r\n\r\n\xff\xfe\x80\r\n.\r\n..\r\n",
    b"From MAILER-DAEMON Fri Nov 20 10:39:50 2026\r\nSubject: forged\r\n\r\n",
];
