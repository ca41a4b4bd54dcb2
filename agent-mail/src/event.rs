//! What happens in a mailbox, as a stream that survives restarts: catch up, wait, back off.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use mail_access::{Error as MailError, Position, Received, Selection, Uid};

use crate::backend::Committed;
use crate::journal::{Identity, Known};
use crate::mail::lift;
use crate::{AgentMailbox, Error};

/// The events of one mailbox, in the order of arrival, without end.
///
/// - Each message is handed out until it is acknowledged with [`Event::ack`]: at once, and again by each stream that
///   is begun later, in this run of the program or the next. What comes again is marked by
///   [`Event::is_redelivery`].
/// - Messages may be acknowledged in any order; those that are not come again, those that are never do, not even when
///   the server numbers the mailbox anew (another UIDVALIDITY).
/// - A copy with the Message-ID of an earlier message is marked as a redelivery too.
/// - While the mail system can't be reached the stream waits, with growing pauses up to a minute, and goes on by
///   itself. An error that no waiting mends, such as a password that is refused, is handed out and ends the stream.
/// - It may be dropped at any point: what was handed out and not acknowledged comes again.
/// - Of two streams of one mailbox at the same time each new message goes to one.
///
/// Use [`next`](Self::next), or the `Stream` it is. A stream holds at most 32 messages in memory.
pub struct Events(Option<Next>);

type Next = Pin<Box<dyn Future<Output = (Reader, Result<Event, Error>)> + Send>>;

impl Events {
    pub(crate) fn new(mailbox: AgentMailbox) -> Self {
        Self(Some(Box::pin(Reader::new(mailbox).into_next())))
    }

    /// Waits for the next event; `None` after an error that ended the stream. A dropped call loses nothing.
    ///
    /// # Errors
    /// An error that no waiting mends; the stream has ended then.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let Poll::Ready((reader, item)) = next.as_mut().poll(cx) else { return Poll::Pending };
        self.0 = item.is_ok().then(|| Box::pin(reader.into_next()) as Next);
        Poll::Ready(Some(item))
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("ended", &self.0.is_none()).finish()
    }
}

/// Something that happened in a mailbox.
#[derive(Clone, Debug)]
pub struct Event {
    kind: EventKind,
    redelivery: bool,
    mailbox: AgentMailbox,
    at: Position,
    identity: Identity,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A message came in.
    Received(Box<Received>),
}

impl Event {
    /// Returns what happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// Returns the message, if one came in.
    pub fn received(&self) -> Option<&Received> {
        let EventKind::Received(message) = &self.kind;
        Some(message)
    }

    /// Tells whether this may have been handed out before, or is a copy of a message that was: by its Message-ID.
    pub fn is_redelivery(&self) -> bool {
        self.redelivery
    }

    /// Notes that the event was handled, so that it never comes again. Safe to repeat.
    ///
    /// After `Ok` a durable state store keeps it through a crash. A dropped call leaves it noted or not.
    ///
    /// # Errors
    /// If the state can't be written: the event will come again.
    pub async fn ack(&self) -> Result<(), Error> {
        let Some(uid) = Uid::new(self.at.uid) else { return Ok(()) };
        let journal = &self.mailbox.inner().system.system().journal;
        journal.settle(self.mailbox.id(), self.at.uid_validity, uid, &self.identity).await
    }
}

/// Reads ahead by one batch.
struct Reader {
    mailbox: AgentMailbox,
    /// What earlier streams handed out and nobody acknowledged, still to be looked at.
    unsettled: Option<VecDeque<(Uid, Identity)>>,
    ready: VecDeque<Event>,
    failures: u32,
}

impl Reader {
    fn new(mailbox: AgentMailbox) -> Self {
        Self { mailbox, unsettled: None, ready: VecDeque::new(), failures: 0 }
    }

    async fn into_next(mut self) -> (Self, Result<Event, Error>) {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return (self, Ok(event));
            }
            match self.refill().await {
                Ok(()) => self.failures = 0,
                Err(error) if error.is_retryable() => {
                    let pause = error.retry_after().unwrap_or_else(|| back_off(self.failures));
                    tracing::warn!(agent = %self.mailbox.id(), %error, ?pause, "reading will be tried again");
                    self.failures += 1;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return (self, Err(error)),
            }
        }
    }

    async fn refill(&mut self) -> Result<(), Error> {
        if self.unsettled.is_none() {
            let inbox = self.mailbox.inner().system.system().journal.inbox(self.mailbox.id()).await?;
            self.unsettled = Some(inbox.pending.into());
        }
        if self.unsettled.as_ref().is_some_and(|unsettled| !unsettled.is_empty()) {
            self.redeliver().await
        } else {
            self.read_on().await
        }
    }

    /// Hands out again what was not acknowledged.
    async fn redeliver(&mut self) -> Result<(), Error> {
        let inner = self.mailbox.inner();
        let (journal, mail) = (&inner.system.system().journal, &inner.system.system().mail);
        let Some(unsettled) = &mut self.unsettled else { return Ok(()) };
        let Some(position) = journal.position(&inner.id).await? else {
            unsettled.clear();
            return Ok(());
        };
        let chunk: Vec<_> = unsettled.iter().take(BATCH).cloned().collect();
        let selection = Selection::Uids(position.uid_validity, chunk.iter().map(|(uid, _)| *uid).collect());
        let batch = match mail.fetch(&inner.login, &selection, BATCH).await {
            Ok(batch) => batch,
            // Reading on finds the new numbering, and these messages by their content.
            Err(MailError::Renumbered { .. }) => {
                unsettled.clear();
                return Ok(());
            }
            Err(error) => return Err(lift(error, "read", &inner.id)),
        };
        let mut gone = Vec::new();
        let mut events = Vec::new();
        let mut left_out = None;
        for (uid, identity) in &chunk {
            let Some(message) = batch.messages.iter().find(|message| message.uid() == *uid) else {
                if batch.more && batch.messages.last().is_none_or(|last| last.uid() < *uid) {
                    left_out = Some(*uid);
                    break;
                }
                gone.push(*uid);
                continue;
            };
            if journal.known(&inner.id, identity).await? == Known::Handled {
                gone.push(*uid);
                continue;
            }
            events.push(self.mailbox.event(message.clone(), batch.uid_validity, identity.clone(), true));
        }
        if !gone.is_empty() {
            journal.drop_pending(&inner.id, position.uid_validity, &gone).await?;
        }
        let done = |uid: Uid| left_out.is_none_or(|from| uid < from);
        unsettled.retain(|(uid, _)| !(chunk.iter().any(|(known, _)| known == uid) && done(*uid)));
        self.ready.extend(events);
        Ok(())
    }

    /// Hands out what is behind the position, or waits for it.
    async fn read_on(&mut self) -> Result<(), Error> {
        let inner = self.mailbox.inner();
        let (journal, mail) = (&inner.system.system().journal, &inner.system.system().mail);
        let read = |error| lift(error, "read", &inner.id);
        let from = journal.position(&inner.id).await?;
        let batch = mail.fetch(&inner.login, &Selection::After(from), BATCH).await.map_err(read)?;
        let renumbered = from.is_some_and(|from| from.uid_validity != batch.uid_validity);
        let start = from.filter(|_| !renumbered).map_or(0, |from| from.uid);
        let last = batch.messages.last().map_or(start, |message| message.uid().get());
        let to = Position { uid_validity: batch.uid_validity, uid: last };
        let mut offered = Vec::new();
        let mut events = Vec::new();
        for message in batch.messages {
            let identity = Identity::of(&message);
            let known = match journal.known(&inner.id, &identity).await? {
                Known::Handled => continue,
                known => known == Known::Offered || offered.iter().any(|(_, other)| identity.is_like(other)),
            };
            offered.push((message.uid(), identity.clone()));
            events.push(self.mailbox.event(message, to.uid_validity, identity, known));
        }
        if from == Some(to) {
            mail.wait(&inner.login, to, WAIT).await.map_err(read)?;
            return Ok(());
        }
        // Noted before it is handed out: after a crash it is known that it may have been.
        if journal.offer(&inner.id, from, to, &offered).await? == Committed::Done {
            self.ready.extend(events);
        }
        Ok(())
    }
}

impl AgentMailbox {
    fn event(&self, message: Received, uid_validity: u32, identity: Identity, redelivery: bool) -> Event {
        Event {
            at: Position { uid_validity, uid: message.uid().get() },
            kind: EventKind::Received(Box::new(message)),
            redelivery,
            mailbox: self.clone(),
            identity,
        }
    }
}

/// Full jitter: a fleet that lost its server doesn't come back all at once.
fn back_off(failures: u32) -> Duration {
    let mut random = [0_u8; 4];
    // Without random numbers the pause is the longest.
    let share = getrandom::fill(&mut random)
        .map_or(1.0, |()| f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX));
    let ceiling = (FIRST_PAUSE * 2_u32.saturating_pow(failures.min(16))).min(LONGEST_PAUSE);
    ceiling.mul_f64(share).max(SHORTEST_PAUSE)
}

const BATCH: usize = 32;
const WAIT: Duration = Duration::from_mins(29);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for failures in [0, 1, 5, 40, u32::MAX] {
            for _ in 0..50 {
                let pause = back_off(failures);
                assert!(pause >= SHORTEST_PAUSE && pause <= LONGEST_PAUSE, "{pause:?}");
                assert!(failures > 0 || pause <= FIRST_PAUSE, "{pause:?}");
            }
        }
    }
}
