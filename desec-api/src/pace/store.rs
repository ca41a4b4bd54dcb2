//! The seam behind which the requests of the last day are kept over a restart.

use std::{error, fmt, str::FromStr, time::Duration};

use async_trait::async_trait;

use super::Scope;

/// Keeps the requests of the last day for [`Pace::restored`](super::Pace::restored).
///
/// There is one in a file: [`FilePaceStore`](super::FilePaceStore). One store belongs to one account, and to
/// one process at a time.
#[async_trait]
pub trait PaceStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the requests that were recorded, with their ages.
    ///
    /// # Contract
    /// - Every request is returned whose [`record`](Self::record) was done, or may have been, less than 26 hours
    ///   ago, in any order; older ones may be.
    /// - An age is not higher than the real one, also where a clock was set back meanwhile. It may be lower.
    /// - If something is lost or cannot be read, that is an error, never an empty list. A store that was never
    ///   written is empty.
    /// - Example: `record(a)`, ten seconds pass, a new process begins, `load()` returns `[(a, 10 s)]`.
    async fn load(&self) -> Result<Vec<(PaceEntry, Duration)>, PaceStoreError>;

    /// Keeps `entry`, which happens now: it is called before a request is sent.
    ///
    /// # Contract
    /// - Once it is done, `load` of the next process returns the entry, also if this process is killed.
    /// - The store looks at the clock by itself, during the call.
    /// - Equal entries are different requests: each is kept.
    /// - A failed or dropped call may have kept the entry. A failure fails the call that the request is for:
    ///   nothing is sent. It takes no longer than 5 seconds; then it counts as failed.
    async fn record(&self, entry: &PaceEntry) -> Result<(), PaceStoreError>;
}

/// A request as a [`PaceStore`] keeps it, without its time.
///
/// `Display` and `FromStr` are its form at rest: visible ASCII characters and blanks, without a secret.
///
/// ```
/// use desec_api::{PaceEntry, Scope};
///
/// let entry: PaceEntry = "token write:example.com 75000".parse()?;
/// assert_eq!(*entry.scope(), Scope::Write("example.com".parse().unwrap()));
/// assert_eq!(entry.to_string(), "token write:example.com 75000");
/// # Ok::<(), desec_api::PaceStoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaceEntry {
    scope: Scope,
    tokenless: bool,
    deadline: Duration,
}

impl PaceEntry {
    pub(super) fn new(scope: Scope, tokenless: bool, deadline: Duration) -> Self {
        Self { scope, tokenless, deadline: deadline.min(LONGEST_DEADLINE) }
    }

    /// Returns the scope in which the request counts.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns whether the request carries no token, and so may count for the address.
    pub fn is_tokenless(&self) -> bool {
        self.tokenless
    }

    /// Returns how long after being recorded the request may still be counted by the server, at most an hour.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl fmt::Display for PaceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tokenless { "tokenless " } else { "token " })?;
        match &self.scope {
            Scope::User => f.write_str("user"),
            Scope::Read => f.write_str("read"),
            Scope::Domains => f.write_str("domains"),
            Scope::Write(domain) => write!(f, "write:{domain}"),
            Scope::AccountActive => f.write_str("active"),
            Scope::AccountPassive => f.write_str("passive"),
            Scope::DynDns(domain) => write!(f, "dyndns:{domain}"),
            Scope::CheckIp => f.write_str("checkip"),
        }?;
        write!(f, " {}", self.deadline.as_millis())
    }
}

impl FromStr for PaceEntry {
    type Err = PaceStoreError;

    fn from_str(text: &str) -> Result<Self, PaceStoreError> {
        parse(text).ok_or_else(|| PaceStoreError::new("this is not an entry of a pace"))
    }
}

fn parse(text: &str) -> Option<PaceEntry> {
    let mut words = text.split(' ');
    let tokenless = match words.next()? {
        "token" => false,
        "tokenless" => true,
        _ => return None,
    };
    let scope = match words.next()? {
        "user" => Scope::User,
        "read" => Scope::Read,
        "domains" => Scope::Domains,
        "active" => Scope::AccountActive,
        "passive" => Scope::AccountPassive,
        "checkip" => Scope::CheckIp,
        other => match other.split_once(':')? {
            ("write", domain) => Scope::Write(domain.parse().ok()?),
            ("dyndns", domain) => Scope::DynDns(domain.parse().ok()?),
            _ => return None,
        },
    };
    let deadline = Duration::from_millis(words.next()?.parse().ok()?);
    words.next().is_none().then(|| PaceEntry::new(scope, tokenless, deadline))
}

/// The failure of a [`PaceStore`].
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the pace of the account: {reason}")]
pub struct PaceStoreError {
    reason: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl PaceStoreError {
    /// Returns an error with its reason, and what to do about it.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), source: None }
    }

    /// Adds the cause.
    pub fn with_source(mut self, source: impl error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

// Whatever deadline a client has, the server gives up after a minute.
pub(super) const LONGEST_DEADLINE: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_and_read() {
        let domain = || "a.example".parse().unwrap();
        let scopes = [
            Scope::User,
            Scope::Read,
            Scope::Domains,
            Scope::Write(domain()),
            Scope::AccountActive,
            Scope::AccountPassive,
            Scope::DynDns(domain()),
            Scope::CheckIp,
        ];
        for (scope, tokenless) in scopes.into_iter().flat_map(|scope| [(scope.clone(), false), (scope, true)])
        {
            let entry = PaceEntry::new(scope, tokenless, Duration::from_secs(75));
            assert_eq!(entry.to_string().parse::<PaceEntry>().unwrap(), entry);
        }
        let long = PaceEntry::new(Scope::Read, false, Duration::MAX);
        assert_eq!(long.deadline(), Duration::from_hours(1));
        for wrong in ["", "token", "token read", "token read x", "read 5", "token write 5", "token read 5 "] {
            wrong.parse::<PaceEntry>().unwrap_err();
        }
    }
}
