use std::ops::Not;
use std::time::SystemTime;

use super::Flag;
use crate::{Error, MessageId, Uid};

/// What to look for in a folder: a tree of conditions (RFC 9051 section 6.4.4).
///
/// Text is any Unicode text without NUL; it can end no quotes and add no command. `and`, `or` and `not` join conditions,
/// up to 100 levels deep.
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

    /// Checks what no type can.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut level = vec![self];
        for _ in 0..MAX_LEVELS {
            let mut below = Vec::new();
            for query in level {
                match query {
                    Self::All(queries) | Self::Any(queries) => below.extend(queries),
                    Self::Not(query) => below.push(query),
                    Self::Header(name, _) if !is_field_name(name) => {
                        let problem = format!("{name:?} is no name of a header field");
                        return Err(Error::Invalid { what: "query", problem });
                    }
                    Self::From(text)
                    | Self::To(text)
                    | Self::Cc(text)
                    | Self::Subject(text)
                    | Self::Body(text)
                    | Self::Text(text)
                    | Self::Header(_, text)
                        if text.contains('\0') =>
                    {
                        let problem = "text can't have the character NUL".to_owned();
                        return Err(Error::Invalid { what: "query", problem });
                    }
                    _ => {}
                }
            }
            level = below;
            if level.is_empty() {
                return Ok(());
            }
        }
        let problem = format!("it has more than {MAX_LEVELS} levels");
        Err(Error::Invalid { what: "query", problem })
    }
}

/// Fits what the condition doesn't.
impl Not for Query {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// RFC 5322 section 3.6.8.
fn is_field_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// Few enough to be read by recursion, on both sides.
const MAX_LEVELS: usize = 100;
/// A line of a message has no more.
const MAX_NAME: usize = 998;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_could_read_is_refused() {
        let nested = |levels: usize| (1..levels).fold(Query::Unseen, |query, _| !query);
        let header = |name: &str| Query::Header(name.into(), String::new());
        for (query, fine) in [
            (nested(100), true),
            (nested(101), false),
            (header("X-Odd"), true),
            (header(""), false),
            (header("X Odd"), false),
            (header("X:"), false),
            (header("X\r\nY"), false),
            (header("\u{fc}"), false),
            (Query::Text("a\r\nb \"{5}".into()), true),
            (Query::everything().and(!Query::Body("\0".into())), false),
        ] {
            assert_eq!(query.check().is_ok(), fine, "{query:?}");
        }
    }
}
