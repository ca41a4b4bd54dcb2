//! What was read for each address, for those who come with positions of their own.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use super::board::Board;
use super::queue::Key;
use crate::{Error, MessageId, Received, Selection, Uid};

/// About the messages that the hub has read, by their UIDs.
#[derive(Default)]
pub(super) struct Index {
    known: BTreeMap<u32, Known>,
    hashes: RandomState,
}

struct Known {
    /// Of the Message-ID.
    hash: u64,
    seen: bool,
}

impl Index {
    pub(super) fn note(&mut self, message: &Received) {
        let hash = message.message_id().map_or(0, |id| self.hashes.hash_one(id));
        self.known.insert(message.uid().get(), Known { hash, seen: message.is_seen() });
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    fn may_have(&self, uid: u32, id: &MessageId) -> bool {
        self.known.get(&uid).is_some_and(|known| known.hash == self.hashes.hash_one(id))
    }

    fn may_be_unseen(&self, uid: u32) -> bool {
        self.known.get(&uid).is_none_or(|known| !known.seen)
    }
}

impl Board {
    /// Lists the messages of an address that a selection may mean.
    pub(super) fn candidates(&self, key: Key, selection: &Selection) -> Result<(u32, Vec<Uid>), Error> {
        let found = self.read.map_or(0, |read| read.uid_validity);
        let all = self.slot(key).map_or(&[][..], |slot| &slot.uids);
        let index = self.index.as_ref();
        let uids: Vec<u32> = match selection {
            Selection::After(position) => {
                let known = position.filter(|position| position.uid_validity == found);
                let behind = known.map_or(0, |position| position.uid);
                all[all.partition_point(|uid| *uid <= behind)..].to_vec()
            }
            Selection::Uids(expected, _) if *expected != found => {
                return Err(Error::Renumbered { operation: "fetch", expected: *expected, found });
            }
            Selection::Uids(_, wanted) => {
                let mut wanted = self.own(key, wanted);
                wanted.sort_unstable();
                wanted.dedup();
                wanted.iter().map(|uid| uid.get()).collect()
            }
            Selection::Unseen => {
                let unseen = |uid: &u32| index.is_none_or(|index| index.may_be_unseen(*uid));
                all.iter().copied().filter(unseen).collect()
            }
            Selection::MessageId(id) => {
                let has_it = |uid: &u32| index.is_none_or(|index| index.may_have(*uid, id));
                all.iter().copied().filter(has_it).collect()
            }
        };
        Ok((found, uids.into_iter().filter_map(Uid::new).collect()))
    }

    /// Keeps those of the UIDs that belong to an address.
    pub(super) fn own(&self, key: Key, uids: &[Uid]) -> Vec<Uid> {
        let all = self.slot(key).map_or(&[][..], |slot| &slot.uids);
        uids.iter().copied().filter(|uid| all.binary_search(&uid.get()).is_ok()).collect()
    }

    /// Notes that messages are seen by now.
    pub(super) fn seen(&mut self, uid_validity: u32, uids: impl IntoIterator<Item = Uid>) {
        if self.read.is_none_or(|read| read.uid_validity != uid_validity) {
            return;
        }
        for uid in uids {
            // It was read before that.
            self.stock.take(uid.get());
            if let Some(known) = self.index.as_mut().and_then(|index| index.known.get_mut(&uid.get())) {
                known.seen = true;
            }
        }
    }

    /// Forgets messages that the mailbox doesn't have any more.
    pub(super) fn forget(&mut self, key: Key, uid_validity: u32, gone: &[Uid]) {
        if gone.is_empty() || self.read.is_none_or(|read| read.uid_validity != uid_validity) {
            return;
        }
        if let Some(slot) = self.slot_mut(key) {
            slot.uids.retain(|uid| !gone.iter().any(|gone| gone.get() == *uid));
        }
        for uid in gone {
            if let Some(index) = &mut self.index {
                index.known.remove(&uid.get());
            }
        }
    }
}
