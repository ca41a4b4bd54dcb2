//! What can go wrong.

use std::{fmt, time::Duration};

use crate::{
    ForeignRecord, StaleRrSet,
    http::HttpError,
    names::DomainName,
    pace::{PaceStoreError, Scope},
    plan::list,
    problem::Problem,
};

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
    /// The token is unknown, expired, not valid from this address, or missing; or the password is wrong.
    #[error("cannot {operation} {subject}: {credential}")]
    Unauthenticated {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// What the server refuses.
        credential: Credential,
    },
    /// The token lacks a permission, or a limit of the account is reached. Nothing was stored.
    #[error("cannot {operation} {subject}: {by} ({problem})")]
    Forbidden {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// What stands against it.
        by: ForbiddenBy,
        /// The server's answer.
        problem: Problem,
    },
    /// Something that the call needs does not exist in this account.
    #[error("cannot {operation} {subject}: {missing}")]
    NotFound {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// What does not exist.
        missing: Missing,
    },
    /// It conflicts with what is there, or another writer was faster. Nothing was stored.
    #[error("cannot {operation} {subject}: it conflicts with what is there ({problem})")]
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
    #[error("cannot {operation} {subject}: its turn within the rate limits of {scope} comes too late{}", in_seconds(*.retry_after))]
    Throttled {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// The limit that is reached.
        scope: Scope,
        /// How long to wait before the next attempt, at most a year, if known. It may well be a day.
        retry_after: Option<Duration>,
    },
    /// The store of the pace failed. Nothing was sent.
    #[error("cannot {operation} {subject}: the request is not sent, since it could not be noted")]
    PaceStore {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
        /// The failure of the store.
        source: PaceStoreError,
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
    /// Records that the caller does not own stand against a plan. Nothing was written.
    #[error(
        "cannot plan the zone of {domain}: there are records of others: {}; claim them, merge them where the type \
         is the same, or remove them",
        list(.records.iter(), ", ")
    )]
    Foreign {
        /// The domain.
        domain: DomainName,
        /// All of them, sorted by name and type.
        records: Vec<ForeignRecord>,
    },
    /// The zone has changed since a plan was made. Nothing was written, but for earlier requests of a plan in
    /// several.
    #[error("cannot apply the plan for {domain}: {}; plan again", list(.rrsets.iter(), ", "))]
    Stale {
        /// The domain.
        domain: DomainName,
        /// What has changed.
        rrsets: Vec<StaleRrSet>,
    },
    /// The name of a domain belongs to another account, or to deSEC itself. Nothing was stored.
    #[error("cannot {operation} {subject}: the name is taken by another account; choose another one")]
    Taken {
        /// What was attempted.
        operation: &'static str,
        /// What it was about.
        subject: String,
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
    /// The answer is none that this crate knows.
    #[error("cannot {operation} {subject}: {reason}")]
    Other {
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
            Self::Throttled { .. } | Self::PaceStore { .. } | Self::Unavailable { .. } => true,
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

    /// Returns whether a domain or an RRset was not created because there is one.
    ///
    /// The server says the same of a domain of this account and of another one: read it to tell.
    pub fn already_exists(&self) -> bool {
        let said = |problem: &Problem| {
            let known = |text: &str| EXISTS.contains(&text) || text.starts_with(DUPLICATE);
            problem.entries.iter().any(|entry| known(&entry.message))
        };
        match self {
            Self::Invalid { problem, .. } | Self::Conflict { problem, .. } => said(problem),
            Self::Taken { .. } => true,
            _ => false,
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
    /// The account has no such token.
    Token,
    /// The token has no such policy.
    Policy,
    /// The account has no such second factor.
    Factor,
}

impl Missing {
    /// Returns what the server says to be missing; `absent` is what a plain "Not found." means.
    pub(crate) fn of(problem: &Problem, absent: Self) -> Option<Self> {
        let known = [
            ("No RRset matches the given query.", Self::RrSet),
            ("No Domain matches the given query.", Self::Domain),
            ("No Token matches the given query.", Self::Token),
            ("No TokenDomainPolicy matches the given query.", Self::Policy),
            ("No TOTPFactor matches the given query.", Self::Factor),
            ("Not found.", absent),
            // A dynDNS update.
            ("nohost", Self::Domain),
        ];
        known.into_iter().find(|(text, _)| problem.says(text)).map(|(_, missing)| missing)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "there is no such domain in this account",
            Self::RrSet => "there is no such RRset in the domain",
            Self::Token => "there is no such token in this account",
            Self::Policy => "there is no such policy of the token",
            Self::Factor => "there is no such second factor in this account",
        })
    }
}

/// What an [`Error::Forbidden`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForbiddenBy {
    /// A policy of the token: it may not write this RRset.
    Policy,
    /// The token's permissions, or its kind.
    Permission,
    /// The number of domains that the account may have.
    Limit,
    /// Anything else: the server's answer says more.
    Other,
}

impl ForbiddenBy {
    pub(crate) fn of(problem: &Problem) -> Self {
        let known = [
            ("Insufficient token permissions.", Self::Policy),
            ("You do not have permission to perform this action.", Self::Permission),
            ("Login token required.", Self::Permission),
            ("Domain limit exceeded.", Self::Limit),
        ];
        let begins = |text: &str| problem.entries.iter().any(|entry| entry.message.starts_with(text));
        known.into_iter().find(|(text, _)| begins(text)).map_or(Self::Other, |(_, by)| by)
    }
}

impl fmt::Display for ForbiddenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "a policy of the token does not allow it; check the token's policies",
            Self::Permission => "the token lacks a permission; check which ones it has",
            Self::Limit => "the account has as many domains as it may; delete one or ask for a higher limit",
            Self::Other => "the server does not allow it",
        })
    }
}

/// What proves the identity of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// The token of the client.
    Token,
    /// An e-mail address with its password.
    Password,
    /// Nothing, or a code that the server sent by mail.
    Nothing,
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => {
                "the server refuses the token; check that one is given, exists, has not expired and may be \
                 used from this address"
            }
            Self::Password => "the server refuses the e-mail address or the password; check both",
            Self::Nothing => "the server asks for a token; use a client that has one",
        })
    }
}

fn in_seconds(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!("; try again in {} seconds", wait.as_secs_f64().ceil()))
}

const EXISTS: [&str; 2] = [
    "domain with this name already exists.",
    "Another RRset with the same subdomain and type exists for this domain. (Try modifying it.)",
];
const DUPLICATE: &str = "Conflict: duplicate key value violates unique constraint";
