use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_imap::imap_proto::{Outcome, Response, ResponseCode, Status as Word};
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::command::Command;
use super::id::Id;
use super::idle::Idle;
use super::line::Line;
use super::login::{NOT_NOW, goodbye};
use super::offers::Offers;
use super::selected::Selected;
use crate::Status;
use crate::wire::{COVER, Fault, GuardStream, Violation, within};

/// A connection that is logged in, between two commands.
#[derive(Debug)]
pub(crate) struct Session {
    codec: async_imap::Client<GuardStream>,
    pub(super) offers: Offers,
    /// The folder that is selected, as the server told of it last.
    pub(super) selected: Option<Selected>,
    /// It was selected just now, for what comes next.
    pub(super) is_fresh: bool,
    /// Why it couldn't be selected with the login.
    pub(super) refused: Option<Box<Fault>>,
    /// The IDLE under way.
    pub(super) idle: Option<Idle>,
    /// When the server was asked last to look at the folder, of those times that it answered.
    pub(super) synced: Instant,
    pub(super) agreed: Agreed,
    /// What the server is to be told of the program.
    pub(super) id: Id,
    /// The IDLE that was ended in one flight with the command under way.
    ended: Option<String>,
    /// Tells whether every command was answered to its end.
    in_step: bool,
    tag: u32,
}

/// What the server has agreed on (ENABLE, RFC 5161).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreed {
    /// It names messages that go by their UIDs (QRESYNC).
    pub(super) resync: bool,
    /// Names and searches go as UTF-8 (RFC 6855).
    pub(super) utf8: bool,
}

/// What an answer is to the command under way.
pub(super) enum Next {
    /// Something to know by the way, or a part of the result.
    Untagged,
    /// The request to send the rest.
    GoOn,
    /// The tagged OK.
    End,
}

/// What the server says beside its requests for more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said<'a> {
    /// What the parser reads: numbers of messages, FETCH, and the words OK, NO, BAD and BYE, the tagged OK among them.
    Parsed(&'a Response<'a>),
    /// A line that begins with another word, such as LIST or SEARCH.
    Line(Line<'a>),
}

/// What the answer to one command may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Bytes in all.
    pub(super) bytes: u64,
    /// Bytes in one literal.
    pub(super) literal: u64,
    /// Time in all; a server that is silent for 60 s is given up before.
    pub(super) time: Duration,
}

impl Session {
    pub(super) fn new(stream: GuardStream, offers: Offers) -> Self {
        Self {
            codec: async_imap::Client::new(stream),
            offers,
            selected: None,
            is_fresh: false,
            refused: None,
            idle: None,
            synced: Instant::now(),
            agreed: Agreed::default(),
            id: Id::default(),
            ended: None,
            in_step: true,
            tag: 0,
        }
    }

    /// Tells whether no answer is outstanding, so that the session can serve another call.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_step || self.idle.is_some()
    }

    /// Tells whether it can wait for mail without asking again and again.
    pub(super) fn can_idle(&self) -> bool {
        self.offers.has("IDLE")
    }

    /// Runs a command: `each` sees every answer, and only a tagged OK is `Ok`.
    pub(super) async fn run(
        &mut self,
        command: &str,
        allowance: Allowance,
        each: impl FnMut(Said<'_>) + Send,
    ) -> Result<(), Fault> {
        self.execute(&Command::new(command), allowance, each).await
    }

    /// Reads the answer to a command that is under way.
    pub(super) async fn finish(
        &mut self,
        tag: &str,
        deadline: Instant,
        mut each: impl FnMut(Said<'_>) + Send,
    ) -> Result<(), Fault> {
        loop {
            match tokio::time::timeout_at(deadline, self.next(tag, &mut each)).await {
                Ok(Ok(Next::Untagged)) => {}
                Ok(Ok(Next::End)) => return Ok(()),
                Ok(Ok(Next::GoOn)) => return Err(Fault::Protocol("it asks for more of a command".into())),
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        }
    }

    /// Sends a command in one go and returns its tag.
    pub(super) async fn begin(&mut self, command: &str, allowance: Allowance) -> Result<String, Fault> {
        self.utter(&Command::new(command), allowance, &mut |_| {}).await
    }

    /// Returns what goes out before a command, its tag included, and the tag. What ends an IDLE goes out with it.
    pub(super) async fn take_off(&mut self, allowance: Allowance) -> Result<(Vec<u8>, String), Fault> {
        self.may_end_idle().await?;
        (self.in_step, self.is_fresh) = (false, false);
        self.ended = self.idle.take().map(|idle| idle.tag);
        let done = if self.ended.is_some() { "DONE\r\n" } else { "" };
        let tag = self.next_tag();
        let flight = format!("{done}{}{tag} ", self.id.take());
        self.codec.get_mut().allow(allowance.bytes, allowance.literal, Some(COMMAND));
        Ok((flight.into_bytes(), tag))
    }

    /// Notes that the answers can't be told apart any more.
    pub(super) fn break_off(&mut self) {
        self.in_step = false;
    }

    fn next_tag(&mut self) -> String {
        self.tag += 1;
        format!("A{}", self.tag)
    }

    /// Notes a command that was sent before the session was made, and returns its tag.
    pub(super) fn begun(&mut self, allowance: Allowance) -> String {
        self.in_step = false;
        self.codec.get_mut().allow(allowance.bytes, allowance.literal, Some(COMMAND));
        self.next_tag()
    }

    /// Tells whether the end of an IDLE is still to be answered.
    pub(super) fn is_ending(&self) -> bool {
        self.ended.is_some()
    }

    /// Sends bytes as they are. News that the server has may have been read ahead of them.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let stream = self.codec.get_mut();
        within(COMMAND, "sending a command", async {
            stream.write_all(bytes).await?;
            stream.flush().await
        })
        .await?;
        self.listen_anew();
        Ok(())
    }

    /// Reads one answer while the command `expected` is under way, and shows it to `see` unless it is a refusal or a
    /// request. It may be dropped and called again.
    pub(super) async fn next(
        &mut self,
        expected: &str,
        see: impl FnOnce(Said<'_>) + Send,
    ) -> Result<Next, Fault> {
        // The parser panics on some broken answers; that is the server's fault and not the program's.
        let answer = match AssertUnwindSafe(self.codec.read_response()).catch_unwind().await {
            Ok(Ok(Some(answer))) => answer,
            Ok(Ok(None)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(Err(error)) => return Err(broken(error)),
            Err(_) => return Err(Fault::Unreadable("it stops the parser")),
        };
        match answer.parsed() {
            Response::Done { tag, .. } if self.id.is_answered(&tag.0) => return Ok(Next::Untagged),
            Response::Done { tag, status: Word::Ok, .. } if self.ended.as_ref() == Some(&tag.0) => {
                self.ended = None;
                return Ok(Next::Untagged);
            }
            Response::Done { tag, .. } if tag.0 != expected || self.ended.is_some() => {
                return Err(Fault::Protocol("it answers a command that was not sent".into()));
            }
            Response::Done { status, outcome, .. } => {
                self.in_step = matches!(status, Word::Ok | Word::No);
                return match status {
                    Word::Ok => {
                        see(Said::Parsed(answer.parsed()));
                        Ok(Next::End)
                    }
                    Word::No => Err(Fault::Refused(no(outcome))),
                    _ => Err(Fault::Protocol("it doesn't understand a command".into())),
                };
            }
            Response::Data { outcome: Outcome { information: Some(text), .. }, .. }
                if text.as_bytes().first() == Some(&COVER) =>
            {
                let line = self.codec.get_mut().take_line().unwrap_or_default();
                let line = Line::of(&line);
                if let (Some(selected), Some(gone)) = (&mut self.selected, line.expunged()) {
                    selected.vanished(&gone);
                }
                see(Said::Line(line));
                return Ok(Next::Untagged);
            }
            Response::Continue(_) => return Ok(Next::GoOn),
            Response::Data { status: Word::Bye, .. } => return Err(goodbye()),
            other => {
                if let Some(selected) = &mut self.selected {
                    selected.note(other);
                }
            }
        }
        see(Said::Parsed(answer.parsed()));
        Ok(Next::Untagged)
    }

    /// Begins to count the server's silence anew, after a time in which nobody listened.
    pub(super) fn listen_anew(&mut self) {
        self.codec.get_mut().listen_anew();
    }

    /// Changes how long the server may be silent while a command is under way.
    pub(super) fn allow_silence(&mut self, allowance: Allowance, patience: Option<Duration>) {
        self.codec.get_mut().allow(allowance.bytes, allowance.literal, patience);
    }
}

/// Takes it that messages which are gone by now needn't be there.
pub(super) fn gone_is_fine(done: Result<(), Fault>) -> Result<(), Fault> {
    match done {
        Err(Fault::Refused(status)) if is_gone(&status) => Ok(()),
        done => done,
    }
}

/// Tells whether a message went away between two commands (RFC 5530).
pub(super) fn is_gone(status: &Status) -> bool {
    has_code(&status.text, EXPUNGED)
}

/// Codes are read without regard to case.
fn has_code(text: &str, code: &str) -> bool {
    text.get(..code.len()).is_some_and(|start| start.eq_ignore_ascii_case(code))
}

/// Makes the refusal of something that the server hasn't or that isn't there, as it would say it (RFC 5530).
pub(super) fn refused(text: &str) -> Fault {
    Fault::Refused(Status::new(0, None, text))
}

/// Tells what may pass (RFC 5530) from what won't.
fn no(outcome: &Outcome<'_>) -> Status {
    let text = outcome.information.as_deref().unwrap_or_default();
    // The parser takes away the codes that it knows.
    let text = &match outcome.code {
        Some(ResponseCode::TryCreate) => format!("[TRYCREATE] {text}"),
        _ => text.to_owned(),
    };
    let passing = ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", EXPUNGED];
    Status::new(0, passing.iter().any(|code| has_code(text, code)).then_some(NOT_NOW), text)
}

/// The parser's errors hold what it was given, which is mail; they are not passed on.
fn broken(error: io::Error) -> Fault {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Violation>()) {
        Some(violation) => Fault::Unreadable(violation.0),
        None if error.kind() == io::ErrorKind::Other => Fault::Unreadable("it can't be parsed"),
        None => Fault::Lost(error),
    }
}

/// For commands whose answer is short and quick.
pub(super) const SHORT: Allowance = Allowance { bytes: 1 << 20, literal: 0, time: COMMAND };
/// For commands that go through many messages.
pub(super) const LONG: Allowance = Allowance { bytes: 128 << 20, literal: 0, time: Duration::from_mins(10) };
pub(super) const COMMAND: Duration = Duration::from_mins(1);
/// A message went away between two commands (RFC 5530).
pub(super) const EXPUNGED: &str = "[EXPUNGEISSUED]";
