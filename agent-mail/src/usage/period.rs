use std::time::{Duration, SystemTime};

/// A time of which the usage is asked, in whole hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Period(Span);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    Last(Duration),
    Between(SystemTime, SystemTime),
    All,
}

impl Period {
    /// Returns the time up to now, with the whole of the hour in which it began.
    pub fn last(length: Duration) -> Self {
        Self(Span::Last(length))
    }

    /// Returns the time from one moment to another, with the whole hours in which they are. Of what is more than 7 days
    /// ago whole days (UTC) count, those that began in it.
    pub fn between(from: SystemTime, to: SystemTime) -> Self {
        Self(Span::Between(from, to))
    }

    /// Returns all the time of which something is known.
    pub fn all() -> Self {
        Self(Span::All)
    }

    /// Returns its first and last hour, counted since 1970.
    pub(crate) fn bounds(self, now: SystemTime) -> (u64, u64) {
        match self.0 {
            Span::Last(length) => {
                (hour(now.checked_sub(length).unwrap_or(SystemTime::UNIX_EPOCH)), hour(now))
            }
            Span::Between(from, to) => (hour(from), hour(to)),
            Span::All => (0, hour(now)),
        }
    }
}

/// Returns in which hour since 1970 a moment is.
pub(crate) fn hour(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / 3600
}
