use std::io;
use std::time::Duration;

use super::{Endpoint, sasl};
use crate::{Address, Error, Login, Status};

/// What went wrong in a session, without the operation, server and login that make an [`Error`] of it.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server refused the login.
    Authentication(Status),
    /// The server refused the login, just now or when it was tried last, and it isn't tried again for a while.
    Barred { status: Status, left: Duration },
    /// The link was lost after the server may have acted.
    Interrupted(io::Error),
    /// The input can't be sent.
    Invalid { what: &'static str, problem: &'static str },
    /// The link was lost, or never came to be, before the server could act.
    Lost(io::Error),
    /// The server broke the protocol or passed a limit.
    Protocol(String),
    /// The server refused recipients, at least one, and so the message; the refusal that decides comes first.
    RecipientsRefused(Vec<(Address, Status)>),
    /// The server refused.
    Refused(Status),
    /// The mailbox has another UIDVALIDITY.
    Renumbered { expected: u32, found: u32 },
    /// An answer broke the grammar or passed a limit, so that nothing behind it can be read.
    Unreadable(&'static str),
}

impl Fault {
    /// Tells whether a session that had been parked shows by this that it came to its end meanwhile.
    pub(crate) fn is_stale(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Refused(status) => status.code == CLOSING,
            _ => false,
        }
    }

    /// Makes another one for somebody else who is concerned.
    pub(crate) fn copy(&self) -> Self {
        let again = |error: &io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            // Whoever is told wants to know that it was the certificate.
            Some(tls) => io::Error::new(error.kind(), rustls::Error::clone(tls)),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        match self {
            Self::Authentication(status) => Self::Authentication(status.clone()),
            Self::Barred { status, left } => Self::Barred { status: status.clone(), left: *left },
            Self::Interrupted(error) => Self::Interrupted(again(error)),
            Self::Invalid { what, problem } => Self::Invalid { what, problem },
            Self::Lost(error) => Self::Lost(again(error)),
            Self::Protocol(problem) => Self::Protocol(problem.clone()),
            Self::RecipientsRefused(refused) => Self::RecipientsRefused(refused.clone()),
            Self::Refused(status) => Self::Refused(status.clone()),
            Self::Renumbered { expected, found } => Self::Renumbered { expected: *expected, found: *found },
            Self::Unreadable(problem) => Self::Unreadable(problem),
        }
    }

    /// Returns what a log may show.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Authentication(_) | Self::Barred { .. } => "authentication refused",
            Self::Interrupted(_) => "interrupted",
            Self::Invalid { .. } => "invalid",
            Self::Lost(_) => "unavailable",
            Self::Protocol(_) | Self::Unreadable(_) => "protocol broken",
            Self::RecipientsRefused(_) | Self::Refused(_) => "refused",
            Self::Renumbered { .. } => "renumbered",
        }
    }

    /// Makes the error that the contract of [`MailAccess`](crate::MailAccess) names.
    pub(crate) fn lift(self, operation: &'static str, server: &Endpoint, login: &Login) -> Error {
        let said = |status| sasl::without_login(status, login);
        match self {
            Self::Authentication(status) => Error::Authentication {
                operation,
                login: login.address().clone(),
                status: said(status),
                retry_after: None,
            },
            Self::Barred { status, left } => Error::Authentication {
                operation,
                login: login.address().clone(),
                status: said(status),
                retry_after: Some(left),
            },
            Self::Interrupted(source) => Error::Interrupted { operation, source },
            Self::Invalid { what, problem } => Error::Invalid { what, problem: problem.into() },
            Self::Lost(source) => Error::Unavailable { operation, server: server.to_string(), source },
            Self::Protocol(problem) => Error::Protocol { operation, problem },
            Self::RecipientsRefused(refused) => {
                let refused = refused.into_iter().map(|(to, status)| (to, said(status))).collect();
                Error::RecipientsRefused { operation, refused }
            }
            Self::Refused(status) => Error::Refused { operation, status: said(status) },
            Self::Renumbered { expected, found } => Error::Renumbered { operation, expected, found },
            Self::Unreadable(problem) => Error::Protocol { operation, problem: problem.into() },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// "Service not available, closing transmission channel" (RFC 5321 section 4.2.3).
pub(crate) const CLOSING: u16 = 421;
