//! What a handler wants to last: notes, and mail to be sent.

use crate::backend::{Change, Committed};
use crate::observe::Operation;
use crate::outbox::{Prepared, prepare};
use crate::{AgentMailbox, Error, ErrorKind, Event, Sending, safety};

/// What lasts of the handling of an event: written all together, with the acknowledgement of the event, or not at all.
///
/// Notes are the agent's own records, by keys that it chooses; they stay in the state store until they are taken out
/// or the agent is retired.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::{AgentMail, Effects, NewMessage};
///
/// let mail = AgentMail::embedded("agents.example")?;
/// let ada = mail.provision(&"ada".parse()?).await?;
/// ada.send(NewMessage::to(ada.contact()).with_subject("invoice 7")).await?;
///
/// let event = ada.events().next().await.expect("it goes on")?;
/// event.ack_with(Effects::new().with_note("invoices/7", "paid")).await?;
/// assert_eq!(ada.note("invoices/7").await?.as_deref(), Some(&b"paid"[..]));
/// # Ok::<(), agent_mail::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Effects {
    notes: Vec<(String, Option<Vec<u8>>)>,
    sends: Vec<Sending>,
}

impl Effects {
    /// Begins with none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a note. Of several for one key the last one counts.
    #[must_use]
    pub fn with_note(mut self, key: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.notes.push((key.into(), Some(bytes.into())));
        self
    }

    /// Takes a note out; that there is none is fine.
    #[must_use]
    pub fn without_note(mut self, key: impl Into<String>) -> Self {
        self.notes.push((key.into(), None));
        self
    }

    /// Puts a message into the outbox, from where the [courier](crate::AgentMail::courier) sends it.
    #[must_use]
    pub fn with_send(mut self, sending: Sending) -> Self {
        self.sends.push(sending);
        self
    }

    /// Tells whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.sends.is_empty()
    }

    /// Adds what is to be written to a change, in all of which nothing is written yet.
    ///
    /// A message that a check holds is stored by that, once for its cause, and waits for a decision: that is what becomes
    /// of it.
    async fn prepare(
        &self,
        mailbox: &AgentMailbox,
        mut change: Change,
        cause: &str,
    ) -> Result<(Change, Vec<Prepared>), Error> {
        let journal = &mailbox.inner().journal;
        for (key, value) in &self.notes {
            change.writes.push((journal.note_key(mailbox.id(), key), value.clone()));
        }
        let mut sends = Vec::with_capacity(self.sends.len());
        for (at, sending) in self.sends.iter().enumerate() {
            if sending.key().is_some() && self.sends[..at].iter().any(|other| other.key() == sending.key()) {
                return Err(Error::new(ErrorKind::InvalidInput, "send", mailbox.id())
                    .with_detail("two messages of the same effects have the same key")
                    .with_fix("use a key of its own for each message"));
            }
            let preparing = prepare(mailbox, sending.clone().caused_by(format!("{cause}/{at}")));
            let prepared = match Operation::Enqueue.begin(mailbox.id()).over(preparing).await {
                Err(error) if error.kind() == ErrorKind::Held => continue,
                prepared => prepared?,
            };
            change.expectations.extend_from_slice(&prepared.change.expectations);
            change.writes.extend_from_slice(&prepared.change.writes);
            sends.push(prepared);
        }
        Ok((change, sends))
    }
}

impl AgentMailbox {
    /// Returns a note that was committed with [`Effects`].
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the agent was retired; or if the state can't be read.
    pub async fn note(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let note = self.inner().journal.note(self.id(), key).await?;
        self.inner().journal.still(self.id()).await?;
        Ok(note)
    }

    /// Writes effects that belong to no event, all together. A dropped call leaves all of them written or none.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the agent was retired; as [`enqueue`](Self::enqueue) if a message can't be
    /// sent; or if the state can't be written. Nothing was written then.
    pub async fn commit(&self, effects: Effects) -> Result<(), Error> {
        let system = self.inner().system.system();
        let mut random = [0; 16];
        system.chance.fill(&mut random);
        let cause = format!("{:032x}", u128::from_be_bytes(random));
        loop {
            // The courier hears of the messages when they are dropped, after the commit.
            let (change, sends) = effects.prepare(self, Change::new(), &cause).await?;
            match commit(self, &sends, change).await? {
                Some(Committed::Done) => return Ok(()),
                Some(Committed::Conflict) => {}
                None => return Err(retired(self)),
            }
        }
    }
}

impl Event {
    /// Notes that the event was handled, and writes what lasts of it, in one step: after `Ok` all of it is there and the
    /// event never comes again; else nothing of it is, and the event comes again.
    ///
    /// So the effects of an event are written once, whatever becomes of the program. A dropped call leaves all of it done
    /// or nothing.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if the event was acknowledged before, by another stream that had it too:
    /// nothing was written, and nothing needs to be; [`NotFound`](ErrorKind::NotFound) if the agent was retired; as
    /// [`enqueue`](AgentMailbox::enqueue) if a message can't be sent; or if the state can't be written.
    pub async fn ack_with(&self, effects: Effects) -> Result<(), Error> {
        Operation::Acknowledge.begin(self.mailbox().id()).over(self.settle_with(effects)).await
    }

    async fn settle_with(&self, effects: Effects) -> Result<(), Error> {
        let mailbox = self.mailbox();
        let journal = &mailbox.inner().journal;
        loop {
            let Some(settled) = self.place().settled_once(journal, mailbox.id()).await? else {
                return Err(Error::new(ErrorKind::Stale, "acknowledge", mailbox.id())
                    .with_detail("the event was handled by another call; the effects were not written")
                    .with_fix("nothing needs to be done"));
            };
            let (change, sends) = effects.prepare(mailbox, settled, self.place().name()).await?;
            match commit(mailbox, &sends, change).await? {
                Some(Committed::Done) => return Ok(()),
                Some(Committed::Conflict) => {}
                None => return Err(retired(mailbox)),
            }
        }
    }
}

async fn commit(
    mailbox: &AgentMailbox,
    sends: &[Prepared],
    change: Change,
) -> Result<Option<Committed>, Error> {
    let costs: Vec<_> = sends.iter().filter_map(|send| send.cost.clone()).collect();
    safety::commit(mailbox, &costs, change).await
}

fn retired(mailbox: &AgentMailbox) -> Error {
    Error::new(ErrorKind::NotFound, "write", mailbox.id()).with_detail("the agent was retired")
}
