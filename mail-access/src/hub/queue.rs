//! Who waits for what: the mail of one address, and how the hub says that there is more.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::addresses::Name;
use crate::{Address, Error, Position, Received, Status, Uid};

/// What there is for one address.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) name: Option<Name>,
    /// In ascending order; the first `taken` of them were handed out.
    pub(super) uids: Vec<u32>,
    pub(super) taken: u32,
    pub(super) generation: u32,
    pub(super) bell: Bell,
    /// What is older is not its own; `None` for an address that gets all that came for it.
    pub(super) birth: Option<Birth>,
}

/// From when on mail for an address is that of the one who has it now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Birth {
    /// Up to here the mail is that of others.
    pub(super) place: Position,
    /// For a mailbox that was numbered anew since.
    pub(super) time: SystemTime,
}

impl Birth {
    /// Tells whether a message came after it. Where the numbers say nothing any more, one of the same second did not.
    pub(super) fn is_before(&self, uid_validity: u32, message: &Received) -> bool {
        if self.place.uid_validity == uid_validity {
            return message.uid().get() > self.place.uid;
        }
        let seconds =
            |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        seconds(message.internal_date()) > seconds(self.time)
    }
}

impl Slot {
    pub(super) fn waiting(&self) -> &[u32] {
        &self.uids[self.taken as usize..]
    }

    /// Takes a message out, mostly the first one.
    pub(super) fn leave(&mut self, uid: u32) -> bool {
        let Ok(place) = self.waiting().binary_search(&uid) else { return false };
        if place == 0 {
            self.taken += 1;
        } else {
            self.uids.remove(self.taken as usize + place);
        }
        let taken = self.taken as usize;
        if taken == self.uids.len() {
            self.uids = Vec::new();
            self.taken = 0;
        } else if taken > self.uids.len() / 2 {
            self.uids.drain(..taken);
            self.taken = 0;
        }
        true
    }

    pub(super) fn vacate(&mut self) -> Self {
        let generation = self.generation.wrapping_add(1);
        std::mem::replace(self, Self { generation, ..Self::default() })
    }
}

/// The place of an address, until that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Queue {
    Address(Key),
    Dead,
}

/// How to come to the next message.
pub(super) enum Step {
    Ready(Box<Taken>),
    Fetch(u32, Vec<Uid>),
    Wait(OwnedNotified),
}

/// A message that was handed out.
pub(super) struct Taken {
    pub(super) message: Received,
    pub(super) repeated: bool,
    pub(super) place: Position,
}

/// Wakes whoever waits; it is made when somebody does for the first time.
#[derive(Default)]
pub(super) struct Bell(Option<Arc<Notify>>);

impl Bell {
    /// Completes at the next ring after this call, be it polled before or only later.
    pub(super) fn next(&mut self) -> OwnedNotified {
        Arc::clone(self.0.get_or_insert_default()).notified_owned()
    }

    pub(super) fn ring(&self) {
        if let Some(bell) = &self.0 {
            bell.notify_waiters();
        }
    }
}

/// Why the hub reads no more.
pub(super) enum Stop {
    Refused { login: Address, status: Status },
    Ended,
}

impl Stop {
    pub(super) fn error(&self) -> Error {
        match self {
            Self::Refused { login, status } => Error::Authentication {
                operation: OPERATION,
                login: login.clone(),
                status: status.clone(),
                retry_after: None,
            },
            Self::Ended => {
                let source = std::io::Error::other("the task that reads the mailbox has ended");
                Error::Unavailable { operation: OPERATION, server: "the hub".into(), source }
            }
        }
    }
}

pub(super) fn removed() -> Error {
    Error::Invalid { what: "hub address", problem: "it was removed from the hub".into() }
}

const OPERATION: &str = "hub";
