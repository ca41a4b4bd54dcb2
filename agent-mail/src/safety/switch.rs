//! The switch by which a person stops what is sent.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::backend::{Change, Committed};
use crate::journal::{Owner, encode};
use crate::{AgentId, AgentMail, AgentMailbox, Error, ErrorKind};

/// Whose sending is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// That of one agent.
    Agent(AgentId),
    /// That of all agents of the domain.
    Domain,
    /// That of all agents of all domains that share the state store.
    Fleet,
}

/// A stop that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stop {
    /// Who may not send.
    pub scope: Scope,
    /// Why, in the words of whoever stopped it.
    pub reason: String,
    /// Since when, to the second.
    pub since: SystemTime,
}

impl AgentMail {
    /// Stops sending, until [`allow_sending`](Self::allow_sending) lets it go on.
    ///
    /// What is handed to [`send`](AgentMailbox::send) is not sent and the error says so
    /// ([`NotReady`](ErrorKind::NotReady)); what stands in the outbox waits there, and what had no more time when sending is allowed
    /// again is tried once more, by a courier that has run meanwhile: one that is begun only then reports it as
    /// [`Expired`](crate::EventKind::Expired), tried or not. Mail comes in as before. What a mail server is being told at this moment goes out. The stop outlives the program; that of an agent
    /// ends with the agent.
    ///
    /// Safe to repeat: the later reason counts. A dropped call leaves it done or not.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such agent; else if the state can't be written.
    pub async fn stop_sending(&self, scope: &Scope, reason: impl Into<String>) -> Result<(), Error> {
        let journal = &self.system().journal;
        let age = self.system().chance.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stop = StoredStop { reason: reason.into(), since: age.as_secs() };
        let key = journal.switch_key(scope.owner());
        if let Scope::Agent(id) = scope {
            while journal.commit_policy(id, Change::new().put(&*key, encode(&stop))).await? != Committed::Done
            {
            }
        } else {
            journal.put_policy(&key, &stop).await?;
        }
        tracing::warn!(scope = ?scope, "sending is stopped");
        Ok(())
    }

    /// Lets go on what [`stop_sending`](Self::stop_sending) stopped in this scope; stops of other scopes stay. Safe to
    /// repeat.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn allow_sending(&self, scope: &Scope) -> Result<(), Error> {
        let journal = &self.system().journal;
        journal.drop_policy(&journal.switch_key(scope.owner())).await?;
        self.system().locks.bell.resume();
        tracing::warn!(scope = ?scope, "sending is allowed");
        Ok(())
    }

    /// Returns the stop that keeps an agent from sending: the widest, if there are several.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn stop_of(&self, agent: &AgentId) -> Result<Option<Stop>, Error> {
        let journal = &self.system().journal;
        for owner in [Owner::Fleet, Owner::Domain, Owner::Agent(agent)] {
            let stored: Option<StoredStop> = journal.policy(&journal.switch_key(owner)).await?;
            if let Some(StoredStop { reason, since }) = stored {
                return Ok(Some(Stop {
                    scope: match owner {
                        Owner::Fleet => Scope::Fleet,
                        Owner::Domain => Scope::Domain,
                        Owner::Agent(agent) => Scope::Agent(agent.clone()),
                    },
                    reason,
                    since: SystemTime::UNIX_EPOCH + Duration::from_secs(since),
                }));
            }
        }
        Ok(None)
    }
}

impl Scope {
    fn owner(&self) -> Owner<'_> {
        match self {
            Self::Agent(id) => Owner::Agent(id),
            Self::Domain => Owner::Domain,
            Self::Fleet => Owner::Fleet,
        }
    }
}

/// Says whether a mailbox may send now. Whoever hands a message to the mail system asks right before; what may not go
/// waits, and the wait doesn't count as a failure.
///
/// # Errors
/// [`NotReady`](ErrorKind::NotReady) with the code [`STOPPED`] while sending is stopped.
pub(crate) async fn may_send(mailbox: &AgentMailbox) -> Result<(), Error> {
    let Some(stop) = mailbox.inner().system.stop_of(mailbox.id()).await? else { return Ok(()) };
    let whose = match stop.scope {
        Scope::Agent(_) => "of this agent",
        Scope::Domain => "of the domain",
        Scope::Fleet => "of the fleet",
    };
    Err(Error::new(ErrorKind::NotReady, "send", mailbox.id())
        .with_detail(format!("the sending {whose} is stopped: {}", stop.reason))
        .with_code(STOPPED)
        .with_fix("find out why it was stopped; allow_sending lets it go on")
        .with_retry_after(Some(LOOK_AGAIN)))
}

#[derive(Serialize, Deserialize)]
struct StoredStop {
    reason: String,
    since: u64,
}

/// The code of the error that [`may_send`] gives while sending is stopped.
pub(crate) const STOPPED: &str = "sending_stopped";
const LOOK_AGAIN: Duration = Duration::from_secs(10);
