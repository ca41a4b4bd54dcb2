use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::{Buffered, Unread};

/// Stands between an IMAP server and the parser, and ends the connection before the parser sees what would make it
/// allocate, recurse or panic without bound.
///
/// It knows the little of the grammar that is asked for here: lines, and in a FETCH literals that hold a body. A
/// literal anywhere else is refused, so that nothing can hide in what one side takes for a literal and the other not.
pub(crate) struct GuardStream {
    inner: Unread,
    scan: Scan,
    budget: u64,
    silence: Option<Pin<Box<Sleep>>>,
    patience: Option<Duration>,
}

impl GuardStream {
    /// Guards a stream. What was read ahead of it is scanned as well.
    pub(crate) fn new(inner: Buffered) -> Self {
        Self { inner: inner.into(), scan: Scan::default(), budget: 0, silence: None, patience: None }
    }

    /// Sets what the answer to the next command may cost: bytes in all, bytes in one literal, and how long the
    /// server may be silent in between.
    pub(crate) fn allow(&mut self, budget: u64, literal: u64, patience: Option<Duration>) {
        self.budget = budget;
        self.scan.max_literal = literal;
        self.patience = patience;
        self.silence = patience.map(|limit| Box::pin(tokio::time::sleep(limit)));
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
        let read = &buf.filled()[start..];
        this.budget = this.budget.checked_sub(read.len() as u64).ok_or(Violation("an answer is too long"))?;
        this.scan.read(read)?;
        if let (Some(silence), Some(limit)) = (&mut this.silence, this.patience) {
            silence.as_mut().reset(tokio::time::Instant::now() + limit);
        }
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

/// The state of one line.
#[derive(Default)]
struct Scan {
    max_literal: u64,
    kind: Kind,
    /// The line's bytes so far, literals left out.
    length: usize,
    /// The line's last bytes, the newest at the end.
    tail: [u8; TAIL],
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// Bytes of a literal still to come.
    literal: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// `* ` and digits so far, or less.
    #[default]
    Undecided,
    /// `* 12 FETCH ...`: the only one with literals and nested lists.
    Fetch,
    /// Any other.
    Plain,
}

impl Scan {
    fn read(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.literal > 0 {
                let skipped = bytes.len().min(usize::try_from(self.literal).unwrap_or(usize::MAX));
                self.literal -= skipped as u64;
                bytes = &bytes[skipped..];
            } else {
                self.byte(byte)?;
                bytes = rest;
            }
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> Result<(), Violation> {
        let previous = self.tail[TAIL - 1];
        if (byte == b'\n') != (previous == b'\r' && self.length > 0) || byte == 0 {
            return Err(Violation("it holds a NUL, or a CR or LF alone"));
        }
        self.length += 1;
        if self.length > MAX_LINE {
            return Err(Violation("a line is too long"));
        }
        self.tail.rotate_left(1);
        self.tail[TAIL - 1] = byte;
        match self.kind {
            _ if byte == b'\n' => return self.line_end(),
            Kind::Undecided => self.decide(byte),
            Kind::Plain => self.plain(byte)?,
            Kind::Fetch => self.fetch(byte)?,
        }
        Ok(())
    }

    fn decide(&mut self, byte: u8) {
        let previous = self.tail[TAIL - 2];
        let undecided = match byte {
            b'*' => self.length == 1,
            b' ' => previous == b'*' || previous.is_ascii_digit(),
            b'0'..=b'9' => self.length > 2,
            _ => false,
        };
        if !undecided {
            let numbered = self.length > 3 && previous == b' ';
            self.kind = if numbered && byte.eq_ignore_ascii_case(&b'F') { Kind::Fetch } else { Kind::Plain };
        }
    }

    /// imap-proto cuts the text behind a response code at its second byte, whatever character that is in.
    fn plain(&self, byte: u8) -> Result<(), Violation> {
        if self.tail[TAIL - 2] == b']' && !byte.is_ascii() {
            return Err(Violation("the text behind a response code begins without a blank"));
        }
        Ok(())
    }

    fn fetch(&mut self, byte: u8) -> Result<(), Violation> {
        if self.quoted {
            self.quoted = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(());
        }
        match byte {
            b'"' => self.quoted = true,
            b'(' => self.depth += 1,
            b')' => {
                self.depth = self.depth.checked_sub(1).ok_or(Violation("a list ends that never began"))?;
            }
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(Violation("lists are nested too deep"));
        }
        // imap-proto takes for granted that this is a string.
        if self.tail[TAIL - NO_DATE.len()..].eq_ignore_ascii_case(NO_DATE) {
            return Err(Violation("a message has no date of arrival"));
        }
        Ok(())
    }

    fn line_end(&mut self) -> Result<(), Violation> {
        let length = self.literal_length()?;
        match length {
            Some(length) if self.kind == Kind::Fetch && self.depth == 1 && !self.quoted => {
                if length > self.max_literal {
                    return Err(Violation("a literal is larger than what was asked for"));
                }
                self.literal = length;
                // The bytes before it must not be taken for those before the next one.
                self.tail = [0; TAIL];
                self.tail[TAIL - 1] = b' ';
                return Ok(());
            }
            Some(_) => return Err(Violation("there is a literal where none was asked for")),
            None if self.depth > 0 || self.quoted => return Err(Violation("a line ends within a list")),
            None => {}
        }
        *self = Self { max_literal: self.max_literal, ..Self::default() };
        Ok(())
    }

    /// Reads `{123}` at the line's end; in a FETCH it has to stand behind `BODY[...] `.
    fn literal_length(&self) -> Result<Option<u64>, Violation> {
        let line = &self.tail[..TAIL - 2];
        let Some(line) = line.strip_suffix(b"}") else { return Ok(None) };
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, digits) = line.split_at(line.len() - digits);
        if digits.is_empty() || before.last() != Some(&b'{') {
            return Ok(None);
        }
        let length = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        match length {
            Some(length) if before.ends_with(b"] {") || before.ends_with(b"> {") => Ok(Some(length)),
            _ => Err(Violation("there is a literal where none was asked for")),
        }
    }
}

const NO_DATE: &[u8] = b"INTERNALDATE NIL";
/// Enough for it and for `] {4294967295}` with its line end.
const TAIL: usize = 24;
/// The answer to a SEARCH over the largest window that is asked for needs a little more than half of it.
const MAX_LINE: usize = 1 << 20;
const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests;
