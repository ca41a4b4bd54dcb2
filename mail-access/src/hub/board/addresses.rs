//! The addresses that the hub has: they come, go, and have second names.

use super::Board;
use crate::Address;
use crate::hub::addresses::Name;
use crate::hub::queue::{Birth, Key, Slot};

impl Board {
    /// Takes an address in, with what is there for it already, and tells its place.
    pub(in crate::hub) fn add(&mut self, address: &Address) -> Key {
        self.add_since(address, None)
    }

    /// Takes an address in with what came for it since a birth.
    pub(in crate::hub) fn add_since(&mut self, address: &Address, birth: Option<Birth>) -> Key {
        if let Some(&slot) = self.addresses.get(address) {
            return self.key(slot);
        }
        let name = Name::of(address);
        let slot = self.free.pop().unwrap_or_else(|| {
            if self.slots.len() == self.slots.capacity() {
                // A vector doubles, which a million addresses would notice.
                self.slots.reserve_exact(self.slots.len() / 8 + 16);
            }
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.slots[slot as usize].name = Some(name.clone());
        self.slots[slot as usize].birth = birth;
        self.claim(&name, slot);
        self.addresses.insert_name(name, slot);
        if !self.domains.contains(address.domain()) {
            self.domains.insert(address.domain().clone());
        }
        self.key(slot)
    }

    /// Gives up an address; mail that nobody took is a dead letter from now on.
    pub(in crate::hub) fn remove(&mut self, address: &Address) -> bool {
        let Some(&slot) = self.addresses.get(address) else { return false };
        let left = self.slots[slot as usize].vacate();
        if let Some(name) = left.name {
            self.addresses.remove_name(&name);
        }
        self.free.push(slot);
        if self.open.is_some() {
            for uid in left.uids.into_iter().skip(left.taken as usize) {
                self.bury(uid, Some(address));
            }
        }
        left.bell.ring();
        true
    }

    /// Lets what comes for one address belong to another one, which the hub has.
    pub(in crate::hub) fn add_name(&mut self, name: &Address, of: &Address) {
        if let Some(&slot) = self.addresses.get(of) {
            let name = Name::of(name);
            self.claim(&name, slot);
            self.slots[slot as usize].uids.sort_unstable();
            self.addresses.insert_name(name, slot);
        }
    }

    /// Takes such a name away.
    pub(in crate::hub) fn remove_name(&mut self, name: &Address) {
        let name = Name::of(name);
        let is_own = |slot: &u32| self.slots[*slot as usize].name.as_ref() == Some(&name);
        if self.addresses.get_name(&name).is_some_and(|slot| !is_own(slot)) {
            self.addresses.remove_name(&name);
        }
    }

    /// Finds the place of the address that mail for another one belongs to.
    pub(in crate::hub) fn find(&self, address: &Address) -> Option<Key> {
        self.addresses.find(address).map(|&slot| self.key(slot))
    }

    pub(in crate::hub) fn address(&self, key: Key) -> Option<Address> {
        self.slot(key)?.name.as_ref()?.address()
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Gives a new address what came for it before it was known.
    fn claim(&mut self, name: &Name, slot: u32) {
        let behind = match (self.slots[slot as usize].birth, self.read) {
            (None, _) | (_, None) => 0,
            (Some(birth), Some(read)) if birth.place.uid_validity == read.uid_validity => birth.place.uid,
            // What is there was read under numbers that its birth knows nothing of.
            _ => u32::MAX,
        };
        for uid in self.claims.take(name) {
            if uid > behind && self.dead.remove(&uid) {
                let slot = &mut self.slots[slot as usize];
                slot.uids.push(uid);
                if let Some(name) = &slot.name {
                    self.listeners.ring(|| name.to_string());
                }
            }
        }
    }

    fn key(&self, slot: u32) -> Key {
        Key { slot, generation: self.slots[slot as usize].generation }
    }
}
