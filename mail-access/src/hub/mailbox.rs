use std::fmt;
use std::sync::Arc;

use super::Unroutable;
use super::queue::{Key, Queue, Taken};
use super::reader::{Reading, Shared};
use crate::{Address, Error, Position, Received};

/// One address of a [`Hub`](super::Hub). Clones share its mail: each message comes to one of them.
#[derive(Clone)]
pub struct HubMailbox {
    reading: Arc<Reading>,
    key: Key,
}

impl HubMailbox {
    pub(super) fn new(reading: Arc<Reading>, key: Key) -> Self {
        Self { reading, key }
    }

    /// Returns the address, in lower case.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it was removed from the hub.
    pub fn address(&self) -> Result<Address, Error> {
        self.reading.board().address(self.key).ok_or_else(super::queue::removed)
    }

    /// Waits for the next message that was delivered for this address.
    ///
    /// They come in the order in which they arrived. A dropped call has taken no message.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the address was removed from the hub, [`Error::Authentication`] if the hub's login was
    /// refused. Else as for [`MailAccess::fetch`](crate::MailAccess::fetch) if a message that memory couldn't hold
    /// can't be fetched again: it is the next one still.
    pub async fn next(&self) -> Result<Delivery, Error> {
        let Taken { message, repeated, place, .. } = self.reading.next(Queue::Address(self.key)).await?;
        // It was filed by this very answer.
        let recipient = self.reading.rule.recipient(message.raw());
        let recipient = recipient.unwrap_or_else(|_| self.reading.login.address().clone());
        Ok(Delivery { message, recipient, repeated, opened: Opened::new(&self.reading, place) })
    }
}

impl fmt::Debug for HubMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubMailbox").field("address", &self.address().ok()).finish_non_exhaustive()
    }
}

/// A message that was delivered for an address of a hub.
#[derive(Debug)]
pub struct Delivery {
    message: Received,
    recipient: Address,
    repeated: bool,
    opened: Opened,
}

impl Delivery {
    /// Returns the message. Its UID is the one in the hub's mailbox.
    pub fn message(&self) -> &Received {
        &self.message
    }

    /// Returns for whom it was delivered, by the envelope: with the tag and in the case that the sender used.
    pub fn recipient(&self) -> &Address {
        &self.recipient
    }

    /// Tells whether an earlier hub may have handed it out: it was in the mailbox when this one went on from a
    /// position, or the mailbox was numbered anew.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// Returns its place in the hub's mailbox.
    pub fn place(&self) -> Position {
        self.opened.place
    }

    /// Notes that it was handled: it isn't part of the [position](super::Hub::position) any more. Without it, it
    /// comes again from the next hub.
    pub fn acknowledge(&self) {
        self.opened.acknowledge();
    }

    /// Gives up the message, acknowledged or not.
    pub fn into_message(self) -> Received {
        self.message
    }
}

/// What comes for nobody that the hub knows. Clones share it.
#[derive(Clone)]
pub struct DeadLetters {
    reading: Arc<Reading>,
}

impl DeadLetters {
    pub(super) fn new(reading: Arc<Reading>) -> Self {
        Self { reading }
    }

    /// Waits for the next one. A dropped call has taken none.
    ///
    /// # Errors
    /// As for [`HubMailbox::next`].
    pub async fn next(&self) -> Result<DeadLetter, Error> {
        let Taken { message, repeated, place } = self.reading.next(Queue::Dead).await?;
        // It stands in the message, and costs nothing until then.
        let why = self.reading.rule.recipient(message.raw()).map_or_else(|why| why, Unroutable::Unknown);
        Ok(DeadLetter { message, why, repeated, opened: Opened::new(&self.reading, place) })
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

/// A message for nobody that the hub knows.
#[derive(Debug)]
pub struct DeadLetter {
    message: Received,
    why: Unroutable,
    repeated: bool,
    opened: Opened,
}

impl DeadLetter {
    /// Returns the message.
    pub fn message(&self) -> &Received {
        &self.message
    }

    /// Returns why nobody got it.
    pub fn why(&self) -> &Unroutable {
        &self.why
    }

    /// Tells whether an earlier hub may have handed it out, as [`Delivery::is_repeated`] does.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// Returns its place in the hub's mailbox.
    pub fn place(&self) -> Position {
        self.opened.place
    }

    /// Notes that it was handled, as [`Delivery::acknowledge`] does.
    pub fn acknowledge(&self) {
        self.opened.acknowledge();
    }

    /// Gives up the message, acknowledged or not.
    pub fn into_message(self) -> Received {
        self.message
    }
}

/// A message that is open. It doesn't keep the hub running.
struct Opened {
    hub: Arc<Shared>,
    place: Position,
}

impl Opened {
    fn new(reading: &Reading, place: Position) -> Self {
        Self { hub: Arc::clone(&reading.shared), place }
    }

    fn acknowledge(&self) {
        self.hub.board().acknowledge(self.place);
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}
