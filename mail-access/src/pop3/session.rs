use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::conversation::{Answer, COMMAND, Conversation};
use super::login::{NOT_NOW, Offers, code};
use super::numbering::Listed;
use crate::Status;
use crate::wire::{Fault, within};

/// A maildrop that is open: what it holds doesn't change until the session ends.
pub(super) struct Session {
    talk: Conversation,
    pub(super) offers: Offers,
}

/// How much of a message is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it, which was listed with so many bytes; one of more than the second number is an error.
    Whole(u64, u64),
    /// The first MiB of its header.
    Header,
}

impl Session {
    pub(super) fn new(talk: Conversation, offers: Offers) -> Self {
        Self { talk, offers }
    }

    /// Lists all messages with their sizes and identities.
    pub(super) async fn list(&mut self) -> Result<Vec<Listed>, Fault> {
        let commands = ["STAT\r\n", "LIST\r\n", "UIDL\r\n"].map(String::from);
        self.send_flight(&commands, 0).await?;
        let count = count(&self.accepted("the answer to STAT").await?)?;
        self.send_flight(&commands, 1).await?;
        self.accepted(LIST).await?;
        let mut sizes = BTreeMap::new();
        self.talk
            .lines(MAX_MESSAGES, LIST, |line| note(&mut sizes, line, |size| size.parse::<u64>().ok()))
            .await?;
        self.send_flight(&commands, 2).await?;
        self.accepted(UIDL).await?;
        let mut listed = Vec::new();
        let mut identities = BTreeMap::new();
        self.talk.lines(MAX_MESSAGES, UIDL, |line| note(&mut identities, line, identity)).await?;
        if sizes.len() != count || !sizes.keys().eq(identities.keys()) {
            return Err(Fault::Protocol("STAT, LIST and UIDL tell of different messages".into()));
        }
        for ((number, size), (_, identity)) in sizes.into_iter().zip(identities) {
            listed.push(Listed { number, size, identity });
        }
        Ok(listed)
    }

    /// Reads messages, or parts of them, in the order given; `each` gets them one by one, or `None` for one that is
    /// refused for good. A refusal for now comes after what was asked for with it, and leaves the session in step.
    pub(super) async fn read(
        &mut self,
        wanted: &[(u32, Part)],
        mut each: impl FnMut(usize, Option<Vec<u8>>),
    ) -> Result<(), Fault> {
        let commands: Vec<_> = wanted
            .iter()
            .map(|(number, part)| match part {
                Part::Whole(..) => format!("RETR {number}\r\n"),
                Part::Header => format!("TOP {number} 0\r\n"),
            })
            .collect();
        let mut not_now = None;
        for (at, (_, part)) in wanted.iter().enumerate() {
            if self.begins_flight(at)
                && let Some(fault) = not_now.take()
            {
                return Err(fault);
            }
            self.send_flight(&commands, at).await?;
            match self.talk.answer(COMMAND, "the answer to RETR or TOP").await? {
                Answer::Ok(_) => {
                    let (size, keep, limit) = match *part {
                        Part::Whole(size, limit) => (size, limit, limit),
                        Part::Header => (MAX_HEADER, MAX_HEADER, MAX_TOP),
                    };
                    let time = COMMAND + Duration::from_secs(size / SLOWEST_DOWNLOAD);
                    each(at, Some(self.talk.content(keep, limit, time).await?));
                }
                Answer::Refused(text) => match refusal(&text) {
                    Fault::Refused(status) if !status.is_temporary() => each(at, None),
                    fault => not_now = not_now.or(Some(fault)),
                },
                Answer::GoOn => return Err(Fault::Protocol("+ is no answer to RETR or TOP".into())),
            }
        }
        not_now.map_or(Ok(()), Err)
    }

    /// Reads the headers of the messages from one on, as many as are asked for in one go, and returns them; those that
    /// are refused are empty.
    pub(super) async fn headers(&mut self, numbers: &[u32]) -> Result<Vec<Vec<u8>>, Fault> {
        let wanted: Vec<_> =
            numbers.iter().take(self.flight()).map(|number| (*number, Part::Header)).collect();
        let mut headers = Vec::new();
        self.read(&wanted, |_, header| headers.push(header.unwrap_or_default())).await?;
        Ok(headers)
    }

    /// Deletes messages: all of them when the server says goodbye, or none.
    ///
    /// If it is refused before that, nothing happened, and the session is in step.
    pub(super) async fn delete(&mut self, numbers: &[u32]) -> Result<(), Fault> {
        let commands: Vec<_> = numbers.iter().map(|number| format!("DELE {number}\r\n")).collect();
        let mut refused = None;
        for at in 0..commands.len() {
            if self.begins_flight(at) && refused.is_some() {
                break;
            }
            self.send_flight(&commands, at).await?;
            match self.talk.answer(COMMAND, "the answer to DELE").await? {
                Answer::Ok(_) => {}
                Answer::Refused(text) => refused = refused.or(Some(text)),
                Answer::GoOn => return Err(Fault::Protocol("+ is no answer to DELE".into())),
            }
        }
        refused.map_or(Ok(()), |text| Err(refusal(&text)))
    }

    /// Ends a session in which messages were deleted: only now they go.
    pub(super) async fn commit(mut self) -> Result<(), Fault> {
        let committed = async {
            self.talk.send("QUIT\r\n").await?;
            self.talk.answer(COMMAND, "the answer to QUIT").await
        };
        match committed.await {
            Ok(Answer::Ok(_)) => Ok(()),
            Ok(Answer::Refused(text)) => Err(refusal(&text)),
            Ok(Answer::GoOn) => Err(Fault::Interrupted(io::ErrorKind::InvalidData.into())),
            Err(Fault::Lost(error)) => Err(Fault::Interrupted(error)),
            Err(Fault::Protocol(problem)) => {
                Err(Fault::Interrupted(io::Error::new(io::ErrorKind::InvalidData, problem)))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Ends a session that changed nothing; it doesn't matter whether it succeeds.
    ///
    /// RSET takes back what some servers note of messages that were read: that they were seen, or that they may go
    /// (RFC 2449 section 6.7). The answers are waited for, as the next session may be refused before.
    pub(super) async fn leave(mut self) {
        let commands = ["RSET\r\n", "QUIT\r\n"].map(String::from);
        let farewell = async {
            for at in 0..commands.len() {
                self.send_flight(&commands, at).await.map_err(|_| io::ErrorKind::ConnectionAborted)?;
                let answer = self.talk.answer(COMMAND, "the farewell").await;
                answer.map_err(|_| io::ErrorKind::ConnectionAborted)?;
            }
            Ok(())
        };
        let _ = within(FAREWELL, "the farewell", farewell).await;
    }

    /// Ends a session in which some messages could be deleted and others not: none of them goes.
    ///
    /// It says goodbye only to a server that has taken all back, as QUIT deletes what is left of it; without QUIT nothing
    /// is deleted (RFC 1939 section 6).
    pub(super) async fn take_back(mut self) {
        let farewell = async {
            for command in ["RSET\r\n", "QUIT\r\n"] {
                self.talk.send(command).await.map_err(|_| io::ErrorKind::ConnectionAborted)?;
                match self.talk.answer(COMMAND, "the farewell").await {
                    Ok(Answer::Ok(_)) => {}
                    _ => return Err(io::ErrorKind::ConnectionAborted.into()),
                }
            }
            Ok(())
        };
        let _ = within(FAREWELL, "the farewell", farewell).await;
    }

    /// Sends the commands from one on that go out together, if it is the first of them.
    async fn send_flight(&mut self, commands: &[String], at: usize) -> Result<(), Fault> {
        if !self.begins_flight(at) {
            return Ok(());
        }
        let end = commands.len().min(at + self.flight());
        self.talk.send(&commands[at..end].concat()).await
    }

    fn begins_flight(&self, at: usize) -> bool {
        at.is_multiple_of(self.flight())
    }

    /// Returns how many commands go out before the first answer: few enough for the buffers on the way, so that
    /// neither side ever waits for the other to read.
    fn flight(&self) -> usize {
        if self.offers.pipelining { FLIGHT } else { 1 }
    }

    async fn accepted(&mut self, what: &'static str) -> Result<String, Fault> {
        match self.talk.answer(COMMAND, what).await? {
            Answer::Ok(text) => Ok(text),
            Answer::Refused(text) => Err(refusal(&text)),
            Answer::GoOn => Err(Fault::Protocol(format!("+ is no part of {what}"))),
        }
    }
}

fn refusal(text: &str) -> Fault {
    let enhanced = (code(text) == "SYS/TEMP").then_some(NOT_NOW);
    Fault::Refused(Status::new(0, enhanced, text))
}

/// Reads how many messages there are out of `2 320`.
fn count(stat: &str) -> Result<usize, Fault> {
    let count = stat.split(' ').next().and_then(|count| count.parse().ok());
    match count {
        Some(count) if count <= MAX_MESSAGES => Ok(count),
        Some(_) => Err(Fault::Protocol(format!("the maildrop holds more than {MAX_MESSAGES} messages"))),
        None => Err(Fault::Protocol("STAT isn't answered by a number".into())),
    }
}

/// Reads a line of a list, `1 120`; each message comes once.
fn note<T>(rows: &mut BTreeMap<u32, T>, line: &str, read: impl Fn(&str) -> Option<T>) -> Result<(), Fault> {
    let mut words = line.split_ascii_whitespace();
    let number = words.next().and_then(|number| number.parse::<u32>().ok()).filter(|&number| number > 0);
    let row = number.zip(words.next().and_then(read));
    match row.map(|(number, value)| rows.insert(number, value)) {
        Some(None) => Ok(()),
        Some(Some(_)) => Err(Fault::Protocol("a list tells of a message twice".into())),
        None => Err(Fault::Protocol("a line of a list has no number or no value".into())),
    }
}

/// Reads a unique-id: 1 to 70 printable characters (RFC 1939 section 7); some servers have longer ones.
fn identity(text: &str) -> Option<Box<str>> {
    let fine = text.len() <= MAX_IDENTITY && text.bytes().all(|byte| byte.is_ascii_graphic());
    fine.then(|| text.into())
}

const LIST: &str = "the answer to LIST";
const UIDL: &str = "the answer to UIDL";
const FLIGHT: usize = 32;
/// All of them are held in memory while they are numbered.
const MAX_MESSAGES: usize = 250_000;
const MAX_IDENTITY: usize = 255;
/// In bytes.
const MAX_HEADER: u64 = 1 << 20;
/// How much is read of a header that is larger, in bytes.
const MAX_TOP: u64 = 16 << 20;
/// Bytes in a second; a download may take as long as over the slowest link that is of use.
const SLOWEST_DOWNLOAD: u64 = 16 << 10;
const FAREWELL: Duration = Duration::from_secs(5);
