use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use mail_access::{Address, Contact, MessageId};

use super::collection::{Conversations, Place, Thread, ThreadId, thread_up};
use super::summary::Summary;
use super::thread::plain;
use crate::{AgentId, AgentMail, AgentMailbox, Error, ErrorKind, Untrusted};

/// The conversations of all agents of a system, as its operator sees them; an agent sees those of its own mailbox only.
///
/// Each agent's threads are built from its own mailbox, as [`Conversations`] says, and from what it sent by the
/// outbox's word. Threads of two agents are one conversation if both hold one message, the same in Message-ID, author,
/// recipients, date, subject and text, and
/// - one of the agents of this system sent it, by its mailbox's or its outbox's word and not by the header's; or
/// - it begins the thread of all of them, but of one at most.
///
/// So a message from outside, whatever it names and however many agents get it, joins what it begins itself to one
/// conversation at most, and never two that were there.
#[derive(Debug)]
pub struct FleetConversations {
    mail: AgentMail,
    agents: BTreeMap<AgentId, Conversations>,
    threads: Vec<FleetThread>,
}

/// A conversation in which agents of a system have part.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FleetThread {
    /// The threads that it is made of, in the mailboxes of the agents, by the agents' names.
    pub seen_by: Vec<(AgentId, ThreadId)>,
    /// Its messages, each once, the first to arrive first.
    pub messages: Vec<FleetMessage>,
}

/// A message of such a conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FleetMessage {
    /// Its identity, which its author chose.
    pub message_id: Option<Untrusted<MessageId>>,
    /// Who its header says wrote it.
    pub from: Option<Untrusted<Contact>>,
    /// Its subject.
    pub subject: Untrusted<String>,
    /// When it first arrived.
    pub arrived: SystemTime,
    /// The agent that is known to have sent it.
    pub sent_by: Option<AgentId>,
    /// The agents in whose mailboxes it is, and where.
    pub places: Vec<(AgentId, Place)>,
}

impl AgentMail {
    /// Reads the mailboxes of all agents and puts their messages into conversations.
    ///
    /// It reads one mailbox after the other, and holds about a KiB for each message. An agent whose mailbox can't be
    /// read now is logged and left out.
    ///
    /// # Errors
    /// If the state, or the secret of an agent, can't be read.
    pub async fn conversations(&self) -> Result<FleetConversations, Error> {
        let mut all = FleetConversations { mail: self.clone(), agents: BTreeMap::new(), threads: Vec::new() };
        all.update().await?;
        Ok(all)
    }
}

impl FleetConversations {
    /// Returns the conversations, those with the latest message last.
    pub fn threads(&self) -> &[FleetThread] {
        &self.threads
    }

    /// Reads what came and went since, and puts all together anew.
    ///
    /// # Errors
    /// If the state, or the secret of an agent, can't be read; the next call goes on.
    pub async fn update(&mut self) -> Result<(), Error> {
        let mut mailboxes: Vec<AgentMailbox> = Vec::new();
        for agent in self.mail.agents().await? {
            match self.mail.open(&agent.id).await {
                Ok(mailbox) => mailboxes.push(mailbox),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        mailboxes.sort_by(|one, other| one.id().cmp(other.id()));
        self.agents.retain(|id, known| {
            let found = mailboxes.binary_search_by(|mailbox| mailbox.id().cmp(id));
            // A later agent of the same name has a login of its own, and mail of its own.
            found.is_ok_and(|at| Arc::ptr_eq(&mailboxes[at].inner().login, &known.mailbox().inner().login))
        });
        for mailbox in mailboxes {
            let read = match self.agents.get_mut(mailbox.id()) {
                Some(known) => known.update().await,
                None => mailbox.conversations().await.map(|read| {
                    self.agents.insert(mailbox.id().clone(), read);
                }),
            };
            if let Err(error) = read {
                tracing::warn!(agent = %mailbox.id(), %error, "its conversations can't be read");
            }
        }
        self.threads = join(&self.with_sent().await?);
        Ok(())
    }

    /// Adds to each agent's messages those that it sent, kept no copy of, and that others hold to whom it sent them.
    async fn with_sent(&self) -> Result<Vec<View>, Error> {
        let mut views: BTreeMap<&AgentId, View> = BTreeMap::new();
        let (mut by_address, mut known) = (HashMap::new(), HashSet::new());
        for (id, conversations) in &self.agents {
            by_address.insert(plain(conversations.mailbox().address()), id);
            let all = conversations.summaries();
            known.extend(all.iter().filter_map(|(_, summary)| Some((id, summary.item.id.as_ref()?))));
            let messages = all.into_iter().map(|(place, summary)| (place, summary.clone())).collect();
            views.insert(id, View { agent: id.clone(), messages });
        }
        for (holder, conversations) in &self.agents {
            let mut all = conversations.summaries();
            // Of several with one Message-ID the first to arrive has it.
            all.sort_by_key(|(_, summary)| summary.item.arrived);
            for (_, summary) in all {
                let (Some(from), Some(id)) = (&summary.from, &summary.item.id) else { continue };
                let Some(&author) = by_address.get(&plain(&from.address)) else { continue };
                if author == holder || known.contains(&(author, id)) {
                    continue;
                }
                let sent = self.mail.system().journal.sent(author, id).await?;
                let is_holder = |to: &Address| to.is_same_mailbox(conversations.mailbox().address());
                if sent.is_some_and(|sent| sent.recipients.iter().any(is_holder))
                    && let Some(view) = views.get_mut(author)
                {
                    known.insert((author, id));
                    let mut sent = summary.clone();
                    sent.item.own = true;
                    view.messages.push((None, sent));
                }
            }
        }
        Ok(views.into_values().collect())
    }
}

/// What one agent has part in.
struct View {
    agent: AgentId,
    messages: Vec<(Option<Place>, Summary)>,
}

/// A message as one agent's thread has it.
struct Sighting<'a> {
    /// Its thread, among those of all agents.
    thread: usize,
    agent: &'a AgentId,
    message: usize,
}

fn join(views: &[View]) -> Vec<FleetThread> {
    let mut threads: Vec<(&AgentId, Thread)> = Vec::new();
    let mut by_digest: BTreeMap<&str, Vec<Sighting<'_>>> = BTreeMap::new();
    for View { agent, messages } in views {
        let all: Vec<_> = messages.iter().map(|(place, summary)| (place.clone(), summary)).collect();
        let digests: HashMap<_, &str> = messages
            .iter()
            .map(|(place, summary)| ((place, summary.item.id.as_ref()), &*summary.item.digest))
            .collect();
        for thread in thread_up(&all) {
            for (message, seen) in thread.messages().iter().enumerate() {
                // One that the agent kept no copy of has no place, and is known by its name alone.
                let place = seen.places.first().cloned();
                let id = seen.message_id.as_ref().map(|id| id.as_ref().expose());
                let Some(digest) = digests.get(&(&place, id)) else { continue };
                let sighting = Sighting { thread: threads.len(), agent, message };
                by_digest.entry(digest).or_default().push(sighting);
            }
            threads.push((agent, thread));
        }
    }
    let mut heads: Vec<usize> = (0..threads.len()).collect();
    for sightings in by_digest.values() {
        let of = |sighting: &Sighting<'_>| &threads[sighting.thread].1.messages()[sighting.message];
        let all = || sightings.iter().map(|sighting| sighting.thread);
        if sightings.iter().any(|sighting| of(sighting).is_own) {
            unite(&mut heads, all());
            continue;
        }
        let (first, later): (Vec<_>, Vec<_>) =
            sightings.iter().partition(|sighting| of(sighting).parent.is_none() && sighting.message == 0);
        let one = later.iter().filter(|_| later.len() == 1).map(|sighting| sighting.thread);
        unite(&mut heads, first.iter().map(|sighting| sighting.thread).chain(one));
    }
    gather(&threads, &mut heads, &by_digest)
}

fn gather(
    threads: &[(&AgentId, Thread)],
    heads: &mut [usize],
    by_digest: &BTreeMap<&str, Vec<Sighting<'_>>>,
) -> Vec<FleetThread> {
    type Joined =
        (Vec<(AgentId, ThreadId)>, Vec<((SystemTime, Option<usize>, Option<String>), FleetMessage)>);
    let mut joined: BTreeMap<usize, Joined> = BTreeMap::new();
    for (at, (agent, thread)) in threads.iter().enumerate() {
        let head = head_of(heads, at);
        joined.entry(head).or_default().0.push(((*agent).clone(), thread.id().clone()));
    }
    for sightings in by_digest.values() {
        let mut by_head: BTreeMap<usize, Vec<&Sighting<'_>>> = BTreeMap::new();
        for sighting in sightings {
            by_head.entry(head_of(heads, sighting.thread)).or_default().push(sighting);
        }
        for (head, sightings) in by_head {
            let seen = |sighting: &&Sighting<'_>| &threads[sighting.thread].1.messages()[sighting.message];
            let Some(first) = sightings.iter().map(seen).min_by_key(|message| message.arrived) else {
                continue;
            };
            let sent_by = sightings.iter().find(|sighting| seen(sighting).is_own);
            let places = sightings.iter().flat_map(|sighting| {
                seen(sighting).places.iter().map(|place| (sighting.agent.clone(), place.clone()))
            });
            let message = FleetMessage {
                message_id: first.message_id.clone(),
                from: first.from.clone(),
                subject: first.subject.clone(),
                arrived: first.arrived,
                sent_by: sent_by.map(|sighting| sighting.agent.clone()),
                places: places.collect(),
            };
            // Of those of one second, what stands later in an agent's thread comes later.
            let place = sightings.iter().map(|sighting| sighting.message).max();
            let id = message.message_id.as_ref().map(|id| id.as_ref().expose().as_str().to_owned());
            if let Some(thread) = joined.get_mut(&head) {
                thread.1.push(((message.arrived, place, id), message));
            }
        }
    }
    let mut all: Vec<_> = joined.into_values().collect();
    for (_, messages) in &mut all {
        messages.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
    all.sort_by(|(_, one), (_, other)| one.last().map(|(key, _)| key).cmp(&other.last().map(|(key, _)| key)));
    let finish = |(seen_by, messages): (Vec<_>, Vec<(_, FleetMessage)>)| FleetThread {
        seen_by,
        messages: messages.into_iter().map(|(_, message)| message).collect(),
    };
    all.into_iter().map(finish).collect()
}

fn unite(heads: &mut [usize], members: impl Iterator<Item = usize>) {
    let mut first = None;
    for member in members {
        let head = head_of(heads, member);
        match first {
            None => first = Some(head),
            Some(known) => {
                let known = head_of(heads, known);
                heads[head.max(known)] = head.min(known);
            }
        }
    }
}

fn head_of(heads: &mut [usize], mut at: usize) -> usize {
    while heads[at] != at {
        heads[at] = heads[heads[at]];
        at = heads[at];
    }
    at
}
