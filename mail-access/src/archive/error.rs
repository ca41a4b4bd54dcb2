use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::Error;

/// Why an archive can't be written, read or believed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The mailbox can't be read or changed.
    #[error("{operation}: the mail system failed")]
    Mail {
        /// What was to be done.
        operation: &'static str,
        /// What it said.
        source: Error,
    },
    /// A file or directory can't be read or written.
    #[error("{path} can't be used", path = path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The archive isn't as it was written.
    #[error("{path} is damaged: {problem}", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Dovecot encrypted it (mail_crypt), and only Dovecot can read it.
    #[error("{path} is encrypted by Dovecot (mail_crypt); export the mailbox over IMAP instead", path = path.display())]
    Encrypted {
        /// Which file.
        path: PathBuf,
    },
    /// The export did not come to its end; it goes on when it is called again.
    #[error("{path} holds an unfinished export; export into it again to finish it", path = path.display())]
    Unfinished {
        /// The directory.
        path: PathBuf,
    },
    /// Another export writes into the directory.
    #[error("{path} is in use by another export", path = path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

impl ArchiveError {
    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.into() }
    }
}

/// Names what failed in an operation on a mail system.
pub(super) fn mail(operation: &'static str) -> impl Fn(Error) -> ArchiveError {
    move |source| ArchiveError::Mail { operation, source }
}

/// Names the file that an operation failed on.
pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> ArchiveError {
    move |source| ArchiveError::File { path: path.to_owned(), source }
}
