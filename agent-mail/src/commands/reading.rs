//! Reads mailboxes, one or all.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use mail_access::{Contact, Flag, FlagChange, MessageId, Query, Received, Selection};

use super::answer::{AuthorsWords, MailView, Mailbox, MailboxMail, MonitorOutcome, Monitored};
use super::{Commands, Reading, clipped};
use crate::calendar::written;
use crate::mail::lift;
use crate::{AgentId, AgentMailbox, Error, ErrorKind};

impl Commands {
    /// Reads one mailbox within the deadline.
    pub(super) async fn monitor(&self, agent: &AgentId, reading: &Reading) -> Result<MailboxMail, Error> {
        let read = async { read(&self.mail.open(agent).await?, reading, self.text_budget).await };
        tokio::time::timeout(self.deadline, read).await.unwrap_or_else(|_| Err(late(agent, self.deadline)))
    }

    /// Reads the mailboxes that the commander may see, some at the same time; what is wrong with one stands in its place.
    pub(super) async fn monitor_all(&self, reading: &Reading) -> Result<Vec<Monitored>, Error> {
        let mailboxes = stream::iter(self.mailboxes().await?).map(|mailbox| async move {
            let outcome = match self.monitor(&mailbox.agent, reading).await {
                Ok(mail) => MonitorOutcome::Mail(mail),
                Err(error) => {
                    tracing::warn!(agent = %mailbox.agent, %error, "a mailbox can't be read");
                    MonitorOutcome::Error((&error).into())
                }
            };
            Monitored { mailbox, outcome }
        });
        Ok(mailboxes.buffered(self.at_once).collect().await)
    }

    /// Returns the mailboxes that the commander may see, by name.
    pub(super) async fn mailboxes(&self) -> Result<Vec<Mailbox>, Error> {
        let agents = self.mail.agents().await?.into_iter();
        let seen = agents.filter(|agent| self.rights.allows_agent(&agent.id));
        let mut mailboxes: Vec<_> = seen.map(|agent| Mailbox::new(agent.id, agent.address)).collect();
        mailboxes.sort_by(|one, other| one.agent.cmp(&other.agent));
        Ok(mailboxes)
    }
}

async fn read(mailbox: &AgentMailbox, reading: &Reading, budget: usize) -> Result<MailboxMail, Error> {
    let (messages, more) = match &mailbox.inner().system.system().store {
        Some(_) => read_store(mailbox, reading, budget).await?,
        None if reading.unread_only && reading.folder.is_inbox() => {
            read_inbox(mailbox, reading, budget).await?
        }
        None => {
            return Err(Error::new(ErrorKind::Unsupported, MONITOR, mailbox.id())
                .with_detail("only the unread messages of the INBOX can be read here")
                .with_fix("give the system a message store"));
        }
    };
    Ok(MailboxMail { folder: reading.folder.as_str().to_owned(), messages, more })
}

async fn read_store(
    mailbox: &AgentMailbox,
    reading: &Reading,
    budget: usize,
) -> Result<(Vec<MailView>, bool), Error> {
    let (desk, folder) = (mailbox.desk(MONITOR)?, &reading.folder);
    let query = if reading.unread_only { Query::Unseen } else { Query::everything() };
    let found = desk.search(folder, &query).await?;
    let mut uids = VecDeque::from(found.uids);
    let more = uids.len() > reading.limit;
    while uids.len() > reading.limit {
        // Unread mail is worked through from its beginning; of all mail the newest counts.
        if reading.unread_only {
            uids.pop_back()
        } else {
            uids.pop_front()
        };
    }
    if uids.is_empty() {
        return Ok((Vec::new(), false));
    }
    let selection = Selection::Uids(found.uid_validity, uids.into());
    let mut views = Vec::new();
    // A message is given up for its view as soon as it is read: only one at a time is held as a whole.
    desk.read_each(folder, &selection, |message| views.push(view(mailbox, message, budget))).await?;
    if reading.mark_seen {
        let unseen: Vec<_> = views.iter().filter(|(_, view)| !view.seen).map(|(uid, _)| *uid).collect();
        desk.change_flags(folder, found.uid_validity, &unseen, &FlagChange::Add(vec![Flag::Seen])).await?;
    }
    Ok((views.into_iter().map(|(_, view)| view).collect(), more))
}

async fn read_inbox(
    mailbox: &AgentMailbox,
    reading: &Reading,
    budget: usize,
) -> Result<(Vec<MailView>, bool), Error> {
    let lift = |source| lift(source, MONITOR, mailbox.id());
    let (login, mail) = (&mailbox.inner().login, &*mailbox.inner().system.system().mail);
    let batch = login.fetch(mail, &Selection::Unseen, reading.limit).await.map_err(lift)?;
    let views: Vec<_> = batch.messages.into_iter().map(|message| view(mailbox, message, budget)).collect();
    if reading.mark_seen {
        let uids: Vec<_> = views.iter().map(|(uid, _)| *uid).collect();
        login.mark_seen(mail, batch.uid_validity, &uids).await.map_err(lift)?;
    }
    Ok((views.into_iter().map(|(_, view)| view).collect(), batch.more))
}

/// Shows a message: apart what the own system knows, and what its author wrote.
fn view(mailbox: &AgentMailbox, message: Received, budget: usize) -> (mail_access::Uid, MailView) {
    let inbound = mailbox.inbound(message);
    let message = inbound.message().expose();
    let some = |contacts: &[Contact]| {
        contacts.iter().take(MOST_CONTACTS).map(|one| clipped(&one.to_string())).collect()
    };
    let untrusted = AuthorsWords {
        message_id: message.message_id().map(MessageId::to_string).map(|id| clipped(&id)),
        from: message.from().map(|from| clipped(&from.to_string())),
        to: some(message.to()),
        cc: some(message.cc()),
        subject: clipped(message.subject()),
        date: message.date().map(written),
        text: inbound.for_llm(budget).as_str().to_owned(),
    };
    let view = MailView {
        uid: message.uid().get(),
        arrived: written(message.internal_date()),
        seen: message.is_seen(),
        size: message.whole_size(),
        verified_from: inbound.verified_from().cloned(),
        untrusted,
    };
    (message.uid(), view)
}

fn late(agent: &AgentId, deadline: Duration) -> Error {
    Error::new(ErrorKind::Unavailable, MONITOR, agent)
        .with_detail(format!("it could not be read within {} seconds", deadline.as_secs()))
}

const MONITOR: &str = "monitor";
const MOST_CONTACTS: usize = 50;
