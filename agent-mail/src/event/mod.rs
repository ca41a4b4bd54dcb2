//! What happens in a mailbox, as a stream that survives restarts: catch up, wait, back off.

mod kind;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use mail_access::{Error as MailError, Position, Received, Selection, Uid};

pub use self::kind::{EventKind, RecipientResult, SendReport};
use crate::backend::Committed;
use crate::journal::{Identity, Known, Unsettled};
use crate::mail::lift;
use crate::safety::{self, Admitted};
use crate::{AgentMailbox, Error, Inbound};

/// The events of one mailbox, in the order of arrival, without end.
///
/// - Each message is handed out until it is acknowledged with [`Event::ack`]: at once, and again by each stream that
///   is begun later, in this run of the program or the next. What comes again is marked by
///   [`Event::is_redelivery`].
/// - Messages may be acknowledged in any order; those that are not come again, those that are never do, not even when
///   the server numbers the mailbox anew (another UIDVALIDITY).
/// - A copy with the Message-ID of an earlier message is marked as a redelivery too. One that equals a message byte for
///   byte, the trace of its way here included, is that message, and doesn't come when that one was acknowledged.
/// - While the mail system or the state store can't be reached the stream waits, with growing pauses up to a minute, and
///   goes on by itself. An error that no waiting mends, such as a password that is refused, is handed out and ends the stream.
/// - It may be dropped at any point: what was handed out and not acknowledged comes again.
/// - Of two streams of one mailbox at the same time each new message goes to one.
///
/// Use [`next`](Self::next), or the `Stream` it is. A stream holds at most 32 messages in memory. Each message is
/// noted before it is handed out and when it is acknowledged: two commits to the state store, of which about 200 bytes
/// stay until the agent is retired.
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
        let Some(uid) = Uid::new(self.at.uid) else { return Ok(()) };
        let journal = &self.mailbox.inner().system.system().journal;
        journal.settle(self.mailbox.id(), self.at.uid_validity, uid, &self.identity).await
    }
}

/// Reads ahead by one batch; what of it was not handed out counts as not read.
struct Reader {
    mailbox: AgentMailbox,
    /// What earlier streams handed out and nobody acknowledged, still to be looked at.
    unsettled: Option<Unsettled>,
    /// Where the journal's position was when this reader last saw it.
    position: Option<Position>,
    ready: VecDeque<Found>,
    failures: u32,
}

/// A message that was read and not yet handed out.
struct Found {
    message: Received,
    at: Position,
    identity: Identity,
    /// An earlier stream handed it out.
    again: bool,
}

impl Reader {
    fn new(mailbox: AgentMailbox) -> Self {
        Self { mailbox, unsettled: None, position: None, ready: VecDeque::new(), failures: 0 }
    }

    async fn into_next(mut self) -> (Self, Result<Event, Error>) {
        loop {
            match self.step().await {
                Ok(event) => {
                    self.failures = 0;
                    if let Some(event) = event {
                        return (self, Ok(event));
                    }
                }
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

    /// Hands out the first message that was read, or reads more.
    async fn step(&mut self) -> Result<Option<Event>, Error> {
        if !self.ready.is_empty() {
            return self.hand_out().await;
        }
        let journal = &self.mailbox.inner().system.system().journal;
        if self.unsettled.is_none() {
            self.unsettled = Some(journal.unsettled(self.mailbox.id()).await?);
        }
        if self.unsettled.as_ref().is_some_and(|unsettled| !unsettled.uids.is_empty()) {
            self.redeliver().await?;
        } else {
            self.read_on().await?;
        }
        Ok(None)
    }

    /// Notes the first message before it is handed out, so that after a crash it is known that it may have been.
    async fn hand_out(&mut self) -> Result<Option<Event>, Error> {
        let id = self.mailbox.id();
        let journal = &self.mailbox.inner().system.system().journal;
        let Some(found) = self.ready.front() else { return Ok(None) };
        // Only now: another stream, or an event that is held from an earlier one, may have been faster.
        let known = journal.known(id, &found.identity).await?;
        let handled = known == Known::Handled;
        if found.again && handled {
            journal.drop_pending(id, found.at.uid_validity, Uid::new(found.at.uid).as_slice()).await?;
        }
        // Passing by what was handled is noted once, at the end.
        if !found.again && (!handled || self.ready.len() == 1) {
            let offered = (!handled).then_some(&found.identity);
            if journal.offer(id, self.position, found.at, offered).await? == Committed::Conflict {
                self.follow(journal.position(id).await?);
                return Ok(None);
            }
            self.position = Some(found.at);
        }
        let Some(Found { message, at, identity, again }) = self.ready.pop_front() else { return Ok(None) };
        if handled {
            return Ok(None);
        }
        let redelivery = again || known == Known::Offered;
        let event = |message| Event {
            kind: EventKind::Received(Box::new(message)),
            redelivery,
            mailbox: self.mailbox.clone(),
            at,
            identity,
        };
        match safety::admit(&self.mailbox, self.mailbox.inbound(message)).await? {
            Admitted::Delivered(message) => {
                let event = event(message);
                safety::observe(&self.mailbox, event.kind()).await?;
                Ok(Some(event))
            }
            Admitted::Dropped(message) => event(message).ack().await.map(|()| None),
        }
    }

    /// Leaves to another stream what it was faster with.
    fn follow(&mut self, position: Option<Position>) {
        if position != self.position {
            let is_behind =
                |at: Position| position.is_some_and(|p| p.uid_validity == at.uid_validity && p.uid < at.uid);
            self.ready.retain(|found| is_behind(found.at));
            self.position = position;
        }
    }

    /// Reads again what was not acknowledged.
    async fn redeliver(&mut self) -> Result<(), Error> {
        let inner = self.mailbox.inner();
        let (journal, mail) = (&inner.system.system().journal, &*inner.system.system().mail);
        let Some(Unsettled { uid_validity, uids }) = &mut self.unsettled else { return Ok(()) };
        let chunk: Vec<Uid> = uids.iter().take(BATCH).copied().collect();
        let batch = match inner.login.fetch(mail, &Selection::Uids(*uid_validity, chunk.clone()), BATCH).await
        {
            Ok(batch) => batch,
            // Reading on finds the new numbering, and these messages by their content.
            Err(MailError::Renumbered { .. }) => {
                uids.clear();
                return Ok(());
            }
            Err(error) => return Err(lift(error, "read", &inner.id)),
        };
        let last = batch.messages.last().map(Received::uid).filter(|_| batch.more);
        let looked_at = chunk.iter().take_while(|uid| last.is_none_or(|last| **uid <= last)).count();
        let is_gone = |uid: &Uid| !batch.messages.iter().any(|message| message.uid() == *uid);
        let gone: Vec<Uid> = chunk[..looked_at].iter().copied().filter(is_gone).collect();
        if !gone.is_empty() {
            journal.drop_pending(&inner.id, *uid_validity, &gone).await?;
        }
        uids.drain(..looked_at);
        self.ready.extend(batch.messages.into_iter().map(|message| Found::new(message, *uid_validity, true)));
        Ok(())
    }

    /// Reads what is behind the position, or waits for it.
    async fn read_on(&mut self) -> Result<(), Error> {
        let inner = self.mailbox.inner();
        let (journal, mail) = (&inner.system.system().journal, &*inner.system.system().mail);
        let read = |error| lift(error, "read", &inner.id);
        self.position = journal.position(&inner.id).await?;
        let behind = Selection::After(self.position);
        let batch = inner.login.fetch(mail, &behind, BATCH).await.map_err(read)?;
        let validity = batch.uid_validity;
        if batch.messages.is_empty() {
            let here = self.position.filter(|position| position.uid_validity == validity);
            let Some(here) = here else {
                // Nothing is there under the new numbering; the conflict with another stream shows at the next look.
                let start = Position { uid_validity: validity, uid: 0 };
                let _seen = journal.offer(&inner.id, self.position, start, None).await?;
                return Ok(());
            };
            inner.login.wait(mail, here, WAIT).await.map_err(read)?;
        }
        self.ready.extend(batch.messages.into_iter().map(|message| Found::new(message, validity, false)));
        Ok(())
    }
}

impl Found {
    fn new(message: Received, uid_validity: u32, again: bool) -> Self {
        let at = Position { uid_validity, uid: message.uid().get() };
        Self { identity: Identity::of(&message), message, at, again }
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
