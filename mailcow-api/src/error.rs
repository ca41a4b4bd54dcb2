//! The one error of this crate.

use crate::{HttpError, PartlyDone, Problem, ProblemKind};

/// Why a call did not do what it was asked to.
///
/// `operation` is the API route, as `add/mailbox`; `subject` is the name the call was about. No variant holds an
/// API key, a password or a whole answer of the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input cannot be right; nothing was sent.
    #[error("invalid input for {operation}: {reason}")]
    #[non_exhaustive]
    InvalidInput {
        /// The route, or the type of the value.
        operation: &'static str,
        /// What is wrong, without the value if that is a secret.
        reason: String,
    },
    /// The server said no and changed nothing.
    #[error("mailcow refused {operation} for {subject}")]
    #[non_exhaustive]
    Refused {
        /// The route.
        operation: &'static str,
        /// The name the call was about.
        subject: String,
        /// What the server said first.
        #[source]
        problem: Problem,
        /// What else it said, in order.
        further: Vec<Problem>,
    },
    /// The server reports both a success and a problem: read back what is there now.
    #[error("mailcow carried out {operation} for {subject} at most in part, read it back")]
    #[non_exhaustive]
    Partial {
        /// The route.
        operation: &'static str,
        /// The name the call was about.
        subject: String,
        /// The first problem the server named.
        #[source]
        problem: Problem,
        /// The other problems, in order.
        further: Vec<Problem>,
    },
    /// A call on several items was not carried out for each of them: see which.
    #[error("mailcow carried out {operation} not for each of the items, see which")]
    #[non_exhaustive]
    PartlyDone {
        /// The route.
        operation: &'static str,
        /// What is known of each item.
        #[source]
        items: Box<PartlyDone>,
    },
    /// The server does not know the API key, does not allow it from this address, or saw none.
    ///
    /// Never repeat such a call unchanged: about ten of them make Mailcow block the address of this host.
    #[error("mailcow did not accept the api key for {operation}: {reason}")]
    #[non_exhaustive]
    Unauthenticated {
        /// The route.
        operation: &'static str,
        /// What is wrong: [`WrongKey`](ProblemKind::WrongKey), [`AddressNotAllowed`](ProblemKind::AddressNotAllowed)
        /// or [`ProxyDenied`](ProblemKind::ProxyDenied).
        kind: ProblemKind,
        /// What to look at.
        reason: &'static str,
    },
    /// The API key is read-only.
    #[error("the api key is not allowed to do {operation}, use a read-write key")]
    #[non_exhaustive]
    PermissionDenied {
        /// The route.
        operation: &'static str,
    },
    /// The write may have been carried out, wholly, in part or not at all: read back before sending it again.
    #[error("nobody knows whether {operation} for {subject} was carried out, read it back: {reason}")]
    #[non_exhaustive]
    Unknown {
        /// The route.
        operation: &'static str,
        /// The name the call was about.
        subject: String,
        /// Why the outcome is not known.
        reason: String,
        /// The failure of the connection, if that is the reason.
        #[source]
        source: Option<HttpError>,
    },
    /// The server could not be reached or is starting up, and nothing was changed. Try again later.
    #[error("mailcow is not available for {operation}: {reason}")]
    #[non_exhaustive]
    Unavailable {
        /// The route.
        operation: &'static str,
        /// What was seen.
        reason: String,
        /// The failure of the connection, if that is the reason.
        #[source]
        source: Option<HttpError>,
    },
    /// The server redirects. It was not followed, so that the API key goes nowhere else; correct the base URL.
    #[error("the server redirects {operation} to {host}, correct the base url")]
    #[non_exhaustive]
    Redirected {
        /// The route.
        operation: &'static str,
        /// The host that the server names.
        host: String,
    },
    /// The server does not have the route: another version of Mailcow, or another server.
    #[error("this server has no route {operation}, check the base url and the version of mailcow")]
    #[non_exhaustive]
    Unsupported {
        /// The route.
        operation: &'static str,
    },
    /// The answer is none this crate understands.
    #[error("mailcow gave an unexpected answer to {operation}: {reason}")]
    #[non_exhaustive]
    Unexpected {
        /// The route.
        operation: &'static str,
        /// What is unexpected about it.
        reason: String,
    },
}

impl Error {
    /// Returns whether the same call may simply be repeated later.
    ///
    /// It is false for an [unknown outcome](Self::outcome_unknown): read back first.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Returns whether the server may now hold a change, wholly or in part, although the call failed.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::PartlyDone { items, .. } => !items.done.is_empty() || !items.unknown.is_empty(),
            error => matches!(error, Self::Unknown { .. } | Self::Partial { .. }),
        }
    }

    /// Returns all problems that the server named, in order. They may belong to different steps of one operation.
    pub fn problems(&self) -> Vec<&Problem> {
        match self {
            Self::Refused { problem, further, .. } | Self::Partial { problem, further, .. } => {
                std::iter::once(problem).chain(further).collect()
            }
            Self::PartlyDone { items, .. } => {
                items.refused.iter().map(|(_, problem)| problem).chain(&items.problems).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns what the server said first, if it said something of the operation as a whole.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } | Self::Partial { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Returns what sort of problem this is; `None` if the outcome is unknown or the answer is not understood.
    pub fn kind(&self) -> Option<ProblemKind> {
        Some(match self {
            Self::InvalidInput { .. } => ProblemKind::InvalidValue,
            Self::Refused { problem, .. } | Self::Partial { problem, .. } => problem.kind(),
            Self::Unauthenticated { kind, .. } => *kind,
            Self::PermissionDenied { .. } => ProblemKind::ReadOnlyKey,
            Self::Unavailable { source: Some(_), .. } => ProblemKind::Unreachable,
            Self::Unavailable { source: None, .. } => ProblemKind::BackEndDown,
            Self::Redirected { .. } | Self::Unsupported { .. } => ProblemKind::WrongServer,
            Self::PartlyDone { .. } | Self::Unknown { .. } | Self::Unexpected { .. } => return None,
        })
    }

    /// Returns a code that stays the same: that of the server if it gave one, else that of the
    /// [`kind`](Self::kind), else `partly_done`, `unknown_outcome` or `unexpected_answer`.
    pub fn code(&self) -> &str {
        match (self.problem(), self.kind(), self) {
            (Some(problem), ..) => problem.code(),
            (None, Some(kind), _) => kind.code(),
            (None, None, Self::PartlyDone { .. }) => "partly_done",
            (None, None, Self::Unknown { .. }) => "unknown_outcome",
            (None, None, _) => "unexpected_answer",
        }
    }

    /// Returns what the reader can do about it.
    pub fn fix(&self) -> &'static str {
        match (self.kind(), self) {
            (Some(kind), _) => kind.fix(),
            (None, Self::PartlyDone { .. }) => {
                "see what is known of each item, and read back those that are unknown"
            }
            (None, Self::Unknown { .. }) => "read back what is there now before you send it again",
            (None, _) => "check the version of mailcow, and that nothing in front of it alters its answers",
        }
    }

    /// The name of the variant, for the trace.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::InvalidInput { .. } => "invalid input",
            Self::Refused { .. } => "refused",
            Self::Partial { .. } => "partial",
            Self::PartlyDone { .. } => "partly done",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::PermissionDenied { .. } => "permission denied",
            Self::Unknown { .. } => "unknown",
            Self::Unavailable { .. } => "unavailable",
            Self::Redirected { .. } => "redirected",
            Self::Unsupported { .. } => "unsupported",
            Self::Unexpected { .. } => "unexpected",
        }
    }
}
