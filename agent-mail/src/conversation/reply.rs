use mail_access::{
    Contact, FolderName, MessageId, NewMessage, Position, Query, Received, Selection, SpecialUse,
};

use super::summary::Summary;
use super::thread::threads;
use crate::backend::Committed;
use crate::mail::lift;
use crate::outbox::{Receipt, prepare};
use crate::{AgentMailbox, Error, ErrorKind, Inbound, Queued, Sending, safety};

/// What an answer says, and to whom.
///
/// ```
/// use agent_mail::Reply;
///
/// let answer = Reply::new("Of electric sheep.").with_quote().to_all();
/// # let _ = answer;
/// ```
#[derive(Clone, Debug)]
pub struct Reply {
    text: String,
    html: Option<String>,
    quote: bool,
    all: bool,
}

impl Reply {
    /// Begins with a text, to the author alone and without a quote.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: None, quote: false, all: false }
    }

    /// Adds HTML, as the richer alternative of the text.
    #[must_use]
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Repeats below it what it answers, each line behind `> `.
    #[must_use]
    pub fn with_quote(mut self) -> Self {
        self.quote = true;
        self
    }

    /// Sends it to all who had the message, but not to this mailbox. The message's author chose who they are.
    #[must_use]
    pub fn to_all(mut self) -> Self {
        self.all = true;
        self
    }
}

impl AgentMailbox {
    /// Makes an answer to a message, in its thread, to be changed, filed as a draft or sent. It goes to the address to
    /// which [`reply`](Self::reply) would go.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the message names no address to answer to,
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if there is a
    /// [trusted server](crate::AgentMailBuilder::trusted_server) and it doesn't vouch for the author.
    pub fn answer(&self, to: &Inbound, reply: Reply) -> Result<NewMessage, Error> {
        let message = to.message().expose();
        let answer = if reply.all { safety::answer_all(self, to)? } else { safety::answer(self, to)? };
        let mut answer = answer.with_text(reply.text);
        if let Some(html) = reply.html {
            answer = answer.with_html(html);
        }
        Ok(if reply.quote { answer.with_quote(message) } else { answer })
    }

    /// Answers a message with a text, to all who had it but this mailbox.
    ///
    /// # Errors
    /// As [`send`](Self::send) and [`answer`](Self::answer).
    pub async fn reply_all(&self, to: &Inbound, text: impl Into<String>) -> Result<Receipt, Error> {
        self.send(self.answer(to, Reply::new(text).to_all())?).await
    }

    /// Sends a message on, with its text and files below a text of the agent's own. It begins a thread of its own.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if only the header of the message is here; else as
    /// [`send`](Self::send).
    pub async fn forward(
        &self,
        message: &Inbound,
        to: impl Into<Contact>,
        text: impl Into<String>,
    ) -> Result<Receipt, Error> {
        let forward = NewMessage::forward(message.message().expose());
        let forward = forward.map_err(|source| lift(source, "forward", self.id()))?;
        self.send(forward.with_to(to).with_text(text)).await
    }

    /// Answers a message only if its thread has not moved on: if nothing came behind it and this agent has not answered it
    /// in this way. The answer goes into the outbox.
    ///
    /// Of several calls for one message at once one answers it, in this run of the program or another. What comes between
    /// the look and the sending, or lies at the server and wasn't told yet, can't be known. Without a
    /// [message store](crate::AgentMailBuilder::message_store) only the INBOX is looked at.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if something came: the detail names how many messages, and the last of them by its
    /// Message-ID, which is the code too; [`InvalidInput`](ErrorKind::InvalidInput) if the message has no Message-ID,
    /// so that nothing can name it; else as [`enqueue`](Self::enqueue), or what the mail system says.
    pub async fn reply_if_latest(&self, to: &Inbound, reply: Reply) -> Result<Queued, Error> {
        let id = to.message().expose().message_id().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "reply", self.id())
                .with_detail("the message has no Message-ID")
        })?;
        let answer = self.answer(to, reply)?;
        let journal = &self.inner().journal;
        let stale = |detail: String, by: &str| {
            Error::new(ErrorKind::Stale, "reply", self.id())
                .with_detail(detail)
                .with_code(by)
                .with_fix("read what came, and answer that")
        };
        loop {
            if let Some(earlier) = journal.answer(self.id(), id).await? {
                return Err(stale(format!("it was answered by <{earlier}>"), &earlier));
            }
            let later = self.behind(to.message().expose(), id).await?;
            if let Some(last) = later.last() {
                let detail = format!("the thread has moved on by {} to {last}", counted(later.len()));
                return Err(stale(detail, last.as_str()));
            }
            let mut prepared = prepare(self, Sending::new(answer.clone())).await?;
            let change = std::mem::take(&mut prepared.change);
            let change = journal.note_answer(change, self.id(), id, &prepared.queued.message_id);
            if prepared.commit(self, change).await? == Committed::Done {
                return Ok(prepared.queued);
            }
        }
    }

    /// Finds the messages of a thread behind one of them, by arrival.
    async fn behind(&self, message: &Received, id: &MessageId) -> Result<Vec<MessageId>, Error> {
        let candidates = match self.inner().system.system().store {
            Some(_) => self.candidates(message, id).await?,
            None => self.inbox_behind(id).await?,
        };
        let items: Vec<_> = candidates.iter().map(|(_, summary)| summary.item.clone()).collect();
        let is_it = |at: &usize| items[*at].id.as_ref() == Some(id);
        let all = threads(&items);
        let thread =
            all.iter().find(|group| group.members.iter().flat_map(|member| &member.items).any(is_it));
        let Some(thread) = thread else { return Ok(Vec::new()) };
        let is_later = |at: &usize| match candidates[*at].0 {
            Some(uid) => uid > message.uid().get(),
            None => items[*at].arrived > message.internal_date() || items[*at].before.contains(id),
        };
        let later = thread
            .members
            .iter()
            .filter(|member| !member.items.iter().any(is_it) && member.items.iter().any(is_later));
        Ok(later.filter_map(|member| items[member.items[0]].id.clone()).collect())
    }

    /// Reads what names the message or those before it, and what they are themselves: with their UIDs in the INBOX.
    async fn candidates(
        &self,
        message: &Received,
        id: &MessageId,
    ) -> Result<Vec<(Option<u32>, Summary)>, Error> {
        let desk = self.desk("reply")?;
        let sent = desk.find_folder(SpecialUse::Sent).await?;
        let named = message.references().iter().rev().take(FEW).chain([id]);
        let queries = named.flat_map(|id| {
            let header = |name: &str| Query::Header(name.to_owned(), id.as_str().to_owned());
            [header("References"), header("In-Reply-To"), Query::MessageId(id.clone())]
        });
        let query = Query::Any(queries.collect());
        let mut candidates = Vec::new();
        for folder in desk.folders().await? {
            let found = desk.search(&folder, &query).await?;
            if found.uids.is_empty() {
                continue;
            }
            let is_sent = Some(&folder) == sent.as_ref();
            desk.read_each(&folder, &Selection::Uids(found.uid_validity, found.uids), |message| {
                let uid = (folder == FolderName::inbox()).then(|| message.uid().get());
                candidates.push((uid, Summary::of(self, &message, is_sent)));
            })
            .await?;
        }
        for (_, summary) in &mut candidates {
            summary.look_up(self).await?;
        }
        Ok(candidates)
    }

    /// Reads the INBOX from the message on.
    async fn inbox_behind(&self, id: &MessageId) -> Result<Vec<(Option<u32>, Summary)>, Error> {
        let inner = self.inner();
        let mail = &*inner.system.system().mail;
        let failed = |error| lift(error, "reply", self.id());
        let first = inner.login.fetch(mail, &Selection::MessageId(id.clone()), 1).await.map_err(failed)?;
        let Some(message) = first.messages.first() else { return Ok(Vec::new()) };
        let mut candidates = vec![(Some(message.uid().get()), Summary::of(self, message, false))];
        let mut behind = Position { uid_validity: first.uid_validity, uid: message.uid().get() };
        loop {
            let batch =
                inner.login.fetch(mail, &Selection::After(Some(behind)), BATCH).await.map_err(failed)?;
            for message in &batch.messages {
                let mut summary = Summary::of(self, message, false);
                summary.look_up(self).await?;
                candidates.push((Some(message.uid().get()), summary));
                behind = Position { uid_validity: batch.uid_validity, uid: message.uid().get() };
            }
            if !batch.more {
                return Ok(candidates);
            }
        }
    }
}

fn counted(messages: usize) -> String {
    if messages == 1 { "a message".to_owned() } else { format!("{messages} messages") }
}

/// How many of the messages before are looked for.
const FEW: usize = 20;
const BATCH: usize = 32;
