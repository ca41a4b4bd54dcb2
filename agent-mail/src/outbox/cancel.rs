use mail_access::Address;

use super::attempt::advance;
use super::bell::Ring;
use super::{Queued, RecipientState, Wish};
use crate::drafts::{self, Errand};
use crate::{AgentMailbox, Error};

/// What became of taking a message back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancellation {
    /// To these it is known not to be sent, now or later.
    pub not_sent: Vec<Address>,
    /// For these it was too late: it was sent or may have been.
    pub too_late: Vec<Address>,
}

impl AgentMailbox {
    /// Takes a message back that waits in the outbox, for all to whom it was not sent yet.
    ///
    /// What is being sent at this moment, or has an outcome that is being found out, is too late; it is not sent
    /// again then. Under a key of the caller's it is remembered as taken back. One that a check took out of the outbox, to
    /// wait for a decision, is rejected in the agent's name; if it was approved it is too late. Safe to repeat; a dropped
    /// call leaves it taken back or not.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; or if the state can't be read or written.
    pub async fn cancel(&self, queued: &Queued) -> Result<Cancellation, Error> {
        let system = self.inner().system.system();
        loop {
            let Some(kept) = self.inner().journal.kept(self.id(), &queued.name).await? else {
                return self.known_of(queued).await;
            };
            let mut record = kept.record.clone();
            if let Some(queue) = &mut record.queue {
                for progress in queue.progress.iter_mut().filter(|one| one.state == RecipientState::Waiting) {
                    progress.end(RecipientState::Canceled);
                }
            }
            let news = (self.id().clone(), queued.name.clone());
            let _ring = Ring { locks: system.locks.clone(), news };
            if advance(self, &kept, record.clone(), (None, None)).await?.is_some() {
                let (sent, not_sent) = Queued::of(&record)
                    .recipients
                    .into_iter()
                    .partition::<Vec<_>, _>(|one| one.state.may_be_sent());
                let addresses = |of: Vec<super::QueuedRecipient>| {
                    of.into_iter().map(|one| one.result.recipient).collect()
                };
                return Ok(Cancellation { not_sent: addresses(not_sent), too_late: addresses(sent) });
            }
        }
    }

    /// Returns what is waiting in the outbox or being sent, in no meaningful order.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; or if the state can't be read.
    pub async fn outbox(&self) -> Result<Vec<Queued>, Error> {
        let journal = &self.inner().journal;
        let mut queued = Vec::new();
        for name in journal.queued(self.id()).await? {
            // Between the two looks it may have gone.
            queued.extend(journal.outbox_entry(self.id(), &name).await?.as_ref().map(Queued::of));
        }
        journal.still(self.id()).await?;
        Ok(queued)
    }

    /// Tells of an entry that is there no more: what was sent to anybody is remembered, and what is held is rejected.
    async fn known_of(&self, queued: &Queued) -> Result<Cancellation, Error> {
        let journal = &self.inner().journal;
        let all = queued.recipients.iter().map(|one| one.result.recipient.clone()).collect();
        journal.still(self.id()).await?;
        let is_sent = journal.sent(self.id(), &queued.message_id).await?.is_some();
        let wish = queued.key.as_ref().map_or_else(Wish::default, Wish::under);
        let cause = Some(queued.message_id.as_str().to_owned());
        let errand = Errand { wish, cause, ..Errand::default() };
        if is_sent || !drafts::take_back(self, &errand).await? {
            return Ok(Cancellation { not_sent: Vec::new(), too_late: all });
        }
        Ok(Cancellation { not_sent: all, too_late: Vec::new() })
    }
}
