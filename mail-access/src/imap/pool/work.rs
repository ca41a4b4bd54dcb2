//! Jobs of callers, which they may take back until they are begun.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::Manner;
use crate::imap::Session;
use crate::wire::Fault;

/// A job of some caller, whatever its answer is.
pub(in crate::imap) trait Work: Send {
    fn in_inbox(&self) -> bool;

    /// Tells whether anybody waits for it.
    fn is_wanted(&self) -> bool;

    /// Takes the job in hand; false if the caller took it back.
    fn begin(&mut self) -> bool;

    /// Gives the job back, so that the caller may take it back again.
    fn give_back(&mut self);

    /// Does it and tells the caller, unless the connection had been kept and turns out to be closed.
    fn run<'a>(&'a mut self, session: &'a mut Session, was_kept: bool) -> BoxFuture<'a, Outcome>;

    fn fail(self: Box<Self>, fault: Fault);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Outcome {
    Told,
    /// It is to be done again on another connection.
    Again,
}

/// Who has a job in hand, the caller or the task: whoever takes it out.
pub(super) type Held<J> = Arc<Mutex<Option<J>>>;

pub(super) fn hold<J>(job: J) -> Held<J> {
    Arc::new(Mutex::new(Some(job)))
}

pub(super) fn take<J>(held: &Held<J>) -> Option<J> {
    held.lock().unwrap_or_else(PoisonError::into_inner).take()
}

pub(super) fn is_held<J>(held: &Held<J>) -> bool {
    held.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Makes a demand of a job, and the channel for its answer.
pub(super) fn ask<T, J>(
    manner: Manner,
    held: &Held<J>,
) -> (Box<dyn Work>, oneshot::Receiver<Result<T, Fault>>)
where
    T: Send + 'static,
    J: for<'a> FnMut(&'a mut Session) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
{
    let (done, told) = oneshot::channel();
    (Box::new(Asked { manner, held: Arc::clone(held), job: None, done: Some(done) }), told)
}

struct Asked<T, J> {
    manner: Manner,
    held: Held<J>,
    job: Option<J>,
    done: Option<oneshot::Sender<Result<T, Fault>>>,
}

impl<T, J> Work for Asked<T, J>
where
    T: Send + 'static,
    J: for<'a> FnMut(&'a mut Session) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
{
    fn in_inbox(&self) -> bool {
        self.manner.in_inbox
    }

    fn is_wanted(&self) -> bool {
        self.done.as_ref().is_some_and(|done| !done.is_closed())
    }

    fn begin(&mut self) -> bool {
        if self.is_wanted() {
            self.job = take(&self.held);
        }
        self.job.is_some()
    }

    fn give_back(&mut self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = self.job.take();
    }

    fn run<'a>(&'a mut self, session: &'a mut Session, was_kept: bool) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let Some(job) = &mut self.job else { return Outcome::Told };
            let done = job(session).await;
            let is_lost = match &done {
                Err(Fault::Interrupted(_)) => self.manner.is_repeatable,
                Err(fault) => fault.is_stale(),
                Ok(_) => false,
            };
            if was_kept && is_lost {
                return Outcome::Again;
            }
            if let Some(told) = self.done.take() {
                // Nobody may be listening any more.
                let _ = told.send(done);
            }
            Outcome::Told
        })
    }

    fn fail(mut self: Box<Self>, fault: Fault) {
        if let Some(told) = self.done.take() {
            let _ = told.send(Err(fault));
        }
    }
}
