//! Many changes, one transaction: those that come while the disk is busy are written together by whoever is at it.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableTable, Table};
use tokio::sync::oneshot;

use super::RECORDS;
use crate::backend::{Change, Committed};

/// The changes that wait to be written, and whether somebody is writing.
#[derive(Debug)]
pub(super) struct Group {
    queue: Arc<Mutex<Queue>>,
    database: Arc<Database>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    is_written: bool,
}

#[derive(Debug)]
struct Waiting {
    change: Change,
    answer: oneshot::Sender<Result<Committed, Arc<Failed>>>,
}

impl Group {
    pub(super) fn new(database: &Arc<Database>) -> Self {
        Self { queue: Arc::default(), database: database.clone() }
    }

    /// Makes a change, in the order of the calls. If the caller is dropped it is made all the same, or not at all.
    pub(super) async fn commit(&self, change: Change) -> Result<Committed, Arc<Failed>> {
        let (answer, answered) = oneshot::channel();
        let is_written = {
            let mut queue = lock(&self.queue);
            queue.waiting.push_back(Waiting { change, answer });
            std::mem::replace(&mut queue.is_written, true)
        };
        if !is_written {
            let writer = Writer { queue: self.queue.clone(), database: Some(self.database.clone()) };
            tokio::task::spawn_blocking(move || writer.write_all());
        }
        answered.await.unwrap_or_else(|_| Err(Arc::new(Failed::Stopped)))
    }
}

/// Why a transaction was not made.
#[derive(Debug)]
pub(super) enum Failed {
    Database(redb::Error),
    /// The runtime was shut down before it was begun, or what wrote it panicked.
    Stopped,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database(_) => "the transaction could not be made",
            Self::Stopped => "the program is ending",
        })
    }
}

impl StdError for Failed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Database(source) => Some(source),
            Self::Stopped => None,
        }
    }
}

/// Writes for all who wait.
struct Writer {
    queue: Arc<Mutex<Queue>>,
    database: Option<Arc<Database>>,
}

impl Writer {
    /// Writes until nothing waits.
    fn write_all(mut self) {
        while let Some(database) = &self.database {
            let batch: Vec<Waiting> = {
                let mut queue = lock(&self.queue);
                let count = queue.waiting.len().min(AT_ONCE);
                queue.waiting.drain(..count).collect()
            };
            let outcome = write(database, &batch);
            self.rest_if_done();
            // Only now: with its answer a caller may drop the store and open the file again.
            answer(batch, outcome);
        }
    }

    /// Lets go of the database if nothing waits any more.
    fn rest_if_done(&mut self) {
        let mut queue = lock(&self.queue);
        if queue.waiting.is_empty() {
            queue.is_written = false;
            self.database = None;
        }
    }
}

/// When a transaction panics, or the runtime ends before the first one.
impl Drop for Writer {
    fn drop(&mut self) {
        if self.database.take().is_some() {
            let mut queue = lock(&self.queue);
            queue.is_written = false;
            // Nobody would write them: their callers hear that they were not made.
            queue.waiting.clear();
        }
    }
}

/// Makes changes in one transaction, each judged by what those before it have written.
fn write(database: &Database, batch: &[Waiting]) -> Result<Vec<Committed>, redb::Error> {
    let transaction = database.begin_write()?;
    let mut outcomes = Vec::with_capacity(batch.len());
    {
        let mut table = transaction.open_table(RECORDS)?;
        for waiting in batch {
            outcomes.push(make(&mut table, &waiting.change)?);
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn make(table: &mut Table<'_, &str, &[u8]>, change: &Change) -> Result<Committed, redb::Error> {
    for (key, expected) in &change.expectations {
        let found = table.get(&**key)?;
        if found.as_ref().map(redb::AccessGuard::value) != expected.as_deref() {
            return Ok(Committed::Conflict);
        }
    }
    for (key, value) in &change.writes {
        match value {
            Some(value) => table.insert(&**key, &**value)?,
            None => table.remove(&**key)?,
        };
    }
    Ok(Committed::Done)
}

/// Tells each caller what became of its change. Where the transaction failed a conflict is none either: it may have been
/// with a change that was not made.
fn answer(batch: Vec<Waiting>, outcome: Result<Vec<Committed>, redb::Error>) {
    let answers: Box<dyn Iterator<Item = _>> = match outcome {
        Ok(committed) => Box::new(committed.into_iter().map(Ok)),
        Err(error) => {
            let failed = Arc::new(Failed::Database(error));
            Box::new(std::iter::repeat_with(move || Err(failed.clone())))
        }
    };
    for (waiting, answer) in batch.into_iter().zip(answers) {
        // A caller that was dropped doesn't hear it.
        let _heard = waiting.answer.send(answer);
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // A panic elsewhere leaves whole values: each is changed in one step.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many changes in one transaction at most: it bounds how long the first of them waits.
const AT_ONCE: usize = 4096;
