use mail_access::{Error as MailError, Flag};

use super::evidence::{is_filed, sent_folder};
use crate::AgentMailbox;
use crate::journal::{OutboxRecord, time};

/// What became of the copy of a sent message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filed {
    /// It is there, or there is no place for it.
    Done,
    /// It may work later.
    Later,
    /// It can't be made.
    Never,
}

/// Puts a message into its sender's folder for sent mail, unless it is there already.
pub(super) async fn file(mailbox: &AgentMailbox, record: &OutboxRecord, now: u64) -> Filed {
    match put(mailbox, record, now).await {
        Ok(()) => Filed::Done,
        Err(Failure::State) => Filed::Later,
        Err(Failure::Mail(error)) => {
            let later = error.is_retryable() || error.is_outcome_unknown();
            tracing::warn!(agent = %mailbox.id(), %error, later, "sent, but no copy could be filed");
            if later { Filed::Later } else { Filed::Never }
        }
    }
}

enum Failure {
    State,
    Mail(MailError),
}

async fn put(mailbox: &AgentMailbox, record: &OutboxRecord, now: u64) -> Result<(), Failure> {
    let system = mailbox.inner().system.system();
    let Some(store) = &system.store else { return Ok(()) };
    let Some(folder) = sent_folder(mailbox, &**store).await.map_err(Failure::Mail)? else {
        tracing::debug!(agent = %mailbox.id(), "there is no folder for sent mail");
        return Ok(());
    };
    // An earlier try may have put it there unheard, and some servers do it by themselves.
    if is_filed(mailbox, &**store, &record.message_id).await.map_err(Failure::Mail)? {
        return Ok(());
    }
    let bytes = mailbox.inner().journal.outbox_bytes(mailbox.id(), &record.name).await.map_err(|error| {
        tracing::warn!(agent = %mailbox.id(), %error, "the copy of a sent message can't be read");
        Failure::State
    })?;
    let login = mailbox.inner().login.current();
    let filed = store.append(&login, &folder, &bytes, &[Flag::Seen], Some(time(now))).await;
    filed.map(drop).map_err(Failure::Mail)
}
