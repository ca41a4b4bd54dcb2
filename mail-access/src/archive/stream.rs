use std::path::PathBuf;
use std::time::SystemTime;

use async_trait::async_trait;

use super::ArchiveError;
use crate::{Entry, Flag, Folder, FolderName};

/// What takes the messages of a mailbox, one at a time: an archive of another kind than files in a directory.
#[async_trait]
pub trait MailSink: Send {
    /// Begins a folder, and returns the UIDs of those of its messages that needn't be read, sorted.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    async fn folder(&mut self, folder: &Folder, uid_validity: u32) -> Result<Vec<u32>, ArchiveError>;

    /// Takes a message of the folder that was begun last, and tells whether it is new.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    async fn message(&mut self, entry: &Entry, bytes: Vec<u8>) -> Result<bool, ArchiveError>;
}

/// What gives out folders and messages to be filed in a mailbox, each checked before.
#[async_trait]
pub trait MailSource: Send {
    /// Goes on to the next folder.
    ///
    /// # Errors
    /// Whatever keeps it from being read or believed.
    async fn folder(&mut self) -> Result<Option<ArchivedFolder>, ArchiveError>;

    /// Returns the next message of the folder.
    ///
    /// # Errors
    /// Whatever keeps it from being read or believed.
    async fn message(&mut self) -> Result<Option<ArchivedMessage>, ArchiveError>;
}

/// A folder of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedFolder {
    /// Its name.
    pub name: FolderName,
    /// What stands between the levels of its name.
    pub separator: Option<char>,
    /// Whether its owner subscribed to it.
    pub subscribed: bool,
    /// Where it lies, for errors.
    pub place: PathBuf,
}

/// A message of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedMessage {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// When it arrived.
    pub date: Option<SystemTime>,
    /// Where it lies, in words.
    pub at: String,
}
