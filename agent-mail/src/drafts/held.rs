use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use mail_access::{MessageId, NewMessage};

use super::Overdue;
use crate::backend::{Change, Committed};
use crate::journal::{
    HeldRecord, Journal, Kept, KeptHeld, StoredDecision, StoredOutcome, fingerprint, millis, time,
};
use crate::outbox::Wish;
use crate::{AgentId, AgentMailbox, Error, ErrorKind, outbox};

/// A message that waits for somebody's decision, or did, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Held {
    /// Its name, the code of the [error](crate::ErrorKind::Held) that the agent got.
    pub id: HeldId,
    /// Who wants to send it.
    pub agent: AgentId,
    /// Why it is held.
    pub reason: String,
    /// When the agent wanted to send it.
    pub asked: SystemTime,
    /// When the time for a decision is over, and what happens then.
    pub due: Option<(SystemTime, Overdue)>,
    /// Whether that time is over.
    pub overdue: bool,
    /// What it says, in its last revision.
    pub message: NewMessage,
    /// Who wrote each of its forms; the first is the agent's own.
    pub revisions: Vec<Revision>,
    /// What was decided, if anything was.
    pub decision: Option<Decision>,
}

/// A form of a message that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revision {
    /// Who wrote it, by their own word.
    pub by: String,
    /// When.
    pub at: SystemTime,
}

/// What was decided on a message that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// What becomes of the message.
    pub verdict: Verdict,
    /// Who decided, by their own word; `None` if nobody did in time.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: SystemTime,
}

/// What becomes of a message that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It went into the outbox, with this identity.
    Approved(MessageId),
    /// It was approved, and another check holds it, under this name.
    PassedOn(HeldId),
    /// It is not sent.
    Rejected,
}

/// The name of a message that is held: of its agent, and of the message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldId {
    agent: AgentId,
    name: Box<str>,
}

impl HeldId {
    pub(super) fn new(agent: AgentId, name: &str) -> Self {
        Self { agent, name: name.into() }
    }

    /// Returns whose message it is.
    pub fn agent(&self) -> &AgentId {
        &self.agent
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for HeldId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('/').and_then(|(agent, name)| Some((AgentId::decode(agent)?, name)));
        match parts {
            Some((agent, name)) if is_name(name) => Ok(Self::new(agent, name)),
            _ => Err(Error::new(ErrorKind::InvalidInput, "name a held message", format!("{text:?}"))
                .with_detail("it is an agent's name, a slash and 32 hex digits, as the error Held says")),
        }
    }
}

impl fmt::Display for HeldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.agent.encoded(), self.name)
    }
}

impl Held {
    pub(super) fn of(
        id: HeldId,
        record: &HeldRecord,
        message: NewMessage,
        now: SystemTime,
    ) -> Result<Self, Error> {
        let due = record.due.map(|(at, then)| (time(at), then));
        let decision = record.decision.as_ref().map(|decision| decided(&id, decision)).transpose()?;
        Ok(Self {
            agent: id.agent.clone(),
            reason: record.reason.clone(),
            asked: time(record.asked),
            overdue: decision.is_none() && due.is_some_and(|(at, _)| at <= now),
            due,
            message,
            revisions: record
                .revisions
                .iter()
                .map(|(by, at)| Revision { by: by.clone(), at: time(*at) })
                .collect(),
            decision,
            id,
        })
    }
}

/// How a message came to be sent, for those that have to wait on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errand {
    pub(crate) wish: Wish,
    /// What the caller's content was, where a key was given.
    pub(crate) content: Option<String>,
    /// What the message is the consequence of, where it has no key.
    pub(crate) cause: Option<String>,
    /// What was approved already.
    pub(crate) released: Option<Released>,
    /// The entry of the outbox that it has, which goes when it is held.
    pub(crate) entry: Option<Box<Kept>>,
}

impl Errand {
    /// Tells whether the check of a name has passed the message before.
    pub(crate) fn passes(&self, check: impl FnOnce() -> String) -> bool {
        self.released.as_ref().is_some_and(|released| released.passed.contains(&check()))
    }

    /// Names the message so that it is held once, if it has a key or a cause.
    pub(super) fn name(&self) -> Option<String> {
        let name = |kind: &str, name: &String| fingerprint([kind, name].concat().as_bytes());
        let key = self.wish.key.as_ref().map(|key| name("key/", key));
        key.or_else(|| self.cause.as_ref().map(|cause| name("cause/", cause)))
    }
}

/// An approval, by which a message passes the check that held it.
#[derive(Clone, Debug)]
pub(crate) struct Released {
    name: String,
    /// What was approved, as it was read.
    kept: Box<KeptHeld>,
    /// Who approved it, and why.
    by: (Option<String>, String),
    /// The names of the checks that are not asked again.
    passed: Vec<String>,
}

impl Released {
    /// Approves a message as it is now. What a person wrote is asked about again by those checks too that passed what the
    /// agent wrote.
    pub(super) fn of(name: &str, kept: KeptHeld, by: (Option<String>, String)) -> Self {
        let record = &kept.record;
        let is_edited = record.revisions.len() > 1;
        let passed = record.passed.iter().filter(|_| !is_edited).chain([&record.held_by]).cloned().collect();
        Self { name: name.to_owned(), kept: Box::new(kept), by, passed }
    }

    /// Makes the change that notes that it waits for another decision.
    fn passed_on(&self, journal: &Journal, agent: &AgentId, next: &str, at: u64) -> Change {
        let mut record = self.kept.record.clone();
        let outcome = StoredOutcome::PassedOn(next.to_owned());
        let (by, reason) = self.by.clone();
        record.decision = Some(StoredDecision { outcome, by, reason, at });
        journal.change_held(Change::new(), agent, &self.name, &self.kept, &record)
    }
}

/// The check that holds a message, by its name, and those that passed it.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) passed: Vec<String>,
}

/// Stores a message that a check holds, and returns the error that the caller gets. Under a key it is stored once.
pub(crate) async fn hold(
    mailbox: &AgentMailbox,
    message: &NewMessage,
    errand: &Errand,
    Holder { name: held_by, mut passed }: Holder,
    reason: String,
    time_out: Option<(Duration, Overdue)>,
) -> Result<Error, Error> {
    let system = mailbox.inner().system.system();
    // What can't be sent needs nobody's decision.
    outbox::seal(mailbox, message.clone(), system.chance.now())?;
    let (agent, now) = (mailbox.id(), millis(system.chance.now()));
    let name = match (&errand.released, errand.name()) {
        (Some(released), _) => fingerprint(format!("{}/{held_by}", released.name).as_bytes()),
        (None, Some(name)) => name,
        (None, None) => {
            let mut random = [0; 16];
            system.chance.fill(&mut random);
            format!("{:032x}", u128::from_be_bytes(random))
        }
    };
    passed.extend(errand.released.iter().flat_map(|released| &released.passed).cloned());
    let after = |after: Duration| now.saturating_add(after.as_millis().try_into().unwrap_or(u64::MAX));
    let record = HeldRecord {
        reason: reason.clone(),
        held_by,
        passed,
        asked: now,
        due: time_out.map(|(at_most, then)| (after(at_most), then)),
        wish: errand.wish.clone(),
        content: errand.content.clone(),
        revisions: vec![(agent.as_str().to_owned(), now)],
        decision: None,
    };
    let held = |reason: String| {
        Error::new(ErrorKind::Held, "send", agent)
            .with_detail(reason)
            .with_code(HeldId::new(agent.clone(), &name).to_string())
    };
    // Where it was before is noted with that.
    let moved = match (&errand.entry, &errand.released) {
        (Some(entry), _) => system.journal.taken_out(agent, entry),
        (None, Some(released)) => released.passed_on(&system.journal, agent, &name, now),
        (None, None) => Change::new(),
    };
    loop {
        match system.journal.hold(moved.clone(), agent, &name, &record, message).await? {
            Some(Committed::Done) => break,
            Some(Committed::Conflict) => {}
            None => {
                return Err(
                    Error::new(ErrorKind::NotFound, "send", agent).with_detail("the agent was retired")
                );
            }
        }
        let Some(earlier) = system.journal.held(agent, &name).await? else {
            if moved == Change::new() {
                continue;
            }
            return Err(Error::new(ErrorKind::NotReady, "send", agent)
                .with_detail("somebody has changed or decided on the message meanwhile"));
        };
        if earlier.record.content != record.content {
            let key = errand.wish.key.as_deref().unwrap_or_default();
            return Ok(outbox::another_message(mailbox, key));
        }
        return Ok(match earlier.record.decision {
            // Its cause is not done again for that.
            _ if errand.cause.is_some() => held(earlier.record.reason),
            Some(StoredDecision { outcome: StoredOutcome::Rejected, reason, .. }) => {
                Error::new(ErrorKind::PermissionDenied, "send", agent)
                    .with_detail(format!("it was held and rejected: {reason}"))
                    .with_fix("change the message, and send it under another key")
            }
            _ => held(earlier.record.reason),
        });
    }
    system.locks.decisions.notify_waiters();
    tracing::info!(agent = %agent, held = %name, "a message waits for a decision");
    Ok(held(reason))
}

fn decided(id: &HeldId, stored: &StoredDecision) -> Result<Decision, Error> {
    let damaged =
        |_| Error::new(ErrorKind::Unexpected, "read state", id).with_detail("the stored Message-ID is none");
    let verdict = match &stored.outcome {
        StoredOutcome::Approved(message_id) => Verdict::Approved(message_id.parse().map_err(damaged)?),
        StoredOutcome::PassedOn(name) => Verdict::PassedOn(HeldId::new(id.agent.clone(), name)),
        StoredOutcome::Rejected => Verdict::Rejected,
    };
    Ok(Decision { verdict, by: stored.by.clone(), reason: stored.reason.clone(), at: time(stored.at) })
}

fn is_name(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_nothing_else_is() {
        let id = HeldId::new("Ada/../x".parse().unwrap(), &"a".repeat(32));
        assert_eq!(id.to_string().parse::<HeldId>().unwrap(), id);
        for text in ["", "ada", "ada/x", "ada/../bob/x", &format!("Ada/{}", "a".repeat(32))] {
            assert_eq!(text.parse::<HeldId>().unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
        }
    }
}
