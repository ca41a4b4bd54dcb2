//! What can go wrong between a program and its mail servers.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::{Address, Reason, Status};

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
        /// For how long the same login is answered by this very error, without asking the server again. `None` where
        /// each call asks it.
        retry_after: Option<Duration>,
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
    /// The server refuses recipients, and nobody got the message: all were refused, or one was and it was all or
    /// nothing. With a single recipient it is [`Refused`](Self::Refused).
    #[error("{operation}: the server refused {} of the recipients{}", refused.len(), first_of(refused))]
    RecipientsRefused {
        /// What was to be done.
        operation: &'static str,
        /// Who was refused and why; never empty, and the one who decides whether a repetition makes sense comes first.
        refused: Vec<(Address, Status)>,
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
        matches!(self, Self::Unavailable { .. }) || self.status().is_some_and(Status::is_temporary)
    }

    /// Tells whether it is unknown if the operation happened.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Interrupted { .. })
    }

    /// Returns the server's own words, where it gave some; of several refusals those that decide.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Authentication { status, .. } | Self::Refused { status, .. } => Some(status),
            Self::RecipientsRefused { refused, .. } => refused.first().map(|(_, status)| status),
            _ => None,
        }
    }

    /// Returns why the server refused, as far as its words tell; `None` if it didn't refuse.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Authentication { status, .. } if !status.is_temporary() => Some(Reason::Authentication),
            _ => self.status().map(Status::reason),
        }
    }

    /// Returns how long the server wants to be left alone before a repetition, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Authentication { retry_after: Some(left), .. } => Some(*left),
            _ => self.status().and_then(Status::retry_after),
        }
    }
}

fn first_of(refused: &[(Address, Status)]) -> String {
    refused.first().map_or_else(String::new, |(who, status)| format!(", {who} first: {status}"))
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

    #[test]
    fn a_refusal_says_why_and_when_to_come_back() {
        let status = || Status::new(450, Some((4, 7, 1)), "Greylisted for 300 seconds");
        let refused = Error::Refused { operation: "submit", status: status() };
        assert_eq!(refused.reason(), Some(Reason::Greylisted));
        assert_eq!(refused.retry_after(), Some(Duration::from_mins(5)));
        let bob: Address = "bob@x.example".parse().unwrap();
        let refused =
            Error::RecipientsRefused { operation: "submit", refused: vec![(bob.clone(), status())] };
        assert!(refused.is_retryable());
        assert_eq!(refused.reason(), Some(Reason::Greylisted));
        assert_eq!(
            refused.to_string(),
            "submit: the server refused 1 of the recipients, bob@x.example first: 450 4.7.1 Greylisted for 300 seconds"
        );
        let login = |retry_after| {
            let (login, status) = (bob.clone(), Status::new(535, None, "no"));
            Error::Authentication { operation: "submit", login, status, retry_after }
        };
        assert_eq!(login(None).reason(), Some(Reason::Authentication));
        for pause in [None, Some(Duration::from_mins(5))] {
            assert_eq!((login(pause).retry_after(), login(pause).is_retryable()), (pause, false));
        }
        assert_eq!(Error::Protocol { operation: "submit", problem: String::new() }.reason(), None);
        let nobody = Error::RecipientsRefused { operation: "submit", refused: Vec::new() };
        assert_eq!(nobody.to_string(), "submit: the server refused 0 of the recipients");
    }
}
