//! Two mailboxes that write to each other, and patience with servers that deliver when they like.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Harness;
use crate::{
    Address, Batch, Login, MailAccess, MessageId, NewMessage, Outgoing, Position, Received, Selection,
    Submission, Uid,
};

pub(super) struct Exchange {
    pub(super) access: Arc<dyn MailAccess>,
    pub(super) ada: Login,
    pub(super) bob: Login,
}

impl Exchange {
    pub(super) async fn open(harness: &dyn Harness) -> Self {
        Self { access: harness.access(), ada: harness.mailbox().await, bob: harness.mailbox().await }
    }

    /// Opens it and lets as many messages arrive at Bob's, returned as he fetches them.
    pub(super) async fn with_messages(harness: &dyn Harness, count: usize) -> (Self, Batch) {
        let exchange = Self::open(harness).await;
        for number in 1..=count {
            let subject = format!("message {number}");
            exchange.submit(&exchange.message(&subject)).await;
            // One after the other, as a server may deliver two at once in any order.
            exchange.arrived(&exchange.bob, number).await;
        }
        let batch = exchange.fetch(&Selection::After(None), usize::MAX).await;
        (exchange, batch)
    }

    pub(super) fn message(&self, subject: &str) -> Outgoing {
        self.message_to(self.bob.address(), subject)
    }

    pub(super) fn message_to(&self, recipient: &Address, subject: &str) -> Outgoing {
        let message = NewMessage::to(recipient).with_subject(subject).with_text("a text");
        message.seal(&self.ada.address().into()).expect("the message can be written")
    }

    /// Writes a message of Ada's to all of them.
    pub(super) fn message_to_all(&self, recipients: &[&Address], subject: &str) -> Outgoing {
        let message = NewMessage::default().with_subject(subject).with_text("a text");
        let message = recipients.iter().fold(message, |message, &recipient| message.with_to(recipient));
        message.seal(&self.ada.address().into()).expect("the message can be written")
    }

    /// Puts another body below the header of a message to Bob.
    pub(super) fn with_body(&self, body: &[u8]) -> Outgoing {
        let message = self.message("bytes");
        let header = message.bytes().len() - body_of(message.bytes()).len();
        let bytes = [&message.bytes()[..header], body].concat();
        restored(&message, bytes)
    }

    /// Submits in Ada's name.
    pub(super) async fn submit(&self, message: &Outgoing) -> Submission {
        self.access.submit(&self.ada, message).await.expect("the message is taken")
    }

    /// Fetches from Bob's mailbox.
    pub(super) async fn fetch(&self, selection: &Selection, limit: usize) -> Batch {
        self.access.fetch(&self.bob, selection, limit).await.expect("the mailbox can be read")
    }

    /// Waits for so many messages, submits a last one to Bob and fetches all he has when it is there.
    ///
    /// A server may deliver several at a time, so that the last one is not always the last to arrive: what has to be
    /// there is counted, and only what must not be there is waited for by the last message.
    pub(super) async fn settled(&self, expected: usize) -> Vec<Received> {
        self.arrived(&self.bob, expected).await;
        let last = self.message("the last one");
        self.submit(&last).await;
        let deadline = Instant::now() + PATIENCE;
        let mut known = 0;
        loop {
            let messages = self.arrived_until(&self.bob, known + 1, deadline).await;
            if has(&messages, last.message_id()) {
                return messages;
            }
            known = messages.len();
        }
    }

    /// Returns all messages of a mailbox as soon as there are this many.
    pub(super) async fn arrived(&self, login: &Login, count: usize) -> Vec<Received> {
        self.arrived_until(login, count, Instant::now() + PATIENCE).await
    }

    async fn arrived_until(&self, login: &Login, count: usize, deadline: Instant) -> Vec<Received> {
        loop {
            let all = self.access.fetch(login, &Selection::After(None), usize::MAX).await;
            let all = all.expect("the mailbox can be read");
            if all.messages.len() >= count {
                return all.messages;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} messages arrived in {PATIENCE:?}", all.messages.len());
            self.access.wait(login, end(&all), left).await.expect("the mailbox can be waited for");
        }
    }
}

/// Gives a message other bytes and nothing else.
pub(super) fn restored(message: &Outgoing, bytes: Vec<u8>) -> Outgoing {
    let (sender, recipients) = (message.sender().clone(), message.recipients().to_vec());
    Outgoing::restore(sender, recipients, message.message_id().clone(), bytes)
        .expect("the message can be sent")
}

pub(super) fn body_of(raw: &[u8]) -> &[u8] {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("a message has a body");
    &raw[end + 4..]
}

/// Returns another address of the same mailbox.
pub(super) fn tagged(login: &Login, tag: &str) -> Address {
    let address = login.address();
    let local_part = format!("{}+{tag}", address.local_part());
    Address::new(&local_part, address.domain().clone()).expect("it is an address")
}

/// Lets a future run for so long and drops it where it stands, if it isn't done by then.
pub(super) async fn drop_after(pause: Duration, future: impl Future) {
    // That it was dropped is the purpose here.
    let _ = timeout(pause, future).await;
}

/// Moments at which a call may be dropped: before its first answer, and more and more deep in the conversation.
pub(super) fn moments() -> impl Iterator<Item = Duration> {
    [0, 100, 300, 1_000, 3_000, 10_000, 30_000].into_iter().map(Duration::from_micros)
}

/// The position behind the last message of a batch.
pub(super) fn end(batch: &Batch) -> Position {
    let uid = batch.messages.last().map_or(0, |message| message.uid().get());
    Position { uid_validity: batch.uid_validity, uid }
}

pub(super) fn uids(messages: &[Received]) -> Vec<Uid> {
    messages.iter().map(Received::uid).collect()
}

pub(super) fn numbers(batch: &Batch) -> Vec<u32> {
    batch.messages.iter().map(|message| message.uid().get()).collect()
}

pub(super) fn subjects(messages: &[Received]) -> Vec<&str> {
    messages.iter().map(Received::subject).collect()
}

pub(super) fn has(messages: &[Received], id: &MessageId) -> bool {
    messages.iter().any(|message| message.message_id() == Some(id))
}

/// A test fails after this time; a server that is well needs far less.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
