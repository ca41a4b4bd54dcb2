use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use crate::Received;

/// Which messages were given out, so that they are known again when the mailbox was numbered anew.
///
/// A message is known by its Message-ID, size and date of arrival, of which 8 bytes are kept. Only so many are; of older
/// ones it is kept until when they arrived, and all that arrived by then counts as given out.
#[derive(Debug)]
pub(super) struct Given {
    hasher: RandomState,
    /// What was given out under this numbering, the oldest first.
    now: VecDeque<u64>,
    /// What was given out under former ones, while the mailbox is read anew.
    before: HashSet<u64>,
    /// When the last message arrived that is forgotten.
    forgotten: Option<SystemTime>,
    /// Nobody knows what was given out before.
    is_unsure: bool,
    capacity: usize,
}

impl Given {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            now: VecDeque::new(),
            before: HashSet::new(),
            forgotten: None,
            is_unsure: false,
            capacity,
        }
    }

    /// Notes that the mailbox was numbered anew; `is_first` if nothing was read of the former numbering here.
    pub(super) fn renumber(&mut self, is_first: bool) {
        self.is_unsure |= is_first;
        self.before.extend(self.now.drain(..));
    }

    /// Notes that the mailbox was read to its end under its present numbering.
    pub(super) fn catch_up(&mut self) {
        self.before = HashSet::new();
        self.is_unsure = false;
    }

    /// Notes that a message is given out, and tells whether it may have been before, under a former numbering.
    pub(super) fn give(&mut self, message: &Received) -> bool {
        let identity = self.hasher.hash_one((message.message_id(), message.size(), message.internal_date()));
        let is_new_numbering = self.is_unsure || !self.before.is_empty();
        let is_forgotten = self.forgotten.is_some_and(|last| message.internal_date() <= last);
        let is_repeated =
            is_new_numbering && (self.is_unsure || is_forgotten || self.before.contains(&identity));
        if self.now.len() >= self.capacity {
            self.now.pop_front();
            // Messages are given out in the order of their arrival, as a rule.
            self.forgotten = self.forgotten.max(Some(message.internal_date()));
        }
        self.now.push_back(identity);
        is_repeated
    }
}
