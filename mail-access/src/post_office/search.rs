//! Tells which messages a query fits, as Dovecot does.

use std::cell::OnceCell;
use std::time::{Duration, SystemTime};

use unicode_normalization::UnicodeNormalization as _;

use super::folder::Found;
use crate::message::{Searched, field_values, searched};
use crate::{Flag, Query};

/// A query that was [checked](Query::check).
pub(super) struct Search<'a>(&'a Query);

impl<'a> Search<'a> {
    pub(super) fn new(query: &'a Query) -> Self {
        Self(query)
    }

    pub(super) fn fits(&self, message: &Found) -> bool {
        fits(self.0, &Candidate { message, bytes: OnceCell::new(), searched: OnceCell::new() })
    }
}

/// A message, decoded as far as a condition asks for it.
struct Candidate<'a> {
    message: &'a Found,
    bytes: OnceCell<Vec<u8>>,
    searched: OnceCell<Searched>,
}

impl Candidate<'_> {
    fn bytes(&self) -> &[u8] {
        self.bytes.get_or_init(|| self.message.stored.bytes())
    }

    fn searched(&self) -> &Searched {
        self.searched.get_or_init(|| {
            let Searched { headers, bodies } = searched(self.bytes());
            let all_folded = |texts: Vec<String>| texts.iter().map(|text| folded(text)).collect();
            Searched { headers: all_folded(headers), bodies: all_folded(bodies) }
        })
    }

    fn field_has(&self, name: &str, text: &str) -> bool {
        let text = folded(text);
        field_values(self.bytes(), name).iter().any(|value| folded(value).contains(&text))
    }

    fn body_has(&self, text: &str) -> bool {
        text.is_empty() || contain(&self.searched().bodies, text)
    }

    fn header_has(&self, text: &str) -> bool {
        contain(&self.searched().headers, text)
    }
}

/// Its depth is that of a checked query.
fn fits(query: &Query, candidate: &Candidate<'_>) -> bool {
    let Found { uid, stored } = candidate.message;
    match query {
        Query::All(queries) => queries.iter().all(|query| fits(query, candidate)),
        Query::Any(queries) => queries.iter().any(|query| fits(query, candidate)),
        Query::Not(query) => !fits(query, candidate),
        Query::Flag(flag) => stored.marks.has(flag),
        Query::Unseen => !stored.marks.has(&Flag::Seen),
        Query::Uids(uids) => uids.contains(uid),
        Query::After(behind) => uid.get() > *behind,
        Query::From(text) => candidate.field_has("From", text),
        Query::To(text) => candidate.field_has("To", text),
        Query::Cc(text) => candidate.field_has("Cc", text),
        Query::Subject(text) => candidate.field_has("Subject", text),
        Query::Body(text) => candidate.body_has(text),
        Query::Text(text) => candidate.header_has(text) || candidate.body_has(text),
        Query::Header(name, text) => candidate.field_has(name, text),
        Query::MessageId(id) => stored.letter.message_id.as_ref() == Some(id),
        Query::Since(time) => day(stored.arrived) >= day(*time),
        Query::Before(time) => day(stored.arrived) < day(*time),
        Query::Larger(bytes) => stored.size() > u64::from(*bytes),
        Query::Smaller(bytes) => stored.size() < u64::from(*bytes),
    }
}

fn contain(texts: &[String], text: &str) -> bool {
    let text = folded(text);
    texts.iter().any(|whole| whole.contains(&text))
}

/// Makes texts alike that differ in case only or in how letters are put together (RFC 5051).
fn folded(text: &str) -> String {
    text.nfd().map(upper).collect()
}

/// A letter whose upper case is several stays as it is: the casemap has none for it.
fn upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => letter,
    }
}

/// Counts the days in UTC.
fn day(time: SystemTime) -> i64 {
    let days = |time: Duration| i64::try_from(time.as_secs() / DAY).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => days(since),
        // What is a second before midnight is of the day before.
        Err(before) => -1 - days(before.duration().saturating_sub(Duration::from_nanos(1))),
    }
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_alike_without_their_case_and_composition() {
        for (one, other, alike) in [
            ("Gr\u{fc}\u{df}e", "GRu\u{308}\u{df}e", true),
            ("\u{441}\u{41b}\u{43e}\u{432}\u{43e}", "\u{421}\u{41b}\u{41e}\u{412}\u{41e}", true),
            ("\u{65e5}\u{672c}", "\u{65e5}\u{672c}", true),
            ("Stra\u{df}e", "strasse", false),
            ("\u{fc}", "u", false),
            ("\u{fb01}", "fi", false),
        ] {
            assert_eq!(folded(one) == folded(other), alike, "{one} {other}");
        }
    }

    #[test]
    fn days_begin_at_midnight_in_utc() {
        let at = |seconds: i64| match u64::try_from(seconds) {
            Ok(after) => SystemTime::UNIX_EPOCH + Duration::from_secs(after),
            Err(_) => SystemTime::UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()),
        };
        for (seconds, number) in [(0, 0), (86_399, 0), (86_400, 1), (-1, -1), (-86_400, -1), (-86_401, -2)] {
            assert_eq!(day(at(seconds)), number, "{seconds}");
        }
    }
}
