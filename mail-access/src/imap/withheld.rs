//! Messages that a server lists and fails to give out: each is asked for by itself, for less and less of it, so that no
//! single one keeps those behind it from being read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fetch::{LARGE_SECTION, Listed, MAX_HEADER, OVERHEAD, Row, SLACK, SLOWEST_DOWNLOAD};
use super::session::{Allowance, COMMAND, Session, is_gone};
use crate::wire::{Fault, UNDATED};
use crate::{Address, Limit, Received, Uid};

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

/// The messages at which connections ended, by login: how often each did in a row, over all calls.
///
/// A server that closes the connection is out of order, and it is an error; but where it does so at the same message again
/// and again, and lists it in between, that message would keep those behind it from ever being read.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<HashMap<Address, Times>>);

/// By UIDVALIDITY and UID.
type Times = BTreeMap<(u32, Uid), usize>;

impl Ends {
    /// Returns how the messages are to be asked for at which connections of a login ended.
    pub(crate) fn doubts(&self, login: &Address) -> Doubts {
        let ends = self.lock();
        let ways = ends.get(login).into_iter().flatten();
        ways.map(|(message, times)| (*message, ENDS[(*times).min(ENDS.len() - 1)])).collect()
    }

    /// Notes that a connection ended at a message.
    pub(super) fn note(&self, login: &Address, message: (u32, Uid)) {
        let mut ends = self.lock();
        let messages = ends.entry(login.clone()).or_default();
        messages.retain(|(uid_validity, _), _| *uid_validity == message.0);
        *messages.entry(message).or_default() += 1;
        if messages.len() > MAX_ENDS {
            messages.pop_first();
        }
    }

    /// Notes that messages were given out; those that were whole are beyond doubt.
    pub(crate) fn gave(&self, login: &Address, uid_validity: u32, given: &[Received]) {
        let mut ends = self.lock();
        let Some(messages) = ends.get_mut(login) else { return };
        for message in given.iter().filter(|message| message.opaque() != Some(Limit::Withheld)) {
            messages.remove(&(uid_validity, message.uid()));
        }
        if messages.is_empty() {
            ends.remove(login);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Times>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether the server, or what is between, ended the connection.
pub(super) fn is_end(fault: &Fault) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof];
    matches!(fault, Fault::Lost(error) if kinds.contains(&error.kind()))
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

/// How a message is asked for at which so many connections ended.
const ENDS: [Way; 5] = [Way::Alone, Way::Alone, Way::Alone, Way::Header, Way::Bare];
/// As many messages of a login are kept in mind.
const MAX_ENDS: usize = 100;
