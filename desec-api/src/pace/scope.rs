//! The scopes of the server's rate limits, with their windows.

use std::{fmt, time::Duration};

use crate::names::DomainName;

/// A scope of the server's rate limits. Every scope counts for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Everything that an account does: 2000 requests a day (`user`).
    User,
    /// Reading domains and RRsets, all domains of the account together (`dns_api_cheap`).
    Read,
    /// Creating and deleting domains (`dns_api_expensive`).
    Domains,
    /// Writing RRsets of one domain, and exporting its zone file (`dns_api_per_domain_expensive`).
    Write(DomainName),
    /// What sends mail: registration and changes of the account (`account_management_active`).
    AccountActive,
    /// Tokens, policies, login and other matters of the account (`account_management_passive`).
    AccountPassive,
    /// DynDNS updates of one domain (`dyndns`).
    DynDns(DomainName),
    /// Asking for the own public address (`checkip`), which counts for no account.
    CheckIp,
}

impl Scope {
    /// Returns the published windows, the longest last.
    pub(super) fn windows(&self) -> &'static [Window] {
        match self {
            Self::User => USER,
            Self::Read => READ,
            Self::Domains => DOMAINS,
            Self::Write(_) => WRITE,
            Self::AccountActive => ACCOUNT_ACTIVE,
            Self::AccountPassive => ACCOUNT_PASSIVE,
            Self::DynDns(_) => DYNDNS,
            Self::CheckIp => CHECKIP,
        }
    }

    /// Returns the length of the longest window.
    pub(super) fn longest(&self) -> Duration {
        self.windows().last().map_or(Duration::ZERO, |(_, length)| *length)
    }

    /// Returns whether requests go one by one: two writers of one zone at a time only bring conflicts.
    pub(super) fn is_one_by_one(&self) -> bool {
        matches!(self, Self::Write(_) | Self::DynDns(_))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("the account"),
            Self::Read => f.write_str("reads"),
            Self::Domains => f.write_str("creating and deleting domains"),
            Self::Write(domain) => write!(f, "writes to {domain}"),
            Self::AccountActive => f.write_str("changes of the account"),
            Self::AccountPassive => f.write_str("tokens and other matters of the account"),
            Self::DynDns(domain) => write!(f, "dynDNS updates of {domain}"),
            Self::CheckIp => f.write_str("asking for the own address"),
        }
    }
}

/// At most so many requests in so long a time.
pub(super) type Window = (usize, Duration);

pub(super) const DAILY_REQUESTS: usize = 2_000;
// Longer than the server's, since the two clocks do not run exactly alike: 100 millionths of a day are 9 s.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60 + 10);
const HOUR: Duration = Duration::from_secs(60 * 60 + 1);
const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

const ACCOUNT_ACTIVE: &[Window] = &[(3, MINUTE)];
const ACCOUNT_PASSIVE: &[Window] = &[(50, MINUTE), (600, HOUR)];
// In fact a leaky bucket: three at once, and one more each 20 seconds. These are within it.
const CHECKIP: &[Window] = &[(3, MINUTE)];
const DOMAINS: &[Window] = &[(10, SECOND), (300, MINUTE), (1_000, HOUR)];
const DYNDNS: &[Window] = &[(2, Duration::from_mins(2))];
const READ: &[Window] = &[(10, SECOND), (50, MINUTE)];
const WRITE: &[Window] = &[(2, SECOND), (15, MINUTE), (100, HOUR), (300, DAY)];
const USER: &[Window] = &[(DAILY_REQUESTS, DAY)];
