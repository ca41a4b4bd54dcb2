//! How many mailboxes may be created at once in a domain.
//!
//! Mailcow counts the mailboxes of a domain before it creates one, and not again: simultaneous creates pass the limit
//! together, and a domain that was overrun refuses every edit. So creates go out side by side only while the domain,
//! as it was last read, has room for all of them; else one at a time. What other clients create is not known here.

use std::{
    collections::HashMap,
    ops::{AddAssign, Sub, SubAssign},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::{Bytes, Domain, DomainName, Mib};

/// What is known of the room in each domain. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Capacity(Arc<Mutex<HashMap<DomainName, Known>>>);

/// So many mailboxes, and so many bytes assigned to them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Room {
    mailboxes: i64,
    quota: i64,
}

#[derive(Default)]
struct Known {
    /// Held together by creates side by side, and alone by one that there may be no room for.
    turn: Arc<RwLock<()>>,
    /// What is left for further creates; `None` before the domain is read.
    left: Option<Room>,
    /// What all creates so far wanted, and what those of them wanted that are over.
    entered: Room,
    over: Room,
}

/// The permission to create one mailbox, until it is dropped.
#[must_use]
pub(crate) struct Place {
    capacity: Capacity,
    domain: DomainName,
    wanted: Room,
    /// `None` while it waits.
    turn: Option<Turn>,
}

enum Turn {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

impl Capacity {
    /// Waits until a mailbox of this quota may be created.
    pub(crate) async fn enter(&self, domain: &DomainName, quota: Mib) -> Place {
        let wanted = Room { mailboxes: 1, quota: Bytes::from(quota).get() };
        let (turn, fits) = {
            let mut all = self.lock();
            let known = all.entry(domain.clone()).or_default();
            known.entered += wanted;
            let fits = known.left.as_mut().is_some_and(|left| {
                *left -= wanted;
                left.mailboxes >= 0 && left.quota >= 0
            });
            (Arc::clone(&known.turn), fits)
        };
        let mut place = Place { capacity: self.clone(), domain: domain.clone(), wanted, turn: None };
        place.turn = Some(if fits {
            Turn::Shared { _guard: turn.read_owned().await }
        } else {
            Turn::Alone { _guard: turn.write_owned().await }
        });
        place
    }

    /// Returns what [`noted`](Self::noted) has to know of the time before a domain is read.
    pub(crate) fn over(&self, domain: &DomainName) -> Room {
        self.lock().get(domain).map(|known| known.over).unwrap_or_default()
    }

    /// Notes how much room there is, as read. Creates that were not over when the read began may not be counted in it.
    pub(crate) fn noted(&self, domain: &DomainName, read: &Domain, over_before: Room) {
        let mut all = self.lock();
        let known = all.entry(domain.clone()).or_default();
        let quota = read.quota.get().saturating_sub(read.quota_assigned.get());
        let left = Room { mailboxes: read.mailboxes_left, quota };
        known.left = Some(left - (known.entered - over_before));
    }

    /// Forgets how much room there is: the limits are changed.
    pub(crate) fn forget(&self, domain: &DomainName) {
        if let Some(known) = self.lock().get_mut(domain) {
            known.left = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DomainName, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(known) = self.capacity.lock().get_mut(&self.domain) {
            known.over += self.wanted;
        }
        self.turn = None;
    }
}

impl AddAssign for Room {
    fn add_assign(&mut self, other: Self) {
        self.mailboxes = self.mailboxes.saturating_add(other.mailboxes);
        self.quota = self.quota.saturating_add(other.quota);
    }
}

impl SubAssign for Room {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sub for Room {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            mailboxes: self.mailboxes.saturating_sub(other.mailboxes),
            quota: self.quota.saturating_sub(other.quota),
        }
    }
}
