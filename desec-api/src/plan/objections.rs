//! What stands against a plan.

use std::fmt;

use super::{Key, RrData};
use crate::{RecordType, RrSet, SubName};

/// A record of others that stands against a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ForeignRecord {
    /// The name, relative to the domain.
    pub subname: SubName,
    /// The type.
    pub rtype: RecordType,
    /// The content.
    pub content: String,
    /// The type of the RRset that is wanted at this name: another one if a CNAME is to come or to go, which
    /// cannot be merged.
    pub wanted: RecordType,
}

impl fmt::Display for ForeignRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.subname, self.rtype, Short(&self.content))?;
        if self.rtype == self.wanted { Ok(()) } else { write!(f, " (in the place of {})", self.wanted) }
    }
}

/// An RRset that has changed since a plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaleRrSet {
    /// The name, relative to the domain.
    pub subname: SubName,
    /// The type.
    pub rtype: RecordType,
    /// What was there when the plan was made; `None` if there was no such RRset.
    pub planned: Option<RrData>,
    /// What is there now; `None` if there is no such RRset.
    pub found: Option<RrData>,
}

impl StaleRrSet {
    pub(super) fn new((subname, rtype): Key<'_>, planned: Option<RrData>, found: Option<&RrSet>) -> Self {
        Self { subname: subname.clone(), rtype: rtype.clone(), planned, found: found.map(RrData::of) }
    }
}

impl fmt::Display for StaleRrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.subname, self.rtype)?;
        match (&self.planned, &self.found) {
            (_, None) => f.write_str("is gone"),
            (None, Some(data)) => write!(f, "is new, {data}"),
            (Some(_), Some(data)) => write!(f, "is now {data}"),
        }
    }
}

impl fmt::Display for RrData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ttl, list(self.records.iter().map(|content| Short(content)), " + "))
    }
}

/// Returns the first few of `items` in one line, and how many are left out.
pub(crate) fn list(items: impl ExactSizeIterator<Item = impl fmt::Display>, between: &str) -> String {
    let more = items.len().saturating_sub(MOST_SHOWN);
    let mut shown: Vec<String> = items.take(MOST_SHOWN).map(|item| item.to_string()).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(between)
}

/// A content, cut short.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MOST_CHARACTERS) {
            Some((end, _)) => write!(f, "{}..", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

const MOST_SHOWN: usize = 10;
const MOST_CHARACTERS: usize = 80;
