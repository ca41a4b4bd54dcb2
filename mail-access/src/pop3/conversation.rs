use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::content::Unstuffer;
use crate::wire::{Buffered, Fault, Stream, read_line, within, write};

/// Commands and answers over one stream.
pub(super) struct Conversation {
    stream: Buffered,
}

/// The first line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Ok(String),
    Refused(String),
    /// The request for the rest of a login (RFC 5034 section 4).
    GoOn,
}

impl Conversation {
    pub(super) fn over(stream: Stream) -> Self {
        Self { stream: BufReader::with_capacity(BUFFER, stream) }
    }

    /// Sends one or more commands in one go.
    pub(super) async fn send(&mut self, commands: &str) -> Result<(), Fault> {
        let sent = async { Ok(write(&mut self.stream, commands.as_bytes()).await) };
        within(COMMAND, "sending a command", sent).await?
    }

    /// Reads the first line of an answer.
    pub(super) async fn answer(&mut self, limit: Duration, what: &'static str) -> Result<Answer, Fault> {
        let line = self.line(limit, what).await?;
        let (word, text) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "+OK" => Ok(Answer::Ok(text.to_owned())),
            "-ERR" => Ok(Answer::Refused(text.to_owned())),
            "+" => Ok(Answer::GoOn),
            _ => Err(Fault::Protocol("an answer is neither +OK nor -ERR".into())),
        }
    }

    /// Reads the lines of an answer after the first, at most so many.
    pub(super) async fn lines(
        &mut self,
        most: usize,
        what: &'static str,
        mut each: impl FnMut(&str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let read = async {
            for _ in 0..=most {
                match self.line(COMMAND, what).await {
                    Ok(line) if line == "." => return Ok(Ok(())),
                    Ok(line) => {
                        if let Err(fault) = each(line.strip_prefix('.').unwrap_or(&line)) {
                            return Ok(Err(fault));
                        }
                    }
                    Err(fault) => return Ok(Err(fault)),
                }
            }
            Ok(Err(Fault::Protocol(format!("{what} has more than {most} lines"))))
        };
        within(LISTING, what, read).await?
    }

    /// Reads a message that may take so long, and keeps its first bytes; one of more than `limit` breaks it off.
    pub(super) async fn content(&mut self, keep: u64, limit: u64, time: Duration) -> Result<Vec<u8>, Fault> {
        within(time, MESSAGE, async { Ok(self.content_unhurried(keep, limit).await) }).await?
    }

    async fn content_unhurried(&mut self, keep: u64, limit: u64) -> Result<Vec<u8>, Fault> {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let (mut unstuffer, mut content, mut in_all) = (Unstuffer::default(), Vec::new(), 0_u64);
        loop {
            let ahead = within(COMMAND, MESSAGE, self.stream.fill_buf()).await?;
            if ahead.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let (taken, is_end) = unstuffer.take(ahead, &mut content);
            self.stream.consume(taken);
            in_all += taken as u64;
            content.truncate(keep);
            if in_all > limit {
                return Err(Fault::Unreadable("a message is longer than it was listed with"));
            }
            if is_end {
                return Ok(content);
            }
        }
    }

    async fn line(&mut self, limit: Duration, what: &'static str) -> Result<String, Fault> {
        let line = within(limit, what, async { Ok(read_line(&mut self.stream, MAX_LINE).await) }).await??;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

/// For each command, and for the next byte of a long answer.
pub(super) const COMMAND: Duration = Duration::from_mins(1);
/// For a whole list.
const LISTING: Duration = Duration::from_mins(10);
/// What a message is read in.
const MESSAGE: &str = "a message";
/// Four times what RFC 2449 section 4 allows.
const MAX_LINE: usize = 2048;
/// As much as a TLS record holds.
const BUFFER: usize = 16 << 10;
