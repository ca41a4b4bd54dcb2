use std::time::Duration;

use super::bell::Ring;
use super::direct::{another_message, name_of_key, name_of_message, seal};
use super::{Queued, SHORTEST_PAUSE, Sending, later};
use crate::backend::{Change, Committed};
use crate::drafts::{Errand, Released};
use crate::journal::{OutboxRecord, Outcome, Pending, Progress, QueueRecord, fingerprint, millis};
use crate::safety::{self, ASK_LATER, Cost};
use crate::{AgentMailbox, Error, ErrorKind};

/// A message that goes into the outbox when its change is committed, alone or together with others.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Empty if the key is there already. If it comes to a conflict, the message has to be prepared again.
    pub(crate) change: Change,
    /// What it costs, to be committed with the change.
    pub(crate) cost: Option<Cost>,
    pub(crate) queued: Queued,
    /// To be held until after the commit: the courier hears of it when it is dropped.
    pub(crate) ring: Option<Ring>,
}

impl Prepared {
    /// Commits a change that this one's is in, with what it costs.
    pub(crate) async fn commit(&self, mailbox: &AgentMailbox, change: Change) -> Result<Committed, Error> {
        if change == Change::new() {
            return Ok(Committed::Done);
        }
        let committed = safety::commit(mailbox, self.cost.as_slice(), change).await?;
        // Preparing it again tells that the agent is gone.
        Ok(committed.unwrap_or(Committed::Conflict))
    }
}

/// Makes what puts a message into the outbox. Nothing is written yet.
pub(crate) async fn prepare(mailbox: &AgentMailbox, sending: Sending) -> Result<Prepared, Error> {
    let content = sending.key.as_ref().map(|_| fingerprint(&sending.message.canonical()));
    let (wish, cause) = (sending.wish(), sending.cause.clone());
    let errand = Errand { wish, content, cause, ..Errand::default() };
    prepare_for(mailbox, sending, errand).await
}

/// Does the same for a message that was held and is approved now; `content` is what the caller's was.
pub(crate) async fn prepare_released(
    mailbox: &AgentMailbox,
    sending: Sending,
    released: Released,
    content: Option<String>,
) -> Result<Prepared, Error> {
    let errand = Errand { wish: sending.wish(), content, released: Some(released), ..Errand::default() };
    prepare_for(mailbox, sending, errand).await
}

async fn prepare_for(mailbox: &AgentMailbox, sending: Sending, errand: Errand) -> Result<Prepared, Error> {
    let Sending { message, key, not_before, expiry, guarantee, copy_to_sent, .. } = sending;
    let system = mailbox.inner().system.system();
    let content = errand.content.clone();
    let mut instead_of = None;
    if let Some(key) = &key
        && let Some(earlier) = mailbox.inner().journal.kept(mailbox.id(), &name_of_key(key)).await?
    {
        mailbox.inner().journal.still(mailbox.id()).await?;
        let record = &earlier.record;
        if record.content != content {
            return Err(another_message(mailbox, key));
        }
        let is_asked = record.queue.as_ref().is_some_and(|queue| queue.pending == Pending::Checks);
        if !is_asked || errand.released.is_none() {
            return Ok(Prepared {
                change: Change::new(),
                cost: None,
                queued: Queued::of(record),
                ring: None,
            });
        }
        // It was held when it was asked about again, and goes as it was approved.
        instead_of = Some(earlier.into_bytes());
    }
    if expiry < Duration::from_secs(1) {
        return Err(Error::new(ErrorKind::InvalidInput, "send", mailbox.id())
            .with_detail("a message is tried for at least a second"));
    }
    let now = system.chance.now();
    let date = not_before.map_or(now, |time| time.max(now));
    let from = millis(date);
    let until = from.saturating_add(expiry.as_millis().try_into().unwrap_or(u64::MAX));
    // What was held waits with its approval.
    let as_written = (errand.released.is_none() && safety::asks(mailbox)).then(|| message.clone());
    let (message, next, pending, cost) = match (safety::examine(mailbox, message, &errand).await, as_written)
    {
        (Err(error), Some(message)) if error.code() == Some(ASK_LATER) => {
            let pause = error.retry_after().unwrap_or_default().max(SHORTEST_PAUSE);
            (message, later(from, pause), Pending::Checks, None)
        }
        (examined, _) => match examined? {
            // What goes later is taken out of the budgets then, so that what is set for one time doesn't leave all at once.
            (message, Some(cost)) if date > now => {
                (message, from, Pending::Budgets, Some(cost.without_budgets(mailbox)?))
            }
            (message, cost) => (message, from, Pending::Nothing, cost),
        },
    };
    let as_written = (pending == Pending::Checks).then(|| message.canonical());
    let message = seal(mailbox, message, date)?;
    let queue = QueueRecord {
        place: system.locks.bell.next_place(&system.journal).await?,
        from,
        next,
        until,
        guarantee,
        copy: copy_to_sent && system.store.is_some(),
        failures: 0,
        pending,
        progress: vec![Progress::waiting(); message.recipients().len()],
    };
    let record = OutboxRecord {
        name: key.as_deref().map_or_else(|| name_of_message(&message), name_of_key),
        content,
        key,
        message_id: message.message_id().clone(),
        recipients: message.recipients().to_vec(),
        created: now,
        outcome: Outcome::Open,
        queue: Some(queue.clone()),
    };
    let bytes = as_written.as_deref().unwrap_or(message.bytes());
    let change = mailbox.inner().journal.enqueue(mailbox.id(), &record, &queue, bytes, instead_of).await?;
    let ring = Ring { locks: system.locks.clone(), news: (mailbox.id().clone(), record.name.clone()) };
    Ok(Prepared { change, cost, queued: Queued::of(&record), ring: Some(ring) })
}
