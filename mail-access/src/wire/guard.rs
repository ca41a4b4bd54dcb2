mod scan;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use self::scan::Scan;
use super::{Buffered, Unread};

pub(crate) use self::scan::{COVER, MAX_NAME, UNDATED};

/// Stands between an IMAP server and the parser, and ends the connection before the parser sees what would make it
/// allocate, recurse or panic without bound.
///
/// It knows the little of the grammar that is asked for here: lines, in a FETCH literals that hold a body, and in some
/// others short ones that hold a name. A literal anywhere else is refused, so that nothing can hide in what one side
/// takes for a literal and the other not.
///
/// Lines that begin with a word (`* LIST ...`, `* ESEARCH ...`) are not for the parser, which doesn't know some of them
/// and confuses the strings of others. They are [kept](Self::take_line) as they came; what the parser sees in the place
/// of each is `* OK` and as many bytes as it had, all of them [`COVER`].
pub(crate) struct GuardStream {
    inner: Unread,
    scan: Scan,
    budget: u64,
    silence: Option<Pin<Box<Sleep>>>,
    patience: Option<Duration>,
    /// What came behind all that was passed on, and is not.
    violation: Option<Box<Violation>>,
}

impl GuardStream {
    /// Guards a stream. What was read ahead of it is scanned as well.
    pub(crate) fn new(inner: Buffered) -> Self {
        let scan = Scan::default();
        Self { inner: inner.into(), scan, budget: 0, silence: None, patience: None, violation: None }
    }

    /// Sets what the answer to the next command may cost: bytes in all, bytes in one literal, and how long the
    /// server may be silent in between.
    pub(crate) fn allow(&mut self, budget: u64, literal: u64, patience: Option<Duration>) {
        self.budget = budget;
        // Memory is reserved for a literal before it comes.
        self.scan.max_literal = literal.min(budget);
        self.patience = patience;
        self.silence = patience.map(|limit| Box::pin(tokio::time::sleep(limit)));
    }

    /// Begins to count the server's silence anew, after a time in which nobody listened.
    pub(crate) fn listen_anew(&mut self) {
        if let (Some(silence), Some(limit)) = (&mut self.silence, self.patience) {
            silence.as_mut().reset(Instant::now() + limit);
        }
    }

    /// Takes the oldest line that was kept from the parser, without `* ` and the line end.
    pub(crate) fn take_line(&mut self) -> Option<Vec<u8>> {
        self.scan.kept.pop_front()
    }
}

impl fmt::Debug for GuardStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardStream").finish_non_exhaustive()
    }
}

impl AsyncRead for GuardStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(violation) = &this.violation {
            return Poll::Ready(Err((**violation).into()));
        }
        let start = buf.filled().len();
        if Pin::new(&mut this.inner).poll_read(cx, buf)?.is_pending() {
            if let Some(silence) = &mut this.silence {
                ready!(silence.as_mut().poll(cx));
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server was silent for too long",
                )));
            }
            return Poll::Pending;
        }
        let read = &mut buf.filled_mut()[start..];
        this.budget = this.budget.checked_sub(read.len() as u64).ok_or(Violation("an answer is too long"))?;
        if let Err((whole, violation)) = this.scan.read(read) {
            this.violation = Some(Box::new(violation));
            if whole == 0 {
                return Poll::Ready(Err(violation.into()));
            }
            buf.set_filled(start + whole);
        }
        this.listen_anew();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for GuardStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What a server sent and no server may send.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct Violation(pub(crate) &'static str);

impl From<Violation> for io::Error {
    fn from(violation: Violation) -> Self {
        io::Error::other(violation)
    }
}

#[cfg(test)]
mod tests;
