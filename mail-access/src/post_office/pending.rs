//! Messages that were accepted and are still on their way.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::mail::Mail;
use super::report::{Action, Fate};
use super::state::{End, Name, State};
use crate::{Address, Status};

#[derive(Clone)]
pub(super) struct Pending {
    due: Instant,
    /// How many messages to the same recipient go before it, if it waits for that.
    behind: Option<u32>,
    /// Why it will come back, if it will.
    refused: Option<Status>,
    mail: Arc<Mail>,
    recipient: Address,
}

impl Pending {
    pub(super) fn until(due: Instant, mail: &Arc<Mail>, recipient: &Address) -> Self {
        Self { due, behind: None, refused: None, mail: Arc::clone(mail), recipient: recipient.clone() }
    }

    pub(super) fn behind(messages: u32, due: Instant, mail: &Arc<Mail>, recipient: &Address) -> Self {
        Self { behind: Some(messages), ..Self::until(due, mail, recipient) }
    }

    pub(super) fn refused(due: Instant, mail: &Arc<Mail>, recipient: &Address, status: Status) -> Self {
        Self { refused: Some(status), ..Self::until(due, mail, recipient) }
    }
}

/// What is on its way, by the time at which it is due and then in the order in which it was sent off.
#[derive(Clone, Default)]
pub(super) struct Queue {
    all: BTreeMap<Key, Waiting>,
    /// What the owner of a mailbox who waits for mail has to look at.
    of_mailbox: HashMap<Name, BTreeSet<Key>>,
    /// How many wait to be overtaken.
    overtakable: usize,
    next: u64,
}

type Key = (Instant, u64);
/// With the mailboxes whose owners have to look at it.
type Waiting = (Pending, Vec<Name>);

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns when the next message is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.all.first_key_value().map(|((due, _), _)| *due)
    }

    /// Moves everything into the future.
    pub(super) fn shift(&mut self, by: Duration) {
        let old = std::mem::take(self);
        let moved = |(due, number): Key| (due + by, number);
        self.all = old
            .all
            .into_iter()
            .map(|(key, (pending, names))| {
                (moved(key), (Pending { due: pending.due + by, ..pending }, names))
            })
            .collect();
        let mailboxes = old.of_mailbox.into_iter();
        self.of_mailbox =
            mailboxes.map(|(name, keys)| (name, keys.into_iter().map(moved).collect())).collect();
        (self.overtakable, self.next) = (old.overtakable, old.next);
    }

    fn put(&mut self, pending: Pending, mailboxes: Vec<Name>) {
        let key = (pending.due, self.next);
        self.next += 1;
        self.overtakable += usize::from(pending.behind.is_some());
        for name in &mailboxes {
            self.of_mailbox.entry(name.clone()).or_default().insert(key);
        }
        self.all.insert(key, (pending, mailboxes));
    }

    fn take(&mut self, keys: &[Key]) -> Vec<Pending> {
        let mut taken = Vec::with_capacity(keys.len());
        for key in keys {
            let Some((pending, names)) = self.all.remove(key) else { continue };
            for name in names {
                if let Entry::Occupied(mut due) = self.of_mailbox.entry(name) {
                    due.get_mut().remove(key);
                    if due.get().is_empty() {
                        due.remove();
                    }
                }
            }
            taken.push(pending);
        }
        self.overtakable -= taken.iter().filter(|pending| pending.behind.is_some()).count();
        taken
    }
}

impl State {
    pub(super) fn hold(&mut self, pending: Pending) {
        // Who waits for mail has to look when it is due.
        let mut mailboxes = Vec::new();
        for address in [&pending.recipient, &pending.mail.sender] {
            mailboxes.extend(self.route(address).into_iter().filter_map(|end| match end {
                End::Mailbox(name) => Some(name),
                _ => None,
            }));
        }
        for name in &mailboxes {
            if let Some(mailbox) = self.mailbox_named(name) {
                mailbox.ring();
            }
        }
        self.pending.put(pending, mailboxes);
        self.listeners.wake();
    }

    /// Returns when the next message is due that somebody who waits for mail has to know of.
    pub(super) fn next_due(&self, mailbox: &Address) -> Option<Instant> {
        if self.pending.is_empty() {
            return None;
        }
        self.pending.of_mailbox.get(&Name::of(mailbox))?.first().map(|(due, _)| *due)
    }

    /// Delivers what is due by now, in the order in which it became due.
    pub(super) fn deliver_due(&mut self, now: SystemTime) {
        let instant = Instant::now();
        let due: Vec<Key> = self.pending.all.keys().take_while(|(due, _)| *due <= instant).copied().collect();
        let due = self.pending.take(&due);
        self.release(due, now);
    }

    /// Counts a message to a recipient, and delivers what waited for it.
    pub(super) fn let_overtake(&mut self, recipient: &Address, now: SystemTime) {
        if self.pending.overtakable == 0 {
            return;
        }
        let name = Name::of(recipient);
        for (pending, _) in self.pending.all.values_mut() {
            if let Some(behind) = &mut pending.behind
                && Name::of(&pending.recipient) == name
            {
                *behind = behind.saturating_sub(1);
            }
        }
        let is_overtaken = |(_, (pending, _)): &(&Key, &Waiting)| pending.behind == Some(0);
        let overtaken: Vec<Key> = self.pending.all.iter().filter(is_overtaken).map(|(key, _)| *key).collect();
        let overtaken = self.pending.take(&overtaken);
        self.release(overtaken, now);
    }

    fn release(&mut self, released: Vec<Pending>, now: SystemTime) {
        for Pending { mail, recipient, refused, .. } in released {
            let mut fates = Vec::new();
            match refused {
                Some(status) => fates.push(Fate::new(&recipient, &recipient, Action::Failed, status)),
                None => self.bring(&mail, &recipient, now, &mut fates),
            }
            self.report(&mail, fates, now);
        }
    }
}
