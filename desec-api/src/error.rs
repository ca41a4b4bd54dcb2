//! What can go wrong.

use std::{fmt, time::Duration};

use crate::{http::HttpError, problem::Problem};

/// The error of a call.
///
/// `Display` names the operation, its subject and what to do; it never repeats its `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input cannot be right. Nothing was sent.
    #[error("invalid {what}: {reason}")]
    InvalidInput {
        /// What was given.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The token is unknown, expired, or not valid from this address.
    #[error(
        "cannot {operation} {subject}: the server refuses the token; check that it exists, has not expired and may be used from this address"
    )]
    Unauthenticated {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
    },
    /// The token lacks a permission, or a limit of the account is reached.
    #[error(
        "cannot {operation} {subject}: the token may not do this; check its permissions and policies ({problem})"
    )]
    Forbidden {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// The server's answer.
        problem: Problem,
    },
    /// Something that the call needs does not exist in this account.
    #[error("cannot {operation} {subject}: {missing} in this account")]
    NotFound {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// What does not exist.
        missing: Missing,
    },
    /// Another writer was faster. Nothing was stored.
    #[error("cannot {operation} {subject}: another writer changed it at the same time ({problem})")]
    Conflict {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// Whether the same call may simply be repeated.
        repeatable: bool,
        /// The server's answer.
        problem: Problem,
    },
    /// The turn of the call within the rate limits, those of the server or the pace of this client, comes
    /// later than it may wait. Nothing was executed.
    #[error("cannot {operation} {subject}: its turn within the rate limits comes too late{}", in_seconds(*.retry_after))]
    Throttled {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// How long to wait before the next attempt, at most a year, if known. It may well be a day.
        retry_after: Option<Duration>,
    },
    /// The server refuses the content of the request. Nothing was stored.
    #[error("cannot {operation} {subject}: the server refuses the request: {problem}")]
    Invalid {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// The server's answer; an entry's `item` is the position in the request.
        problem: Problem,
    },
    /// A write may or may not have been executed: read again before deciding.
    #[error("cannot tell whether it was possible to {operation} {subject}: {reason}; read again to find out")]
    Unknown {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// Why the outcome is unknown.
        reason: String,
        /// Whether the same call may simply be repeated.
        repeatable: bool,
        /// The lost link, if that was the reason.
        source: Option<HttpError>,
    },
    /// The server could not be asked. Nothing was changed.
    #[error("cannot {operation} {subject}: {reason}; try again later")]
    Unavailable {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// Why there is no answer.
        reason: String,
        /// The failed link, if that was the reason.
        source: Option<HttpError>,
    },
    /// The answer is not one of the deSEC API.
    #[error("cannot {operation} {subject}: {reason}")]
    Unexpected {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// What is wrong with the answer, and what to check.
        reason: String,
    },
}

impl Error {
    /// Returns whether the same call may succeed later and is safe to repeat as it is.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unavailable { .. } => true,
            Self::Conflict { repeatable, .. } | Self::Unknown { repeatable, .. } => *repeatable,
            _ => false,
        }
    }

    /// Returns how long to wait before repeating, where the server or the pace of this client says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns whether the call may have been executed although it failed.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// What a [`Error::NotFound`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The domain does not exist or belongs to another account.
    Domain,
    /// The domain has no such RRset.
    RrSet,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "there is no such domain",
            Self::RrSet => "there is no such RRset",
        })
    }
}

fn in_seconds(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!("; try again in {} seconds", wait.as_secs_f64().ceil()))
}
