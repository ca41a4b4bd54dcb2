//! Keys and values in a row, and changes made of them: a few large pieces of memory instead of two for each pair.

use std::ops::Range;

use crate::backend::Change;

/// Keys with their values, `None` for one that is removed, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    keys: String,
    values: Vec<u8>,
    /// Values that are too large to be copied.
    large: Vec<Vec<u8>>,
    ends: Vec<End>,
}

/// Where a pair ends; it begins where the one before does.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    key: usize,
    value: usize,
    is: Is,
}

#[derive(Clone, Copy, Debug, Default)]
enum Is {
    #[default]
    Removed,
    Value,
    /// The number of a large value.
    Large(usize),
}

impl Pairs {
    fn with_room(room: RoomOfPairs) -> Self {
        Self {
            keys: String::with_capacity(room.keys),
            values: Vec::with_capacity(room.values),
            large: Vec::new(),
            ends: Vec::with_capacity(room.pairs),
        }
    }

    fn room(&self) -> RoomOfPairs {
        RoomOfPairs { keys: self.keys.len(), values: self.values.len(), pairs: self.ends.len() }
    }

    fn push(&mut self, key: &str, value: &mut Option<Vec<u8>>) {
        self.keys.push_str(key);
        let is = match value {
            None => Is::Removed,
            Some(value) if value.len() > LARGEST_COPIED => {
                self.large.push(std::mem::take(value));
                Is::Large(self.large.len() - 1)
            }
            Some(value) => {
                self.values.extend_from_slice(value);
                Is::Value
            }
        };
        self.ends.push(End { key: self.keys.len(), value: self.values.len(), is });
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn key(&self, number: usize) -> &str {
        let (before, end) = self.place(number);
        &self.keys[before.key..end.key]
    }

    pub(super) fn pair(&self, number: usize) -> (&str, Option<&[u8]>) {
        let (before, end) = self.place(number);
        let value = match end.is {
            Is::Removed => None,
            Is::Value => Some(&self.values[before.value..end.value]),
            Is::Large(number) => Some(&*self.large[number]),
        };
        (&self.keys[before.key..end.key], value)
    }

    fn place(&self, number: usize) -> (End, End) {
        let before = number.checked_sub(1).map_or_else(End::default, |before| self.ends[before]);
        (before, self.ends[number])
    }

    /// Returns how many bytes all keys and values take.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() + self.values.len() + self.large.iter().map(Vec::len).sum::<usize>()
    }

    /// Lets go of the memory that it doesn't need.
    pub(super) fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.values.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Changes that are made in one transaction, in this order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) expected: Pairs,
    pub(super) written: Pairs,
    /// How many pairs of both there are with each change.
    ends: Vec<(usize, usize)>,
}

/// How much memory a batch takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    expected: RoomOfPairs,
    written: RoomOfPairs,
    changes: usize,
}

/// In bytes, and the number of pairs.
#[derive(Clone, Copy, Debug, Default)]
struct RoomOfPairs {
    keys: usize,
    values: usize,
    pairs: usize,
}

impl Batch {
    /// Begins with room for as much as another had.
    pub(super) fn with_room(room: Room) -> Self {
        Self {
            expected: Pairs::with_room(room.expected),
            written: Pairs::with_room(room.written),
            ends: Vec::with_capacity(room.changes),
        }
    }

    pub(super) fn room(&self) -> Room {
        Room { expected: self.expected.room(), written: self.written.room(), changes: self.ends.len() }
    }

    /// Adds a change, and takes of it what is large.
    pub(super) fn push(&mut self, change: &mut Change) {
        for (key, value) in &mut change.expectations {
            self.expected.push(key, value);
        }
        for (key, value) in &mut change.writes {
            self.written.push(key, value);
        }
        self.ends.push((self.expected.len(), self.written.len()));
    }

    /// Returns of each change which pairs it expects, and which it writes.
    pub(super) fn changes(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let begins = std::iter::once((0, 0)).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| (begin.0..end.0, begin.1..end.1))
    }
}

/// A longer value stays where it is, in bytes.
const LARGEST_COPIED: usize = 16 << 10;
