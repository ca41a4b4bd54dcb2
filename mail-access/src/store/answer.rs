//! What a mail system answers of a mailbox.

use std::pin::Pin;
use std::time::SystemTime;

use futures_core::Stream;

use super::{Flag, FolderName, FolderStatus};
use crate::{Error, Received, Uid};

/// Messages as they are read, one after the other.
pub type Messages = Pin<Box<dyn Stream<Item = Result<Received, Error>> + Send>>;

/// How folders are, and then each change of one of them.
pub type FolderChanges = Pin<Box<dyn Stream<Item = Result<FolderChange, Error>> + Send>>;

/// A folder that is otherwise than it was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderChange {
    /// Which one.
    pub folder: FolderName,
    /// How it is now.
    pub status: FolderStatus,
}

impl FolderChange {
    /// Makes it of its parts.
    pub fn new(folder: FolderName, status: FolderStatus) -> Self {
        Self { folder, status }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The UIDVALIDITY that the UIDs belong to.
    pub uid_validity: u32,
    /// The messages, by ascending UID.
    pub uids: Vec<Uid>,
}

impl Found {
    /// Makes an answer of its parts.
    pub fn new(uid_validity: u32, uids: Vec<Uid>) -> Self {
        Self { uid_validity, uids }
    }
}

/// Messages of a folder as they were listed in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The UIDVALIDITY that the UIDs belong to.
    pub uid_validity: u32,
    /// The messages, by ascending UID.
    pub entries: Vec<Entry>,
}

impl Listing {
    /// Makes a list of its parts.
    pub fn new(uid_validity: u32, entries: Vec<Entry>) -> Self {
        Self { uid_validity, entries }
    }
}

/// What a folder says of a message without giving it out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its number.
    pub uid: Uid,
    /// Its size in bytes (RFC822.SIZE).
    pub size: u64,
    /// Its flags and keywords, sorted, without `\Recent`.
    pub flags: Vec<Flag>,
    /// When it arrived, by the server's clock, to the second (INTERNALDATE); 1970 where what the server says is no date.
    pub internal_date: SystemTime,
}

impl Entry {
    /// Makes an entry of its parts.
    pub fn new(uid: Uid, size: u64, mut flags: Vec<Flag>, internal_date: SystemTime) -> Self {
        flags.sort_unstable();
        flags.dedup();
        Self { uid, size, flags, internal_date }
    }
}

/// What changed in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The state that the answer tells of, to ask from next time (HIGHESTMODSEQ).
    pub modseq: u64,
    /// Messages that are new or whose flags changed, by ascending UID.
    pub changed: Vec<Entry>,
    /// Messages that went, by ascending UID.
    pub vanished: Vec<Uid>,
}

impl Changes {
    /// Makes an answer of its parts.
    pub fn new(modseq: u64, changed: Vec<Entry>, vanished: Vec<Uid>) -> Self {
        Self { modseq, changed, vanished }
    }
}

/// How much room a mailbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// Bytes in use, to the KiB.
    pub used: u64,
    /// Bytes that may be used, to the KiB.
    pub limit: u64,
}

impl Quota {
    /// Makes an answer of its parts, in bytes.
    pub fn new(used: u64, limit: u64) -> Self {
        Self { used, limit }
    }
}
