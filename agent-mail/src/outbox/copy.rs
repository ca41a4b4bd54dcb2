use mail_access::{Flag, SpecialUse};

use super::evidence::is_filed;
use crate::journal::OutboxRecord;
use crate::{AgentMailbox, Error, ErrorKind};

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
pub(super) async fn file(mailbox: &AgentMailbox, record: &OutboxRecord) -> Filed {
    match put(mailbox, record).await {
        Ok(()) => Filed::Done,
        Err(error) => {
            let later = error.is_retryable() || error.kind() == ErrorKind::Interrupted;
            tracing::warn!(agent = %mailbox.id(), %error, later, "sent, but no copy could be filed");
            if later { Filed::Later } else { Filed::Never }
        }
    }
}

async fn put(mailbox: &AgentMailbox, record: &OutboxRecord) -> Result<(), Error> {
    if mailbox.inner().system.system().store.is_none() {
        return Ok(());
    }
    let desk = mailbox.desk("file a copy")?;
    let Some(folder) = desk.find_folder(SpecialUse::Sent).await? else {
        tracing::debug!(agent = %mailbox.id(), "there is no folder for sent mail");
        return Ok(());
    };
    // An earlier try may have put it there unheard, and some servers do it by themselves.
    if is_filed(&desk, &record.message_id).await? {
        return Ok(());
    }
    let bytes = mailbox.inner().journal.outbox_bytes(mailbox.id(), &record.name).await?;
    desk.append(&folder, &bytes, &[Flag::Seen]).await.map(drop)
}
