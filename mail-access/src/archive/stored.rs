use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::ArchiveError;
use super::{maildir, mbox};
use crate::Flag;

/// How messages lie in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Mbox,
    Maildir,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mbox => "mbox",
            Self::Maildir => "maildir",
        }
    }

    /// Returns where a folder lies, a file or a directory.
    pub(super) fn place(self, root: &Path, file_name: &str) -> PathBuf {
        match self {
            Self::Mbox => root.join(format!("{file_name}.mbox")),
            Self::Maildir if file_name == INBOX => root.to_owned(),
            Self::Maildir => root.join(format!(".{file_name}")),
        }
    }

    /// Reads back the name of a folder's file or directory.
    pub(super) fn file_name(self, place: &str) -> Option<&str> {
        match self {
            Self::Mbox => place.strip_suffix(".mbox"),
            Self::Maildir => place.strip_prefix('.'),
        }
    }

    pub(super) fn read(self, place: &Path) -> Result<Reader, ArchiveError> {
        match self {
            Self::Mbox => mbox::Reader::open(place).map(Reader::Mbox),
            Self::Maildir => maildir::Reader::open(place).map(Reader::Maildir),
        }
    }
}

/// A message as the files have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) bytes: Vec<u8>,
    pub(super) flags: Vec<Flag>,
    pub(super) date: Option<SystemTime>,
    /// Where it lies.
    pub(super) at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At this byte of the folder's file.
    Offset(u64),
    /// In a file of its own.
    File(PathBuf),
}

impl At {
    /// Names it, in a folder that lies at `place`.
    pub(super) fn shown(&self, place: &Path) -> String {
        match self {
            Self::Offset(at) => format!("{}, byte {at}", place.display()),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// Gives out the messages of a folder one after the other.
pub(super) enum Reader {
    Mbox(mbox::Reader),
    Maildir(maildir::Reader),
}

impl Iterator for Reader {
    type Item = Result<Stored, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Mbox(reader) => reader.next().transpose(),
            Self::Maildir(reader) => reader.next().transpose(),
        }
    }
}

/// Writes a moment as seconds since 1970, before it too.
pub(super) fn seconds(date: SystemTime) -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match date.duration_since(UNIX_EPOCH) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}

pub(super) fn moment(seconds: i64) -> Option<SystemTime> {
    let span = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) }
}

pub(super) const INBOX: &str = "INBOX";
