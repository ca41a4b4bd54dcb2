use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mail_access::{DomainName, Error as MailError, Login, Outgoing, PostOffice, Status, Submission};

use crate::agent_id::AddressRule;
use crate::backend::{Change, Committed, TimeAndChance};
use crate::journal::{Happened, Journal, What};
use crate::{AgentId, Error};

/// Whether mail from agent to agent leaves the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShortWay {
    /// All mail goes by the mail system.
    #[default]
    Never,
    /// A message whose recipients are all agents of the system is written into the state store for each of them, in one
    /// step, and handed out from there until it is acknowledged.
    ///
    /// It is judged and counted as all mail is, by the checks of the sender and of each recipient, and comes as the same
    /// [events](crate::EventKind) with the same bytes: those that the sender sealed, below the fields that a server
    /// writes: Return-Path, Delivered-To, Received, X-Original-To and Authentication-Results, in which the host is the
    /// [trusted server](crate::AgentMailBuilder::trusted_server), or else `mail.` and the domain. A message that asks for
    /// reports of its delivery goes by the mail system.
    ///
    /// It comes once to each recipient, also if the call that sent it was broken off and is made again.
    ///
    /// What differs: it is never in the mailbox. Only [`events`](crate::AgentMailbox::events),
    /// [`Fleet::events`](crate::Fleet::events) and the handlers of either give it out. What looks into the mailbox doesn't
    /// find it: [`fetch_unseen`](crate::AgentMailbox::fetch_unseen), [`live_events`](crate::AgentMailbox::live_events),
    /// [`wait_for`](crate::AgentMailbox::wait_for) and its kin, searches, threads, labels,
    /// [`reply_if_latest`](crate::AgentMailbox::reply_if_latest), and other programs. Once it is
    /// acknowledged it is gone. Its [UID](crate::Inbound::uid) is no number in the INBOX; it is handed out before mail of
    /// the INBOX that wasn't read yet; and the limits of the mail system (size, quota, rate) and its spam filter don't see
    /// it.
    WithinFleet,
}

/// Carries messages within the process.
#[derive(Debug)]
pub(crate) struct Messenger {
    rule: AddressRule,
    host: DomainName,
    chance: Arc<dyn TimeAndChance>,
    is_on: AtomicBool,
}

impl Messenger {
    pub(crate) fn new(rule: AddressRule, host: DomainName, chance: Arc<dyn TimeAndChance>) -> Self {
        Self { rule, host, chance, is_on: AtomicBool::new(false) }
    }

    pub(crate) fn set(&self, policy: ShortWay) {
        self.is_on.store(policy == ShortWay::WithinFleet, Ordering::Relaxed);
    }

    /// Delivers a message, if it may go the short way; `None` if it has to go the long one. A dropped call has delivered it
    /// to all or to nobody, and who got a message of the same Message-ID before doesn't get it again.
    pub(crate) async fn carry(
        &self,
        journal: &Journal,
        login: &Login,
        message: &Outgoing,
    ) -> Result<Option<Submission>, MailError> {
        let is_plain = message.reports().is_none() && message.sender() == login.address();
        if !self.is_on.load(Ordering::Relaxed) || !is_plain {
            return Ok(None);
        }
        let known = |address| self.rule.agent(address);
        let Some(agents) = message.recipients().iter().map(known).collect::<Option<Vec<AgentId>>>() else {
            return Ok(None);
        };
        Box::pin(self.deliver(journal, message, &agents)).await.map_err(|error| MailError::Unavailable {
            operation: "submit",
            server: "the state store".to_owned(),
            source: io::Error::other(error),
        })
    }

    async fn deliver(
        &self,
        journal: &Journal,
        message: &Outgoing,
        agents: &[AgentId],
    ) -> Result<Option<Submission>, Error> {
        let (at, mut number) = (self.chance.now(), [0; 4]);
        self.chance.fill(&mut number);
        let number = u64::from(u32::from_be_bytes(number));
        loop {
            let mut change = Change::new();
            for (agent, recipient) in agents.iter().zip(message.recipients()) {
                if !journal.has_come(agent, message.message_id()).await? {
                    let bytes = PostOffice::delivered(message, recipient, &self.host, number, at);
                    change =
                        journal.note_event(change, agent, &Happened { at, what: What::Letter(bytes) })?;
                    change = journal.comes(change, agent, message.message_id());
                }
                let Some(there) = journal.while_active(agent, change).await? else { return Ok(None) };
                change = there;
            }
            if journal.commit(change).await? == Committed::Done {
                break;
            }
        }
        let status = Status::new(250, Some((2, 0, 0)), &format!("Ok: queued as {number:010X}"));
        Ok(Some(Submission::new(message.recipients().to_vec(), Vec::new(), status)))
    }
}
