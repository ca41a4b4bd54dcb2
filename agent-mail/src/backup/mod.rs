//! Encrypted archives of mailboxes: made on a schedule, kept for days and months, proven, and filed again (feature
//! `backup`).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use agent_mail::backup::Backups;
//! use agent_mail::mail_access::{FolderName, Login, MessageStore, PostOffice};
//! use agent_mail::EncryptionKey;
//!
//! let office = PostOffice::new(); // the same calls take `SmtpImap`
//! office.add_domain("agents.example".parse()?);
//! let ada = Login::new("ada@agents.example".parse()?, "a password".into());
//! office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
//! office.append(&ada, &FolderName::inbox(), b"Subject: keep this\r\n\r\nHello\r\n", &[], None).await?;
//!
//! # let folder = std::env::temp_dir().join(format!("backups-{}", std::process::id()));
//! let backups = Backups::open(&folder, EncryptionKey::generate())?;
//! let archive = backups.back_up(&office, &ada).await?;
//! backups.verify(&archive).await?;
//!
//! let bob = Login::new("bob@agents.example".parse()?, "a password".into());
//! office.add_mailbox(bob.address(), bob.password().clone(), 0)?;
//! assert_eq!(backups.restore(&archive, &office, &bob).await?.added, 1);
//! assert_eq!(backups.restore(&archive, &office, &bob).await?.added, 0);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calendar;
mod folder;
mod keep;
mod lent;
mod manifest;
mod read;
mod records;
mod retention;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use mail_access::{Address, ArchiveError, Imported, Login, MessageStore, file_mailbox, read_mailbox};
use tokio::task::spawn_blocking;

use self::folder::Folder;
pub use self::keep::{LoginSource, Round};
pub use self::manifest::BackupManifest;
use self::read::Reader;
pub use self::retention::Retention;
use self::write::Writer;
use crate::{EncryptionKey, Error, ErrorKind, owner_only};

/// A folder of archives: for each mailbox a folder of its own, and in it for each backup a file `<time>.age` and its
/// manifest `<time>.json`.
///
/// - An archive is streamed out of the mailbox through the encryption into its file; nothing is on the disk in the clear,
///   and in memory there is one message at a time, and the list of one folder.
/// - It counts when its manifest is there, which is written last. Whatever is broken off before, by a crash, an error or a
///   dropped call, leaves the older archives as they are, and is cleared away by the next backup of the mailbox.
/// - With the [public half](EncryptionKey::from_recipient) of a key archives are made and kept, and can't be read.
/// - Several programs may use one folder; of two that back up one mailbox at a time the second is
///   [`Unavailable`](ErrorKind::Unavailable).
#[derive(Clone)]
pub struct Backups {
    root: PathBuf,
    key: EncryptionKey,
    retention: Retention,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Backups {
    /// Opens the folder, or makes it, for its owner only.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if it can't be made or its rights can't be set.
    pub fn open(root: impl AsRef<Path>, key: EncryptionKey) -> Result<Self, Error> {
        let root = root.as_ref().to_owned();
        owner_only::create_folder(&root).map_err(|source| unusable("open backups", &root, source))?;
        Ok(Self { root, key, retention: Retention::default(), clock: Arc::new(SystemTime::now) })
    }

    /// Sets which archives [`prune`](Self::prune) keeps; 7 daily and 12 monthly ones unless set.
    pub fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets the clock; the system's unless set.
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Writes all that a mailbox holds into a new archive. Messages that the mail system lists and doesn't give out keep
    /// no other back; they are counted ([`BackupManifest::withheld`]).
    ///
    /// # Contract
    /// - After `Ok` the archive is on the disk as a whole. Before, the older ones are as they were.
    /// - The mailbox is only read.
    ///
    /// # Errors
    /// What the mail system says; [`Unavailable`](ErrorKind::Unavailable) if the folder can't be written, or another
    /// program is at work in it.
    pub async fn back_up(&self, store: &dyn MessageStore, login: &Login) -> Result<BackupManifest, Error> {
        let mailbox = login.address().clone();
        let (root, key, now) = (self.root.clone(), self.key.clone(), (self.clock)());
        let begin = move || Writer::begin(Folder::enter(&root, &mailbox)?, &key, &mailbox, now);
        let mut writer = blocking(begin).await.map_err(|error| lift(error, BACK_UP, login.address()))?;
        let read = read_mailbox(store, login, &[], &mut writer).await;
        let read = read.map_err(|error| lift(error, BACK_UP, login.address()))?;
        let withheld = read.left_out.len() as u64;
        let manifest = blocking(move || writer.finish(withheld)).await;
        let manifest = manifest.map_err(|error| lift(error, BACK_UP, login.address()))?;
        tracing::info!(mailbox = %login.address(), messages = manifest.messages, withheld, "backed up");
        Ok(manifest)
    }

    /// Returns the archives of a mailbox that are there as a whole, the oldest first; of damage inside only
    /// [`verify`](Self::verify) tells.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the folder can't be read.
    pub async fn archives(&self, mailbox: &Address) -> Result<Vec<BackupManifest>, Error> {
        let (root, name) = (self.root.clone(), mailbox.clone());
        let listed = blocking(move || manifest::list(&folder::place(&root, &name))).await;
        let mut listed = listed.map_err(|error| lift(error, "list backups", mailbox))?;
        listed.retain(|archive| archive.mailbox.is_same_mailbox(mailbox));
        Ok(listed)
    }

    /// Returns when the newest archive of each mailbox was made: the age of its backup. A mailbox without one is not in it.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the folder can't be read.
    pub async fn newest(&self) -> Result<BTreeMap<Address, SystemTime>, Error> {
        let root = self.root.clone();
        let listed = blocking(move || manifest::list_all(&root)).await;
        let listed = listed.map_err(|error| lift(error, "list backups", self.root.display()))?;
        let mut newest = BTreeMap::new();
        for archive in listed {
            let made = newest.entry(archive.mailbox).or_insert(archive.made);
            *made = archive.made.max(*made);
        }
        Ok(newest)
    }

    /// Reads an archive to its end: its bytes are those of the manifest, it opens with the key, each message has its hash,
    /// and there are as many as there should be. With the public half of a key it is the first of these only.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) if it is not as it was written; [`NotFound`](ErrorKind::NotFound) if it is
    /// gone; [`Unauthenticated`](ErrorKind::Unauthenticated) if it was written with another key.
    pub async fn verify(&self, archive: &BackupManifest) -> Result<(), Error> {
        let (path, key, manifest) = (self.path(archive), self.key.clone(), archive.clone());
        let verified = blocking(move || read::verify(&path, &key, &manifest)).await;
        verified.map_err(|error| lift(error, "verify backup", archive))
    }

    /// Files the messages of an archive in a mailbox, the same or another, each in its folder, with its flags and its date
    /// of arrival.
    ///
    /// # Contract
    /// - The archive is [verified](Self::verify) first: a damaged one files nothing.
    /// - It is safe to repeat, and after an interruption too: what is in the folder already, by its content, is not filed
    ///   again. Nothing in the mailbox is removed or changed.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); [`Unauthenticated`](ErrorKind::Unauthenticated) for the public half of a key; what the
    /// mail system says.
    pub async fn restore(
        &self,
        archive: &BackupManifest,
        store: &dyn MessageStore,
        login: &Login,
    ) -> Result<Imported, Error> {
        self.verify(archive).await?;
        let (path, key) = (self.path(archive), self.key.clone());
        let opened = blocking(move || Reader::open(&path, &key)).await;
        let mut reader = opened.map_err(|error| lift(error, RESTORE, archive))?;
        let filed = file_mailbox(store, login, &mut reader).await;
        let filed = filed.map_err(|error| lift(error, RESTORE, archive))?;
        tracing::info!(mailbox = %login.address(), added = filed.added, present = filed.present, "restored");
        Ok(filed)
    }

    /// Removes the archives of a mailbox that the [`Retention`] doesn't keep, and returns them.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the folder can't be written, or another program is at work in it.
    pub async fn prune(&self, mailbox: &Address) -> Result<Vec<BackupManifest>, Error> {
        let (root, name, retention) = (self.root.clone(), mailbox.clone(), self.retention);
        let pruned = blocking(move || {
            let folder = Folder::enter(&root, &name)?;
            let listed = manifest::list(folder.path())?;
            let kept = retention.kept(&listed.iter().map(|archive| archive.made).collect::<Vec<_>>());
            let (_, pruned): (Vec<_>, Vec<_>) =
                listed.into_iter().partition(|archive| kept.contains(&archive.made));
            for archive in &pruned {
                folder.remove(archive.made)?;
            }
            Ok(pruned)
        });
        pruned.await.map_err(|error| lift(error, "prune backups", mailbox))
    }

    fn path(&self, archive: &BackupManifest) -> PathBuf {
        folder::archive(&folder::place(&self.root, &archive.mailbox), archive.made)
    }
}

/// Shows where it is.
impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backups")
            .field("root", &self.root)
            .field("key", &self.key)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

/// Runs what waits for a disk where it keeps nobody else waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn lift(error: ArchiveError, operation: &'static str, subject: impl fmt::Display) -> Error {
    match error {
        ArchiveError::Mail { source, .. } => crate::mail::lift(source, operation, subject),
        ArchiveError::File { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied && is_key(&source) =>
        {
            crate::encryption::Unopened::WrongKey.into_error(operation, subject)
        }
        ArchiveError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, operation, subject)
                .with_detail("there is no such archive")
                .with_fix("list the archives that are there")
        }
        ArchiveError::InUse { .. } => Error::new(ErrorKind::Unavailable, operation, subject)
            .with_detail("another backup of the mailbox is at work")
            .with_fix("wait until it is done, then try again"),
        ArchiveError::Damaged { ref problem, .. } => Error::new(ErrorKind::Unexpected, operation, subject)
            .with_detail(format!("the archive is damaged: {problem}"))
            .with_fix("use another archive; this one is not as it was written"),
        error => Error::new(ErrorKind::Unavailable, operation, subject)
            .with_detail("the folder with the backups can't be used")
            .with_fix("check its permissions and the disk")
            .with_source(error),
    }
}

/// Marks, among the errors of files, that a key is not the one that a file was written with.
fn is_key(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<WrongKey>)
}

#[derive(Debug)]
struct WrongKey;

impl fmt::Display for WrongKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key does not open it")
    }
}

impl std::error::Error for WrongKey {}

fn unusable(operation: &'static str, path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    lift(ArchiveError::File { path: path.clone(), source }, operation, path.display())
}

const BACK_UP: &str = "back up";
const RESTORE: &str = "restore";
