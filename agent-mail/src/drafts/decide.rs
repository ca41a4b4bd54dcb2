//! The one place where it is decided on a message that is held, so that there is one outcome.

use std::time::SystemTime;

use mail_access::NewMessage;

use super::{Errand, Held, HeldId, Released};
use crate::backend::{Change, Committed};
use crate::journal::{HeldRecord, KeptHeld, StoredDecision, StoredOutcome, millis};
use crate::outbox::{self, Prepared, Sending};
use crate::{AgentMail, AgentMailbox, Error, ErrorKind, Queued, safety};

/// Who decides, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    /// Nobody where the time was over.
    pub(super) who: Option<&'a str>,
    pub(super) reason: &'a str,
    /// The revision that they saw.
    pub(super) revision: usize,
}

/// Puts a message that is held into the outbox: that and the note of the decision are one change.
pub(super) async fn approve(mail: &AgentMail, id: &HeldId, by: By<'_>) -> Result<Queued, Error> {
    let system = mail.system();
    let mailbox = mail.open(id.agent()).await?;
    // One after the other, so that who comes too late asks no check.
    let _alone = system.locks.acquire(&format!("held/{id}")).await;
    loop {
        let kept = undecided(mail, id, "approve", Some(by.revision)).await?;
        let record = &kept.record;
        let message = form(mail, id, record.revisions.len()).await?;
        let decider = (by.who.map(str::to_owned), by.reason.to_owned());
        let released = Released::of(id.name(), kept.clone(), decider);
        let sending = Sending::wished(message, &record.wish);
        let prepared = outbox::prepare_released(&mailbox, sending, released, record.content.clone()).await;
        let (change, cost, outcome, answer, ring) = match prepared {
            Ok(Prepared { change, cost, queued, ring }) => {
                let outcome = StoredOutcome::Approved(queued.message_id.as_str().to_owned());
                (change, cost, outcome, Ok(queued), ring)
            }
            // The next check holds it now. That is stored already, under a name that it has each time, and noted here with it
            // unless it was stored before.
            Err(error) if error.kind() == ErrorKind::Held => {
                let next = error.code().and_then(|code| code.parse::<HeldId>().ok());
                let Some(next) = next else { return Err(error) };
                let outcome = StoredOutcome::PassedOn(next.name().to_owned());
                let here = system.journal.held(id.agent(), id.name()).await?;
                let noted = here.and_then(|here| here.record.decision).map(|decision| decision.outcome);
                if noted.as_ref() == Some(&outcome) {
                    return Err(error);
                }
                (Change::new(), None, outcome, Err(error), None)
            }
            Err(error) => {
                undecided(mail, id, "approve", Some(by.revision)).await?;
                return Err(error);
            }
        };
        let change = note(mail, change, id, &kept, outcome, by);
        let committed = safety::commit(&mailbox, cost.as_slice(), change).await?;
        drop(ring);
        match committed {
            Some(Committed::Done) => {
                system.locks.decisions.notify_waiters();
                return answer;
            }
            Some(Committed::Conflict) => {}
            None => return Err(not_there(id).with_detail("the agent was retired")),
        }
    }
}

/// Notes that a message that is held will not be sent.
pub(super) async fn reject(mail: &AgentMail, id: &HeldId, by: By<'_>) -> Result<(), Error> {
    loop {
        let kept = undecided(mail, id, "reject", None).await?;
        let change = note(mail, Change::new(), id, &kept, StoredOutcome::Rejected, by);
        if commit(mail, change).await? {
            return Ok(());
        }
    }
}

/// Rejects in its sender's name a message that is held for an errand; false if it was approved.
pub(crate) async fn take_back(mailbox: &AgentMailbox, errand: &Errand) -> Result<bool, Error> {
    let (mail, agent) = (&mailbox.inner().system, mailbox.id());
    let Some(mut name) = errand.name() else { return Ok(true) };
    loop {
        let held = mailbox.inner().journal.held(agent, &name).await?;
        let Some(KeptHeld { record, .. }) = held else { return Ok(true) };
        match record.decision.map(|decision| decision.outcome) {
            None => {
                let who = Some(agent.as_str());
                let by = By { who, reason: "its sender took it back", revision: record.revisions.len() };
                match reject(mail, &HeldId::new(agent.clone(), &name), by).await {
                    Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Stale) => {}
                    rejected => return rejected.map(|()| true),
                }
            }
            Some(StoredOutcome::Rejected) => return Ok(true),
            Some(StoredOutcome::Approved(_)) => return Ok(false),
            Some(StoredOutcome::PassedOn(next)) => name = next,
        }
    }
}

/// Gives a message that is held another form.
pub(super) async fn edit(
    mail: &AgentMail,
    id: &HeldId,
    by: By<'_>,
    message: &NewMessage,
) -> Result<(), Error> {
    let mailbox = mail.open(id.agent()).await?;
    outbox::seal(&mailbox, message.clone(), mail.system().chance.now())?;
    loop {
        let kept = undecided(mail, id, "edit", Some(by.revision)).await?;
        let mut record = kept.record.clone();
        record.revisions.push((by.who.unwrap_or_default().to_owned(), now(mail)));
        let change = mail.system().journal.revise_held(id.agent(), id.name(), &kept, &record, message);
        if commit(mail, change).await? {
            return Ok(());
        }
    }
}

/// Forgets a message on which it was decided.
pub(super) async fn forget(mail: &AgentMail, id: &HeldId) -> Result<(), Error> {
    let journal = &mail.system().journal;
    loop {
        let Some(kept) = journal.held(id.agent(), id.name()).await? else { return Ok(()) };
        if kept.record.decision.is_none() {
            return Err(Error::new(ErrorKind::NotReady, "forget", id)
                .with_detail("nobody has decided on it yet")
                .with_fix("approve or reject it first"));
        }
        if commit(mail, journal.forget_held(id.agent(), id.name(), &kept)).await? {
            return Ok(());
        }
    }
}

pub(super) async fn look(mail: &AgentMail, id: &HeldId, record: &HeldRecord) -> Result<Held, Error> {
    let message = form(mail, id, record.revisions.len()).await?;
    Held::of(id.clone(), record, message, mail.system().chance.now())
}

pub(super) async fn form(mail: &AgentMail, id: &HeldId, revision: usize) -> Result<NewMessage, Error> {
    let form = mail.system().journal.held_form(id.agent(), id.name(), revision).await?;
    form.ok_or_else(|| not_there(id).with_detail(format!("it has no revision {revision}")))
}

pub(super) fn not_there(id: &HeldId) -> Error {
    Error::new(ErrorKind::NotFound, "look up", id).with_fix("list those that wait by pending")
}

/// Reads a record on which nobody has decided, in the revision that the caller saw.
async fn undecided(
    mail: &AgentMail,
    id: &HeldId,
    operation: &'static str,
    revision: Option<usize>,
) -> Result<KeptHeld, Error> {
    let kept = mail.system().journal.held(id.agent(), id.name()).await?.ok_or_else(|| not_there(id))?;
    let stale = |detail: String| {
        Error::new(ErrorKind::Stale, operation, id).with_detail(detail).with_fix("look at it again")
    };
    if let Some(StoredDecision { outcome, by, reason, .. }) = &kept.record.decision {
        let verdict = if *outcome == StoredOutcome::Rejected { "rejected" } else { "approved" };
        let by = by.as_deref().unwrap_or("nobody, as its time was over");
        return Err(stale(format!("it was {verdict} by {by}: {reason}")).with_code(verdict));
    }
    let last = kept.record.revisions.len();
    if revision.is_some_and(|seen| seen != last) {
        let by = kept.record.revisions.last().map_or("", |(by, _)| by);
        return Err(
            stale(format!("{by} has edited it meanwhile: there is revision {last}")).with_code("edited")
        );
    }
    Ok(kept)
}

fn note(
    mail: &AgentMail,
    change: Change,
    id: &HeldId,
    kept: &KeptHeld,
    outcome: StoredOutcome,
    by: By<'_>,
) -> Change {
    let mut record = kept.record.clone();
    record.decision = Some(StoredDecision {
        outcome,
        by: by.who.map(str::to_owned),
        reason: by.reason.to_owned(),
        at: now(mail),
    });
    mail.system().journal.change_held(change, id.agent(), id.name(), kept, &record)
}

async fn commit(mail: &AgentMail, change: Change) -> Result<bool, Error> {
    let done = mail.system().journal.commit(change).await? == Committed::Done;
    if done {
        mail.system().locks.decisions.notify_waiters();
    }
    Ok(done)
}

fn now(mail: &AgentMail) -> u64 {
    let now: SystemTime = mail.system().chance.now();
    millis(now)
}
