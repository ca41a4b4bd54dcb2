//! Real traffic on a cassette: recorded once, redacted, and played back as a backend.
//!
//! A [`Recorder`] stands before a mail system and notes each call with its answer; [`Replay`] answers from what was
//! recorded, in the same order, and refuses what was not. A cassette is text, a line of JSON for each call.
//!
//! ```
//! use std::sync::Arc;
//!
//! use agent_mail::cassette::{Cassette, Recorder, Redaction, Replay};
//! use agent_mail::mail_access::{Login, MailAccess, NewMessage, PostOffice, Selection};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let office = PostOffice::new();
//! office.add_domain("agents.example".parse()?);
//! let ada = Login::new("ada@agents.example".parse()?, "hunter2".into());
//! office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
//!
//! let recorder = Recorder::new(Arc::new(office)).with_redaction(Redaction::Secrets);
//! let note = NewMessage::to(ada.address()).with_subject("my password").with_text("It is hunter2.");
//! recorder.submit(&ada, &note.seal(&ada.address().into())?).await?;
//! recorder.fetch(&ada, &Selection::Unseen, 10).await?;
//! let text = recorder.cassette().to_string();
//! assert!(text.contains("my password") && !text.contains("hunter2"));
//!
//! let replay = Replay::new(text.parse::<Cassette>()?);
//! let again = replay.fetch(&ada, &Selection::Unseen, 10).await?;
//! assert_eq!(again.messages[0].subject(), "my password");
//! let refused = replay.fetch(&ada, &Selection::Unseen, 10).await.unwrap_err();
//! assert!(refused.to_string().contains("not recorded"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod failure;
mod line;
mod record;
mod redact;
mod replay;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use mail_access::Address;
use serde::{Deserialize, Serialize};

pub use self::record::Recorder;
pub use self::replay::Replay;

use self::line::Line;
use crate::{Error, ErrorKind};

/// What was recorded, without what had to be left out. Its text is the file: `to_string` writes it, `parse` reads it.
#[derive(Clone, PartialEq)]
pub struct Cassette {
    redaction: Redaction,
    lines: Vec<Line>,
}

impl Cassette {
    /// Tells what was left out.
    pub fn redaction(&self) -> Redaction {
        self.redaction
    }

    /// Returns how many calls are on it.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Tells whether there is nothing on it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the addresses that called, as they stand on the cassette: with [`Redaction::All`] these are the names
    /// that a program has to be played back with.
    pub fn logins(&self) -> Vec<Address> {
        let logins: BTreeSet<_> = self.lines.iter().filter_map(|line| line.call.login()).collect();
        logins.into_iter().filter_map(|login| login.parse().ok()).collect()
    }
}

impl fmt::Display for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = Head { cassette: VERSION, redaction: self.redaction };
        writeln!(f, "{}", serde_json::to_string(&head).map_err(|_| fmt::Error)?)?;
        for line in &self.lines {
            writeln!(f, "{}", serde_json::to_string(line).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

impl FromStr for Cassette {
    type Err = Error;

    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), naming the line, if it is no cassette, or one of another version.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |number: usize, detail: &str| {
            Error::new(ErrorKind::InvalidInput, "read cassette", format!("line {number}"))
                .with_detail(detail)
                .with_fix("record it again")
        };
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let (head, number) = lines.next().ok_or_else(|| wrong(1, "it is empty"))?;
        let head: Head = serde_json::from_str(head)
            .map_err(|source| wrong(number, "it is not the first line of a cassette").with_source(source))?;
        if head.cassette != VERSION {
            return Err(wrong(number, &format!("it is of version {}, not {VERSION}", head.cassette)));
        }
        let read = |(line, number): (&str, usize)| {
            serde_json::from_str(line)
                .map_err(|source| wrong(number, "it can't be understood").with_source(source))
        };
        Ok(Self { redaction: head.redaction, lines: lines.map(read).collect::<Result<_, _>>()? })
    }
}

/// Shows how many calls are on it.
impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cassette").field("calls", &self.lines.len()).finish_non_exhaustive()
    }
}

/// What a recorder leaves out of a cassette. Passwords and tokens never stand there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Redaction {
    /// Secrets only: of logins, and those that the recorder was [told](Recorder::with_secret). A message that holds one in
    /// an encoded form loses its content.
    Secrets,
    /// The content of messages too: subjects, bodies, and all header fields but those that say who wrote to whom, when,
    /// and in answer to what. Delivery reports become ordinary messages by that.
    Bodies,
    /// Names, addresses and hosts too: each address becomes `p1@d1.example`, the same one everywhere.
    #[default]
    All,
}

#[derive(Serialize, Deserialize)]
struct Head {
    cassette: u32,
    redaction: Redaction,
}

const VERSION: u32 = 1;
