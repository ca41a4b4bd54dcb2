use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures_core::Stream;
use mail_access::NewMessage;

use super::decide::{self, By};
use super::{Held, HeldId, Overdue};
use crate::journal::HeldRecord;
use crate::{AgentMail, AgentMailbox, Error, Queued};

impl AgentMail {
    /// Returns the desk of those who decide on messages that are held, for all agents of this system.
    pub fn approvals(&self) -> Approvals {
        Approvals { mail: self.clone() }
    }
}

impl AgentMailbox {
    /// Returns this agent's messages that are held, and those that were and are not forgotten, the oldest first.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; or if the state can't be read.
    pub async fn held(&self) -> Result<Vec<Held>, Error> {
        let mail = &self.inner().system;
        let mut all = Vec::new();
        for (agent, name, record) in mail.system().journal.all_held(Some(self.id())).await? {
            all.push(decide::look(mail, &HeldId::new(agent, &name), &record).await?);
        }
        self.inner().journal.still(self.id()).await?;
        all.sort_by(|one, other| (one.asked, &one.id).cmp(&(other.asked, &other.id)));
        Ok(all)
    }
}

/// The desk of those who decide on messages that a [check](crate::safety::OutboundCheck) holds, such as
/// [`RequireApproval`](crate::RequireApproval).
///
/// A message is stored before its sender is told [`Held`](crate::ErrorKind::Held), and waits through restarts. There is
/// one outcome, whoever is first: approving and sending it into the outbox are one change of the state, which a
/// rejection, an edit or the end of the time can't share; who comes later is told [`Stale`](crate::ErrorKind::Stale).
/// The outbox sends it then, once.
///
/// What was decided stays to be looked up, with all revisions, until it is [forgotten](Self::forget) or the agent is
/// retired.
#[derive(Clone, Debug)]
pub struct Approvals {
    mail: AgentMail,
}

impl Approvals {
    /// Returns the messages that wait for a decision, the oldest first. Those whose time is over are decided on before.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub async fn pending(&self) -> Result<Vec<Held>, Error> {
        self.keep_time().await?;
        let mut pending = Vec::new();
        for (agent, name, record) in self.mail.system().journal.all_held(None).await? {
            if record.decision.is_none() {
                pending.push(decide::look(&self.mail, &HeldId::new(agent, &name), &record).await?);
            }
        }
        pending.sort_by(|one, other| (one.asked, &one.id).cmp(&(other.asked, &other.id)));
        Ok(pending)
    }

    /// Looks a message up by its name, also one on which it was decided.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, or if the state can't be read.
    pub async fn get(&self, id: &HeldId) -> Result<Held, Error> {
        let kept = self.mail.system().journal.held(id.agent(), id.name()).await?;
        decide::look(&self.mail, id, &kept.ok_or_else(|| decide::not_there(id))?.record).await
    }

    /// Returns what a message said in one of its revisions, counted from 1.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, or if the state can't be read.
    pub async fn revision(&self, id: &HeldId, revision: usize) -> Result<NewMessage, Error> {
        decide::form(&self.mail, id, revision).await
    }

    /// Approves a message as `held` shows it: puts it into the outbox and notes by whom and why, in one step.
    ///
    /// The checks that had not passed it are asked, also those that the program has since a later run; one that was edited is
    /// shown to all but the one that held it, which is known by its [name](crate::safety::OutboundCheck::name). A dropped
    /// call leaves it approved and in the outbox, or neither.
    ///
    /// # Errors
    /// [`Stale`](crate::ErrorKind::Stale) if it was decided on or edited meanwhile, which the detail tells;
    /// [`Held`](crate::ErrorKind::Held) if it is approved here and the next check holds it;
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; else as
    /// [`enqueue`](AgentMailbox::enqueue): it goes on waiting then.
    pub async fn approve(&self, held: &Held, by: &str, reason: &str) -> Result<Queued, Error> {
        let by = By { who: Some(by), reason, revision: held.revisions.len() };
        decide::approve(&self.mail, &held.id, by).await
    }

    /// Rejects a message, in whichever revision: it is not sent. A dropped call leaves it rejected or not.
    ///
    /// # Errors
    /// [`Stale`](crate::ErrorKind::Stale) if it was decided on meanwhile; [`NotFound`](crate::ErrorKind::NotFound) if
    /// it is not there; or if the state can't be written.
    pub async fn reject(&self, held: &Held, by: &str, reason: &str) -> Result<(), Error> {
        let by = By { who: Some(by), reason, revision: held.revisions.len() };
        decide::reject(&self.mail, &held.id, by).await
    }

    /// Gives a message another form, as its next revision, and returns it so. The time for a decision runs on.
    ///
    /// # Errors
    /// [`Stale`](crate::ErrorKind::Stale) if it was decided on or edited meanwhile;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the message can't be sent;
    /// [`NotFound`](crate::ErrorKind::NotFound) if it is not there; or if the state can't be written.
    pub async fn edit(&self, held: &Held, by: &str, message: NewMessage) -> Result<Held, Error> {
        let by = By { who: Some(by), reason: "", revision: held.revisions.len() };
        decide::edit(&self.mail, &held.id, by, &message).await?;
        self.get(&held.id).await
    }

    /// Forgets a message on which it was decided; that there is none is fine.
    ///
    /// # Errors
    /// [`NotReady`](crate::ErrorKind::NotReady) if nobody has decided on it, or if the state can't be written.
    pub async fn forget(&self, id: &HeldId) -> Result<(), Error> {
        decide::forget(&self.mail, id).await
    }

    /// Does what is to happen to the messages whose time is over. The [courier](crate::Courier) does so as long as it
    /// runs; [`pending`](Self::pending) and [`news`](Self::news) do it too.
    ///
    /// One that is to be sent and that another check refuses, or that can't be sent any more, is rejected with those
    /// words. One for which there is no room in a budget waits for it.
    ///
    /// # Errors
    /// If the state can't be read or written, or a check can't decide: the others are done, and these by a later call.
    pub async fn keep_time(&self) -> Result<(), Error> {
        self.keep_time_until().await.map(drop)
    }

    /// Does what is due, until it is dropped.
    pub(crate) async fn keep_time_always(&self) {
        loop {
            let locks = self.mail.system().locks.clone();
            let mut changed = pin!(locks.decisions.notified());
            changed.as_mut().enable();
            let next_due = self.keep_time_until().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a held message whose time is over goes on waiting; tried again");
                None
            });
            let pause = next_due.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
            let _over = tokio::time::timeout(pause, changed).await;
            // A burst of news is one look.
            tokio::time::sleep(SHORTEST_PAUSE.min(pause)).await;
        }
    }

    /// Does what is due, and returns in how long the next one will be.
    async fn keep_time_until(&self) -> Result<Option<Duration>, Error> {
        let now = self.mail.system().chance.now();
        let (mut next_due, mut failed) = (None, None);
        for (agent, name, record) in self.mail.system().journal.all_held(None).await? {
            let id = HeldId::new(agent, &name);
            match due(&record) {
                // One that fails doesn't keep the others waiting.
                Some((at, then)) if at <= now => {
                    failed = failed.or(self.time_is_over(&id, &record, then).await.err());
                }
                Some((at, _)) => {
                    let left = at.duration_since(now).unwrap_or_default();
                    next_due = Some(next_due.map_or(left, |next: Duration| next.min(left)));
                }
                None => {}
            }
        }
        failed.map_or(Ok(next_due), Err)
    }

    /// Begins to tell what waits, and each change of it: first all that wait now, then each one that comes, is edited,
    /// becomes overdue or is decided on. While it is listened to, what is to happen at the end of the time happens then.
    ///
    /// It shows how things are, so that nothing that still waits is missed by one who begins late; of several changes
    /// of one message at once only the last one shows.
    pub fn news(&self) -> ApprovalNews {
        ApprovalNews { approvals: self.clone(), known: None, ready: VecDeque::new() }
    }

    async fn time_is_over(&self, id: &HeldId, record: &HeldRecord, then: Overdue) -> Result<(), Error> {
        let by = By { who: None, reason: "its time was over", revision: record.revisions.len() };
        let done = match then {
            Overdue::Keep => return Ok(()),
            Overdue::Reject => decide::reject(&self.mail, id, by).await,
            Overdue::Send => match decide::approve(&self.mail, id, by).await {
                Err(error)
                    if matches!(
                        error.kind(),
                        crate::ErrorKind::AlreadyExists
                            | crate::ErrorKind::InvalidInput
                            | crate::ErrorKind::PermissionDenied
                    ) =>
                {
                    let reason = error.to_string();
                    decide::reject(&self.mail, id, By { reason: &reason, ..by }).await
                }
                sent => sent.map(drop),
            },
        };
        match done {
            // Somebody was faster, another check holds it, or it waits for a budget.
            Err(error)
                if matches!(
                    error.kind(),
                    crate::ErrorKind::Held
                        | crate::ErrorKind::NotFound
                        | crate::ErrorKind::RateLimited
                        | crate::ErrorKind::Stale
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }
}

/// What waits for a decision, and each change of it: see [`Approvals::news`].
#[derive(Debug)]
pub struct ApprovalNews {
    approvals: Approvals,
    /// What was told of each: its revisions, whether it was overdue, and whether it was decided on.
    known: Option<BTreeMap<HeldId, Told>>,
    ready: VecDeque<Held>,
}

type Told = (usize, bool, bool);

impl ApprovalNews {
    /// Waits for the next message that came or changed. A dropped call loses nothing.
    ///
    /// # Errors
    /// If the state can't be read or written; the next call goes on.
    pub async fn next(&mut self) -> Result<Held, Error> {
        loop {
            if let Some(held) = self.ready.pop_front() {
                return Ok(held);
            }
            let locks = self.approvals.mail.system().locks.clone();
            let mut changed = pin!(locks.decisions.notified());
            changed.as_mut().enable();
            self.approvals.keep_time().await?;
            let next_due = self.look().await?;
            if !self.ready.is_empty() {
                continue;
            }
            let pause = next_due.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
            // Another process may have changed something, and a clock may have been set.
            let _over = tokio::time::timeout(pause, changed).await;
        }
    }

    /// Makes a stream of it, which doesn't end.
    pub fn into_stream(self) -> impl Stream<Item = Result<Held, Error>> + Send {
        futures_util::stream::unfold(self, async |mut news| {
            let next = news.next().await;
            Some((next, news))
        })
    }

    /// Finds what is otherwise than it was told, and in how long the next one is due.
    async fn look(&mut self) -> Result<Option<Duration>, Error> {
        let mail = &self.approvals.mail;
        let now = mail.system().chance.now();
        let (mut told, mut ready, mut next_due) = (BTreeMap::new(), Vec::new(), None);
        for (agent, name, record) in mail.system().journal.all_held(None).await? {
            let id = HeldId::new(agent, &name);
            let over = due(&record).is_some_and(|(at, _)| at <= now);
            let state = (record.revisions.len(), over, record.decision.is_some());
            let is_new = match &self.known {
                None => record.decision.is_none(),
                Some(known) => known.get(&id) != Some(&state),
            };
            if is_new {
                ready.push(decide::look(mail, &id, &record).await?);
            }
            if let Some((at, _)) = due(&record).filter(|_| !over) {
                let left = at.duration_since(now).unwrap_or_default();
                next_due = Some(next_due.map_or(left, |next: Duration| next.min(left)));
            }
            told.insert(id, state);
        }
        ready.sort_by(|one, other| (one.asked, &one.id).cmp(&(other.asked, &other.id)));
        self.known = Some(told);
        self.ready.extend(ready);
        Ok(next_due)
    }
}

/// When the time for a decision is over, if nobody has decided.
fn due(record: &HeldRecord) -> Option<(std::time::SystemTime, Overdue)> {
    let due = record.due.filter(|_| record.decision.is_none());
    due.map(|(at, then)| (crate::journal::time(at), then))
}

const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
