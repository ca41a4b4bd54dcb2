use mail_access::NewMessage;

use super::Wish;
use crate::drafts::Errand;
use crate::journal::{Kept, OutboxRecord, Pending, Progress, time};
use crate::mail::lift;
use crate::safety::{self, Cost};
use crate::{AgentMailbox, Error, ErrorKind, observe};

/// What the checks say of an entry that one of them wanted to be asked about later.
pub(super) enum Asked {
    /// It may go, as these bytes, for what it costs.
    Goes(Box<OutboxRecord>, Vec<u8>, Option<Cost>),
    /// One of them wants to be asked later again, or can't decide now.
    Later(Error),
    /// It is held, which is stored already.
    Held,
    /// It is not sent, for this reason.
    Refused(Error),
}

/// Asks the checks about the message as its sender wrote it. Nothing of the entry is changed.
pub(super) async fn ask(mailbox: &AgentMailbox, kept: &Kept, now: u64) -> Result<Asked, Error> {
    let mut record = kept.record.clone();
    let Some(queue) = &mut record.queue else { return Ok(Asked::Held) };
    let (journal, agent) = (&mailbox.inner().journal, mailbox.id());
    let bytes = journal.outbox_bytes(agent, &record.name).await?;
    let message = NewMessage::from_canonical(&bytes).map_err(|source| {
        Error::new(ErrorKind::Unexpected, "read state", &record.message_id)
            .with_detail("the stored message can't be understood")
            .with_source(source)
    })?;
    let wish = Wish::going_on(record.key.clone(), queue, now);
    let cause = Some(record.message_id.as_str().to_owned());
    let entry = Some(Box::new(kept.clone()));
    let errand = Errand { wish, content: record.content.clone(), cause, released: None, entry };
    let examined = safety::examine(mailbox, message, &errand).await.and_then(|(message, cost)| {
        let cost = cost.map(|cost| cost.without_budgets(mailbox)).transpose()?;
        let sealed = message.seal_as(&mailbox.contact(), record.message_id.clone(), time(now));
        Ok((sealed.map(observe::sealed).map_err(|source| lift(source, "send", agent))?, cost))
    });
    match examined {
        Ok((message, cost)) => {
            record.recipients = message.recipients().to_vec();
            queue.progress = vec![Progress::waiting(); record.recipients.len()];
            (queue.pending, queue.next) = (Pending::Budgets, now);
            Ok(Asked::Goes(Box::new(record), message.bytes().to_vec(), cost))
        }
        Err(error) => match error.kind() {
            ErrorKind::Held => Ok(Asked::Held),
            ErrorKind::AlreadyExists | ErrorKind::InvalidInput | ErrorKind::PermissionDenied => {
                Ok(Asked::Refused(error))
            }
            // If it is the state that fails, it shows when that is noted.
            _ => Ok(Asked::Later(error)),
        },
    }
}
