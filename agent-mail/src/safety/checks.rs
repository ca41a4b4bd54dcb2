use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::{Address, NewMessage};

use crate::{AgentId, Error, Inbound, Overdue};

/// Decides on each message that an agent wants to send, before anything of it is written down or leaves the program.
#[async_trait]
pub trait OutboundCheck: Debug + Send + Sync + 'static {
    /// Returns the check's name, by which a message that was held and approved is let pass by the check that held it.
    ///
    /// # Contract
    /// - It is the same in each run of the program as long as the check asks about the same, and another check's is
    ///   another; several of one name are told apart by their order. A check that isn't known by its name any more is
    ///   asked again, though the message was approved.
    fn name(&self) -> &str;

    /// Decides on one message.
    ///
    /// # Contract
    /// - It is asked once for each message, in the order in which the checks were added; a message that came under a key
    ///   of the caller's is not judged again when the key comes again, nor is one that the outbox tries again. It is asked
    ///   again when a check has said [`Ruling::Later`], and when another program has changed what the message belongs to.
    /// - A check sees the message as those before it have changed it. The first one that doesn't let it pass ends the
    ///   asking, so that those behind it count only what may go.
    /// - What it counts (a budget) is counted for good: a message that a later check stops, or that can't be sent, has
    ///   used its share.
    /// - A dropped call leaves the message unsent; what was counted stays counted.
    ///
    /// # Errors
    /// If it can't decide: the message is not sent. One that waits in the outbox, as a check has said [`Ruling::Later`], is
    /// asked about again after a pause that grows.
    async fn check(&self, letter: &Letter) -> Result<Ruling, Error>;
}

/// A message that an agent wants to send.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Letter {
    /// Who wants to.
    pub agent: AgentId,
    /// The agent's address.
    pub sender: Address,
    /// What it is, with its recipients.
    pub message: NewMessage,
}

impl Letter {
    /// Makes a letter of its parts.
    pub fn new(agent: AgentId, sender: Address, message: NewMessage) -> Self {
        Self { agent, sender, message }
    }
}

/// What becomes of a message that an agent wants to send.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ruling {
    /// It may go as it is.
    Pass,
    /// It may go in this form.
    Change(Box<NewMessage>),
    /// It waits until somebody decides on it; the reason is for that person.
    Hold(String),
    /// It waits until somebody decides on it, or at most for this time.
    HoldFor {
        /// For the person who decides.
        reason: String,
        /// How long it waits.
        at_most: Duration,
        /// What becomes of it then.
        then: Overdue,
    },
    /// It may be tried again after this time: [`send`](crate::AgentMailbox::send) fails with
    /// [`RateLimited`](crate::ErrorKind::RateLimited), and what was [put into the outbox](crate::AgentMailbox::enqueue) waits
    /// there; all checks are asked about it again then.
    Later(Duration),
    /// It is not sent, for this reason.
    Refuse(String),
}

/// Decides on each message that came in, before an agent gets it.
#[async_trait]
pub trait InboundCheck: Debug + Send + Sync + 'static {
    /// Decides on one message for one agent.
    ///
    /// # Contract
    /// - It is asked before a message is handed out, again for each redelivery.
    /// - What is dropped stays in the mailbox and counts as handled. Delivery reports and complaints that belong to a
    ///   message of this agent are not asked about.
    /// - A dropped call leaves nothing behind: the message is asked about again.
    ///
    /// # Errors
    /// If it can't decide: one that [may pass](Error::is_retryable) is waited out, any other ends the stream.
    async fn check(&self, agent: &AgentId, message: &Inbound) -> Result<Admission, Error>;
}

/// What becomes of a message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// The agent gets it.
    Deliver,
    /// The agent gets it, with this remark among [its flags](Inbound::flags).
    Flag(String),
    /// The agent doesn't get it, for this reason.
    Drop(String),
}
