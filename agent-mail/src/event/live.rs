use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use mail_access::{Arrival, Position, Selection};

use super::EventKind;
use super::found::Tail;
use super::judge::judged;
use super::pace::{BATCH, WAIT, back_off};
use crate::mail::lift;
use crate::{AgentMailbox, Error, Inbound};

/// What happens in one mailbox from now on, without a note of it: nothing is written, nothing is acknowledged.
///
/// It begins behind what [`events`](AgentMailbox::events) has handed out, at the first message of a mailbox whose events
/// nobody reads. Each message comes once to each such stream. What comes while no stream is open is handed out by the
/// next one as if it were new, since nothing tells what was handled: a program that acts on mail uses `events`; this is
/// for one that watches or counts, or that lives no longer than its world. [`send_unnoted`](AgentMailbox::send_unnoted)
/// sends in the same way.
///
/// The events that come without a mail, such as [`Sent`](EventKind::Sent), are not among these; a mailbox that is
/// numbered anew is read from its beginning after [`MailboxReset`](EventKind::MailboxReset). Checks, waiting and errors
/// are as with [`Events`](crate::Events). It may be dropped at any point.
pub struct LiveEvents {
    ready: VecDeque<EventKind>,
    state: State,
}

enum State {
    Resting(Box<Watch>),
    Reading(Reading),
    Ended,
}

type Reading = Pin<Box<dyn Future<Output = (Box<Watch>, Result<VecDeque<EventKind>, Error>)> + Send>>;

impl AgentMailbox {
    /// Begins to read the mailbox as a stream of events of which nothing is noted.
    ///
    /// See [`LiveEvents`] for what that means; [`events`](Self::events) is what survives a restart.
    pub fn live_events(&self) -> LiveEvents {
        let watch = Watch {
            mailbox: self.clone(),
            at: None,
            tail: Tail::Unknown,
            fetched: VecDeque::new(),
            failures: 0,
        };
        LiveEvents { ready: VecDeque::new(), state: State::Resting(Box::new(watch)) }
    }
}

impl LiveEvents {
    /// Waits for the next event; `None` after an error that ended the stream. A dropped call loses nothing.
    ///
    /// # Errors
    /// An error that no waiting mends; the stream has ended then.
    pub async fn next(&mut self) -> Option<Result<EventKind, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for LiveEvents {
    type Item = Result<EventKind, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Resting(watch) => State::Reading(Box::pin(watch.into_batch())),
                State::Reading(mut reading) => match reading.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready((watch, Ok(batch))) => {
                        self.ready = batch;
                        State::Resting(watch)
                    }
                    Poll::Ready((_, Err(error))) => return Poll::Ready(Some(Err(error))),
                },
                State::Ended => return Poll::Ready(None),
            };
        }
    }
}

impl fmt::Debug for LiveEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveEvents")
            .field("ended", &matches!(self.state, State::Ended))
            .finish_non_exhaustive()
    }
}

struct Watch {
    mailbox: AgentMailbox,
    /// Up to where was read.
    at: Option<Position>,
    tail: Tail,
    /// What was read and not yet judged.
    fetched: VecDeque<Inbound>,
    failures: u32,
}

impl Watch {
    async fn into_batch(mut self: Box<Self>) -> (Box<Self>, Result<VecDeque<EventKind>, Error>) {
        let mut found = VecDeque::new();
        loop {
            match self.read(&mut found).await {
                Ok(()) if found.is_empty() => self.failures = 0,
                Ok(()) => {
                    self.failures = 0;
                    return (self, Ok(found));
                }
                // What was found before it comes first; the error shows again at the next read, if it lasts.
                Err(_) if !found.is_empty() => return (self, Ok(found)),
                Err(error) if error.is_retryable() => {
                    let chance = &*self.mailbox.inner().system.system().chance;
                    let pause = error.retry_after().unwrap_or_else(|| back_off(chance, self.failures));
                    tracing::warn!(agent = %self.mailbox.id(), %error, ?pause, "reading will be tried again");
                    self.failures += 1;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return (self, Err(error)),
            }
        }
    }

    /// Reads and judges a batch, or waits for one.
    async fn read(&mut self, found: &mut VecDeque<EventKind>) -> Result<(), Error> {
        let Self { mailbox, at, tail, fetched, .. } = self;
        let inner = mailbox.inner();
        let (journal, mail) = (&inner.journal, &*inner.system.system().mail);
        let read = |error| lift(error, "read", &inner.id);
        if fetched.is_empty() {
            if at.is_none() {
                *at = journal.position(&inner.id).await?;
            }
            let batch = match std::mem::take(tail) {
                Tail::Drained(here) => {
                    if inner.login.wait(mail, here, WAIT).await.map_err(read)? == Arrival::New {
                        *tail = Tail::Told(here);
                    }
                    return Ok(());
                }
                Tail::Told(here) => inner.login.fetch_arrived(mail, here, BATCH).await,
                Tail::Unknown => inner.login.fetch(mail, &Selection::After(*at), BATCH).await,
            };
            let batch = batch.map_err(read)?;
            if !batch.messages.is_empty() {
                journal.still(&inner.id).await?;
            }
            let (before, validity) = (*at, batch.uid_validity);
            let renumbered = before.filter(|before| before.uid_validity != validity);
            if let Some(before) = renumbered {
                found.push_back(EventKind::MailboxReset { before: before.uid_validity, now: validity });
            }
            let start = before.filter(|_| renumbered.is_none()).map_or(0, |before| before.uid);
            let end = batch.messages.last().map_or(start, |message| message.uid().get());
            let end = Position { uid_validity: validity, uid: end };
            *at = Some(end);
            if !batch.more {
                *tail = Tail::Drained(end);
            }
            *fetched = batch.messages.into_iter().map(|message| mailbox.inbound(message)).collect();
        }
        while let Some(message) = fetched.front() {
            let kind = judged(mailbox, message).await?;
            fetched.pop_front();
            found.extend(kind);
        }
        Ok(())
    }
}
