//! One INBOX: its messages by UID, what is known of them, and the bell that wakes who waits for more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::{MessageId, Position, Received, Selection, Uid};

/// An empty one owns nothing on the heap but its password.
pub(super) struct Mailbox {
    pub(super) uid_validity: u32,
    password: SecretString,
    /// In bytes; 0 is no limit.
    quota: u64,
    used: u64,
    next_uid: u32,
    messages: BTreeMap<u32, Stored>,
    unseen: BTreeSet<u32>,
    by_message_id: BTreeSet<(MessageId, u32)>,
    bell: Option<Arc<Notify>>,
}

impl Mailbox {
    pub(super) fn new(password: SecretString, quota_mib: u64, uid_validity: u32) -> Self {
        Self {
            uid_validity,
            password,
            quota: quota_mib.saturating_mul(1 << 20),
            used: 0,
            next_uid: 1,
            messages: BTreeMap::new(),
            unseen: BTreeSet::new(),
            by_message_id: BTreeSet::new(),
            bell: None,
        }
    }

    pub(super) fn opens_with(&self, password: &SecretString) -> bool {
        self.password.expose_secret() == password.expose_secret()
    }

    pub(super) fn set_password(&mut self, password: SecretString) {
        self.password = password;
        self.ring();
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Tells whether this many bytes more would not pass the quota.
    pub(super) fn has_room(&self, size: u64) -> bool {
        self.quota == 0 || self.used.saturating_add(size) <= self.quota
    }

    /// Takes the message in, unless it would pass the quota.
    pub(super) fn put(&mut self, stored: Stored) -> Result<(), Full> {
        if !self.has_room(stored.size()) {
            return Err(Full);
        }
        self.used += stored.size();
        let uid = self.next_uid;
        self.next_uid += 1;
        self.unseen.insert(uid);
        if let Some(id) = &stored.letter.message_id {
            self.by_message_id.insert((id.clone(), uid));
        }
        self.messages.insert(uid, stored);
        self.ring();
        Ok(())
    }

    /// Gives out the first `limit` messages that match, and whether there are more; the other UIDVALIDITY if the
    /// selection's UIDs belong to another one.
    pub(super) fn select(&self, selection: &Selection, limit: usize) -> Result<(Vec<Found>, bool), u32> {
        let mut uids: Box<dyn Iterator<Item = u32> + '_> = match selection {
            Selection::After(position) => {
                let known = position.filter(|position| position.uid_validity == self.uid_validity);
                Box::new(self.behind(known.map_or(0, |position| position.uid)))
            }
            Selection::Uids(expected, _) if *expected != self.uid_validity => return Err(*expected),
            Selection::Uids(_, wanted) => {
                let wanted: BTreeSet<u32> = wanted.iter().map(|uid| uid.get()).collect();
                Box::new(wanted.into_iter().filter(|uid| self.messages.contains_key(uid)))
            }
            Selection::Unseen => Box::new(self.unseen.iter().copied()),
            Selection::MessageId(id) => {
                let all = (id.clone(), 0)..=(id.clone(), u32::MAX);
                Box::new(self.by_message_id.range(all).map(|(_, uid)| *uid))
            }
        };
        let found = uids
            .by_ref()
            .take(limit.max(1))
            .filter_map(|number| {
                let (uid, stored) = (Uid::new(number)?, self.messages.get(&number)?.clone());
                Some(Found { uid, seen: !self.unseen.contains(&number), stored })
            })
            .collect();
        let more = uids.next().is_some();
        Ok((found, more))
    }

    pub(super) fn mark_seen(&mut self, uids: &[Uid]) {
        for uid in uids {
            self.unseen.remove(&uid.get());
        }
    }

    pub(super) fn has_news_behind(&self, position: Position) -> bool {
        position.uid_validity != self.uid_validity || self.behind(position.uid).next().is_some()
    }

    pub(super) fn expunge(&mut self, uids: &[Uid]) {
        for number in uids.iter().map(|uid| uid.get()) {
            let Some(stored) = self.messages.remove(&number) else { continue };
            self.used -= stored.size();
            self.unseen.remove(&number);
            if let Some(id) = &stored.letter.message_id {
                self.by_message_id.remove(&(id.clone(), number));
            }
        }
    }

    /// Numbers the messages from 1, in their order, and keeps everything else about them.
    pub(super) fn renumber(&mut self, uid_validity: u32) {
        self.uid_validity = uid_validity;
        self.by_message_id.clear();
        self.next_uid = 1;
        let unseen = std::mem::take(&mut self.unseen);
        for (old, stored) in std::mem::take(&mut self.messages) {
            let uid = self.next_uid;
            self.next_uid += 1;
            if unseen.contains(&old) {
                self.unseen.insert(uid);
            }
            if let Some(id) = &stored.letter.message_id {
                self.by_message_id.insert((id.clone(), uid));
            }
            self.messages.insert(uid, stored);
        }
        self.ring();
    }

    /// Completes at the next ring after this call, be it polled before or only later.
    pub(super) fn next_ring(&mut self) -> OwnedNotified {
        Arc::clone(self.bell.get_or_insert_default()).notified_owned()
    }

    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.notify_waiters();
        }
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

/// A letter in one mailbox: what the delivery wrote above it, and when that was.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) trace: Arc<str>,
    pub(super) letter: Arc<Letter>,
    pub(super) arrived: SystemTime,
}

impl Stored {
    pub(super) fn size(&self) -> u64 {
        (self.trace.len() + self.letter.bytes.len()) as u64
    }
}

/// A message that was selected; decoding it takes long and is done without the lock.
pub(super) struct Found {
    uid: Uid,
    seen: bool,
    stored: Stored,
}

impl Found {
    pub(super) fn decode(self) -> Received {
        let raw = [self.stored.trace.as_bytes(), &self.stored.letter.bytes].concat();
        Received::parse(self.uid, self.stored.arrived, self.seen, raw)
    }
}

/// The quota has no room for the message.
#[derive(Debug)]
pub(super) struct Full;
