//! What happened in a story, as those outside of it saw it, and what must not have.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use agent_mail::simulator::Simulation;
use agent_mail::{Address, AgentId, Event, EventKind, MessageId, NewMessage, SendReport};

use super::LATEST;
use super::cast::Actor;

pub(super) struct History {
    world: Simulation,
    seed: u64,
    /// Whether mail may come that never lies in a mailbox.
    short: bool,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    sent: BTreeMap<String, Sent>,
    markers: BTreeMap<MessageId, String>,
    /// Since when each life of an agent may have begun.
    born: BTreeMap<(AgentId, usize), Duration>,
    handed: Vec<Handed>,
    /// What is never to come again: whose, and a hash of the bytes.
    settled: HashSet<(AgentId, usize, u64)>,
    /// What the outbox said of a message, by its key or its Message-ID, and a recipient.
    said: BTreeMap<(String, String), BTreeSet<&'static str>>,
}

struct Sent {
    by: AgentId,
    /// In which lives its sender and its recipients were at the time.
    lives: BTreeMap<AgentId, usize>,
    to: Vec<Address>,
    outcome: Option<Outcome>,
    /// When the last call about it ended.
    until: Option<Duration>,
}

struct Handed {
    to: AgentId,
    /// In which life the stream was begun, and in which one it is now: a stream may outlive its mailbox, when the next
    /// one is there before it looks again.
    life: usize,
    now: usize,
    marker: String,
    marked: bool,
}

/// What a caller knows of what it sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// It was taken for these.
    Taken(Vec<Address>),
    /// It was not sent, to nobody.
    No,
    /// It may have been sent.
    Unknown,
    /// It is in the outbox.
    Queued,
}

impl History {
    pub(super) fn new(world: Simulation, seed: u64, short: bool) -> Self {
        Self { world, seed, short, told: Mutex::default() }
    }

    pub(super) fn born(&self, agent: &AgentId, life: usize, since: Duration) {
        self.told().born.insert((agent.clone(), life), since);
    }

    pub(super) fn begin(&self, by: &Actor, marker: &str, message: &NewMessage) {
        let mut told = self.told();
        let to: Vec<Address> = message.recipients().cloned().collect();
        let involved = to.iter().filter_map(agent_of).chain([by.id().clone()]);
        let lives = involved.filter_map(|agent| told.life_of(&agent).map(|life| (agent, life))).collect();
        let sent = Sent { by: by.id().clone(), lives, to, outcome: None, until: None };
        told.sent.entry(marker.to_owned()).or_insert(sent);
    }

    pub(super) fn named(&self, marker: &str, id: &MessageId) {
        let known = self.told().markers.insert(id.clone(), marker.to_owned());
        assert!(known.is_none_or(|known| known == marker), "seed {}: two messages are {id}", self.seed);
    }

    pub(super) fn end(&self, marker: &str, outcome: Outcome) {
        let now = self.world.elapsed();
        let mut told = self.told();
        let sent = told.sent.get_mut(marker).expect("it was begun");
        sent.until = Some(now);
        // What is known once stays known.
        let is_better =
            !matches!(sent.outcome, Some(Outcome::Taken(_))) || matches!(outcome, Outcome::Taken(_));
        if is_better {
            sent.outcome = Some(outcome);
        }
    }

    /// Notes what came of sending something again whose marker its sender has forgotten.
    pub(super) fn resent(&self, id: &MessageId, outcome: Outcome) {
        let marker = self.told().markers.get(id).cloned();
        if let Some(marker) = marker {
            self.end(&marker, outcome);
        }
    }

    /// Notes what an agent was handed, which may be a letter: not a report on one.
    pub(super) fn handed(&self, to: &Actor, life: usize, event: &Event, is_letter: bool) {
        let mut told = self.told();
        match event.kind() {
            EventKind::Received(message) => {
                let raw = message.raw().expose();
                let print = (to.id().clone(), life, hash(raw));
                assert!(
                    !told.settled.contains(&print),
                    "seed {}: {} gets again what it handled",
                    self.seed,
                    to.id()
                );
                if let Some(marker) = marker_of(raw).filter(|_| is_letter) {
                    let marked = event.is_redelivery();
                    let now = to.incarnation();
                    told.handed.push(Handed { to: to.id().clone(), life, now, marker, marked });
                }
            }
            EventKind::Sent(report) => told.say(report, "sent"),
            EventKind::Refused(report) => told.say(report, "refused"),
            EventKind::Expired(report) => told.say(report, "expired"),
            EventKind::Unconfirmed(report) => told.say(report, "unconfirmed"),
            _ => {}
        }
    }

    pub(super) fn settled(&self, by: &Actor, life: usize, event: &Event) {
        if let EventKind::Received(message) = event.kind() {
            let print = hash(message.raw().expose());
            self.told().settled.insert((by.id().clone(), life, print));
        }
    }

    /// Tells whether a mail was written to an agent.
    pub(super) fn is_for(&self, marker: &str, agent: &AgentId) -> bool {
        let told = self.told();
        told.sent[marker].to.iter().any(|address| agent_of(address).as_ref() == Some(agent))
    }

    /// Compares what was sent, what lies in the mailboxes and what was handed out.
    pub(super) fn check(&self, actors: &[Actor]) -> [usize; 4] {
        let told = self.told();
        let seed = self.seed;
        let mut lies = BTreeMap::<(AgentId, String), usize>::new();
        let mut bounced = BTreeSet::new();
        let ids: BTreeMap<String, &Actor> =
            actors.iter().map(|actor| (actor.address().to_string(), actor)).collect();
        self.world.snapshot().mail().for_each_message(|mailbox, folder, _, bytes| {
            let Some(actor) = ids.get(mailbox).filter(|_| folder.is_inbox()) else { return };
            match marker_of(bytes) {
                Some(marker) if is_report(bytes) => {
                    bounced.extend(final_recipients(bytes).into_iter().map(|who| (marker.clone(), who)));
                }
                Some(marker) => *lies.entry((actor.id().clone(), marker)).or_default() += 1,
                None => {}
            }
        });
        let now = |agent: &AgentId| told.life_of(agent);
        let names: BTreeMap<&String, &MessageId> =
            told.markers.iter().map(|(id, marker)| (marker, id)).collect();
        let mut heard = BTreeSet::new();
        for handed in &told.handed {
            heard.extend((handed.life..=handed.now).map(|life| (&handed.to, life, &handed.marker)));
        }
        let is_same_life = |sent: &Sent, agent: &AgentId| sent.lives.get(agent).copied() == now(agent);
        let delivered: BTreeSet<&(AgentId, String)> = lies.keys().collect();

        // Nothing is lost between the call and the mailbox.
        for (marker, sent) in &told.sent {
            let accepted = match &sent.outcome {
                Some(Outcome::Taken(accepted)) => accepted.clone(),
                Some(Outcome::Queued) if is_same_life(sent, &sent.by) => sent.to.clone(),
                _ => continue,
            };
            for recipient in accepted {
                let actor = ids[&recipient.to_string()];
                let said = told.said_of(marker, names.get(marker).copied(), &recipient);
                let given_up = !said.is_empty() && !said.contains("sent");
                let was_heard =
                    || now(actor.id()).is_some_and(|life| heard.contains(&(actor.id(), life, marker)));
                let came =
                    delivered.contains(&(actor.id().clone(), marker.clone())) || self.short && was_heard();
                let reported = bounced.contains(&(marker.clone(), recipient.to_string()));
                let is_judged = is_same_life(sent, actor.id()) && is_same_life(sent, &sent.by);
                assert!(
                    came || reported || given_up || !is_judged,
                    "seed {seed}: {marker} to {recipient} is lost: {:?} {said:?}",
                    sent.outcome
                );
            }
        }
        // What was not sent is nowhere.
        for (agent, marker) in lies.keys() {
            let sent = told.sent.get(marker).unwrap_or_else(|| panic!("seed {seed}: nobody sent {marker}"));
            assert_ne!(
                sent.outcome,
                Some(Outcome::No),
                "seed {seed}: {marker} was not sent, and {agent} has it"
            );
            let to = sent.to.iter().find(|address| agent_of(address).as_ref() == Some(agent));
            let said = to.map(|to| told.said_of(marker, names.get(marker).copied(), to)).unwrap_or_default();
            assert!(
                said.is_empty() || said.contains("sent") || said.contains("unconfirmed"),
                "seed {seed}: {marker} was {said:?} for {agent}, who has it"
            );
        }
        // Nothing is lost between the mailbox and the agent.
        for (agent, marker) in lies.keys() {
            let was_handed = now(agent).is_some_and(|life| heard.contains(&(agent, life, marker)));
            assert!(was_handed, "seed {seed}: {agent} never heard of {marker}");
        }
        let mut unmarked = BTreeSet::new();
        for Handed { to, life, now, marker, marked } in &told.handed {
            let Some(sent) = told.sent.get(marker) else { panic!("seed {seed}: nobody sent {marker}") };
            assert_ne!(
                sent.outcome,
                Some(Outcome::No),
                "seed {seed}: {marker} was not sent, and {to} got it"
            );
            assert!(
                sent.to.iter().any(|address| agent_of(address).as_ref() == Some(to)),
                "seed {seed}: {to} got {marker}, which was for others"
            );
            // What may have been sent may be sent again, when that is found out.
            if let Some(until) = sent.until.filter(|_| matches!(sent.outcome, Some(Outcome::Taken(_)))) {
                let born = told.born[&(to.clone(), *life)];
                assert!(until + LATEST + SLACK >= born, "seed {seed}: {to} got a predecessor's {marker}");
            }
            if !marked {
                let is_first = unmarked.insert((to, life, now, marker));
                assert!(is_first, "seed {seed}: {to} got {marker} twice, unmarked");
            }
        }
        let came: BTreeSet<_> = if self.short {
            told.handed.iter().map(|handed| (&handed.to, &handed.marker)).collect()
        } else {
            lies.keys().map(|(agent, marker)| (agent, marker)).collect()
        };
        [told.sent.len(), came.len(), told.handed.len(), bounced.len()]
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// Returns which life of an agent it is.
    fn life_of(&self, agent: &AgentId) -> Option<usize> {
        let lives = (agent.clone(), 0)..=(agent.clone(), usize::MAX);
        self.born.range(lives).next_back().map(|((_, life), _)| *life)
    }

    /// Returns what the outbox said of a message and a recipient, by its key or its Message-ID.
    fn said_of(&self, key: &str, id: Option<&MessageId>, recipient: &Address) -> BTreeSet<&'static str> {
        let names = id.map(ToString::to_string).into_iter().chain([key.to_owned()]);
        let said = names.filter_map(|name| self.said.get(&(name, recipient.to_string())));
        said.flatten().copied().collect()
    }

    fn say(&mut self, report: &SendReport, word: &'static str) {
        for result in &report.recipients {
            for name in report.key.iter().cloned().chain([report.message_id.to_string()]) {
                self.said.entry((name, result.recipient.to_string())).or_default().insert(word);
            }
        }
    }
}

fn agent_of(address: &Address) -> Option<AgentId> {
    address.local_part().strip_prefix("agent_")?.parse().ok()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Finds the marker, in a message or in the report on it.
pub(super) fn marker_of(raw: &[u8]) -> Option<String> {
    let is_end = |end: &usize| matches!(raw.get(end + END.len()), None | Some(b'\r'));
    let end = memmem(raw, END).into_iter().find(is_end)? + END.len();
    let start = raw[..end].iter().rposition(|byte| *byte == b' ')? + 1;
    Some(String::from_utf8_lossy(&raw[start..end]).into_owned())
}

fn is_report(raw: &[u8]) -> bool {
    !memmem(raw, MARK).is_empty()
}

fn memmem(raw: &[u8], part: &[u8]) -> Vec<usize> {
    let starts = raw.windows(part.len()).enumerate();
    starts.filter(|(_, window)| *window == part).map(|(start, _)| start).collect()
}

fn final_recipients(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let found = text.lines().filter_map(|line| line.strip_prefix("Final-Recipient: rfc822; "));
    found.map(|address| address.trim().to_owned()).collect()
}

const MARK: &[u8] = b"Undelivered Mail Returned to Sender";
const END: &[u8] = b"-er";
/// What a call takes besides.
const SLACK: Duration = Duration::from_secs(60);
