//! The task that reads the mailbox of a hub.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::board::Board;
use super::queue::{Queue, Step, Stop, Taken};
use super::{Copies, EnvelopeRule};
use crate::chance::back_off;
use crate::{Error, Login, MailAccess, Position, Selection};

/// What the handles of a hub share. The task ends with the last of them.
pub(super) struct Reading {
    pub(super) shared: Arc<Shared>,
    task: AbortHandle,
}

impl Reading {
    pub(super) fn start(shared: Shared) -> Arc<Self> {
        let shared = Arc::new(shared);
        let task = tokio::spawn(read(Ended(Arc::clone(&shared)))).abort_handle();
        Arc::new(Self { shared, task })
    }
}

impl Deref for Reading {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let board = self.board();
        f.debug_struct("Hub")
            .field("login", self.login.address())
            .field("addresses", &board.len())
            .field("read", &board.read)
            .finish_non_exhaustive()
    }
}

/// What the task and the handles share.
pub(super) struct Shared {
    pub(super) access: Arc<dyn MailAccess>,
    pub(super) login: Login,
    pub(super) rule: EnvelopeRule,
    pub(super) copies: Copies,
    board: Mutex<Board>,
    trouble: Mutex<Option<Arc<Error>>>,
    /// Held by who looks into the mailbox; the number of the last look that went well.
    turn: tokio::sync::Mutex<u64>,
    looks: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        access: Arc<dyn MailAccess>,
        login: Login,
        rule: EnvelopeRule,
        copies: Copies,
        board: Board,
    ) -> Self {
        Self {
            access,
            login,
            rule,
            copies,
            board: Mutex::new(board),
            trouble: Mutex::new(None),
            turn: tokio::sync::Mutex::new(0),
            looks: AtomicU64::new(0),
        }
    }

    /// Held for no longer than it takes to note or to find something.
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trouble(&self) -> Option<Arc<Error>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what the mailbox holds at the time of this call or later. Callers at the same time share a look.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
        let begun = self.looks.load(Ordering::SeqCst);
        let mut last_done = self.turn.lock().await;
        if *last_done > begun {
            return Ok(());
        }
        let look = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        while self.read_on().await? {}
        *last_done = look;
        Ok(())
    }

    /// Reads and files some messages, and tells whether there are more. Dropped, it has done nothing or all of it.
    async fn read_on(&self) -> Result<bool, Error> {
        let selection = self.board().selection();
        match self.access.fetch(&self.login, &selection, BATCH).await {
            Ok(batch) => {
                let routed = |message: crate::Received| {
                    let recipient = self.rule.recipient(message.raw());
                    (message, recipient)
                };
                let messages = batch.messages.into_iter().map(routed).collect();
                Ok(self.board().file(&selection, batch.uid_validity, messages, batch.more))
            }
            Err(Error::Renumbered { found, .. }) if matches!(selection, Selection::Uids(..)) => {
                self.board().renumber(found);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the next message of a queue and hands it out. Dropped, it has taken none.
    pub(super) async fn next(&self, queue: Queue) -> Result<Taken, Error> {
        loop {
            let step = self.board().step(queue)?;
            let (uid_validity, uids) = match step {
                Step::Ready(taken) => return Ok(*taken),
                Step::Wait(ring) => {
                    ring.await;
                    continue;
                }
                Step::Fetch(uid_validity, uids) => (uid_validity, uids),
            };
            let selection = Selection::Uids(uid_validity, uids.clone());
            match self.access.fetch(&self.login, &selection, uids.len()).await {
                Ok(batch) => {
                    let brought = (batch.messages, batch.more);
                    if let Some(taken) = self.board().brought(queue, (uid_validity, &uids), brought)? {
                        return Ok(taken);
                    }
                }
                Err(Error::Renumbered { .. }) => self.catch_up().await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what is there and waits until there is more.
    async fn read_and_wait(&self) -> Result<(), Error> {
        self.catch_up().await?;
        self.note(None);
        let after = self.board().read.unwrap_or(Position { uid_validity: 0, uid: 0 });
        self.access.wait(&self.login, after, WAIT).await.map(drop)
    }

    fn note(&self, trouble: Option<Error>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble.map(Arc::new);
    }
}

/// Tells the handles when the task ends, however it does.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.board().stop(Stop::Ended);
    }
}

async fn read(hub: Ended) {
    let hub = &hub.0;
    let mut failures = 0;
    loop {
        let Err(error) = hub.read_and_wait().await else {
            failures = 0;
            continue;
        };
        if let Error::Authentication { login, status, .. } = &error
            && !status.is_temporary()
        {
            let stop = Stop::Refused { login: login.clone(), status: status.clone() };
            hub.note(Some(error));
            return hub.board().stop(stop);
        }
        let pause = back_off(failures).max(error.retry_after().unwrap_or_default());
        tracing::debug!(%error, ?pause, "the mailbox of the hub can't be read");
        hub.note(Some(error));
        failures += 1;
        sleep(pause).await;
    }
}

/// Messages read at a time; a mail system sets a limit to their bytes itself.
const BATCH: usize = 64;
/// Nothing depends on it: the next wait begins at once.
const WAIT: Duration = Duration::from_mins(20);
