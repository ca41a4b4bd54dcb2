use mail_access::{
    Address, Error as MailError, FolderName, MessageId, MessageStore, Query, Received, Selection, SpecialUse,
};

use crate::journal::OutboxRecord;
use crate::mail::lift;
use crate::{AgentMailbox, Error, ErrorKind};

/// Looks whether a message was taken for a recipient, when nobody told. `false` says that nothing shows it.
///
/// What shows it: the message in the INBOX of a recipient who is an agent here; a report on it or an answer of the
/// recipient in the sender's INBOX; the message among the sender's sent mail, where the recipient is its only one and we
/// have put no copy there.
pub(super) async fn was_taken(
    mailbox: &AgentMailbox,
    record: &OutboxRecord,
    recipient: &Address,
) -> Result<bool, Error> {
    if has_arrived(mailbox, recipient, &record.message_id).await? {
        return Ok(true);
    }
    let Some(store) = &mailbox.inner().system.system().store else { return Ok(false) };
    let looked = match was_answered(mailbox, &**store, record, recipient).await {
        Ok(false) if record.recipients.len() == 1 => is_filed(mailbox, &**store, &record.message_id).await,
        looked => looked,
    };
    looked.map_err(|source| lift(source, "look for", recipient)).or_else(nothing_seen)
}

/// Takes a mailbox that can't be opened any more, or a server that won't look, as one that shows nothing: it keeps the mail
/// from nobody.
fn nothing_seen(error: Error) -> Result<bool, Error> {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unauthenticated | ErrorKind::Rejected => Ok(false),
        _ => Err(error),
    }
}

/// Looks at what a recipient who is an agent here was given, and into its inbox. Of others nothing can be known.
pub(super) async fn has_arrived(
    mailbox: &AgentMailbox,
    recipient: &Address,
    id: &MessageId,
) -> Result<bool, Error> {
    let system = mailbox.inner().system.system();
    // What came the short way is in no mailbox, and what was handed out may have been removed from there.
    if let Some(agent) = system.rule.agent(recipient)
        && system.journal.has_come(&agent, id).await?
    {
        return Ok(true);
    }
    look_for(mailbox, recipient, id).await.or_else(nothing_seen)
}

/// Tells whether a message is in the folder for sent mail.
pub(super) async fn is_filed(
    mailbox: &AgentMailbox,
    store: &dyn MessageStore,
    id: &MessageId,
) -> Result<bool, MailError> {
    let Some(sent) = sent_folder(mailbox, store).await? else { return Ok(false) };
    let login = mailbox.inner().login.current();
    Ok(!store.search(&login, &sent, &Query::MessageId(id.clone())).await?.uids.is_empty())
}

/// Returns the folder that is meant for sent mail (RFC 6154).
pub(super) async fn sent_folder(
    mailbox: &AgentMailbox,
    store: &dyn MessageStore,
) -> Result<Option<FolderName>, MailError> {
    let folders = store.folders(&mailbox.inner().login.current()).await?;
    let is_sent =
        |folder: &mail_access::Folder| folder.selectable && folder.special_use == Some(SpecialUse::Sent);
    Ok(folders.into_iter().find(is_sent).map(|folder| folder.name))
}

async fn look_for(mailbox: &AgentMailbox, recipient: &Address, id: &MessageId) -> Result<bool, Error> {
    let Some(login) = mailbox.inner().system.login_of(recipient).await? else { return Ok(false) };
    let mail = &mailbox.inner().system.system().mail;
    let found = mail.fetch(&login, &Selection::MessageId(id.clone()), 1).await;
    Ok(!found.map_err(|source| lift(source, "look for", recipient))?.messages.is_empty())
}

async fn was_answered(
    mailbox: &AgentMailbox,
    store: &dyn MessageStore,
    record: &OutboxRecord,
    recipient: &Address,
) -> Result<bool, MailError> {
    let inner = mailbox.inner();
    let naming = Query::Text(record.message_id.as_str().to_owned()).and(Query::Since(record.created));
    let mut found = store.search(&inner.login.current(), &FolderName::inbox(), &naming).await?;
    found.uids.truncate(MANY);
    if found.uids.is_empty() {
        return Ok(false);
    }
    let selection = Selection::Uids(found.uid_validity, found.uids);
    let batch = match inner.login.fetch(&*inner.system.system().mail, &selection, MANY).await {
        // The next look finds the new numbers.
        Err(MailError::Renumbered { .. }) => return Ok(false),
        fetched => fetched?,
    };
    Ok(batch.messages.iter().any(|message| shows(message, &record.message_id, recipient)))
}

/// Tells whether a message reports on another at a recipient, or is his answer to it.
fn shows(message: &Received, id: &MessageId, recipient: &Address) -> bool {
    if let Some(report) = message.delivery_report() {
        let is_his = |report: &mail_access::RecipientReport| report.address().as_ref() == Some(recipient);
        return report.original.as_ref() == Some(id) && report.recipients.iter().any(is_his);
    }
    let is_answer = message.in_reply_to() == Some(id) || message.references().contains(id);
    is_answer && message.from().is_some_and(|from| from.address == *recipient)
}

/// How many messages that name it are looked at.
const MANY: usize = 20;
