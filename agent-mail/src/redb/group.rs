//! Many changes, one transaction: those that come while the disk is busy are written together by whoever is at it.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::pairs::{Batch, Room};
use super::records::Records;
use crate::backend::{Change, Committed};

/// The changes that wait to be written, and whether somebody is writing.
#[derive(Debug)]
pub(super) struct Group {
    queue: Arc<Line>,
    records: Arc<Records>,
}

#[derive(Debug, Default)]
struct Line {
    queue: Mutex<Queue>,
    /// Wakes the writer when as many wait as it wants.
    enough: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Those that will be written together, in their order: all but the last are full.
    waiting: VecDeque<Waiting>,
    is_written: bool,
    /// How many the writer waits for.
    wanted: usize,
    /// How many were written last, how much memory they took, and how long that took.
    last: (usize, Room, Duration),
}

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    callers: Vec<Answer>,
}

type Answer = oneshot::Sender<Result<Committed, Arc<Failed>>>;

impl Group {
    pub(super) fn new(records: &Arc<Records>) -> Self {
        Self { queue: Arc::default(), records: records.clone() }
    }

    /// Makes a change, in the order of the calls. If the caller is dropped it is made all the same, or not at all.
    pub(super) async fn commit(&self, mut change: Change) -> Result<Committed, Arc<Failed>> {
        let (answer, answered) = oneshot::channel();
        let is_written = {
            let mut queue = self.queue.lock();
            queue.push(&mut change, answer);
            if queue.count() == queue.wanted {
                self.queue.enough.notify_one();
            }
            std::mem::replace(&mut queue.is_written, true)
        };
        // Before the wait: its memory is still at hand for what comes next.
        drop(change);
        if !is_written {
            let (queue, records) = (self.queue.clone(), Some(self.records.clone()));
            let writer = Writer { queue, records, is_last: false };
            tokio::task::spawn_blocking(move || writer.write_all());
        }
        answered.await.unwrap_or_else(|_| Err(Arc::new(Failed::Stopped)))
    }
}

impl Queue {
    fn push(&mut self, change: &mut Change, caller: Answer) {
        if self.waiting.back().is_none_or(|last| last.callers.len() == AT_ONCE) {
            let (callers, room, _) = self.last;
            let (batch, callers) = (Batch::with_room(room), Vec::with_capacity(callers));
            self.waiting.push_back(Waiting { batch, callers });
        }
        if let Some(last) = self.waiting.back_mut() {
            last.batch.push(change);
            last.callers.push(caller);
        }
    }

    /// Whether a caller waits who was not dropped.
    fn is_awaited(&self) -> bool {
        self.waiting.iter().flat_map(|waiting| &waiting.callers).any(|caller| !caller.is_closed())
    }

    /// How many changes the next transaction will have.
    fn count(&self) -> usize {
        self.waiting.front().map_or(0, |first| first.callers.len())
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic elsewhere leaves whole values: each is changed in one step.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there are some more, where there are many callers, but not longer than the last transaction took:
    /// each costs as much as dozens of changes.
    fn gather(&self) -> MutexGuard<'_, Queue> {
        let mut queue = self.lock();
        let (before, _, took) = queue.last;
        if before < MANY {
            return queue;
        }
        queue.wanted = (2 * before).min(GATHERED);
        let is_small = |queue: &mut Queue| queue.count() < queue.wanted;
        let waited = self.enough.wait_timeout_while(queue, took.min(PATIENCE), is_small);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.wanted = 0;
        queue
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
    queue: Arc<Line>,
    records: Option<Arc<Records>>,
    /// Whether nobody goes on when it is dropped.
    is_last: bool,
}

impl Writer {
    /// Writes until nothing waits.
    fn write_all(mut self) {
        while let Some(records) = &self.records {
            let Waiting { batch, callers } = self.queue.gather().waiting.pop_front().unwrap_or_default();
            let (count, room, begun) = (callers.len(), batch.room(), Instant::now());
            let outcome = records.write(batch);
            self.queue.lock().last = (count, room, begun.elapsed());
            self.rest_if_done();
            // Only now: with its answer a caller may drop the store and open the file again.
            answer(callers, outcome);
        }
    }

    /// Lets go of the database if nothing waits any more.
    fn rest_if_done(&mut self) {
        let mut queue = self.queue.lock();
        if queue.waiting.is_empty() {
            queue.is_written = false;
            self.records = None;
        }
    }
}

/// When a transaction panics, or the runtime ends before the first one: among those who wait may be callers of another
/// runtime, so that a thread of its own goes on.
impl Drop for Writer {
    fn drop(&mut self) {
        let Some(records) = self.records.take() else { return };
        let mut queue = self.queue.lock();
        if self.is_last || !queue.is_awaited() {
            queue.is_written = false;
            // Nobody writes them: callers that there are hear that they were not made.
            queue.waiting.clear();
            return;
        }
        drop(queue);
        let writer = Self { queue: self.queue.clone(), records: Some(records), is_last: true };
        // Where there can be no other thread, it is dropped with what it was to do.
        let _thread = std::thread::Builder::new().name("state".to_owned()).spawn(|| writer.write_all());
    }
}

/// Tells each caller what became of its change. Where the transaction failed a conflict is none either: it may have been
/// with a change that was not made.
fn answer(callers: Vec<Answer>, outcome: Result<Vec<Committed>, redb::Error>) {
    let answers: Box<dyn Iterator<Item = _>> = match outcome {
        Ok(committed) => Box::new(committed.into_iter().map(Ok)),
        Err(error) => {
            let failed = Arc::new(Failed::Database(error));
            Box::new(std::iter::repeat_with(move || Err(failed.clone())))
        }
    };
    for (caller, answer) in callers.into_iter().zip(answers) {
        // A caller that was dropped doesn't hear it.
        let _heard = caller.send(answer);
    }
}

/// So many changes in one transaction at most: it bounds how long the first of them waits.
const AT_ONCE: usize = 4096;

/// With so many changes in a transaction more are waited for before the next, up to that many, and no longer than this.
const MANY: usize = 8;
const GATHERED: usize = 512;
const PATIENCE: Duration = Duration::from_millis(1);
