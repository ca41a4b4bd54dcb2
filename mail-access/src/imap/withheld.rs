//! Messages that a server lists and fails to give out: each is asked for by itself, for less and less of it, so that no
//! single one keeps those behind it from being read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fetch::{LARGE_SECTION, Listed, MAX_HEADER, OVERHEAD, Row, SLACK, SLOWEST_DOWNLOAD};
use super::session::{Allowance, COMMAND, Session, is_gone};
use crate::wire::{Fault, UNDATED};
use crate::{Received, Uid};

/// How much of a message is still asked for, by itself, after it was not given out in the usual way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// As it is usual.
    Alone,
    /// Without the date of arrival.
    Undated,
    /// The header, without that date.
    Header,
    /// Nothing; what the list tells of it has to do.
    Bare,
}

impl Way {
    /// Returns what is left to ask for after this was answered so that the connection couldn't be read on.
    pub(super) fn after(self, fault: &Fault) -> Self {
        match (self, fault) {
            (Self::Alone, Fault::Unreadable(UNDATED)) => Self::Undated,
            (Self::Alone | Self::Undated, _) => Self::Header,
            (Self::Header | Self::Bare, _) => Self::Bare,
        }
    }
}

/// The messages that were not given out in the usual way, by the UIDVALIDITY and UID.
pub(crate) type Doubts = BTreeMap<(u32, Uid), Way>;

/// A message whose answer ended the connection, and how to ask for it on another one.
#[derive(Debug)]
pub(crate) struct Suspect {
    pub(crate) uid_validity: u32,
    pub(crate) uid: Uid,
    pub(crate) way: Way,
    /// What became of the connection.
    pub(crate) fault: Fault,
}

impl Suspect {
    /// Returns what is known of it for the next connection.
    pub(crate) fn doubt(&self) -> ((u32, Uid), Way) {
        ((self.uid_validity, self.uid), self.way)
    }
}

/// Tells whether it may be a message, and not the server or the link, that a FETCH of it ended so.
pub(super) fn is_of_message(fault: &Fault) -> bool {
    match fault {
        Fault::Unreadable(_) => true,
        Fault::Refused(status) => !status.is_temporary() && !is_gone(status),
        _ => false,
    }
}

impl Session {
    /// Reads one message by itself, as far as the server gives it out; `None` if it went away.
    pub(super) async fn single(
        &mut self,
        listed: Listed,
        way: Way,
        max_message: u64,
    ) -> Result<Option<Received>, Fault> {
        let Listed { uid, size } = listed;
        let mut way = way;
        while way < Way::Bare {
            let is_large = size > max_message || way == Way::Header;
            let (length, most) = if is_large { (MAX_HEADER, MAX_HEADER) } else { (size, max_message) };
            let date = if way == Way::Alone { " INTERNALDATE" } else { "" };
            let section = if is_large { LARGE_SECTION } else { "BODY.PEEK[]" };
            let allowance = Allowance {
                bytes: length * 2 + OVERHEAD,
                literal: most + SLACK,
                time: COMMAND + Duration::from_secs(length * 2 / SLOWEST_DOWNLOAD),
            };
            let mut message = None;
            let command = format!("UID FETCH {uid} (UID FLAGS{date} {section})");
            let done = self.run(&command, allowance, |answer| {
                if let Some(row) = Row::read(answer).filter(|row| row.uid == Some(uid)) {
                    let read = if way == Way::Header { row.withheld(size) } else { row.message(is_large) };
                    message = read.or(message.take());
                }
            });
            match done.await {
                // A refusal says nothing about the message where its header is refused as well.
                Err(fault) if way == Way::Header || !matches!(fault, Fault::Refused(_)) => return Err(fault),
                Err(fault) if !is_of_message(&fault) => return Err(fault),
                _ if message.is_some() => return Ok(message),
                _ => way = if way < Way::Header { Way::Header } else { Way::Bare },
            }
        }
        let is_there = self.list(&uid.to_string()).await?.iter().any(|one| one.uid == uid);
        Ok(is_there.then(|| Received::withheld(uid, None, false, [], size)))
    }
}
