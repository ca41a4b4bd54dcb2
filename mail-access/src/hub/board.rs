//! What the hub knows of its mailbox: for each address the UIDs of its mail, and how far it has read.

mod addresses;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use tokio::sync::futures::OwnedNotified;

use super::addresses::AddressMap;
use super::claims::Claims;
use super::index::Index;
use super::queue::{Bell, Key, Queue, Slot, Step, Stop, Taken, removed};
use super::stock::Stock;
use super::{HubPosition, Unroutable};
use crate::arrivals::{Listener, Listeners};
use crate::{Address, DomainName, Error, Position, Received, Selection, Uid};

pub(super) struct Board {
    addresses: AddressMap<u32>,
    pub(super) domains: HashSet<DomainName>,
    pub(super) slots: Vec<Slot>,
    free: Vec<u32>,
    dead: BTreeSet<u32>,
    dead_bell: Bell,
    /// Those of the dead letters that are for unknown addresses.
    claims: Claims,
    pub(super) stock: Stock,
    /// What was read and not acknowledged; `None` where nothing ever is.
    open: Option<BTreeSet<u32>>,
    /// What is known of all that was read; `None` where messages are forgotten when they are handed out.
    pub(super) index: Option<Index>,
    /// `None` before anything was read.
    pub(super) read: Option<Position>,
    /// What of an earlier hub's messages is still to be read again.
    again: HubPosition,
    repeats: Repeats,
    stopped: Option<Stop>,
    /// How many messages of one queue are fetched at a time, so that the stock can hold them.
    fetched: usize,
    listeners: Listeners,
}

impl Board {
    pub(super) fn new(position: Option<HubPosition>, stock: usize, is_indexed: bool) -> Self {
        let nowhere = Position { uid_validity: 0, uid: 0 };
        let repeats = if position.is_some() { Repeats::All } else { Repeats::UpTo(0) };
        Self {
            addresses: AddressMap::new(),
            domains: HashSet::new(),
            slots: Vec::new(),
            free: Vec::new(),
            dead: BTreeSet::new(),
            dead_bell: Bell::default(),
            claims: Claims::default(),
            stock: Stock::new(stock),
            open: (!is_indexed).then(BTreeSet::new),
            index: is_indexed.then(Index::default),
            read: position.as_ref().map(HubPosition::read),
            again: position.unwrap_or(HubPosition::behind(nowhere)),
            repeats,
            stopped: None,
            fetched: MAX_FETCHED,
            listeners: Listeners::default(),
        }
    }

    /// Begins to listen for mail of all addresses.
    pub(super) fn listen(&mut self) -> Arc<Listener> {
        let holding = self.slots.iter().filter(|slot| !slot.uids.is_empty());
        self.listeners.listen(holding.filter_map(|slot| slot.name.as_ref()).map(ToString::to_string))
    }

    pub(super) fn slot(&self, key: Key) -> Option<&Slot> {
        self.slots.get(key.slot as usize).filter(|slot| slot.generation == key.generation)
    }

    pub(super) fn slot_mut(&mut self, key: Key) -> Option<&mut Slot> {
        self.slots.get_mut(key.slot as usize).filter(|slot| slot.generation == key.generation)
    }

    /// Says what to read next.
    pub(super) fn selection(&self) -> Selection {
        let uids: Vec<Uid> = self.again.open_uids().take(AGAIN).collect();
        if uids.is_empty() {
            Selection::After(self.read)
        } else {
            Selection::Uids(self.again.read().uid_validity, uids)
        }
    }

    /// Files what was read by a selection, and tells whether there is more to read.
    pub(super) fn file(
        &mut self,
        selection: &Selection,
        uid_validity: u32,
        messages: Vec<(Received, Result<Address, Unroutable>)>,
        more: bool,
    ) -> bool {
        self.renumber(uid_validity);
        let is_new = matches!(selection, Selection::After(_));
        let before = self.read.map_or(0, |read| read.uid);
        let last = messages.last().map_or(0, |(message, _)| message.uid().get());
        for (message, found) in messages {
            let uid = message.uid().get();
            if is_new && uid <= before {
                // It was filed already; a server that gives it out again is not to be believed.
                continue;
            }
            let found = found.ok().map(|recipient| self.addresses.find(&recipient).copied().ok_or(recipient));
            let is_predecessor_s = |slot: u32| {
                let birth = self.slots[slot as usize].birth;
                birth.is_some_and(|birth| !birth.is_before(uid_validity, &message))
            };
            // Whoever has the address now doesn't get it, nor does anybody later.
            let found = found.filter(|found| !found.as_ref().is_ok_and(|slot| is_predecessor_s(*slot)));
            if let Some(open) = &mut self.open {
                open.insert(uid);
            }
            if let Some(index) = &mut self.index {
                index.note(&message);
            }
            self.stock.put(message);
            match found {
                Some(Ok(slot)) => {
                    let slot = &mut self.slots[slot as usize];
                    slot.uids.push(uid);
                    slot.bell.ring();
                    if let Some(name) = &slot.name {
                        self.listeners.ring(|| name.to_string());
                    }
                }
                Some(Err(unknown)) => self.bury(uid, Some(&unknown)),
                None => self.bury(uid, None),
            }
        }
        if let Selection::Uids(_, asked) = selection {
            let done = if more { last } else { asked.last().map_or(last, |uid| uid.get()) };
            self.again.without_open_up_to(done);
            return true;
        }
        if let Some(read) = &mut self.read {
            read.uid = read.uid.max(last);
            if !more && self.repeats == Repeats::All {
                self.repeats = Repeats::UpTo(read.uid);
            }
        }
        more
    }

    /// Begins anew if the mailbox has another numbering.
    pub(super) fn renumber(&mut self, uid_validity: u32) {
        let before = self.read.replace(Position { uid_validity, uid: 0 });
        match before {
            None => return,
            Some(before) if before.uid_validity == uid_validity => {
                self.read = Some(before);
                return;
            }
            Some(_) => {}
        }
        for slot in &mut self.slots {
            slot.uids.clear();
            slot.taken = 0;
            slot.bell.ring();
        }
        self.dead.clear();
        self.claims.clear();
        self.stock.clear();
        if let Some(open) = &mut self.open {
            open.clear();
        }
        if let Some(index) = &mut self.index {
            index.clear();
        }
        self.again = HubPosition::behind(Position { uid_validity, uid: 0 });
        self.repeats = Repeats::All;
    }

    pub(super) fn position(&self) -> HubPosition {
        let Some(read) = self.read else { return self.again.clone() };
        self.again.joined(read, self.open.iter().flatten().copied())
    }

    pub(super) fn acknowledge(&mut self, place: Position) {
        if self.read.is_some_and(|read| read.uid_validity == place.uid_validity)
            && let Some(open) = &mut self.open
        {
            open.remove(&place.uid);
        }
    }

    /// Says how to come to the next message of a queue.
    pub(super) fn step(&mut self, queue: Queue) -> Result<Step, Error> {
        let Some(uid) = self.front(queue, 1)?.first().copied() else {
            return match &self.stopped {
                Some(stop) => Err(stop.error()),
                None => Ok(Step::Wait(self.bell(queue)?.next())),
            };
        };
        let uid_validity = self.read.map_or(0, |read| read.uid_validity);
        Ok(match self.stock.take(uid.get()) {
            Some(message) => Step::Ready(Box::new(self.hand_out(queue, message))),
            None => Step::Fetch(uid_validity, self.front(queue, self.fetched)?),
        })
    }

    /// Takes in what was fetched for a queue, and hands out its first message if it is among that. Those that the
    /// mailbox doesn't have any more are forgotten.
    pub(super) fn brought(
        &mut self,
        queue: Queue,
        (uid_validity, asked): (u32, &[Uid]),
        (messages, more): (Vec<Received>, bool),
    ) -> Result<Option<Taken>, Error> {
        if self.read.is_none_or(|read| read.uid_validity != uid_validity) {
            return Ok(None);
        }
        let end = messages.last().map_or(0, |message| message.uid().get());
        for uid in asked.iter().filter(|uid| !more || uid.get() < end) {
            if messages.binary_search_by_key(uid, Received::uid).is_err() && self.leave(queue, uid.get()) {
                self.acknowledge(Position { uid_validity, uid: uid.get() });
            }
        }
        if let Some(fits) = self.stock.capacity(&messages) {
            self.fetched = fits.clamp(1, MAX_FETCHED);
        }
        let mut first = None;
        for message in messages {
            let uid = message.uid().get();
            if first.is_none() && self.front(queue, 1)?.first() == Some(&message.uid()) {
                first = Some(self.hand_out(queue, message));
            } else if self.front(queue, MAX_FETCHED)?.iter().any(|waiting| waiting.get() == uid) {
                self.stock.put(message);
            }
        }
        Ok(first)
    }

    /// Tells whether an address has a message behind a place, or everything is numbered anew since.
    pub(super) fn has_arrived(&self, key: Key, after: Position) -> bool {
        let last = self.slot(key).and_then(|slot| slot.uids.last());
        self.read.is_some_and(|read| read.uid_validity != after.uid_validity)
            || last.is_some_and(|last| *last > after.uid)
    }

    /// Completes at the next message of an address.
    pub(super) fn next_ring(&mut self, key: Key) -> Result<OwnedNotified, Error> {
        match &self.stopped {
            Some(stop) => Err(stop.error()),
            None => Ok(self.bell(Queue::Address(key))?.next()),
        }
    }

    /// Ends all waiting for good.
    pub(super) fn stop(&mut self, stop: Stop) {
        if self.stopped.is_none() {
            self.stopped = Some(stop);
        }
        self.dead_bell.ring();
        for slot in &self.slots {
            slot.bell.ring();
        }
    }

    fn hand_out(&mut self, queue: Queue, message: Received) -> Taken {
        let uid = message.uid().get();
        self.leave(queue, uid);
        let repeated = match self.repeats {
            Repeats::All => true,
            Repeats::UpTo(last) => uid <= last,
        };
        let uid_validity = self.read.map_or(0, |read| read.uid_validity);
        Taken { message, repeated, place: Position { uid_validity, uid } }
    }

    /// Takes a message out of a queue; false if it is not in it.
    fn leave(&mut self, queue: Queue, uid: u32) -> bool {
        match queue {
            Queue::Address(key) => self.slot_mut(key).is_some_and(|slot| slot.leave(uid)),
            Queue::Dead => {
                self.claims.forget(uid);
                self.dead.remove(&uid)
            }
        }
    }

    fn front(&self, queue: Queue, count: usize) -> Result<Vec<Uid>, Error> {
        Ok(match queue {
            Queue::Address(key) => {
                let waiting = self.slot(key).ok_or_else(removed)?.waiting();
                waiting.iter().take(count).copied().filter_map(Uid::new).collect()
            }
            Queue::Dead => self.dead.iter().take(count).copied().filter_map(Uid::new).collect(),
        })
    }

    fn bell(&mut self, queue: Queue) -> Result<&mut Bell, Error> {
        match queue {
            Queue::Address(key) => Ok(&mut self.slot_mut(key).ok_or_else(removed)?.bell),
            Queue::Dead => Ok(&mut self.dead_bell),
        }
    }

    /// Makes a message a dead letter, of an address that is unknown or of none.
    fn bury(&mut self, uid: u32, unknown: Option<&Address>) {
        if let Some(recipient) = unknown {
            self.claims.note(uid, recipient);
        }
        self.dead.insert(uid);
        self.dead_bell.ring();
    }
}

/// Which messages an earlier hub may have handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    All,
    UpTo(u32),
}

/// So many UIDs make a short command.
const AGAIN: usize = 500;
/// A backlog is fetched in so many turns less than it has messages.
const MAX_FETCHED: usize = 16;
