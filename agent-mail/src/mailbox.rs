//! One agent's mailbox: what the agent's own code holds.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use mail_access::{Address, Contact, NewMessage, Received, Selection, Uid};

use crate::journal::{AgentRecord, Journal};
use crate::logins::SharedLogin;
use crate::mail::lift;
use crate::observe::Operation;
use crate::outbox::{Receipt, Unconfirmed};
use crate::{AgentId, AgentMail, Error, Events, Inbound};

/// The mailbox of one agent: sends, answers and receives.
///
/// Cheap to clone; the clones are one mailbox. It holds no connection while nothing is done.
#[derive(Clone)]
pub struct AgentMailbox(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) system: AgentMail,
    pub(crate) id: AgentId,
    pub(crate) login: Arc<SharedLogin>,
    /// What is remembered of this agent, and nothing of a later one of its name.
    pub(crate) journal: Journal,
}

impl AgentMailbox {
    pub(crate) fn new(system: AgentMail, record: &AgentRecord, login: Arc<SharedLogin>) -> Self {
        let journal = system.system().journal.of(&record.claim);
        Self(Arc::new(Inner { system, id: record.id.clone(), login, journal }))
    }

    /// Returns whose mailbox it is.
    pub fn id(&self) -> &AgentId {
        &self.0.id
    }

    /// Returns the address.
    pub fn address(&self) -> &Address {
        self.0.login.address()
    }

    /// Returns the address with the agent's name, as it stands in From.
    pub fn contact(&self) -> Contact {
        let name = self.0.id.as_str();
        if name.contains(|c: char| c.is_control()) {
            return self.address().into();
        }
        Contact::named(name, self.address().clone())
    }

    /// Sends a message.
    ///
    /// It is written to the outbox first. `Ok` means that the mail system has taken charge of it for the accepted
    /// recipients; what it can't deliver after all comes back to this mailbox as a delivery report.
    ///
    /// When the outcome can't be known ([`Interrupted`](crate::ErrorKind::Interrupted), a dropped call, a crash of the
    /// program) the message stays in the outbox, to be found by [`unconfirmed`](Self::unconfirmed). It is never
    /// sent again by itself. After any other error it was not sent.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the message can't be sent as it is,
    /// [`NotReady`](crate::ErrorKind::NotReady) if it goes to the outside and the
    /// [`SendGate`](crate::readiness::SendGate) has no proof that the domain is ready: nothing is sent then, to nobody,
    /// [`Held`](crate::ErrorKind::Held), [`RateLimited`](crate::ErrorKind::RateLimited) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the [policy](crate::safety::Policy) or a
    /// [check](crate::safety::OutboundCheck) stops it, [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired,
    /// [`Rejected`](crate::ErrorKind::Rejected) if the mail system refuses it for all recipients,
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated), [`Unavailable`](crate::ErrorKind::Unavailable),
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    pub async fn send(&self, message: NewMessage) -> Result<Receipt, Error> {
        // Pinned here, as it is large and would be moved from hand to hand.
        let sending = pin!(crate::outbox::send(self, message));
        Operation::Send.begin(self.id()).over(sending).await
    }

    /// Sends a message once, however often it is called with the same key, in this run of the program or a later
    /// one: the first outcome is remembered and returned again.
    ///
    /// If an earlier call was broken off and its outcome is unknown, the recipients among the agents of this system
    /// are looked at first; the message is sent again only to those that don't have it, with the same Message-ID.
    /// For recipients elsewhere that may mean a second copy, which their servers can tell by its Message-ID.
    ///
    /// Calls with one key take turns, in all systems of this process over one state store. The outcome is kept until
    /// the agent is retired, in about 300 bytes and 100 for each recipient.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the key was used for another
    /// message before; [`NotReady`](crate::ErrorKind::NotReady) if another process is sending with it.
    pub async fn send_once(&self, key: &str, message: NewMessage) -> Result<Receipt, Error> {
        let sending = pin!(crate::outbox::send_once(self, key, message));
        Operation::Send.begin(self.id()).over(sending).await
    }

    /// Sends a message without a note of it: the outbox knows nothing of it, neither before nor after, just as
    /// [`live_events`](Self::live_events) notes nothing of what is read. What is written is what it takes of budgets, where
    /// there are some, and what the short way of a fleet keeps for its recipient.
    ///
    /// It is for a program that lives no longer than its world, such as a simulation, and for mail of which a loss or a
    /// second copy does no harm: it takes about half as long as [`send`](Self::send) in memory, and waits for no disk.
    /// Policy, checks, budgets, the switch and the send gate are asked as there; what is held for an approval goes through the
    /// outbox once it is approved.
    ///
    /// When the outcome can't be known ([`Interrupted`](crate::ErrorKind::Interrupted), a dropped call, a crash) nothing
    /// tells of the message: it is not among the [`unconfirmed`](Self::unconfirmed). It isn't in the
    /// [usage](Self::usage), and a delivery report or complaint about it comes as
    /// [received](crate::EventKind::Received). After any other error it was not sent; what it took of budgets stays taken.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_unnoted(&self, message: NewMessage) -> Result<Receipt, Error> {
        let sending = pin!(crate::outbox::send_unnoted(self, message));
        Operation::Send.begin(self.id()).over(sending).await
    }

    /// Returns the messages whose sending was begun and whose outcome nobody knows, the oldest entries of the outbox
    /// among them from earlier runs of the program. Those that this process is sending at this moment are left out.
    ///
    /// A message whose receipt was returned is among them if the state store failed just then.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; or if the state can't be read.
    pub async fn unconfirmed(&self) -> Result<Vec<Unconfirmed>, Error> {
        crate::outbox::unconfirmed(self).await
    }

    /// Reads the messages that nobody marked as seen, the oldest first and at most `limit`, and marks them as seen.
    ///
    /// It is for mailboxes that are worked through by hand. A program that must not miss a message when it crashes
    /// uses [`events`](Self::events), which doesn't look at these marks.
    ///
    /// A dropped or failed call may leave them marked or not; those not marked are read again by the next.
    ///
    /// # Errors
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated), [`Unavailable`](crate::ErrorKind::Unavailable),
    /// [`Interrupted`](crate::ErrorKind::Interrupted) if the link was lost while they were marked,
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired, or what else the mail system says.
    pub async fn fetch_unseen(&self, limit: usize) -> Result<Vec<Inbound>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let lift = |source| lift(source, "fetch unseen", self.id());
        let mail = &*self.0.system.system().mail;
        let batch = self.0.login.fetch(mail, &Selection::Unseen, limit).await.map_err(lift)?;
        self.0.journal.still(self.id()).await?;
        let uids: Vec<Uid> = batch.messages.iter().map(Received::uid).collect();
        self.0.login.mark_seen(mail, batch.uid_validity, &uids).await.map_err(lift)?;
        Ok(batch.messages.into_iter().map(|message| self.inbound(message)).collect())
    }

    /// Begins to read the mailbox as a stream of events that goes on where the last acknowledged one left off.
    ///
    /// See [`Events`] for what is promised.
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }

    /// Gives a message that was read the form in which an agent gets it.
    pub(crate) fn inbound(&self, message: Received) -> Inbound {
        let system = self.0.system.system();
        Inbound::new(message, system.trusted.clone()).with_salt(system.salt)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// Shows the agent and the address.
impl fmt::Debug for AgentMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentMailbox")
            .field("id", &self.0.id)
            .field("address", self.address())
            .finish_non_exhaustive()
    }
}
