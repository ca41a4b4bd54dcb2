use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::{Error, Position, Uid};

/// How far a hub has come: up to where it has read its mailbox, and which messages before that place are not
/// acknowledged yet.
///
/// As a text it is `7:120`, or `7:120:3,5-9` where the messages 3 and 5 to 9 are open; it grows with the gaps between
/// what is open, by about 8 bytes each.
///
/// ```
/// use mail_access::HubPosition;
///
/// let position: HubPosition = "7:120:3,5-9".parse()?;
/// assert_eq!(position.to_string(), "7:120:3,5-9");
/// assert_eq!((position.read().uid, position.open()), (120, 6));
/// # Ok::<(), mail_access::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubPosition {
    read: Position,
    open: Vec<RangeInclusive<u32>>,
}

impl HubPosition {
    /// The position behind a place in the mailbox, with nothing open before it: what is older never comes.
    pub fn behind(place: Position) -> Self {
        Self { read: place, open: Vec::new() }
    }

    /// Joins with what is open of it other UIDs that are, and another place before which they lie.
    pub(super) fn joined(&self, read: Position, open: impl IntoIterator<Item = u32>) -> Self {
        let mut all = self.open.clone();
        // What is not joined here is: a range holds any number of them.
        for uid in open {
            match all.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(uid) => *last = *last.start()..=uid,
                _ => all.push(uid..=uid),
            }
        }
        all.sort_unstable_by_key(|range| *range.start());
        let mut joined: Vec<RangeInclusive<u32>> = Vec::new();
        for range in all {
            match joined.last_mut() {
                Some(last) if last.end().saturating_add(1) >= *range.start() => {
                    *last = *last.start()..=*last.end().max(range.end());
                }
                _ => joined.push(range),
            }
        }
        Self { read, open: joined }
    }

    /// Returns up to where the mailbox was read.
    pub fn read(&self) -> Position {
        self.read
    }

    /// Returns how many messages before that place are open.
    pub fn open(&self) -> u64 {
        self.open.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum()
    }

    /// Gives the open UIDs in ascending order.
    pub(super) fn open_uids(&self) -> impl Iterator<Item = Uid> {
        self.open.iter().cloned().flatten().filter_map(Uid::new)
    }

    /// Gives up what is open up to a UID.
    pub(super) fn without_open_up_to(&mut self, uid: u32) {
        self.open.retain_mut(|range| {
            *range = (*range.start()).max(uid.saturating_add(1))..=*range.end();
            *range.end() > uid
        });
    }
}

impl fmt::Display for HubPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.read.uid_validity, self.read.uid)?;
        for (place, range) in self.open.iter().enumerate() {
            f.write_str(if place == 0 { ":" } else { "," })?;
            write!(f, "{}", range.start())?;
            if range.start() != range.end() {
                write!(f, "-{}", range.end())?;
            }
        }
        Ok(())
    }
}

impl FromStr for HubPosition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::Invalid {
            what: "hub position",
            problem: "it has to look like 7:120 or 7:120:3,5-9, in ascending order".into(),
        };
        let mut parts = text.splitn(3, ':');
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
        let (Some(uid_validity), Some(uid)) = (number(), number()) else { return Err(invalid()) };
        let mut open: Vec<RangeInclusive<u32>> = Vec::new();
        for range in parts.next().into_iter().flat_map(|open| open.split(',')) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else { return Err(invalid()) };
            let before = open.last().map_or(0, |before| *before.end());
            if first <= before || last < first || last > uid {
                return Err(invalid());
            }
            open.push(first..=last);
        }
        Ok(Self { read: Position { uid_validity, uid }, open })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_is_kept_as_text(open in proptest::collection::btree_set(1_u32..60, 0..40), done in 0_u32..70) {
            let place = Position { uid_validity: 7, uid: 60 };
            let (one, other): (Vec<u32>, Vec<u32>) = open.iter().partition(|uid| *uid % 7 < 3);
            let mut position = HubPosition::behind(place).joined(place, one).joined(place, other);
            prop_assert_eq!(position.to_string().parse::<HubPosition>().unwrap(), position.clone());
            prop_assert_eq!(position.open(), open.len() as u64);
            position.without_open_up_to(done);
            let left: Vec<_> = position.open_uids().map(Uid::get).collect();
            prop_assert_eq!(left, open.range(done + 1..).copied().collect::<Vec<_>>());
        }
    }

    /// What it costs goes by its ranges.
    #[test]
    fn a_range_of_all_uids_is_one_range() {
        let all: HubPosition = "7:4294967295:1-4294967295".parse().unwrap();
        let board = super::super::board::Board::new(Some(all.clone()), 1 << 20, false);
        assert_eq!((board.position(), all.open()), (all.clone(), u64::from(u32::MAX)));
        let crate::Selection::Uids(7, uids) = board.selection() else { panic!("what is open comes first") };
        assert!(uids.len() <= 1000);
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in [
            "", "7", "7:", "7:9:", "7:9:0", "7:9:10", "7:9:3,3", "7:9:4,3", "7:9:4-3", "7:9:1-", "a:1",
            "7:9:1:2",
        ] {
            assert!(text.parse::<HubPosition>().is_err(), "{text:?}");
        }
    }
}
