use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::command::Command;
use super::fetch::{LARGE_SECTION, Listed, MAX_HEADER, OVERHEAD, Row, SLACK, SLOWEST_DOWNLOAD};
use super::inbox::Limits;
use super::line::unreadable;
use super::session::{Allowance, COMMAND, Next, Session, is_gone};
use super::set;
use crate::wire::Fault;
use crate::{FolderName, Received, Selection};

/// Messages of a folder that are read one after the other, by a session of their own.
#[derive(Debug)]
pub(crate) struct Reading {
    session: Session,
    limits: Limits,
    listed: VecDeque<Listed>,
    /// What was asked for and has not come to its end.
    asked: Option<Asked>,
    /// The last UID that came.
    last: u32,
}

#[derive(Debug)]
struct Asked {
    tag: String,
    is_large: bool,
    /// For one message.
    time: Duration,
}

impl Reading {
    /// Finds out which messages there are.
    pub(crate) async fn begin(
        mut session: Session,
        folder: &FolderName,
        selection: &Selection,
        limits: Limits,
    ) -> Result<Self, Fault> {
        let inbox = session.examine_folder(folder).await?;
        let listed = session.matching(inbox, selection, usize::MAX).await?.into();
        Ok(Self { session, limits, listed, asked: None, last: 0 })
    }

    /// Takes leave of the server.
    pub(crate) async fn end(self) {
        self.session.leave().await;
    }

    /// Reads the next message; those that were removed meanwhile are left out.
    pub(crate) async fn next(&mut self) -> Result<Option<Received>, Fault> {
        self.session.listen_anew();
        loop {
            let Some(asked) = &self.asked else {
                match self.ask().await? {
                    Some(asked) => self.asked = Some(asked),
                    None => return Ok(None),
                }
                continue;
            };
            let (mut message, mut is_undated) = (None, false);
            let answer = self.session.next(&asked.tag, |answer| {
                if let Some(row) = Row::read(answer) {
                    is_undated = row.is_undated;
                    message = row.message(asked.is_large);
                }
            });
            match timeout(asked.time, answer).await.map_err(io::Error::from)? {
                Ok(Next::Untagged) => {}
                Ok(Next::End) => self.asked = None,
                Err(Fault::Refused(status)) if is_gone(&status) => self.asked = None,
                Ok(Next::GoOn) => return Err(Fault::Protocol("it asks for more of a command".into())),
                Err(fault) => return Err(fault),
            }
            if is_undated {
                return Err(unreadable());
            }
            if let Some(message) = message {
                if message.uid().get() <= self.last {
                    return Err(Fault::Protocol("it gives out messages in no order".into()));
                }
                self.last = message.uid().get();
                return Ok(Some(message));
            }
        }
    }

    /// Asks for the next messages, many at a time, so that none costs a round trip.
    async fn ask(&mut self) -> Result<Option<Asked>, Fault> {
        let max = self.limits.message;
        let Some(first) = self.listed.front() else { return Ok(None) };
        let is_large = first.size > max;
        let size = |listed: &Listed| if is_large { MAX_HEADER } else { listed.size };
        let mut bytes = 0;
        let alike = self.listed.iter().take(MANY).take_while(|listed| {
            let is_first = bytes == 0;
            bytes += size(listed).max(1);
            (listed.size > max) == is_large && (is_first || bytes <= AT_ONCE)
        });
        let group: Vec<_> = alike.map(|listed| listed.uid).collect();
        let largest = self.listed.drain(..group.len()).map(|listed| size(&listed)).max().unwrap_or(0);
        let section = if is_large { LARGE_SECTION } else { "BODY.PEEK[]" };
        let set = set::sets(&group).join(",");
        let command = Command::new(format!("UID FETCH {set} (UID FLAGS INTERNALDATE {section})"));
        // The size may be off by a little in an old index; it is not what memory is reserved by.
        let literal = if is_large { MAX_HEADER } else { max } + SLACK;
        let time = COMMAND + Duration::from_secs(largest * 2 / SLOWEST_DOWNLOAD);
        let allowance = Allowance { bytes: bytes * 2 + OVERHEAD, literal, time };
        let tag = self.session.utter(&command, allowance, &mut |_| {}).await?;
        Ok(Some(Asked { tag, is_large, time }))
    }
}

/// Bytes of the messages that are asked for at once.
const AT_ONCE: u64 = 16 << 20;
/// As many UIDs as one command holds, wherever they lie.
const MANY: usize = 700;
