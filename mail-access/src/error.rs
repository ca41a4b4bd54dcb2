//! What can go wrong between a program and its mail servers.

use std::io;

use thiserror::Error;

use crate::{Address, Status};

/// Why an operation on a mail system did not succeed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The server knows the login not, or not with this password. Repeating it gets the client banned.
    #[error("{operation}: the server refused the login of {login}: {status}")]
    Authentication {
        /// What was to be done.
        operation: &'static str,
        /// Whose login it was.
        login: Address,
        /// The server's own words.
        status: Status,
    },
    /// The link was lost, or the deadline passed, after the server may have acted: it may or may not have happened.
    #[error("{operation}: the link was lost before the answer; it may or may not have happened")]
    Interrupted {
        /// What was to be done.
        operation: &'static str,
        /// What broke.
        source: io::Error,
    },
    /// What was asked for can't be sent at all; nothing was.
    #[error("{what}: {problem}")]
    Invalid {
        /// Which part of the input.
        what: &'static str,
        /// What is wrong with it and what it should be.
        problem: String,
    },
    /// The server's answer breaks the protocol or passes the limits of this client; the connection was given up.
    #[error("{operation}: the server's answer can't be used: {problem}")]
    Protocol {
        /// What was to be done.
        operation: &'static str,
        /// What was wrong with the answer.
        problem: String,
    },
    /// The server refuses, now (a temporary [`Status`]) or for good.
    #[error("{operation}: the server refused: {status}")]
    Refused {
        /// What was to be done.
        operation: &'static str,
        /// The server's own words.
        status: Status,
    },
    /// The mailbox was numbered anew (another UIDVALIDITY), so that the given UIDs mean nothing; nothing was done.
    #[error("{operation}: the mailbox was numbered anew, its UIDVALIDITY is {found} and not {expected}")]
    Renumbered {
        /// What was to be done.
        operation: &'static str,
        /// The UIDVALIDITY that the caller's UIDs belong to.
        expected: u32,
        /// The mailbox's present one.
        found: u32,
    },
    /// The server can't be reached, or not with a certificate that is trusted; nothing happened.
    #[error("{operation}: {server} can't be reached")]
    Unavailable {
        /// What was to be done.
        operation: &'static str,
        /// Host and port.
        server: String,
        /// What broke.
        source: io::Error,
    },
}

impl Error {
    /// Tells whether the same call may succeed later and is safe to repeat: it is known not to have happened.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Refused { status, .. } | Self::Authentication { status, .. } => status.is_temporary(),
            _ => false,
        }
    }

    /// Tells whether it is unknown if the operation happened.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Interrupted { .. })
    }

    /// Returns the server's own words, where it gave some.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Authentication { status, .. } | Self::Refused { status, .. } => Some(status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn no_error_prints_its_source() {
        let error = Error::Unavailable {
            operation: "submit",
            server: "mail.example:465".into(),
            source: io::Error::other("connection refused"),
        };
        assert_eq!(error.to_string(), "submit: mail.example:465 can't be reached");
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
    }

    #[test]
    fn only_what_did_not_happen_is_repeated() {
        let lost = || io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(!Error::Interrupted { operation: "submit", source: lost() }.is_retryable());
        assert!(Error::Interrupted { operation: "submit", source: lost() }.is_outcome_unknown());
        let refused = |code| Error::Refused { operation: "submit", status: Status::new(code, None, "") };
        assert!(refused(451).is_retryable());
        assert!(!refused(550).is_retryable());
    }
}
