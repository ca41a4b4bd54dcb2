//! Mailboxes in files: out of a [`MessageStore`](crate::MessageStore) and back into one.

mod date;
mod digest;
mod error;
mod export;
mod import;
mod maildir;
mod manifest;
mod mbox;
mod path;
mod stored;
mod stream;
mod writer;

use std::path::PathBuf;

use tokio::task::spawn_blocking;

pub use self::error::ArchiveError;
pub use self::export::read_mailbox;
pub use self::import::file_mailbox;
use self::stored::Format;
pub use self::stream::{ArchivedFolder, ArchivedMessage, MailSink, MailSource};
use crate::{FolderName, Login, MessageStore, Position};

/// A mailbox, or some of its folders, in files of a directory.
///
/// - **mbox**: a file for each folder, as RFC 4155 and the `mboxrd` quoting describe it: lines end with LF, and what
///   looks like the beginning of the next message has `>` before it. Flags stand in `Status`, `X-Status` and
///   `X-Keywords`, as Dovecot and others read them.
/// - **Maildir**: a file for each message, flags in its name, folders beside each other with a dot before their name
///   (Maildir++), keywords by the letters of `dovecot-keywords`.
///
/// Beside them lies a `manifest` with the SHA-256 of each message, by which [`verify`](Self::verify) and
/// [`import`](Self::import) find out whether all of it is as it was. The bytes of a message come back exactly, whatever
/// its line ends; so do its flags, its date of arrival and the names of folders, which are written in a way that no
/// name leads out of the directory.
///
/// An export that was interrupted, or whose call was dropped, has `manifest.partial` instead: it can't be imported, and
/// [`export`](Self::export) into the same directory goes on where it stood, after it has checked what is there. Into a
/// finished one it adds what is new. Only one export at a time may go into a directory; others are
/// [`ArchiveError::InUse`].
///
/// In memory there is one message at a time, and about 150 bytes for each message of the mailbox.
///
/// ```
/// use mail_access::{Archive, FolderName, Login, MessageStore, PostOffice};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let ada = Login::new("ada@agents.example".parse()?, "a password".into());
/// office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
/// let inbox = FolderName::inbox();
/// office.append(&ada, &inbox, b"Subject: keep this\r\n\r\nFrom here on.\r\n", &[], None).await?;
///
/// let directory = std::env::temp_dir().join(format!("archive-{}", std::process::id()));
/// let archive = Archive::mbox(&directory);
/// assert_eq!(archive.export(&office, &ada).await?.added, 1);
/// assert_eq!(archive.verify().await?.messages, 1);
/// // It is there already, and so it isn't filed again.
/// let imported = archive.import(&office, &ada).await?;
/// assert_eq!((imported.added, imported.present), (0, 1));
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Archive {
    root: PathBuf,
    format: Format,
    only: Vec<FolderName>,
}

impl Archive {
    /// Keeps messages as mbox files in this directory, which is made if it isn't there.
    ///
    /// An import also takes a directory of `*.mbox` files that somebody else wrote.
    pub fn mbox(directory: impl Into<PathBuf>) -> Self {
        Self { root: directory.into(), format: Format::Mbox, only: Vec::new() }
    }

    /// Keeps messages as a Maildir in this directory, which is made if it isn't there.
    ///
    /// An import also takes a Maildir that somebody else wrote.
    pub fn maildir(directory: impl Into<PathBuf>) -> Self {
        Self { root: directory.into(), format: Format::Maildir, only: Vec::new() }
    }

    /// Exports and imports only this folder, and those named so before; all of them else.
    pub fn with_folder(mut self, folder: FolderName) -> Self {
        self.only.push(folder);
        self
    }

    /// Writes the messages of a mailbox that are not in the archive yet.
    ///
    /// # Contract
    /// - What is in the archive stays there, also if it is no longer in the mailbox. A folder that was numbered anew is
    ///   exported anew.
    /// - When it is `Ok`, all is on the disk. A dropped or interrupted call leaves an unfinished archive, which the next
    ///   call goes on with.
    /// - A message that the mail system lists and doesn't give out is left out and [named](Exported::left_out); the
    ///   others are exported.
    /// - The mailbox is only read.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub async fn export(&self, store: &dyn MessageStore, login: &Login) -> Result<Exported, ArchiveError> {
        export::export(self, store, login).await
    }

    /// Files the messages of the archive in a mailbox, each in its folder, with its flags and its date of arrival.
    ///
    /// # Contract
    /// - Each message is checked against the manifest before it is filed.
    /// - It is safe to repeat, and after an interruption too: what is in the folder already, by its content, is not
    ///   filed again. Copies count: of two alike in the archive there are two afterwards.
    /// - What the mailbox lists and doesn't give out counts as the message of that size and date of arrival.
    /// - A message with a NUL, where the system takes none, is left out and [named](Imported::left_out); the others are
    ///   filed. A Maildir that Dovecot encrypted is [`ArchiveError::Encrypted`].
    /// - Folders that aren't there are made, and subscribed to as they were. Nothing in the mailbox is removed or
    ///   changed.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub async fn import(&self, store: &dyn MessageStore, login: &Login) -> Result<Imported, ArchiveError> {
        import::import(self, store, login).await
    }

    /// Reads all messages of the archive and holds them against the manifest.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] if one is missing, was changed, or is not in the manifest;
    /// [`ArchiveError::Unfinished`] if there is no complete manifest.
    pub async fn verify(&self) -> Result<Verified, ArchiveError> {
        let (root, format) = (self.root.clone(), self.format);
        off_thread(move || writer::verify(&root, format)).await
    }

    fn wants(&self, folder: &FolderName) -> bool {
        self.only.is_empty() || self.only.contains(folder)
    }
}

/// What an export did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Folders in the archive that were looked at.
    pub folders: u64,
    /// Messages that were written now.
    pub added: u64,
    /// Messages that were in the archive already.
    pub present: u64,
    /// Messages that the mail system lists and doesn't give out, by their folder and place there. They are not in the
    /// archive, and a later export asks for them again.
    pub left_out: Vec<(FolderName, Position)>,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Folders of the archive that were looked at.
    pub folders: u64,
    /// Messages that were filed now.
    pub added: u64,
    /// Messages that were in the mailbox already.
    pub present: u64,
    /// Messages that the mail system can't hold, by where they lie: those with a NUL, which IMAP can't carry.
    pub left_out: Vec<String>,
}

/// What an archive holds, all of it as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Folders.
    pub folders: u64,
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Runs what waits for a disk where it keeps nobody else waiting.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests;
