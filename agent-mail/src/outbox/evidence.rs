use mail_access::{
    Address, Error as MailError, FolderName, Login, MessageId, Query, Received, Selection, SpecialUse,
};
use secrecy::ExposeSecret;

use crate::desk::Desk;
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
    if mailbox.inner().system.system().store.is_none() {
        return Ok(false);
    }
    let desk = mailbox.desk("look for")?;
    let looked = match was_answered(mailbox, &desk, record, recipient).await {
        Ok(false) if record.recipients.len() == 1 => is_filed(&desk, &record.message_id).await,
        looked => looked,
    };
    looked.or_else(nothing_seen)
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
pub(super) async fn is_filed(desk: &Desk<'_>, id: &MessageId) -> Result<bool, Error> {
    let Some(sent) = desk.find_folder(SpecialUse::Sent).await? else { return Ok(false) };
    Ok(!desk.search(&sent, &Query::MessageId(id.clone())).await?.uids.is_empty())
}

async fn look_for(mailbox: &AgentMailbox, recipient: &Address, id: &MessageId) -> Result<bool, Error> {
    let (system, wanted) = (&mailbox.inner().system, Selection::MessageId(id.clone()));
    let mut refused: Option<(Login, MailError)> = None;
    loop {
        let Some(login) = system.login_of(recipient).await? else { return Ok(false) };
        let is_same = |before: &Login| before.password().expose_secret() == login.password().expose_secret();
        if let Some((_, source)) = refused.take_if(|(before, _)| is_same(before)) {
            return Err(lift(source, "look for", recipient));
        }
        match system.system().mail.fetch(&login, &wanted, 1).await {
            Ok(found) => return Ok(!found.messages.is_empty()),
            // The password may have been changed since it was read.
            Err(source @ MailError::Authentication { .. }) => refused = Some((login, source)),
            Err(source) => return Err(lift(source, "look for", recipient)),
        }
    }
}

async fn was_answered(
    mailbox: &AgentMailbox,
    desk: &Desk<'_>,
    record: &OutboxRecord,
    recipient: &Address,
) -> Result<bool, Error> {
    let inner = mailbox.inner();
    let naming = Query::Text(record.message_id.as_str().to_owned()).and(Query::Since(record.created));
    let mut found = desk.search(&FolderName::inbox(), &naming).await?;
    found.uids.truncate(MANY);
    if found.uids.is_empty() {
        return Ok(false);
    }
    let selection = Selection::Uids(found.uid_validity, found.uids);
    let batch = match inner.login.fetch(&*inner.system.system().mail, &selection, MANY).await {
        // The next look finds the new numbers.
        Err(MailError::Renumbered { .. }) => return Ok(false),
        fetched => fetched.map_err(|source| lift(source, "look for", recipient))?,
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
