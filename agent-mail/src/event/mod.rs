//! What happens in a mailbox, as a stream that survives restarts: catch up, wait, back off.

mod found;
mod handler;
mod judge;
mod kind;
mod live;
mod pace;
mod place;
mod reader;
mod reports;
mod stream;

pub use self::handler::EventHandler;
pub use self::kind::{EventKind, RecipientResult, SendReport};
pub use self::live::LiveEvents;
pub(crate) use self::pace::back_off;
pub(crate) use self::reader::Reader;
pub use self::stream::Events;

use self::place::Place;
use crate::observe::Operation;
use crate::{AgentMailbox, Error, Inbound};

/// Something that happened in a mailbox.
#[derive(Clone, Debug)]
pub struct Event {
    kind: EventKind,
    redelivery: bool,
    mailbox: AgentMailbox,
    place: Place,
}

impl Event {
    /// Returns what happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// Returns the message, if one came in.
    pub fn received(&self) -> Option<&Inbound> {
        match &self.kind {
            EventKind::Received(message) => Some(message),
            _ => None,
        }
    }

    /// Tells whether this may have been handed out before, or is a copy of a message that was: by its Message-ID.
    pub fn is_redelivery(&self) -> bool {
        self.redelivery
    }

    /// Notes that the event was handled, so that it never comes again. Safe to repeat.
    ///
    /// After `Ok` a durable state store keeps it through a crash. A dropped call leaves it noted or not. Of an agent that
    /// was retired nothing is noted.
    ///
    /// # Errors
    /// If the state can't be written: the event will come again.
    pub async fn ack(&self) -> Result<(), Error> {
        let settling = self.place.settle(&self.mailbox.inner().journal, self.mailbox.id());
        Operation::Acknowledge.begin(self.mailbox.id()).over(settling).await
    }

    /// Returns the mailbox that it happened in.
    pub fn mailbox(&self) -> &AgentMailbox {
        &self.mailbox
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Marks it as handed out before.
    fn again(self) -> Self {
        Self { redelivery: true, ..self }
    }
}
