use std::borrow::Cow;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::mailbox_name;
use super::session::{Allowance, Next, Said, Session};
use crate::wire::Fault;
use crate::{Flag, FolderName};

/// One command in the making. What stands in an argument stays in it: all text that isn't ours goes through
/// [`astring`](Self::astring) or [`literal`](Self::literal).
#[derive(Clone, Debug, Default)]
pub(super) struct Command<'a>(Vec<Part<'a>>);

#[derive(Clone, Debug)]
enum Part<'a> {
    Text(String),
    /// It is written as the session has agreed on.
    Folder(FolderName),
    Literal(Cow<'a, [u8]>),
    /// One whose header holds UTF-8 (RFC 6855 section 4).
    Utf8(&'a [u8]),
}

impl<'a> Command<'a> {
    /// Begins with words of ours.
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self(vec![Part::Text(words.into())])
    }

    /// Adds words of ours as they are.
    pub(super) fn words(mut self, words: &str) -> Self {
        self.push(words);
        self
    }

    /// Adds any text as a string: quoted, or a literal if it holds what quotes can't.
    pub(super) fn astring(mut self, text: &str) -> Self {
        if text.len() <= MAX_QUOTED && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            self.push(&format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
            return self;
        }
        self.0.push(Part::Literal(Cow::Owned(text.as_bytes().to_vec())));
        self
    }

    /// Adds the name of a folder.
    pub(super) fn folder(mut self, name: &FolderName) -> Self {
        self.0.push(Part::Folder(name.clone()));
        self
    }

    /// Adds flags in parentheses.
    pub(super) fn flags(self, flags: &[Flag]) -> Self {
        let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        self.words(&format!("({})", flags.join(" ")))
    }

    /// Adds bytes as they are, without copying them.
    pub(super) fn literal(mut self, bytes: &'a [u8]) -> Self {
        self.0.push(Part::Literal(Cow::Borrowed(bytes)));
        self
    }

    /// Adds a message whose header holds UTF-8, for a server that has agreed on that.
    pub(super) fn utf8(mut self, bytes: &'a [u8]) -> Self {
        self.push("UTF8 (");
        self.0.push(Part::Utf8(bytes));
        self.words(")")
    }

    /// Adds what another one consists of.
    pub(super) fn then(mut self, other: Self) -> Self {
        for part in other.0 {
            match part {
                Part::Text(text) => self.push(&text),
                part => self.0.push(part),
            }
        }
        self
    }

    /// Counts its bytes, and what announces literals.
    pub(super) fn length(&self) -> usize {
        let length = |part: &Part<'_>| match part {
            Part::Text(text) => text.len(),
            Part::Folder(name) => name.as_str().len() * 3,
            Part::Literal(bytes) => ANNOUNCED + bytes.len(),
            Part::Utf8(bytes) => ANNOUNCED + bytes.len(),
        };
        self.0.iter().map(length).sum()
    }

    /// Tells whether it holds nothing but ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.0.iter().all(|part| match part {
            Part::Text(text) => text.is_ascii(),
            Part::Folder(name) => name.as_str().is_ascii(),
            Part::Literal(bytes) => bytes.is_ascii(),
            Part::Utf8(bytes) => bytes.is_ascii(),
        })
    }

    fn push(&mut self, words: &str) {
        debug_assert!(!words.contains(['\r', '\n', '\0']), "a command is one line");
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push_str(words),
            _ => self.0.push(Part::Text(words.to_owned())),
        }
    }
}

#[cfg(test)]
impl Command<'_> {
    /// Returns what goes over the wire to a server that asks for no literal.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Part::Folder(name) => bytes.extend_from_slice(mailbox_name::quoted(name).as_bytes()),
                Part::Utf8(_) => unreachable!("no test of bytes has one"),
                Part::Literal(literal) => {
                    bytes.extend_from_slice(format!("{{{}+}}\r\n", literal.len()).as_bytes());
                    bytes.extend_from_slice(literal);
                }
            }
        }
        bytes
    }
}

impl Session {
    /// Runs a command as [`run`](Self::run) does.
    pub(super) async fn execute(
        &mut self,
        command: &Command<'_>,
        allowance: Allowance,
        mut each: impl FnMut(Said<'_>) + Send,
    ) -> Result<(), Fault> {
        let upload = Duration::from_secs(command.length() as u64 / SLOWEST_UPLOAD);
        let deadline = Instant::now() + allowance.time + upload;
        let done = timeout_at(deadline, async {
            let tag = self.utter(command, allowance, &mut each).await?;
            self.finish(&tag, deadline, &mut each).await
        });
        done.await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    /// Sends a command and returns its tag.
    pub(super) async fn utter(
        &mut self,
        command: &Command<'_>,
        allowance: Allowance,
        each: &mut (impl FnMut(Said<'_>) + Send),
    ) -> Result<String, Fault> {
        let (mut ready, tag) = self.take_off(allowance).await?;
        for part in &command.0 {
            let (tilde, bytes): (&str, &[u8]) = match part {
                Part::Text(text) => {
                    ready.extend_from_slice(text.as_bytes());
                    continue;
                }
                Part::Folder(name) => {
                    ready.extend_from_slice(self.quoted(name).as_bytes());
                    continue;
                }
                Part::Literal(bytes) => ("", bytes),
                Part::Utf8(bytes) => ("~", bytes),
            };
            if self.offers.takes_at_once(bytes.len()) {
                ready.extend_from_slice(format!("{tilde}{{{}+}}\r\n", bytes.len()).as_bytes());
            } else {
                ready.extend_from_slice(format!("{tilde}{{{}}}\r\n", bytes.len()).as_bytes());
                self.send(&ready).await?;
                ready.clear();
                self.request(&tag, each).await?;
            }
            if bytes.len() > PIECE {
                self.send(&ready).await?;
                ready.clear();
                for piece in bytes.chunks(PIECE) {
                    self.send(piece).await?;
                }
            } else {
                ready.extend_from_slice(bytes);
            }
        }
        ready.extend_from_slice(b"\r\n");
        self.send(&ready).await?;
        Ok(tag)
    }

    /// Writes the name of a folder as it stands in a command of this session.
    pub(super) fn quoted(&self, folder: &FolderName) -> String {
        if self.agreed.utf8 { mailbox_name::quoted_utf8(folder) } else { mailbox_name::quoted(folder) }
    }

    /// Waits until the server asks for the next part of the command under way.
    async fn request(&mut self, tag: &str, each: &mut (impl FnMut(Said<'_>) + Send)) -> Result<(), Fault> {
        loop {
            match self.next(tag, &mut *each).await? {
                Next::Untagged => {}
                Next::GoOn => return Ok(()),
                Next::End => return Err(Fault::Protocol("it carries out half a command".into())),
            }
        }
    }
}

/// Tells of a link that was lost while something was to be changed that it may have happened.
pub(super) fn changed<T>(done: Result<T, Fault>) -> Result<T, Fault> {
    match done {
        Err(Fault::Lost(error)) => Err(Fault::Interrupted(error)),
        done => done,
    }
}

/// Servers take lines of 8192 bytes (RFC 7162 section 4); literals don't count.
const MAX_QUOTED: usize = 1000;
/// `{1000+}` and the line end.
const ANNOUNCED: usize = 10;
/// What is sent at once, within one deadline.
const PIECE: usize = 64 << 10;
/// Bytes in a second.
const SLOWEST_UPLOAD: u64 = 16 << 10;
