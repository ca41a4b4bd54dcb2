//! A world on Tokio's clock, whose state outlives the programs over it, and can fail or end them at any operation.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agent_mail::backend::{Change, Committed, SecretStore, StateStore, TimeAndChance};
use agent_mail::{
    Address, AgentId, AgentMail, AgentMailBuilder, AgentMailbox, Embedded, Error, ErrorKind, Event,
    EventKind, MemorySecrets, MemoryState,
};
use async_trait::async_trait;
use mail_access::{FolderName, Login, MailAccess, MessageStore, Query, Selection};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

/// What is done at an operation that the test chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It fails, and does nothing.
    Fails,
    /// The program ends before it.
    EndsBefore,
    /// The program ends after it, before it hears the answer.
    EndsAfter,
}

/// A state store in memory that meets with trouble once.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) kept: MemoryState,
    trouble: Mutex<Option<(usize, Trouble)>>,
    /// How many operations there were.
    pub(crate) count: Mutex<usize>,
    /// Rings when the program has to end.
    pub(crate) ended: Notify,
}

impl State {
    /// Chooses the trouble of the operation after `n` others.
    pub(crate) fn trouble_after(&self, n: usize, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some((n, trouble));
    }

    /// Tells whether the trouble is still to come.
    pub(crate) fn is_calm(&self) -> bool {
        self.trouble.lock().unwrap().is_none()
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn calm(&self) {
        *self.trouble.lock().unwrap() = None;
    }

    async fn meet<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        *self.count.lock().unwrap() += 1;
        let met = {
            let mut trouble = self.trouble.lock().unwrap();
            match *trouble {
                Some((0, now)) => {
                    *trouble = None;
                    Some(now)
                }
                Some((n, later)) => {
                    *trouble = Some((n - 1, later));
                    None
                }
                None => None,
            }
        };
        // A caller may be dropped before and after.
        yield_now().await;
        match met {
            None => {
                let done = work.await;
                yield_now().await;
                done
            }
            Some(Trouble::Fails) => Err(Error::new(ErrorKind::Unavailable, "use", "failing state")),
            Some(Trouble::EndsBefore) => self.end().await,
            Some(Trouble::EndsAfter) => {
                work.await?;
                self.end().await
            }
        }
    }

    /// The program hears no answer any more.
    async fn end<T>(&self) -> T {
        self.ended.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl StateStore for State {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.meet(self.kept.get(key)).await
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.meet(self.kept.scan(prefix)).await
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        self.meet(self.kept.commit(change)).await
    }
}

/// Tokio's clock as the time of day, and chance by a seed.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    random: Mutex<u64>,
}

impl Clock {
    pub(crate) fn new(seed: u64) -> Self {
        Self { start: Instant::now(), random: Mutex::new(seed) }
    }
}

impl TimeAndChance for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.start.elapsed()
    }

    /// SplitMix64.
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.random.lock().unwrap();
        for byte in bytes {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed ^ (mixed >> 31)).to_le_bytes()[0];
        }
    }
}

pub(crate) struct World {
    pub(crate) embedded: Embedded,
    pub(crate) state: Arc<State>,
    secrets: Arc<MemorySecrets>,
    pub(crate) clock: Arc<Clock>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        let office = embedded.post_office();
        office.add_domain("agents.example".parse().unwrap());
        // Mailboxes that are nobody's here: what they have can't be looked at.
        office.add_domain("others.example".parse().unwrap());
        for name in OTHERS {
            office.add_mailbox(&other(name), PASSWORD.to_owned().into(), 0).unwrap();
        }
        Self { embedded, state: Arc::default(), secrets: Arc::default(), clock: Arc::new(Clock::new(seed)) }
    }

    /// Starts a program in this world.
    pub(crate) fn program(&self) -> AgentMail {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> AgentMailBuilder {
        let builder = self.embedded.system().state(self.state.clone()).secrets(self.secrets.clone());
        builder.time_and_chance(self.clock.clone())
    }

    pub(crate) async fn agent(&self, name: &str) -> AgentMailbox {
        self.program().provision(&id(name)).await.unwrap()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns the subjects of what another one's mailbox got, in their order, and how many Message-IDs they have.
    pub(crate) async fn got(&self, name: &str) -> (Vec<String>, usize) {
        let login = Login::new(other(name), PASSWORD.to_owned().into());
        let batch = self.embedded.post_office().fetch(&login, &Selection::After(None), 10_000).await.unwrap();
        let mut ids: Vec<_> =
            batch.messages.iter().filter_map(|message| message.message_id().cloned()).collect();
        ids.sort();
        ids.dedup();
        (batch.messages.iter().map(|message| message.subject().to_owned()).collect(), ids.len())
    }

    /// Counts the copies in an agent's folder for sent mail.
    pub(crate) async fn copies(&self, mailbox: &AgentMailbox) -> usize {
        let login = self.login(mailbox.address()).await;
        let folder: FolderName = "Sent".parse().unwrap();
        self.embedded.post_office().search(&login, &folder, &Query::everything()).await.unwrap().uids.len()
    }

    /// Returns the subjects of what an agent's INBOX holds.
    pub(crate) async fn inbox(&self, mailbox: &AgentMailbox) -> Vec<String> {
        let login = self.login(mailbox.address()).await;
        let batch = self.embedded.post_office().fetch(&login, &Selection::After(None), 10_000).await.unwrap();
        batch.messages.iter().map(|message| message.subject().to_owned()).collect()
    }

    async fn login(&self, address: &Address) -> Login {
        Login::new(address.clone(), self.secrets.get(address).await.unwrap().unwrap())
    }
}

impl World {
    /// Lets a courier of a program work until nothing is left to send, or for so long.
    pub(crate) async fn deliver(&self, mail: &AgentMail, at_most: Duration) {
        let end = Instant::now() + at_most;
        let stop = async {
            let mut pause = Duration::from_millis(500);
            while !self.is_idle().await && Instant::now() < end {
                tokio::time::sleep(pause.min(end - Instant::now())).await;
                pause = (2 * pause).min(Duration::from_mins(2));
            }
        };
        mail.courier().run(stop).await;
    }

    /// Tells whether nothing is left to send, without an operation that could meet with trouble.
    pub(crate) async fn is_idle(&self) -> bool {
        self.state.kept.scan("agents.example/due/").await.unwrap().is_empty()
    }
}

/// Takes the agent's own events as words, each with the recipients, and acknowledges them.
pub(crate) async fn events(mailbox: &AgentMailbox) -> Vec<String> {
    let mut events = mailbox.events();
    let mut told = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(1), events.next()).await {
        let event: Event = event.unwrap();
        let (what, report) = match event.kind() {
            EventKind::Sent(report) => ("sent", report),
            EventKind::Deferred(report) => ("deferred", report),
            EventKind::Expired(report) => ("expired", report),
            EventKind::Refused(report) => ("refused", report),
            EventKind::Unconfirmed(report) => ("unconfirmed", report),
            _ => continue,
        };
        let to = report
            .recipients
            .iter()
            .map(|one| one.recipient.to_string().split('@').next().unwrap().to_owned());
        told.push(format!("{what} {}", to.collect::<Vec<_>>().join(" ")));
        event.ack().await.unwrap();
    }
    told
}

pub(crate) fn other(name: &str) -> Address {
    format!("{name}@others.example").parse().unwrap()
}

pub(crate) fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

pub(crate) const OTHERS: [&str; 3] = ["x", "y", "z"];
const PASSWORD: &str = "theirs";
