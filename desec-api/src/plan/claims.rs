//! What of a zone belongs to the caller.

use std::collections::{HashMap, HashSet};

use super::Key;
use crate::{Rdata, RecordType, RrSet, SubName};

/// A part of a zone that belongs to the caller: what is there and not wanted goes away.
///
/// No claim covers the whole zone. The name servers at the apex are covered only where they are wanted too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// A name with the RRsets of all types. Names below it are not part of it.
    Name(SubName),
    /// All records of one name and type.
    RrSet(SubName, RecordType),
    /// Some records of one name and type.
    Records {
        /// The name.
        subname: SubName,
        /// The type.
        rtype: RecordType,
        /// How their contents begin, whatever the case of letters. For TXT and SPF: how their text begins,
        /// without quotes and with its strings joined, such as `v=spf1`.
        prefix: String,
    },
}

impl Claim {
    /// Returns a claim to the records of one name and type whose text begins with `prefix`.
    pub fn records(subname: SubName, rtype: RecordType, prefix: impl Into<String>) -> Self {
        Self::Records { subname, rtype, prefix: prefix.into() }
    }
}

/// Claims, to be looked up.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    names: HashSet<&'a SubName>,
    sets: HashSet<Key<'a>>,
    prefixes: HashMap<Key<'a>, Vec<&'a str>>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(claims: &'a [Claim]) -> Self {
        let mut index = Self::default();
        for claim in claims {
            match claim {
                Claim::Name(subname) => drop(index.names.insert(subname)),
                Claim::RrSet(subname, rtype) => drop(index.sets.insert((subname, rtype))),
                Claim::Records { subname, rtype, prefix } => {
                    index.prefixes.entry((subname, rtype)).or_default().push(prefix);
                }
            }
        }
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.sets.is_empty() && self.prefixes.is_empty()
    }

    pub(super) fn cover(&self, set: &RrSet, content: &str) -> bool {
        let key = (&set.subname, &set.rtype);
        if self.names.contains(&set.subname) || self.sets.contains(&key) {
            return true;
        }
        let Some(prefixes) = self.prefixes.get(&key) else { return false };
        let is_text = matches!(set.rtype, RecordType::Txt | RecordType::Spf);
        let text = match is_text.then(|| Rdata::parse(&RecordType::Txt, content)) {
            Some(Ok(Rdata::Txt(text))) => text.bytes(),
            _ => content.as_bytes().to_vec(),
        };
        let begins = |prefix: &&str| {
            text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        prefixes.iter().any(begins)
    }
}
