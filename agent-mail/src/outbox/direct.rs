use std::time::SystemTime;

use mail_access::{Address, Error as MailError, MessageId, NewMessage, Outgoing, Status, Submission};

use super::evidence::has_arrived;
use super::{Receipt, RecipientState, Refusal, Wish};
use crate::backend::Committed;
use crate::drafts::Errand;
use crate::journal::{Fingerprint, OutboxRecord, Outcome, Said, Stage, fingerprint};
use crate::mail::lift;
use crate::safety::{self, Cost};
use crate::{AgentMailbox, Error, ErrorKind, Usage, observe};

/// A message whose sending was begun and whose outcome is unknown.
#[derive(Debug)]
pub struct Unconfirmed {
    mailbox: AgentMailbox,
    record: OutboxRecord,
}

impl Unconfirmed {
    /// Returns the message's identity.
    pub fn message_id(&self) -> &MessageId {
        &self.record.message_id
    }

    /// Returns who was to get it.
    pub fn recipients(&self) -> &[Address] {
        &self.record.recipients
    }

    /// Returns when its sending was begun, to the second.
    pub fn created(&self) -> SystemTime {
        self.record.created
    }

    /// Sends it to those who can't be shown to have it: recipients among the agents of this system are looked at
    /// first. What is sent is the same message with the same Message-ID, so that a second copy can be told.
    ///
    /// Safe to repeat: when another call has closed the entry meanwhile nothing is sent. For an entry with a key the
    /// outcome of that call is returned; without one nobody knows it any more.
    ///
    /// # Errors
    /// As [`AgentMailbox::send`]; [`NotFound`](ErrorKind::NotFound) if the entry is gone: another call has sent it or
    /// given it up. If it is refused to all, [`Interrupted`](ErrorKind::Interrupted) again, or held back by the send
    /// gate, the entry stays.
    pub async fn resend(&self) -> Result<Receipt, Error> {
        let mailbox = &self.mailbox;
        let _alone = mailbox.inner().system.system().locks.acquire(&lock(mailbox, &self.record.name)).await;
        let journal = &mailbox.inner().journal;
        match journal.outbox_entry(mailbox.id(), &self.record.name).await? {
            Some(record) if record.outcome == Outcome::Open => resume(mailbox, record).await,
            Some(record) => receipt(&record),
            None => Err(Error::new(ErrorKind::NotFound, "resend", mailbox.id())
                .with_detail("the entry is gone: another call has sent it or given it up")
                .with_fix("nothing needs to be done")),
        }
    }

    /// Gives it up: it is taken out of the outbox, sent or not, and its key is free again. An entry that another call
    /// has closed meanwhile stays closed.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub async fn forget(self) -> Result<(), Error> {
        let (mailbox, name) = (&self.mailbox, &self.record.name);
        let system = mailbox.inner().system.system();
        let _alone = system.locks.acquire(&lock(mailbox, name)).await;
        if is_open(mailbox, name).await? {
            mailbox.inner().journal.drop_outbox(mailbox.id(), name).await?;
        }
        Ok(())
    }
}

pub(crate) async fn send(mailbox: &AgentMailbox, message: NewMessage) -> Result<Receipt, Error> {
    let now = mailbox.inner().system.system().chance.now();
    let (message, cost) = examine(mailbox, message, &Errand::default()).await?;
    let message = seal(mailbox, message, now)?;
    pass(mailbox, message.recipients()).await?;
    let name = name_of_message(&message);
    let _alone = mailbox.inner().system.system().locks.acquire(&lock(mailbox, &name)).await;
    let record = open_record(mailbox, name, None, &message);
    open(mailbox, &record, &message, cost).await?;
    submit(mailbox, record, &message).await
}

pub(crate) async fn send_once(
    mailbox: &AgentMailbox,
    key: &str,
    message: NewMessage,
) -> Result<Receipt, Error> {
    let content = fingerprint(&message.canonical());
    let name = name_of_key(key);
    let system = mailbox.inner().system.system();
    let _alone = system.locks.acquire(&lock(mailbox, &name)).await;
    if let Some(earlier) = mailbox.inner().journal.outbox_entry(mailbox.id(), &name).await? {
        mailbox.inner().journal.still(mailbox.id()).await?;
        if earlier.content.as_ref() != Some(&content) {
            return Err(another_message(mailbox, key));
        }
        return match earlier.outcome {
            Outcome::Open if earlier.queue.as_ref().is_some_and(|queue| !queue.is_over()) => {
                Err(Error::new(ErrorKind::NotReady, "send", mailbox.id()).with_detail(format!(
                    "the message with the key {key:?} is in the outbox, for the courier"
                )))
            }
            Outcome::Open => resume(mailbox, earlier).await,
            Outcome::Sent { .. } => receipt(&earlier),
        };
    }
    let now = mailbox.inner().system.system().chance.now();
    let errand = Errand { wish: Wish::under(key), content: Some(content.clone()), ..Errand::default() };
    let (message, cost) = examine(mailbox, message, &errand).await?;
    let message = seal(mailbox, message, now)?;
    pass(mailbox, message.recipients()).await?;
    let record = open_record(mailbox, name, Some((key, content)), &message);
    if open(mailbox, &record, &message, cost).await?.is_some() {
        return Err(Error::new(ErrorKind::NotReady, "send", mailbox.id())
            .with_detail(format!("another program is sending with the key {key:?}")));
    }
    submit(mailbox, record, &message).await
}

pub(crate) async fn unconfirmed(mailbox: &AgentMailbox) -> Result<Vec<Unconfirmed>, Error> {
    let system = mailbox.inner().system.system();
    let mut unconfirmed = Vec::new();
    for record in mailbox.inner().journal.open_entries(mailbox.id()).await? {
        if record.queue.as_ref().is_some_and(|queue| !queue.is_over()) {
            continue;
        }
        let sending = system.locks.is_held(&lock(mailbox, &record.name));
        // Between the two looks a call may have ended.
        if !sending && is_open(mailbox, &record.name).await? {
            unconfirmed.push(Unconfirmed { mailbox: mailbox.clone(), record });
        }
    }
    mailbox.inner().journal.still(mailbox.id()).await?;
    Ok(unconfirmed)
}

async fn is_open(mailbox: &AgentMailbox, name: &str) -> Result<bool, Error> {
    let entry = mailbox.inner().journal.outbox_entry(mailbox.id(), name).await?;
    Ok(entry.is_some_and(|record| record.outcome == Outcome::Open))
}

/// Asks the rules and checks where there are any: what they need is large, and most systems have none.
pub(super) async fn examine(
    mailbox: &AgentMailbox,
    message: NewMessage,
    errand: &Errand,
) -> Result<(NewMessage, Option<Cost>), Error> {
    let system = mailbox.inner().system.system();
    if system.policy.is_none() && system.outbound.is_empty() {
        return Ok((message, None));
    }
    Box::pin(safety::examine(mailbox, message, errand)).await
}

/// Writes a message down before it is sent, in the change that takes what it costs. If the name is taken, that entry is
/// returned instead.
async fn open(
    mailbox: &AgentMailbox,
    record: &OutboxRecord,
    message: &Outgoing,
    cost: Option<Cost>,
) -> Result<Option<OutboxRecord>, Error> {
    match cost {
        None => mailbox.inner().journal.open_outbox(mailbox.id(), record, message).await,
        Some(cost) => Box::pin(open_for(mailbox, record, message, &cost)).await,
    }
}

async fn open_for(
    mailbox: &AgentMailbox,
    record: &OutboxRecord,
    message: &Outgoing,
    cost: &Cost,
) -> Result<Option<OutboxRecord>, Error> {
    let (journal, id) = (&mailbox.inner().journal, mailbox.id());
    loop {
        let change = journal.opening(id, record, message).await?;
        match safety::commit(mailbox, std::slice::from_ref(cost), change).await? {
            Some(Committed::Done) => return Ok(None),
            Some(Committed::Conflict) => {}
            None => return Err(gone(mailbox)),
        }
        if let Some(earlier) = journal.outbox_entry(id, &record.name).await? {
            return Ok(Some(earlier));
        }
    }
}

/// Goes on with an entry that was broken off: sends it to those who don't have it.
async fn resume(mailbox: &AgentMailbox, record: OutboxRecord) -> Result<Receipt, Error> {
    let system = mailbox.inner().system.system();
    let (mut have, mut lack, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (n, recipient) in record.recipients.iter().enumerate() {
        // Of some the courier may have found out.
        let progress = record.queue.as_ref().map(|queue| &queue.progress[n]);
        if let Some(progress) = progress.filter(|progress| !progress.state.may_be_sent()) {
            let said = progress.said.clone().unwrap_or_else(|| Said::words(""));
            refused.push((recipient.clone(), Status::new(said.code.unwrap_or(0), said.enhanced, &said.text)));
        } else if progress.is_some_and(|progress| progress.state == RecipientState::Accepted)
            || has_arrived(mailbox, recipient, &record.message_id).await?
        {
            have.push(recipient.clone());
        } else {
            lack.push(recipient.clone());
        }
    }
    if lack.is_empty() {
        return close(mailbox, record, (have, refused), None).await;
    }
    pass(mailbox, &lack).await?;
    let bytes = mailbox.inner().journal.outbox_bytes(mailbox.id(), &record.name).await?;
    let message = Outgoing::restore(mailbox.address().clone(), lack, record.message_id.clone(), bytes)
        .map_err(|source| lift(source, "send", mailbox.id()))?;
    match mailbox.inner().login.submit(&*system.mail, &message).await {
        Ok(submission) => {
            have.extend(submission.accepted);
            refused.extend(submission.refused);
        }
        // Others have it, so that it was sent.
        Err(MailError::Refused { status, .. }) if !have.is_empty() => {
            refused.extend(message.recipients().iter().map(|recipient| (recipient.clone(), status.clone())));
        }
        Err(MailError::RecipientsRefused { refused: by, .. }) if !have.is_empty() => refused.extend(by),
        Err(source) => return Err(lift(source, "send", mailbox.id())),
    }
    close(mailbox, record, (have, refused), Some(message.size())).await
}

async fn submit(mailbox: &AgentMailbox, record: OutboxRecord, message: &Outgoing) -> Result<Receipt, Error> {
    let system = mailbox.inner().system.system();
    match mailbox.inner().login.submit(&*system.mail, message).await {
        Ok(Submission { accepted, refused, .. }) => {
            close(mailbox, record, (accepted, refused), Some(message.size())).await
        }
        Err(source) => {
            let unknown = source.is_outcome_unknown();
            let (refused, now) = (refused_by(&source, record.recipients.len()), system.chance.now());
            observe::counted(&refused, now, now);
            let error = lift(source, "send", mailbox.id());
            if unknown {
                return Err(error.with_fix("see unconfirmed: look, then resend or forget it"));
            }
            // What the caller has to know is the refusal; a note that can't be dropped shows as unconfirmed.
            let dropped = mailbox.inner().journal.drop_unsent(mailbox.id(), &record, refused, now);
            if let Err(error) = dropped.await {
                tracing::warn!(agent = %mailbox.id(), %error, "not sent, but the outbox could not be closed");
            }
            Err(error)
        }
    }
}

async fn close(
    mailbox: &AgentMailbox,
    mut record: OutboxRecord,
    (accepted, refused): (Vec<Address>, Vec<(Address, Status)>),
    size: Option<usize>,
) -> Result<Receipt, Error> {
    let (queue, outcome) = (record.queue.clone(), record.outcome.clone());
    let before = Stage { queue: queue.as_ref(), outcome: &outcome };
    for (recipient, progress) in
        record.recipients.iter().zip(record.queue.iter_mut().flat_map(|queue| &mut queue.progress))
    {
        if let Some((_, status)) = refused.iter().find(|(who, _)| who == recipient) {
            if progress.state.may_be_sent() {
                progress.state = RecipientState::Refused;
                progress.said = Some(Said::of(status));
            }
        } else {
            progress.state = RecipientState::Accepted;
        }
    }
    record.outcome = Outcome::Sent {
        accepted: accepted.iter().map(String::from).collect(),
        refused: refused
            .iter()
            .map(|(who, said)| (String::from(who), said.code, said.text.clone()))
            .collect(),
    };
    // It was sent, whatever becomes of the note: a lost note shows as unconfirmed, never as a failure to send.
    let now = mailbox.inner().system.system().chance.now();
    match mailbox.inner().journal.close_outbox(mailbox.id(), before, &record, now, size).await {
        Ok(step) => observe::counted(&step, record.wanted(), now),
        Err(error) => {
            tracing::warn!(agent = %mailbox.id(), %error, "sent, but the outbox could not be closed");
        }
    }
    Ok(Receipt::new(record.message_id, accepted, refused))
}

/// Returns how many recipients a submission was refused for that nobody got.
pub(super) fn refused_by(error: &MailError, recipients: usize) -> Usage {
    Usage::refused(match error {
        MailError::Refused { .. } => recipients,
        MailError::RecipientsRefused { refused, .. } => refused.len(),
        _ => 0,
    })
}

/// Says again what was said when it was sent.
fn receipt(record: &OutboxRecord) -> Result<Receipt, Error> {
    let Outcome::Sent { accepted, refused } = &record.outcome else {
        return Err(Error::new(ErrorKind::Interrupted, "send", record.message_id.as_str()));
    };
    let address = |text: &String| {
        text.parse::<Address>().map_err(|source| {
            Error::new(ErrorKind::Unexpected, "read state", &record.name).with_source(source)
        })
    };
    Ok(Receipt {
        message_id: record.message_id.clone(),
        accepted: accepted.iter().map(address).collect::<Result<_, _>>()?,
        refused: refused
            .iter()
            .map(|(who, code, text)| {
                Ok(Refusal { recipient: address(who)?, code: *code, text: text.clone() })
            })
            .collect::<Result<_, Error>>()?,
    })
}

/// Asks whether sending is stopped, and the send gate, where there is one. Nothing has been written or sent yet.
pub(super) async fn pass(mailbox: &AgentMailbox, recipients: &[Address]) -> Result<(), Error> {
    let stopped = |rule| move |error| observe::stopped(rule, mailbox.id(), error);
    safety::may_send(mailbox).await.map_err(stopped("switch"))?;
    match &mailbox.inner().system.system().gate {
        Some(gate) => Box::pin(gate.pass(mailbox.address(), recipients)).await.map_err(stopped("send_gate")),
        None => Ok(()),
    }
}

/// Says that nothing is sent for an agent that is no more.
pub(super) fn gone(mailbox: &AgentMailbox) -> Error {
    Error::new(ErrorKind::NotFound, "send", mailbox.id()).with_detail("the agent was retired")
}

fn open_record(
    mailbox: &AgentMailbox,
    name: String,
    key: Option<(&str, String)>,
    message: &Outgoing,
) -> OutboxRecord {
    let (key, content) = key.map(|(key, content)| (key.to_owned(), content)).unzip();
    OutboxRecord {
        name,
        content,
        key,
        message_id: message.message_id().clone(),
        recipients: message.recipients().to_vec(),
        created: mailbox.inner().system.system().chance.now(),
        outcome: Outcome::Open,
        queue: None,
    }
}

pub(crate) fn name_of_key(key: &str) -> String {
    ["k", Fingerprint::of(key.as_bytes()).as_str()].concat()
}

pub(super) fn name_of_message(message: &Outgoing) -> String {
    ["m", Fingerprint::of(message.message_id().as_str().as_bytes()).as_str()].concat()
}

pub(crate) fn another_message(mailbox: &AgentMailbox, key: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, "send", mailbox.id())
        .with_detail(format!("the key {key:?} was used for another message before"))
        .with_fix("use a key of its own for each message")
}

pub(crate) fn seal(mailbox: &AgentMailbox, message: NewMessage, date: SystemTime) -> Result<Outgoing, Error> {
    let chance = &mailbox.inner().system.system().chance;
    let mut random = [0; 16];
    chance.fill(&mut random);
    let id = MessageId::of_random(u128::from_be_bytes(random), mailbox.address().domain());
    let sealed = message.seal_as(&mailbox.contact(), id, date).map(observe::sealed);
    sealed.map_err(|source| lift(source, "send", mailbox.id()))
}

fn lock(mailbox: &AgentMailbox, name: &str) -> String {
    ["outbox/", mailbox.id().as_str(), "/", name].concat()
}
