//! Finds what is to be handed out, and notes it before it is.

use std::collections::VecDeque;
use std::sync::Arc;

use mail_access::{Arrival, Error as MailError, Position, Received, Selection, Uid};

use super::found::{Found, Letter, Ruling, Tail};
use super::judge::{has_judges, judged};
use super::pace::{BATCH, WAIT, back_off};
use super::{Event, Place};
use crate::backend::{Change, Committed};
use crate::journal::{Bell, Identity, Journal, Known, Mark, Unsettled};
use crate::mail::lift;
use crate::observe::{self, Operation};
use crate::safety;
use crate::{AgentMailbox, Error, EventKind, Usage};

/// Reads ahead by one batch; what of it was not handed out counts as not read.
pub(crate) struct Reader {
    mailbox: AgentMailbox,
    bell: Arc<Bell>,
    /// How often the bell had rung at the last look at the journal's events.
    heard: Option<u64>,
    /// Events of the journal to be handed out, and whether an earlier stream did.
    noted: VecDeque<(String, bool)>,
    /// What earlier streams handed out and nobody acknowledged, still to be looked at.
    unsettled: Option<Unsettled>,
    /// Where the journal's position was when this reader last saw it.
    position: Option<Position>,
    tail: Tail,
    ready: VecDeque<Found>,
    failures: u32,
    /// Whether the next message may be one of which something is known.
    has_doubts: bool,
    /// Whether it doesn't wait for mail.
    in_passing: bool,
    /// It would have waited.
    is_dry: bool,
}

impl Reader {
    pub(super) fn new(mailbox: AgentMailbox) -> Self {
        let bell = mailbox.inner().journal.bell(mailbox.id());
        Self {
            mailbox,
            bell,
            heard: None,
            noted: VecDeque::new(),
            unsettled: None,
            position: None,
            tail: Tail::Unknown,
            ready: VecDeque::new(),
            failures: 0,
            has_doubts: false,
            in_passing: false,
            is_dry: false,
        }
    }

    /// Makes one that hands out what there is and doesn't wait; what others handed out and nobody acknowledged only if it
    /// is to.
    pub(crate) fn in_passing(mailbox: AgentMailbox, again: bool) -> Self {
        let mut reader = Self { in_passing: true, ..Self::new(mailbox) };
        if !again {
            // A number that no bell has rung yet: what was handed out counts as seen.
            reader.heard = Some(u64::MAX);
            reader.unsettled = Some(Unsettled::default());
        }
        reader
    }

    /// Hands out the next event, or `None` if there is none now. Nothing is tried again: errors are handed out.
    pub(crate) async fn next_now(&mut self) -> Result<Option<Event>, Error> {
        self.is_dry = false;
        while !self.is_dry {
            if let Some(event) = self.step().await? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    pub(super) async fn into_next(mut self) -> (Self, Result<Event, Error>) {
        loop {
            match self.step().await {
                Ok(event) => {
                    self.failures = 0;
                    if let Some(event) = event {
                        return (self, Ok(event));
                    }
                }
                Err(error) if error.is_retryable() => {
                    let chance = &*self.mailbox.inner().system.system().chance;
                    let pause = error.retry_after().unwrap_or_else(|| back_off(chance, self.failures));
                    tracing::warn!(agent = %self.mailbox.id(), %error, ?pause, "reading will be tried again");
                    self.failures += 1;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return (self, Err(error)),
            }
        }
    }

    /// Hands out the first of what was found, or finds more.
    async fn step(&mut self) -> Result<Option<Event>, Error> {
        // What was found comes first: what was written since is later, and one look finds all of it.
        if self.noted.is_empty() && self.heard != Some(self.bell.rung()) {
            self.look_at_journal().await?;
        }
        if !self.noted.is_empty() {
            return Operation::HandOut.begin(self.mailbox.id()).over(self.hand_out_noted()).await;
        }
        if !self.ready.is_empty() {
            return Operation::HandOut.begin(self.mailbox.id()).over(self.hand_out()).await;
        }
        if self.unsettled.is_none() {
            self.unsettled = Some(self.journal().unsettled(self.mailbox.id()).await?);
        }
        if self.unsettled.as_ref().is_some_and(|unsettled| !unsettled.uids.is_empty()) {
            self.redeliver().await?;
        } else {
            self.read_on().await?;
        }
        Ok(None)
    }

    /// Finds the events of the journal that are not handed out, and at first those that an earlier stream did.
    async fn look_at_journal(&mut self) -> Result<(), Error> {
        let rung = self.bell.rung();
        let found = self.journal().happened(self.mailbox.id()).await?;
        let is_first = self.heard.is_none();
        self.noted = found.into_iter().filter(|(_, offered)| !offered || is_first).collect();
        self.heard = Some(rung);
        Ok(())
    }

    /// Hands out the first event of the journal, unless it was acknowledged or another stream was faster.
    async fn hand_out_noted(&mut self) -> Result<Option<Event>, Error> {
        let Some((key, again)) = self.noted.front() else { return Ok(None) };
        let journal = self.journal();
        let mut found = journal.noted(key).await?;
        if found.as_ref().is_some_and(|noted| noted.offered && !again) {
            found = None;
        }
        // Before it is noted: a check that can't decide now is asked again.
        let letter = match found.as_mut().and_then(|noted| noted.letter.take()) {
            Some(letter) => Some(self.judged_letter(letter).await?),
            None => None,
        };
        if let Some(kind) = found.as_ref().and_then(|noted| noted.kind.as_ref()) {
            safety::observe(&self.mailbox, kind).await?;
        }
        if let Some(noted) = found.as_ref().filter(|noted| !noted.offered) {
            let message = letter.as_ref().map(|letter| &letter.seen);
            if journal.offer_noted(self.mailbox.id(), key, noted, message).await? == Committed::Conflict {
                return Ok(None);
            }
        }
        if found.as_ref().is_some_and(|noted| noted.offered) {
            journal.still(self.mailbox.id()).await?;
        }
        let key = self.noted.pop_front().map(|(key, _)| key);
        let Some((noted, key)) = found.zip(key) else { return Ok(None) };
        let Some(Letter { identity, seen, ruling }) = letter else {
            return Ok(noted.kind.map(|kind| self.event(kind, noted.offered, Place::Journal(key))));
        };
        let place = Place::Letter(key, identity);
        let Some(kind) = ruling else {
            place.settle(self.journal(), self.mailbox.id()).await?;
            return Ok(None);
        };
        let redelivery = noted.offered || seen.known() == Known::Offered;
        Ok(Some(self.event(kind, redelivery, place)))
    }

    /// Asks what is known of a message that came the short way, and the checks unless it was handled.
    async fn judged_letter(&self, letter: Received) -> Result<Letter, Error> {
        let identity = Identity::of(&letter);
        let seen = self.journal().look_up(self.mailbox.id(), &identity).await?;
        let ruling = match seen.known() {
            Known::Handled => None,
            _ => judged(&self.mailbox, &self.mailbox.inbound(letter)).await?,
        };
        Ok(Letter { identity, seen, ruling })
    }

    /// Notes the first message before it is handed out, so that after a crash it is known that it may have been.
    async fn hand_out(&mut self) -> Result<Option<Event>, Error> {
        // Only now: another stream, or an event that is held from an earlier one, may have been faster. Most messages are
        // new, which the note itself expects; rules and checks are not asked about those that may have been handled.
        let is_assumed = !self.has_doubts && !has_judges(&self.mailbox);
        let seen = match self.ready.front() {
            Some(found) if is_assumed && !found.again => {
                self.journal().unknown(self.mailbox.id(), &found.identity)
            }
            Some(found) => self.journal().look_up(self.mailbox.id(), &found.identity).await?,
            None => return Ok(None),
        };
        let known = seen.known();
        self.has_doubts = known != Known::New;
        if known != Known::Handled {
            self.judge().await?;
        }
        let (id, journal) = (self.mailbox.id(), self.journal());
        let Some(found) = self.ready.front() else { return Ok(None) };
        let mark = match &found.ruling {
            _ if known == Known::Handled => Mark::Nothing,
            Some(Ruling::Drop) => Mark::Handled(&found.identity),
            _ => Mark::Offered(&seen),
        };
        if found.again {
            let uid = Uid::new(found.at.uid);
            match mark {
                Mark::Nothing => journal.drop_pending(id, found.at.uid_validity, uid.as_slice()).await?,
                Mark::Handled(_) => found.place().settle(journal, id).await?,
                Mark::Offered(_) => journal.still(id).await?,
            }
        } else if known != Known::Handled || self.ready.len() == 1 {
            // Passing by what was handled is noted once, at the end.
            let tally = self.tally(found, known).await?;
            if journal.read_to(id, self.position, found.at, mark, tally).await? == Committed::Conflict {
                self.follow(journal.position(id).await?);
                self.has_doubts = true;
                return Ok(None);
            }
            self.position = Some(found.at);
        }
        let Some(found) = self.ready.pop_front() else { return Ok(None) };
        let (place, redelivery) = (found.place(), found.again || known == Known::Offered);
        Ok(match found.ruling {
            Some(Ruling::HandOut(kind)) if known != Known::Handled => {
                Some(self.event(kind, redelivery, place))
            }
            _ => None,
        })
    }

    /// Finds out what the first message is to the agent. A check that can't decide now is asked again: the message keeps
    /// its place.
    async fn judge(&mut self) -> Result<(), Error> {
        let Some(found) = self.ready.front_mut().filter(|found| found.ruling.is_none()) else {
            return Ok(());
        };
        let kind = judged(&self.mailbox, &found.message).await?;
        found.ruling = Some(kind.map_or(Ruling::Drop, Ruling::HandOut));
        Ok(())
    }

    /// Leaves to another stream what it was faster with.
    fn follow(&mut self, position: Option<Position>) {
        if position != self.position {
            let is_behind =
                |at: Position| position.is_some_and(|p| p.uid_validity == at.uid_validity && p.uid < at.uid);
            self.ready.retain(|found| is_behind(found.at));
            self.position = position;
        }
    }

    /// Reads again what was not acknowledged.
    async fn redeliver(&mut self) -> Result<(), Error> {
        let inner = self.mailbox.inner();
        let (journal, mail) = (&inner.journal, &*inner.system.system().mail);
        let Some(Unsettled { uid_validity, uids }) = &mut self.unsettled else { return Ok(()) };
        let chunk: Vec<Uid> = uids.iter().take(BATCH).copied().collect();
        let batch = match inner.login.fetch(mail, &Selection::Uids(*uid_validity, chunk.clone()), BATCH).await
        {
            Ok(batch) => batch,
            // Reading on finds the new numbering, and these messages by their content.
            Err(MailError::Renumbered { .. }) => {
                uids.clear();
                return Ok(());
            }
            Err(error) => return Err(lift(error, "read", &inner.id)),
        };
        let last = batch.messages.last().map(Received::uid).filter(|_| batch.more);
        let looked_at = chunk.iter().take_while(|uid| last.is_none_or(|last| **uid <= last)).count();
        let is_gone = |uid: &Uid| !batch.messages.iter().any(|message| message.uid() == *uid);
        let gone: Vec<Uid> = chunk[..looked_at].iter().copied().filter(is_gone).collect();
        if !gone.is_empty() {
            journal.drop_pending(&inner.id, *uid_validity, &gone).await?;
        }
        uids.drain(..looked_at);
        let uid_validity = *uid_validity;
        self.take(batch.messages, uid_validity, true);
        Ok(())
    }

    /// Reads what is behind the position, or waits for it where there is known to be nothing.
    async fn read_on(&mut self) -> Result<(), Error> {
        let inner = self.mailbox.inner();
        let (journal, mail) = (&inner.journal, &*inner.system.system().mail);
        let read = |error| lift(error, "read", &inner.id);
        self.position = journal.position(&inner.id).await?;
        let told = match std::mem::take(&mut self.tail) {
            Tail::Drained(at) if Some(at) == self.position => return self.wait(at).await,
            Tail::Told(at) => Some(at),
            // What comes from now on is told of again, and gets another turn.
            _ if self.in_passing => self.position,
            _ => None,
        };
        let batch = match told.filter(|at| Some(*at) == self.position) {
            Some(at) => inner.login.fetch_arrived(mail, at, BATCH).await,
            None => inner.login.fetch(mail, &Selection::After(self.position), BATCH).await,
        };
        let batch = batch.map_err(read)?;
        let validity = batch.uid_validity;
        let mut end = Position { uid_validity: validity, uid: 0 };
        match self.position {
            Some(at) if at.uid_validity != validity => {
                // A conflict with another stream shows at the next look.
                let now = inner.system.system().chance.now();
                let _seen = journal.renumbered(&inner.id, at, validity, now).await?;
                return Ok(());
            }
            Some(at) => end = at,
            None if batch.messages.is_empty() => {
                let _seen = journal.read_to(&inner.id, None, end, Mark::Nothing, Change::new()).await?;
            }
            None => {}
        }
        end.uid = batch.messages.last().map_or(end.uid, |message| message.uid().get());
        if !batch.more {
            self.tail = Tail::Drained(end);
        }
        self.take(batch.messages, validity, false);
        Ok(())
    }

    /// Waits for what comes behind a place, or for the bell.
    async fn wait(&mut self, at: Position) -> Result<(), Error> {
        if self.in_passing {
            self.is_dry = true;
            return Ok(());
        }
        let inner = self.mailbox.inner();
        let heard = self.heard.unwrap_or_default();
        self.tail = tokio::select! {
            biased;
            arrival = inner.login.wait(&*inner.system.system().mail, at, WAIT) => {
                match arrival.map_err(|error| lift(error, "read", &inner.id))? {
                    Arrival::New => Tail::Told(at),
                    Arrival::TimedOut => Tail::Unknown,
                }
            }
            () = self.bell.rings_after(heard) => Tail::Drained(at),
        };
        Ok(())
    }

    fn take(&mut self, messages: Vec<Received>, uid_validity: u32, again: bool) {
        let mailbox = &self.mailbox;
        self.ready
            .extend(messages.into_iter().map(|message| Found::new(mailbox, message, uid_validity, again)));
    }

    fn event(&self, kind: EventKind, redelivery: bool, place: Place) -> Event {
        observe::handed_out(&self.mailbox, &kind, redelivery);
        Event { kind, redelivery, mailbox: self.mailbox.clone(), place }
    }

    /// Makes the change that counts a message, if it is handed out for the first time.
    async fn tally(&self, found: &Found, known: Known) -> Result<Change, Error> {
        let usage = match &found.ruling {
            Some(Ruling::HandOut(kind)) if known == Known::New => Usage::of_event(kind),
            _ => Usage::default(),
        };
        let now = self.mailbox.inner().system.system().chance.now();
        let mark = (found.at.uid_validity, found.at.uid);
        self.journal().tally(Change::new(), self.mailbox.id(), now, mark, usage).await
    }

    fn journal(&self) -> &Journal {
        &self.mailbox.inner().journal
    }
}
