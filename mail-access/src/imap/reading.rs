use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::command::Command;
use super::fetch::{LARGE_SECTION, Listed, MAX_HEADER, OVERHEAD, Row, SLACK, SLOWEST_DOWNLOAD};
use super::inbox::Limits;
use super::session::{Allowance, COMMAND, Next, Session, is_gone};
use super::set;
use super::withheld::{Way, is_of_message};
use crate::wire::Fault;
use crate::{FolderName, Received, Selection};

/// Which messages of a folder are still to be read, whatever session reads them.
#[derive(Debug)]
pub(crate) struct Course {
    folder: FolderName,
    selection: Selection,
    limits: Limits,
    /// `None` before they were listed.
    uid_validity: Option<u32>,
    listed: VecDeque<Listed>,
    /// How the first of them is asked for, if it was not given out in the usual way.
    doubt: Option<Way>,
    /// The last UID that was given out.
    last: u32,
}

impl Course {
    pub(crate) fn new(folder: FolderName, selection: Selection, limits: Limits) -> Self {
        let listed = VecDeque::new();
        Self { folder, selection, limits, uid_validity: None, listed, doubt: None, last: 0 }
    }

    /// Takes back what was asked for and not given out.
    fn put_back(&mut self, group: VecDeque<Listed>) {
        group.into_iter().rev().for_each(|listed| self.listed.push_front(listed));
    }
}

/// Messages of a folder that are read one after the other, by a session of their own.
#[derive(Debug)]
pub(crate) struct Reading {
    session: Session,
    course: Course,
    /// What was asked for and has not come to its end.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    tag: String,
    is_large: bool,
    /// For one message.
    time: Duration,
    /// Those that were not given out yet.
    group: VecDeque<Listed>,
    /// One before those that come is missing: they are asked for once more, behind it.
    passes_over: bool,
}

impl Reading {
    /// Finds out which messages there are, or goes on where another session stood.
    pub(crate) async fn begin(mut session: Session, mut course: Course) -> Result<Self, Fault> {
        let inbox = session.examine_folder(&course.folder).await?;
        if let Some(known) = course.uid_validity {
            inbox.check(known)?;
        } else {
            course.listed = session.matching(inbox, &course.selection, usize::MAX).await?.into();
            course.uid_validity = Some(inbox.uid_validity);
        }
        Ok(Self { session, course, asked: None })
    }

    /// Takes leave of the server.
    pub(crate) async fn end(self) {
        self.session.leave().await;
    }

    /// Gives the session up, and returns what is still to be read.
    pub(crate) fn into_course(mut self) -> Course {
        if let Some(asked) = self.asked.take() {
            self.course.put_back(asked.group);
        }
        self.course
    }

    /// Does the same after an answer that can't be read on; `None` if that had to do with no message.
    pub(crate) fn break_off(self, fault: &Fault) -> Option<Course> {
        let way = match (&self.asked, self.course.doubt) {
            (Some(asked), _) if asked.group.len() > 1 => Way::Alone,
            (Some(asked), _) if asked.group.len() == 1 => Way::Alone.after(fault),
            (None, Some(way)) if way < Way::Bare => way.after(fault),
            _ => return None,
        };
        let mut course = self.into_course();
        course.doubt = Some(way);
        Some(course)
    }

    /// Reads the next message; those that were removed meanwhile are left out.
    pub(crate) async fn next(&mut self) -> Result<Option<Received>, Fault> {
        self.session.listen_anew();
        loop {
            let Some(asked) = &mut self.asked else {
                if let Some(way) = self.course.doubt {
                    if let Some(message) = self.doubtful(way).await? {
                        return Ok(Some(message));
                    }
                    continue;
                }
                match self.ask().await? {
                    Some(asked) => self.asked = Some(asked),
                    None => return Ok(None),
                }
                continue;
            };
            let mut message = None;
            let answer = self.session.next(&asked.tag, |answer| {
                message = Row::read(answer).and_then(|row| row.message(asked.is_large));
            });
            match timeout(asked.time, answer).await.map_err(io::Error::from)? {
                Ok(Next::Untagged) => {}
                Ok(Next::End) => self.settle(Way::Header).await?,
                Err(Fault::Refused(status)) if is_gone(&status) => self.settle(Way::Header).await?,
                Err(fault @ Fault::Refused(_)) if is_of_message(&fault) => self.settle(Way::Alone).await?,
                Ok(Next::GoOn) => return Err(Fault::Protocol("it asks for more of a command".into())),
                Err(fault) => return Err(fault),
            }
            if let Some(message) = message
                && let Some(message) = self.came(message)?
            {
                return Ok(Some(message));
            }
        }
    }

    /// Takes a message that came, if it is the next one.
    fn came(&mut self, message: Received) -> Result<Option<Received>, Fault> {
        if message.uid().get() <= self.course.last {
            return Err(Fault::Protocol("it gives out messages in no order".into()));
        }
        let Some(asked) = &mut self.asked else { return Ok(None) };
        if asked.passes_over || asked.group.front().is_none_or(|first| first.uid != message.uid()) {
            asked.passes_over |= asked.group.iter().any(|listed| listed.uid == message.uid());
            return Ok(None);
        }
        asked.group.pop_front();
        self.course.last = message.uid().get();
        Ok(Some(message))
    }

    /// Finds out what became of those that were asked for and did not come.
    async fn settle(&mut self, way: Way) -> Result<(), Fault> {
        let Some(Asked { mut group, .. }) = self.asked.take() else { return Ok(()) };
        let Some(missing) = group.front().map(|listed| listed.uid) else { return Ok(()) };
        let uids: Vec<_> = group.iter().map(|listed| listed.uid).collect();
        let there = self.session.list(&set::sets(&uids).join(",")).await?;
        group.retain(|listed| there.binary_search_by_key(&listed.uid, |one| one.uid).is_ok());
        self.course.doubt = group.front().filter(|listed| listed.uid == missing).map(|_| way);
        self.course.put_back(group);
        Ok(())
    }

    /// Reads the next one by itself.
    async fn doubtful(&mut self, way: Way) -> Result<Option<Received>, Fault> {
        let Some(listed) = self.course.listed.front().copied() else {
            self.course.doubt = None;
            return Ok(None);
        };
        let message = match self.session.single(listed, way, self.course.limits.message).await {
            Err(Fault::Refused(status)) if is_gone(&status) => None,
            done => done?,
        };
        self.course.listed.pop_front();
        self.course.doubt = None;
        if message.is_some() {
            self.course.last = listed.uid.get();
        }
        Ok(message)
    }

    /// Asks for the next messages, many at a time, so that none costs a round trip.
    async fn ask(&mut self) -> Result<Option<Asked>, Fault> {
        let max = self.course.limits.message;
        let Some(first) = self.course.listed.front() else { return Ok(None) };
        let is_large = first.size > max;
        let size = |listed: &Listed| if is_large { MAX_HEADER } else { listed.size };
        let mut bytes = 0;
        let alike = self.course.listed.iter().take(MANY).take_while(|listed| {
            let is_first = bytes == 0;
            bytes += size(listed).max(1);
            (listed.size > max) == is_large && (is_first || bytes <= AT_ONCE)
        });
        let count = alike.count();
        let uids: Vec<_> = self.course.listed.iter().take(count).map(|listed| listed.uid).collect();
        let largest = self.course.listed.iter().take(count).map(size).max().unwrap_or(0);
        let section = if is_large { LARGE_SECTION } else { "BODY.PEEK[]" };
        let set = set::sets(&uids).join(",");
        let command = Command::new(format!("UID FETCH {set} (UID FLAGS INTERNALDATE {section})"));
        // The size may be off by a little in an old index; it is not what memory is reserved by.
        let literal = if is_large { MAX_HEADER } else { max } + SLACK;
        let time = COMMAND + Duration::from_secs(largest * 2 / SLOWEST_DOWNLOAD);
        let allowance = Allowance { bytes: bytes * 2 + OVERHEAD, literal, time };
        let tag = self.session.utter(&command, allowance, &mut |_| {}).await?;
        let group = self.course.listed.drain(..count).collect();
        Ok(Some(Asked { tag, is_large, time, group, passes_over: false }))
    }
}

/// Bytes of the messages that are asked for at once.
const AT_ONCE: u64 = 16 << 20;
/// As many UIDs as one command holds, wherever they lie.
const MANY: usize = 700;
