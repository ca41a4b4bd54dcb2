//! Errors on a cassette.

use std::io;
use std::time::Duration;

use mail_access::{Error as MailError, Login};
use serde::{Deserialize, Serialize};

use super::line::Words;
use crate::{Error, ErrorKind};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failure {
    Authentication {
        words: Words,
        retry_after_ms: Option<u64>,
    },
    Interrupted,
    Invalid {
        problem: String,
    },
    Protocol {
        problem: String,
    },
    RecipientsRefused {
        refused: Vec<(String, Words)>,
    },
    Refused {
        words: Words,
    },
    Renumbered {
        expected: u32,
        found: u32,
    },
    Unavailable {
        server: String,
        certificate: bool,
    },
    /// An error of provisioning.
    Provisioning {
        kind: String,
        code: Option<String>,
        retry_after_ms: Option<u64>,
        repeatable: bool,
    },
}

impl Failure {
    pub(super) fn of_mail(error: &MailError) -> Self {
        match error {
            MailError::Authentication { status, retry_after, .. } => {
                Self::Authentication { words: Words::of(status), retry_after_ms: retry_after.map(millis) }
            }
            MailError::Interrupted { .. } => Self::Interrupted,
            MailError::Invalid { problem, .. } => Self::Invalid { problem: problem.clone() },
            MailError::RecipientsRefused { refused, .. } => {
                let refused = refused.iter().map(|(who, status)| (who.to_string(), Words::of(status)));
                Self::RecipientsRefused { refused: refused.collect() }
            }
            MailError::Refused { status, .. } => Self::Refused { words: Words::of(status) },
            MailError::Renumbered { expected, found, .. } => {
                Self::Renumbered { expected: *expected, found: *found }
            }
            MailError::Unavailable { server, source, .. } => Self::Unavailable {
                server: server.clone(),
                certificate: source.kind() == io::ErrorKind::InvalidData,
            },
            MailError::Protocol { problem, .. } => Self::Protocol { problem: problem.clone() },
            other => Self::Protocol { problem: other.to_string() },
        }
    }

    pub(super) fn mail_error(self, operation: &'static str, login: &Login) -> MailError {
        match self {
            Self::Authentication { words, retry_after_ms } => MailError::Authentication {
                operation,
                login: login.address().clone(),
                status: words.status(),
                retry_after: retry_after_ms.map(Duration::from_millis),
            },
            Self::Interrupted => {
                MailError::Interrupted { operation, source: io::ErrorKind::UnexpectedEof.into() }
            }
            Self::Invalid { problem } => MailError::Invalid { what: "request", problem },
            Self::Protocol { problem } => MailError::Protocol { operation, problem },
            Self::RecipientsRefused { refused } => {
                let refused = refused.into_iter();
                let parsed = refused.filter_map(|(who, words)| Some((who.parse().ok()?, words.status())));
                MailError::RecipientsRefused { operation, refused: parsed.collect() }
            }
            Self::Refused { words } => MailError::Refused { operation, status: words.status() },
            Self::Renumbered { expected, found } => MailError::Renumbered { operation, expected, found },
            Self::Unavailable { server, certificate } => {
                let kind =
                    if certificate { io::ErrorKind::InvalidData } else { io::ErrorKind::ConnectionRefused };
                MailError::Unavailable { operation, server, source: kind.into() }
            }
            Self::Provisioning { kind, .. } => MailError::Protocol { operation, problem: kind },
        }
    }

    pub(super) fn of(error: &Error) -> Self {
        Self::Provisioning {
            kind: format!("{:?}", error.kind()),
            code: error.code().map(str::to_owned),
            retry_after_ms: error.retry_after().map(millis),
            repeatable: error.kind() == ErrorKind::Interrupted && error.is_retryable(),
        }
    }

    pub(super) fn error(self, operation: &'static str, subject: &str) -> Error {
        let Self::Provisioning { kind, code, retry_after_ms, repeatable } = self else {
            return Error::new(ErrorKind::Unexpected, operation, subject);
        };
        let kind = KINDS.into_iter().find(|known| format!("{known:?}") == kind);
        let mut error = Error::new(kind.unwrap_or(ErrorKind::Unexpected), operation, subject)
            .with_retry_after(retry_after_ms.map(Duration::from_millis));
        if let Some(code) = code {
            error = error.with_code(code);
        }
        if repeatable { error.with_repeatable() } else { error }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const KINDS: [ErrorKind; 13] = [
    ErrorKind::AlreadyExists,
    ErrorKind::Held,
    ErrorKind::Interrupted,
    ErrorKind::InvalidInput,
    ErrorKind::NotFound,
    ErrorKind::NotReady,
    ErrorKind::PermissionDenied,
    ErrorKind::RateLimited,
    ErrorKind::Rejected,
    ErrorKind::Stale,
    ErrorKind::Unauthenticated,
    ErrorKind::Unavailable,
    ErrorKind::Unsupported,
];
