use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::conversation::COMMAND;
use super::desk::{Desk, Turn};
use super::login::{IN_USE, LOGIN_DELAY, NOT_NOW, code};
use super::numbering::Entry;
use super::session::{Part, Session};
use crate::wire::{Connector, Endpoint, Fault};
use crate::{Arrival, Batch, Login, MessageId, Position, Received, Selection, Status, Uid};

/// The maildrops of one server.
pub(crate) struct Source {
    connector: Arc<dyn Connector>,
    server: Endpoint,
    limits: Limits,
    desk: Desk,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one message; of a larger one only the header is read.
    pub(crate) message: u64,
    /// Bytes of a batch, but for one message at least.
    pub(crate) batch: u64,
    /// How long a wait lets pass between two looks.
    pub(crate) poll: Duration,
    /// How long a refused login is not tried again.
    pub(crate) pause: Duration,
}

impl Source {
    pub(crate) fn new(connector: Arc<dyn Connector>, server: Endpoint, limits: Limits) -> Self {
        Self { connector, server, limits, desk: Desk::default() }
    }

    /// Does what [`MailAccess::fetch`](crate::MailAccess::fetch) says.
    pub(crate) async fn fetch(
        &self,
        login: &Login,
        selection: &Selection,
        limit: usize,
    ) -> Result<Batch, Fault> {
        let mut attempts = 1..ATTEMPTS;
        let mut doubts = Doubts::new();
        loop {
            let (turn, mut session, entries) = self.enter(login).await?;
            let uid_validity = turn.numbering.uid_validity();
            let done = match selection {
                Selection::Uids(expected, _) => turn.numbering.check(*expected),
                _ => Ok(()),
            };
            let done = match done {
                Ok(()) => {
                    self.read(&mut session, uid_validity, entries, selection, limit.max(1), &mut doubts).await
                }
                Err(fault) => Err(fault),
            };
            if let Ok(Read::UpTo(batch)) = done {
                return Ok(batch);
            }
            match self.end(turn, session, done).await {
                Ok(Read::All(batch) | Read::UpTo(batch)) => return Ok(batch),
                // Another client deleted a message meanwhile, and the next session no longer lists it; or less of it is
                // asked for there.
                Ok(Read::Refused) | Err(Fault::Unreadable(_)) if attempts.next().is_some() => {}
                Ok(Read::Refused) => {
                    return Err(Fault::Protocol("it lists messages and doesn't give them out".into()));
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Remembers that messages were seen: the server has no place for it.
    pub(crate) async fn mark_seen(
        &self,
        login: &Login,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Fault> {
        let (mut turn, session, _) = self.enter(login).await?;
        let done = turn.numbering.check(uid_validity);
        if done.is_ok() {
            turn.numbering.mark(uids);
        }
        self.end(turn, session, done).await
    }

    /// Looks for a message behind a place again and again, as a session never hears of new ones.
    ///
    /// All who wait at one mailbox share their looks, but for the first one of each, which shows the server the login.
    pub(crate) async fn wait(&self, login: &Login, after: Position, end: Instant) -> Result<Arrival, Fault> {
        let listed = self.desk.turn(login).await?.listed;
        if let Some((at, delay)) = listed.filter(|(_, delay)| !delay.is_zero()) {
            sleep_until(end.min(at + delay)).await;
            if Instant::now() >= end {
                return Ok(Arrival::TimedOut);
            }
        }
        // It is given some time even if there is none, as it shows the login.
        let Ok(mut look) = timeout_at(end + COMMAND, self.look(login, after, Duration::ZERO)).await else {
            return Ok(Arrival::TimedOut);
        };
        let mut pause = self.limits.poll.max(UNTOLD_DELAY);
        loop {
            match look {
                Ok(Look::New) => return Ok(Arrival::New),
                Ok(Look::Nothing { next }) => sleep_until(end.min(next)).await,
                // It doesn't say for how long it wants to be left alone.
                Err(Fault::Refused(status)) if code(&status.text) == LOGIN_DELAY => {
                    sleep_until(end.min(Instant::now() + pause)).await;
                    pause = (pause * 2).min(MAX_DELAY);
                }
                Err(fault) => return Err(fault),
            }
            if Instant::now() >= end {
                return Ok(Arrival::TimedOut);
            }
            let Ok(next) = timeout_at(end, self.look(login, after, self.limits.poll)).await else {
                return Ok(Arrival::TimedOut);
            };
            look = next;
        }
    }

    /// Removes messages for good, all of them or none.
    pub(crate) async fn delete(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Fault> {
        let mut attempts = 1..ATTEMPTS;
        loop {
            let (turn, mut session, entries) = self.enter(login).await?;
            let done = turn.numbering.check(uid_validity);
            let chosen = entries.iter().filter(|entry| uids.contains(&entry.uid));
            let numbers: Vec<_> = chosen.map(|entry| entry.number).collect();
            if done.is_err() || numbers.is_empty() {
                return self.end(turn, session, done).await;
            }
            match session.delete(&numbers).await {
                Ok(()) => return session.commit().await,
                Err(Fault::Refused(status)) => {
                    session.take_back().await;
                    drop(turn);
                    if status.is_temporary() || attempts.next().is_none() {
                        return Err(Fault::Refused(status));
                    }
                }
                lost => return lost,
            }
        }
    }

    /// Forgets the numbers and marks of a mailbox.
    pub(crate) fn forget(&self, login: &Login) {
        self.desk.forget(login.address());
    }

    /// Counts the mailboxes and messages that are remembered.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.desk.counts()
    }

    /// Takes the turn at a mailbox, opens a session and lists what is there, by ascending UID.
    async fn enter(&self, login: &Login) -> Result<(Turn, Session, Vec<Entry>), Fault> {
        let mut turn = self.desk.turn(login).await?;
        let (session, entries) = self.list(login, &mut turn).await?;
        Ok((turn, session, entries))
    }

    async fn list(&self, login: &Login, turn: &mut Turn) -> Result<(Session, Vec<Entry>), Fault> {
        if let Some((status, left)) = turn.refused(login) {
            return Err(Fault::Barred { status, left });
        }
        if let Some((at, delay)) = turn.listed {
            let left = delay.saturating_sub(at.elapsed());
            if left > MAX_DELAY {
                let text =
                    format!("[LOGIN-DELAY] the server wants to be left alone for {} s more", left.as_secs());
                return Err(Fault::Refused(Status::new(0, Some(NOT_NOW), &text)));
            }
            // It would refuse the login, and count from there.
            sleep(left).await;
        }
        let mut session = match self.open(login).await {
            Err(Fault::Authentication(status)) => {
                let left = self.limits.pause;
                turn.refuse(login, status.clone(), left);
                return Err(Fault::Barred { status, left });
            }
            opened => opened?,
        };
        let begun = Instant::now();
        let entries = turn.numbering.update(session.list().await?);
        turn.listed = Some((begun, session.offers.login_delay));
        self.desk.note(login.address(), turn.numbering.len());
        Ok((session, entries))
    }

    /// Opens a session. Where another one has the maildrop, such as that of a call that was dropped just now, it tries
    /// again a few times.
    async fn open(&self, login: &Login) -> Result<Session, Fault> {
        let mut pauses = IN_USE_PAUSES.iter();
        loop {
            let stream = self.connector.connect(&self.server).await?;
            match (Session::open(stream, login).await, pauses.next()) {
                (Err(Fault::Refused(status)), Some(pause)) if code(&status.text) == IN_USE => {
                    sleep(*pause).await;
                }
                (opened, _) => return opened,
            }
        }
    }

    /// Ends a session that is in step; any other just goes.
    async fn end<T>(&self, turn: Turn, session: Session, done: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(done, Ok(_) | Err(Fault::Refused(_) | Fault::Renumbered { .. })) {
            session.leave().await;
        }
        drop(turn);
        done
    }

    async fn look(&self, login: &Login, after: Position, fresh: Duration) -> Result<Look, Fault> {
        let mut turn = self.desk.turn(login).await?;
        let is_fresh = turn.listed.is_some_and(|(at, _)| at.elapsed() < fresh);
        if !is_fresh {
            let (session, _) = self.list(login, &mut turn).await?;
            session.leave().await;
        }
        let (at, delay) = turn.listed.unwrap_or((Instant::now(), Duration::ZERO));
        let numbering = &turn.numbering;
        if numbering.uid_validity() != after.uid_validity || numbering.holds_behind(after.uid) {
            return Ok(Look::New);
        }
        Ok(Look::Nothing { next: at + self.limits.poll.max(delay) })
    }

    async fn read(
        &self,
        session: &mut Session,
        uid_validity: u32,
        entries: Vec<Entry>,
        selection: &Selection,
        limit: usize,
        doubts: &mut Doubts,
    ) -> Result<Read, Fault> {
        let matching: Vec<Entry> = match selection {
            Selection::After(Some(place)) if place.uid_validity == uid_validity => {
                entries.into_iter().filter(|entry| entry.uid.get() > place.uid).collect()
            }
            Selection::After(_) => entries,
            Selection::Uids(_, uids) => {
                let mut uids = uids.clone();
                uids.sort_unstable();
                entries.into_iter().filter(|entry| uids.binary_search(&entry.uid).is_ok()).collect()
            }
            Selection::Unseen => entries.into_iter().filter(|entry| !entry.seen).collect(),
            // One more than is wanted shows whether there are more.
            Selection::MessageId(id) => with_id(session, &entries, id, limit.saturating_add(1)).await?,
        };
        let mut bytes = 0_u64;
        let fitting = matching.iter().take(limit).take_while(|entry| {
            let is_first = bytes == 0;
            bytes += entry.size.min(self.limits.message).max(1);
            is_first || bytes <= self.limits.batch
        });
        let chosen: Vec<_> = fitting.copied().collect();
        let largest = self.limits.message;
        let part = |entry: &Entry| match entry.size {
            // The size may be off by the line ends.
            size if size <= largest => Part::Whole(size, largest + largest / 16 + SLACK),
            _ => Part::Header,
        };
        let doubt = |entry: &Entry| doubts.get(&(uid_validity, entry.uid)).copied();
        let mut read = BTreeMap::new();
        let mut asked = Vec::new();
        for entry in &chosen {
            match doubt(entry) {
                None => asked.push((entry, part(entry), false)),
                Some(Doubt::Whole) => asked.push((entry, Part::Header, true)),
                Some(Doubt::Header) => {
                    let bare = Received::withheld(entry.uid, None, entry.seen, [], entry.size);
                    read.insert(entry.uid, bare);
                }
            }
        }
        let wanted: Vec<_> = asked.iter().map(|(entry, part, _)| (entry.number, *part)).collect();
        let (mut came, mut refused) = (0, Vec::new());
        let done = session.read(&wanted, |at, raw| {
            let (entry, part, is_doubtful) = asked[at];
            came = at + 1;
            match raw {
                Some(raw) if is_doubtful => {
                    let message = Received::withheld(entry.uid, None, entry.seen, raw, entry.size);
                    read.insert(entry.uid, message);
                }
                Some(raw) => drop(read.insert(entry.uid, received(*entry, part, raw))),
                None => refused.push(entry.uid),
            }
        });
        let done = done.await;
        if let Err(Fault::Unreadable(_)) = done {
            refused.extend(asked.get(came).map(|(entry, ..)| entry.uid));
        }
        for uid in &refused {
            let doubt = doubts.entry((uid_validity, *uid));
            doubt.and_modify(|doubt| *doubt = Doubt::Header).or_insert(Doubt::Whole);
        }
        let messages: Vec<_> = chosen.iter().map_while(|entry| read.remove(&entry.uid)).collect();
        match done {
            // What is whole before it is given out, so that the next call begins with the one in question.
            Err(Fault::Unreadable(_)) if !messages.is_empty() => {
                Ok(Read::UpTo(Batch::new(uid_validity, messages, true)))
            }
            Err(fault) => Err(fault),
            Ok(()) if !refused.is_empty() => Ok(Read::Refused),
            Ok(()) => {
                let more = matching.len() > chosen.len();
                Ok(Read::All(Batch::new(uid_validity, messages, more)))
            }
        }
    }
}

/// What of a message the server failed to give out, by the UIDVALIDITY and UID.
type Doubts = BTreeMap<(u32, Uid), Doubt>;

#[derive(Clone, Copy, Debug)]
enum Doubt {
    Whole,
    Header,
}

/// What came of reading.
enum Read {
    All(Batch),
    /// Something ended the session; this is what came before.
    UpTo(Batch),
    /// Some messages were refused, which is noted for the next session.
    Refused,
}

enum Look {
    New,
    Nothing { next: Instant },
}

/// Finds the first messages with this very Message-ID, by their headers.
async fn with_id(
    session: &mut Session,
    entries: &[Entry],
    id: &MessageId,
    wanted: usize,
) -> Result<Vec<Entry>, Fault> {
    let (mut found, mut rest) = (Vec::new(), entries);
    while !rest.is_empty() && found.len() < wanted {
        let numbers: Vec<_> = rest.iter().map(|entry| entry.number).collect();
        let headers = session.headers(&numbers).await?;
        let (looked_at, behind) = rest.split_at(headers.len().clamp(1, rest.len()));
        for (entry, header) in looked_at.iter().zip(headers) {
            let message = Received::parse_header(entry.uid, SystemTime::UNIX_EPOCH, false, header);
            if message.message_id() == Some(id) {
                found.push(*entry);
            }
        }
        rest = behind;
    }
    Ok(found)
}

fn received(entry: Entry, part: Part, raw: Vec<u8>) -> Received {
    // POP3 doesn't tell.
    let date = Received::date_within(&raw).unwrap_or_else(SystemTime::now);
    match part {
        Part::Whole(..) => Received::parse(entry.uid, date, entry.seen, raw),
        Part::Header => Received::parse_header(entry.uid, date, entry.seen, raw),
    }
}

const ATTEMPTS: usize = 3;
const IN_USE_PAUSES: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// In bytes.
const SLACK: u64 = 1 << 20;
/// How long a call waits where the server wants to be left alone between two logins.
const MAX_DELAY: Duration = Duration::from_mins(5);
/// How long a wait leaves a server alone at first that wants it and doesn't say for how long.
const UNTOLD_DELAY: Duration = Duration::from_mins(1);
