//! A mailbox's new messages as a stream.

mod folders;
mod given;
mod health;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::Stream;

use crate::chance::back_off;
use crate::{Arrival, Error, Login, MailAccess, Position, Received, Selection};
pub(crate) use folders::Polled;
use given::Given;
use health::Doctor;
pub use health::PushHealth;

/// The messages of an INBOX as they come: those that are there first, then each new one.
///
/// - It reads what is behind a position, waits for more, and so on. While the mail system can't be reached it tries
///   again, after pauses that grow up to a minute and differ from those of others (full jitter). An error that no waiting
///   mends, such as a password that is refused, is handed out and ends it.
/// - Nothing is marked, in the mailbox or elsewhere: whoever comes back later begins behind
///   [`Watched::at`] of the last message that was dealt with.
/// - When the mailbox is numbered anew (another UIDVALIDITY) it is read from the start, and no message is lost. What may
///   have been handed out before is [marked](Watched::is_repeated): it is known by its Message-ID, size and date of
///   arrival for the last 512 messages, and by its date alone for older ones. If nothing was read under the former
///   numbering, all that is there counts as such.
/// - It may be dropped at any point. It reads nothing while nobody asks for the next message, and holds 16 messages at
///   most.
///
/// ```
/// use std::sync::Arc;
///
/// use mail_access::{Login, MailAccess, NewMessage, PostOffice, Watcher};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let ada = Login::new("ada@agents.example".parse()?, "a password".into());
/// office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
///
/// let mut mails = Watcher::new(Arc::new(office.clone()), ada.clone(), None);
/// let note = NewMessage::to(ada.address()).with_subject("To do").seal(&ada.address().into())?;
/// office.submit(&ada, &note).await?;
/// let first = mails.next().await.ok_or("the stream goes on")??;
/// assert_eq!((first.message.subject(), first.is_repeated), ("To do", false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Watcher {
    state: State,
    doctor: Arc<Mutex<Doctor>>,
}

/// A message that a [`Watcher`] saw.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Watched {
    /// The message.
    pub message: Received,
    /// The place behind it, to begin there another time.
    pub at: Position,
    /// Whether it may have been handed out before, under a former numbering of the mailbox.
    pub is_repeated: bool,
}

enum State {
    Idle(Box<Reader>),
    Busy(Next),
    Ended,
}

type Next = Pin<Box<dyn Future<Output = (Box<Reader>, Result<Watched, Error>)> + Send>>;

impl Watcher {
    /// Watches the INBOX of a login, behind a position, or from its first message.
    pub fn new(access: Arc<dyn MailAccess>, login: Login, after: Option<Position>) -> Self {
        let doctor = Arc::default();
        let reader = Reader {
            access,
            login,
            position: after,
            ready: VecDeque::new(),
            given: Given::new(REMEMBERED),
            is_read: false,
            came: false,
            failures: 0,
            vain: 0,
            fallback: None,
            doctor: Arc::clone(&doctor),
        };
        Self { state: State::Idle(Box::new(reader)), doctor }
    }

    /// Has it look every so often while the mail system [turns out](Self::health) not to tell of new mail when it comes.
    /// Each look costs the server a command, and it stays at that. Once the stream was asked for a message this changes nothing.
    pub fn with_polling(mut self, every: Duration) -> Self {
        if let State::Idle(reader) = &mut self.state {
            reader.fallback = Some(every);
        }
        self
    }

    /// Waits for the next message; `None` after an error that ended the stream. A dropped call loses nothing.
    ///
    /// # Errors
    /// An error that no waiting mends; the stream has ended then.
    pub async fn next(&mut self) -> Option<Result<Watched, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Tells whether the mail system tells of new mail when it comes. A change for the worse is logged, too (by
    /// `tracing`, level WARN).
    ///
    /// It compares when a message arrived, by the server's clock, with when it was seen here, for the last 8 messages that
    /// were waited for. A stream that is not asked for its next message sees none.
    pub fn health(&self) -> PushHealth {
        lock(&self.doctor).health()
    }
}

impl Stream for Watcher {
    type Item = Result<Watched, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut next = match std::mem::replace(&mut self.state, State::Ended) {
            State::Idle(reader) => Box::pin(reader.into_next()) as Next,
            State::Busy(next) => next,
            State::Ended => return Poll::Ready(None),
        };
        let Poll::Ready((reader, item)) = next.as_mut().poll(cx) else {
            self.state = State::Busy(next);
            return Poll::Pending;
        };
        if item.is_ok() {
            self.state = State::Idle(reader);
        }
        Poll::Ready(Some(item))
    }
}

/// Shows nothing of the login and the messages.
impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = matches!(self.state, State::Ended);
        f.debug_struct("Watcher")
            .field("ended", &ended)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

/// Reads ahead by one batch.
struct Reader {
    access: Arc<dyn MailAccess>,
    login: Login,
    position: Option<Position>,
    ready: VecDeque<Received>,
    given: Given,
    /// Whether something was read under the position's numbering.
    is_read: bool,
    /// Whether what is read next came while it was waited for.
    came: bool,
    failures: u32,
    /// How often in a row there was nothing to read after all.
    vain: u32,
    fallback: Option<Duration>,
    doctor: Arc<Mutex<Doctor>>,
}

impl Reader {
    async fn into_next(mut self: Box<Self>) -> (Box<Self>, Result<Watched, Error>) {
        loop {
            if let Some(watched) = self.take() {
                return (self, Ok(watched));
            }
            match self.read_on().await {
                Ok(()) => {
                    self.failures = 0;
                    lock(&self.doctor).reached();
                }
                Err(error) if error.is_retryable() => {
                    let pause = error.retry_after().unwrap_or_else(|| back_off(self.failures));
                    tracing::debug!(%error, ?pause, "the mailbox will be watched again");
                    lock(&self.doctor).failed(&error);
                    self.failures += 1;
                    self.came = false;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return (self, Err(error)),
            }
        }
    }

    /// Takes the next one of those that were read.
    fn take(&mut self) -> Option<Watched> {
        let message = self.ready.pop_front()?;
        let at = Position { uid: message.uid().get(), ..self.position? };
        self.position = Some(at);
        let is_repeated = self.given.give(&message);
        Some(Watched { message, at, is_repeated })
    }

    /// Reads what is behind the position, or waits for it.
    async fn read_on(&mut self) -> Result<(), Error> {
        let batch = self.access.fetch(&self.login, &Selection::After(self.position), BATCH).await?;
        let came = std::mem::take(&mut self.came);
        let start = Position { uid_validity: batch.uid_validity, uid: 0 };
        let here = match self.position {
            Some(here) if here.uid_validity == batch.uid_validity => here,
            Some(_) => {
                self.given.renumber(!self.is_read);
                start
            }
            None => start,
        };
        self.position = Some(here);
        self.is_read = true;
        if !batch.messages.is_empty() {
            if came {
                let now = SystemTime::now();
                batch.messages.iter().for_each(|one| lock(&self.doctor).saw(one.internal_date(), now));
            }
            self.ready.extend(batch.messages);
            self.vain = 0;
            return Ok(());
        }
        self.given.catch_up();
        if self.vain > 1 {
            tokio::time::sleep(back_off(self.vain)).await;
        }
        let is_pushed = lock(&self.doctor).health() == PushHealth::Good;
        let fallback = self.fallback.filter(|_| !is_pushed);
        let arrival = self.access.wait(&self.login, here, fallback.unwrap_or(WAIT)).await?;
        self.vain = if arrival == Arrival::New { self.vain + 1 } else { 0 };
        // What was looked for says nothing about push.
        self.came = arrival == Arrival::New && fallback.is_none();
        Ok(())
    }
}

fn lock(doctor: &Mutex<Doctor>) -> MutexGuard<'_, Doctor> {
    doctor.lock().unwrap_or_else(PoisonError::into_inner)
}

const BATCH: usize = 16;
const WAIT: Duration = Duration::from_mins(29);
const REMEMBERED: usize = 512;

#[cfg(test)]
mod tests;
