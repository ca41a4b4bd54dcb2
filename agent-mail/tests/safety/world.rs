//! A world on a virtual clock, with somebody outside.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use agent_mail::backend::TimeAndChance;
use agent_mail::safety::Policy;
use agent_mail::{AgentId, AgentMail, AgentMailbox, Embedded, Event, Events};
use mail_access::{Address, Login, MailAccess, Outgoing};
use tokio::time::Instant;

/// Tokio's clock from a fixed day on, and numbers of a fixed seed.
#[derive(Debug)]
pub(crate) struct Virtual {
    start: Instant,
    random: Mutex<u64>,
}

impl Virtual {
    pub(crate) fn new(seed: u64) -> Self {
        Self { start: Instant::now(), random: Mutex::new(seed | 1) }
    }
}

impl TimeAndChance for Virtual {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + self.start.elapsed()
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.random.lock().unwrap();
        for byte in bytes {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *byte = state.to_be_bytes()[0];
        }
    }
}

/// A world whose mail system serves an outside too, `outside.example`.
pub(crate) fn world() -> Embedded {
    let world = Embedded::new("agents.example".parse().unwrap());
    world.post_office().add_domain("outside.example".parse().unwrap());
    world.post_office().add_mailbox(&eve(), "eves secret".into(), 0).unwrap();
    world
}

pub(crate) fn with(world: &Embedded, policy: Policy) -> AgentMail {
    world.system().policy(policy).time_and_chance(std::sync::Arc::new(Virtual::new(7))).build().unwrap()
}

pub(crate) async fn agent(mail: &AgentMail, name: &str) -> AgentMailbox {
    mail.provision(&id(name)).await.unwrap()
}

/// Submits a message as somebody outside wrote it.
pub(crate) async fn eve_writes(world: &Embedded, to: &Address, header: &str) {
    let id = format!("<{}@outside.example>", world.post_office().take_departed().len() + header.len());
    let raw = format!("Message-ID: {id}\r\nTo: {to}\r\n{header}\r\nSubject: x\r\n\r\nhello\r\n").into_bytes();
    let message =
        Outgoing::restore(eve(), vec![to.clone()], id.parse().unwrap(), raw).expect("it is a message");
    let login = Login::new(eve(), "eves secret".into());
    world.post_office().submit(&login, &message).await.unwrap();
}

pub(crate) fn eve() -> Address {
    "eve@outside.example".parse().unwrap()
}

pub(crate) async fn next(events: &mut Events) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(30), events.next());
    next.await.expect("an event comes in time").expect("the stream goes on").expect("no error")
}

pub(crate) fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

/// The size of a test by the environment.
pub(crate) fn size(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|size| size.parse().ok()).unwrap_or(usual)
}
