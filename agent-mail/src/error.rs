//! The one error of the facade.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why an operation did not succeed: what kind of failure, in which operation, on what, and what to do about it.
///
/// `Display` says this error's own words; the backend's error, where there is one, is its
/// [`source`](StdError::source).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    subject: String,
    detail: Option<String>,
    code: Option<String>,
    fix: Option<&'static str>,
    retry_after: Option<Duration>,
    repeatable: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of a kind, the operation that failed and what it was about; backends call this.
    pub fn new(kind: ErrorKind, operation: &'static str, subject: impl fmt::Display) -> Self {
        let subject = subject.to_string();
        let (detail, code, fix, retry_after, source) = (None, None, None, None, None);
        let repeatable = false;
        Self(Box::new(Inner { kind, operation, subject, detail, code, fix, retry_after, repeatable, source }))
    }

    /// Adds words of its own: which rule was broken, what was found.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the backend's stable code for the failure.
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Replaces the advice that [`fix`](Self::fix) gives.
    pub fn with_fix(mut self, fix: &'static str) -> Self {
        self.0.fix = Some(fix);
        self
    }

    /// Says that the call is safe to repeat, also if it did happen.
    pub fn with_repeatable(mut self) -> Self {
        self.0.repeatable = true;
        self
    }

    /// Adds the time after which the backend lets it be tried again.
    pub fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    /// Adds the error that caused this one.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns what kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the operation that failed, `provision`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns what the operation was about: an agent, an address, a variable.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Returns the backend's own stable code, `object_exists`, where it has one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Tells whether the same call may succeed later and is safe to repeat as it is.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::NotReady | ErrorKind::RateLimited | ErrorKind::Unavailable => true,
            ErrorKind::Interrupted => self.0.repeatable,
            _ => false,
        }
    }

    /// Returns the time after which a repetition makes sense, where the backend named one.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns what the reader can do about it, as one sentence.
    pub fn fix(&self) -> &'static str {
        self.0.fix.unwrap_or_else(|| match self.0.kind {
            ErrorKind::Interrupted if self.0.repeatable => "try again: this is safe to repeat",
            kind => kind.advice(),
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.0.operation, self.0.subject)?;
        match &self.0.detail {
            Some(detail) => f.write_str(detail),
            None => f.write_str(self.0.kind.words()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation)
            .field("subject", &self.0.subject)
            .field("detail", &self.0.detail)
            .field("code", &self.0.code)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is there already, and is somebody else's or different.
    AlreadyExists,
    /// It waits for somebody's decision; it did not happen yet.
    Held,
    /// It may or may not have happened.
    Interrupted,
    /// What was asked for can't be; nothing was sent.
    InvalidInput,
    /// It is not there.
    NotFound,
    /// It is not there yet.
    NotReady,
    /// The credentials are known and don't allow it.
    PermissionDenied,
    /// It came too often; it did not happen.
    RateLimited,
    /// The server understood and refused.
    Rejected,
    /// What it was made for has changed meanwhile; nothing was done.
    Stale,
    /// The credentials are wrong.
    Unauthenticated,
    /// The server can't be reached or has no time; it did not happen.
    Unavailable,
    /// An answer, or a stored record, is not what it has to be.
    Unexpected,
    /// This world has no such thing.
    Unsupported,
}

impl ErrorKind {
    fn words(self) -> &'static str {
        match self {
            Self::AlreadyExists => "it exists already",
            Self::Held => "it waits for a decision",
            Self::Interrupted => "it may or may not have happened",
            Self::InvalidInput => "it is not valid",
            Self::NotFound => "it does not exist",
            Self::NotReady => "it is not ready yet",
            Self::PermissionDenied => "it is not allowed",
            Self::RateLimited => "it was asked for too often",
            Self::Rejected => "the server refused it",
            Self::Stale => "what it was made for has changed meanwhile",
            Self::Unauthenticated => "the credentials are not accepted",
            Self::Unavailable => "the server can't be reached",
            Self::Unexpected => "the answer can't be understood",
            Self::Unsupported => "it is not supported here",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::AlreadyExists => "choose another name, or remove what is there",
            Self::Held => "have it approved or rejected",
            Self::Interrupted => "look whether it happened before you repeat it",
            Self::InvalidInput => "correct the input",
            Self::NotFound => "create it first",
            Self::NotReady => "wait and try again",
            Self::PermissionDenied => "use credentials that allow it",
            Self::RateLimited => "wait for the time that retry_after gives, then try again",
            Self::Rejected => "read the server's reason and change what was asked for",
            Self::Stale => "plan anew and apply that",
            Self::Unauthenticated => "check the credentials; don't repeat it, servers ban those who do",
            Self::Unavailable => "check that the server runs and can be reached, then try again",
            Self::Unexpected => "check that the other side is the server it should be; report it if it is",
            Self::Unsupported => "configure the backend that it needs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_said_once_along_the_chain() {
        let error = Error::new(ErrorKind::Unavailable, "provision", "ada")
            .with_source(std::io::Error::other("connection refused"));
        assert_eq!(error.to_string(), "provision ada: the server can't be reached");
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
        assert!(error.is_retryable());
    }

    #[test]
    fn its_own_words_and_advice_come_first() {
        let error = Error::new(ErrorKind::AlreadyExists, "provision", "ada")
            .with_detail("the mailbox is somebody else's")
            .with_code("object_exists")
            .with_fix("remove it");
        assert_eq!(error.to_string(), "provision ada: the mailbox is somebody else's");
        assert_eq!((error.code(), error.fix()), (Some("object_exists"), "remove it"));
        assert!(!error.is_retryable());
    }
}
