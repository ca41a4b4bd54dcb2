use std::ops::Not;
use std::time::SystemTime;

use super::Flag;
use crate::{MessageId, Uid};

/// What to look for in a folder: a tree of conditions (RFC 9051 section 6.4.4).
///
/// Text is any Unicode text; it can end no quotes and add no command. `and`, `or` and `not` join conditions.
///
/// ```
/// use mail_access::Query;
///
/// let unread = Query::Unseen.and(Query::From("boss@".into())).and(!Query::Subject("newsletter".into()));
/// assert_eq!(unread, Query::All(vec![
///     Query::All(vec![Query::Unseen, Query::From("boss@".into())]),
///     Query::Not(Box::new(Query::Subject("newsletter".into()))),
/// ]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Query {
    /// All of these are met; of none, every message is.
    All(Vec<Query>),
    /// One of these is met; of none, no message is.
    Any(Vec<Query>),
    /// This is not met.
    Not(Box<Query>),
    /// The flag or keyword is set.
    Flag(Flag),
    /// It is not marked as seen.
    Unseen,
    /// It has one of these UIDs.
    Uids(Vec<Uid>),
    /// Its UID is behind this one.
    After(u32),
    /// The From field contains the text, in the name or the address.
    From(String),
    /// The To field contains it.
    To(String),
    /// The Cc field contains it.
    Cc(String),
    /// The subject contains it.
    Subject(String),
    /// A text part of the body contains it.
    Body(String),
    /// The header or a text part of the body contains it.
    Text(String),
    /// A header field of this name contains the text; any text if it is empty. The name is checked when it is searched
    /// for.
    Header(String, String),
    /// It has this very Message-ID.
    MessageId(MessageId),
    /// It arrived at this time or later, to the day in UTC by the server's clock.
    Since(SystemTime),
    /// It arrived before the day of this time, in UTC.
    Before(SystemTime),
    /// It has more bytes than this.
    Larger(u32),
    /// It has fewer bytes than this.
    Smaller(u32),
}

impl Query {
    /// Fits every message.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Fits what both fit.
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    /// Fits what one of them fits.
    pub fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }
}

/// Fits what the condition doesn't.
impl Not for Query {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}
