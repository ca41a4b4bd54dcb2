//! What a reader has found and not yet handed out, and what it knows of the rest.

use mail_access::{Position, Received};

use super::Place;
use crate::journal::{Identity, Seen};
use crate::{AgentMailbox, EventKind, Inbound};

/// What is known of what lies behind a place, so that no look is taken twice.
#[derive(Default)]
pub(super) enum Tail {
    #[default]
    Unknown,
    /// There was nothing at the last look.
    Drained(Position),
    /// A wait has told of something.
    Told(Position),
}

/// A message that was read and not yet handed out.
pub(super) struct Found {
    pub(super) message: Inbound,
    pub(super) at: Position,
    pub(super) identity: Identity,
    /// An earlier stream handed it out.
    pub(super) again: bool,
    /// What it is to the agent, once that was found out.
    pub(super) ruling: Option<Ruling>,
}

/// A message that came the short way.
pub(super) struct Letter {
    pub(super) identity: Identity,
    pub(super) seen: Seen,
    pub(super) ruling: Option<EventKind>,
}

/// What becomes of a message.
pub(super) enum Ruling {
    HandOut(EventKind),
    Drop,
}

impl Found {
    pub(super) fn new(mailbox: &AgentMailbox, message: Received, uid_validity: u32, again: bool) -> Self {
        let at = Position { uid_validity, uid: message.uid().get() };
        let identity = Identity::of(&message);
        Self { identity, message: mailbox.inbound(message), at, again, ruling: None }
    }

    pub(super) fn place(&self) -> Place {
        Place::Inbox(self.at, self.identity)
    }
}
