//! One folder: its messages by UID, what is known of them, and what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::history::History;
use super::marks::Marks;
use crate::{Entry, FlagChange, FolderStatus, MessageId, Position, Received, Selection, Uid};

/// An empty one owns nothing on the heap.
#[derive(Clone)]
pub(super) struct Folder {
    pub(super) uid_validity: u32,
    next_uid: u32,
    modseq: u64,
    messages: BTreeMap<u32, Stored>,
    unseen: BTreeSet<u32>,
    /// By a short form of the Message-ID, which several may share.
    by_message_id: BTreeSet<(u64, u32)>,
    history: History,
}

impl Folder {
    pub(super) fn new(uid_validity: u32) -> Self {
        Self {
            uid_validity,
            next_uid: 1,
            modseq: 1,
            messages: BTreeMap::new(),
            unseen: BTreeSet::new(),
            by_message_id: BTreeSet::new(),
            history: History::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Returns how many bytes its messages have.
    pub(super) fn size(&self) -> u64 {
        self.messages.values().map(Stored::size).sum()
    }

    pub(super) fn status(&self) -> FolderStatus {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        FolderStatus {
            messages: count(self.messages.len()),
            unseen: count(self.unseen.len()),
            uid_next: self.next_uid,
            modseq: Some(self.modseq),
            ..FolderStatus::new(self.uid_validity)
        }
    }

    pub(super) fn holds(&self, id: &MessageId) -> bool {
        self.with_id(id).next().is_some()
    }

    pub(super) fn get(&self, uid: u32) -> Option<Found> {
        let stored = self.messages.get(&uid)?.clone();
        Some(Found { uid: Uid::new(uid)?, stored })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Found> {
        self.messages.keys().filter_map(|uid| self.get(*uid))
    }

    /// Takes the message in as the last one.
    pub(super) fn put(&mut self, stored: Stored) -> Position {
        self.modseq += 1;
        let uid = self.next_uid;
        self.next_uid += 1;
        self.insert(uid, Stored { modseq: self.modseq, ..stored });
        Position { uid_validity: self.uid_validity, uid }
    }

    /// Gives the UIDs that match, in ascending order; the other UIDVALIDITY if the selection's UIDs belong to another
    /// one.
    pub(super) fn select(&self, selection: &Selection) -> Result<Box<dyn Iterator<Item = u32> + '_>, u32> {
        Ok(match selection {
            Selection::After(position) => {
                let known = position.filter(|position| position.uid_validity == self.uid_validity);
                Box::new(self.behind(known.map_or(0, |position| position.uid)))
            }
            Selection::Uids(expected, _) if *expected != self.uid_validity => return Err(*expected),
            Selection::Uids(_, wanted) => Box::new(self.present(wanted).into_iter()),
            Selection::Unseen => Box::new(self.unseen.iter().copied()),
            Selection::MessageId(id) => Box::new(self.with_id(id).collect::<Vec<_>>().into_iter()),
        })
    }

    /// Returns those of the UIDs that are there, each once and by size.
    pub(super) fn present(&self, uids: &[Uid]) -> BTreeSet<u32> {
        uids.iter().map(|uid| uid.get()).filter(|uid| self.messages.contains_key(uid)).collect()
    }

    pub(super) fn entry(&self, uid: u32) -> Option<Entry> {
        Some(self.messages.get(&uid)?.entry(Uid::new(uid)?))
    }

    pub(super) fn change_flags(&mut self, uids: &[Uid], change: &FlagChange) {
        let next = self.modseq + 1;
        for uid in self.present(uids) {
            let Some(stored) = self.messages.get_mut(&uid) else { continue };
            let marks = stored.marks.changed(change);
            if marks == stored.marks {
                continue;
            }
            if marks.seen() {
                self.unseen.remove(&uid);
            } else {
                self.unseen.insert(uid);
            }
            (stored.marks, stored.modseq) = (marks, next);
            self.modseq = next;
        }
    }

    pub(super) fn has_news_behind(&self, position: Position) -> bool {
        position.uid_validity != self.uid_validity || self.behind(position.uid).next().is_some()
    }

    /// Removes messages and returns them.
    pub(super) fn take(&mut self, uids: &[Uid]) -> Vec<(Uid, Stored)> {
        let next = self.modseq + 1;
        let mut taken = Vec::new();
        for uid in uids {
            let Some(stored) = self.messages.remove(&uid.get()) else { continue };
            self.unseen.remove(&uid.get());
            if let Some(id) = &stored.letter.message_id {
                self.by_message_id.remove(&(short(id), uid.get()));
            }
            self.modseq = next;
            self.history.note(next, *uid);
            taken.push((*uid, stored));
        }
        taken.sort_unstable_by_key(|(uid, _)| *uid);
        taken
    }

    /// Tells what came or changed since a state, and what went, by ascending UID.
    pub(super) fn changes(&self, since: u64) -> crate::Changes {
        let numbered = self.messages.iter().filter_map(|(uid, stored)| Some((Uid::new(*uid)?, stored)));
        let changed =
            numbered.filter(|(_, stored)| stored.modseq > since).map(|(uid, stored)| stored.entry(uid));
        let vanished = self.history.since(since).unwrap_or_else(|| {
            let absent = (1..self.next_uid).filter(|uid| !self.messages.contains_key(uid));
            absent.filter_map(Uid::new).collect()
        });
        crate::Changes::new(self.modseq.max(since), changed.collect(), vanished)
    }

    /// Numbers the messages from 1, in their order, and keeps everything else about them.
    pub(super) fn renumber(&mut self, uid_validity: u32) {
        let messages = std::mem::replace(self, Self::new(uid_validity)).messages;
        for stored in messages.into_values() {
            self.put(stored);
        }
    }

    fn insert(&mut self, uid: u32, stored: Stored) {
        if !stored.marks.seen() {
            self.unseen.insert(uid);
        }
        if let Some(id) = &stored.letter.message_id {
            self.by_message_id.insert((short(id), uid));
        }
        self.messages.insert(uid, stored);
    }

    fn with_id(&self, id: &MessageId) -> impl Iterator<Item = u32> {
        let has_id =
            |uid: &u32| self.messages.get(uid).is_some_and(|one| one.letter.message_id.as_ref() == Some(id));
        let alike = (short(id), 0)..=(short(id), u32::MAX);
        self.by_message_id.range(alike).map(|(_, uid)| *uid).filter(has_id)
    }

    fn behind(&self, uid: u32) -> impl Iterator<Item = u32> {
        self.messages.range((Excluded(uid), Unbounded)).map(|(uid, _)| *uid)
    }
}

/// A message as all its recipients share it.
pub(super) struct Letter {
    pub(super) message_id: Option<MessageId>,
    pub(super) bytes: Vec<u8>,
}

/// A letter in one folder: what the delivery wrote above it, when that was, and what its owner did with it.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) trace: Arc<str>,
    pub(super) letter: Arc<Letter>,
    pub(super) arrived: SystemTime,
    pub(super) marks: Marks,
    pub(super) given: Given,
    modseq: u64,
}

/// How much of a message can be given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Whole,
    Header,
    Nothing,
}

impl Stored {
    /// Keeps the time to the second, as the file systems of mail servers do.
    pub(super) fn new(trace: &str, letter: Arc<Letter>, arrived: SystemTime, marks: Marks) -> Self {
        Self {
            trace: trace.into(),
            letter,
            arrived: to_the_second(arrived),
            marks,
            given: Given::Whole,
            modseq: 0,
        }
    }

    pub(super) fn size(&self) -> u64 {
        (self.trace.len() + self.letter.bytes.len()) as u64
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.trace.as_bytes(), &self.letter.bytes].concat()
    }

    fn entry(&self, uid: Uid) -> Entry {
        Entry::new(uid, self.size(), self.marks.flags(), self.arrived)
    }
}

/// A message that was selected; decoding it takes long and is done without the lock.
pub(super) struct Found {
    pub(super) uid: Uid,
    pub(super) stored: Stored,
}

impl Found {
    pub(super) fn decode(self) -> Received {
        let Self { uid, stored } = self;
        let (arrived, seen, bytes) = (stored.arrived, stored.marks.seen(), stored.bytes());
        let header = match stored.given {
            Given::Whole => return Received::parse_later(uid, arrived, seen, bytes),
            Given::Header => memchr::memmem::find(&bytes, b"\r\n\r\n").map_or(bytes.len(), |end| end + 4),
            Given::Nothing => 0,
        };
        Received::withheld(uid, Some(arrived), seen, &bytes[..header], stored.size())
    }
}

fn short(id: &MessageId) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(id)
}

fn to_the_second(time: SystemTime) -> SystemTime {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        Err(before) => {
            let (seconds, part) = (before.duration().as_secs(), before.duration().subsec_nanos());
            let before = Duration::from_secs(seconds + u64::from(part > 0));
            SystemTime::UNIX_EPOCH.checked_sub(before).unwrap_or(time)
        }
    }
}
