//! A world on Tokio's clock, whose mail is full of words that must not show.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agent_mail::backend::{SecretStore, TimeAndChance};
use agent_mail::safety::{Admission, Direction, InboundCheck, Letter, OutboundCheck, Party, Policy, Ruling};
use agent_mail::{
    Address, AgentId, AgentMail, AgentMailbox, Effects, Embedded, Error, ErrorKind, Event, EventHandler,
    Inbound, MemorySecrets, MemoryState, MessageId, NewMessage,
};
use async_trait::async_trait;
use mail_access::Outgoing;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

pub(crate) struct World {
    pub(crate) embedded: Embedded,
    pub(crate) state: Arc<MemoryState>,
    secrets: Arc<MemorySecrets>,
    clock: Arc<Clock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        Self {
            embedded,
            state: Arc::default(),
            secrets: Arc::default(),
            clock: Arc::new(Clock { start: Instant::now(), random: Mutex::new(7) }),
        }
    }

    /// Starts a program in this world.
    pub(crate) fn program(&self) -> AgentMail {
        let policy = Policy::new().blocking(Direction::Send, Party::Address(blocked()));
        let builder = self.embedded.system().state(self.state.clone()).secrets(self.secrets.clone());
        let builder = builder.policy(policy).time_and_chance(self.clock.clone());
        builder
            .outbound_check(Arc::new(ByWord))
            .inbound_check(Arc::new(BySubject(CANARIES[0])))
            .build()
            .unwrap()
    }

    /// Lets an agent complain about what it has sent to itself.
    pub(crate) async fn complain(&self, agent: &AgentMailbox) {
        let receipt = agent.send(letter(agent.address())).await.unwrap();
        self.receive(agent, &complaint(&receipt.message_id)).await;
    }

    /// Lets a stranger's server deliver something to an agent.
    pub(crate) async fn receive(&self, to: &AgentMailbox, raw: &str) {
        let sender = "mailer-daemon@elsewhere.example".parse().unwrap();
        let id = MessageId::of_random(7, to.address().domain());
        let message =
            Outgoing::restore(sender, vec![to.address().clone()], id, raw.replace('\n', "\r\n")).unwrap();
        self.embedded.post_office().receive(&message).await.unwrap();
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Returns an agent's password.
    pub(crate) async fn password(&self, agent: &AgentMailbox) -> String {
        self.secrets.get(agent.address()).await.unwrap().unwrap().expose_secret().to_owned()
    }
}

/// Makes a message of words that must not show.
pub(crate) fn letter(to: &Address) -> NewMessage {
    letter_that("pass", to)
}

/// Makes one that the checks treat so.
pub(crate) fn letter_that(word: &str, to: &Address) -> NewMessage {
    let text = format!("canary-body {word} this");
    NewMessage::to(to).with_subject("canary-subject").with_text(text)
}

/// An address outside at which there is nobody.
pub(crate) fn nobody() -> Address {
    "canary-nobody@elsewhere.example".parse().unwrap()
}

/// An address that the rules don't let the agents write to.
pub(crate) fn blocked() -> Address {
    "canary-blocked@elsewhere.example".parse().unwrap()
}

pub(crate) fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

/// Lets a courier work until nothing is left in the agent's outbox.
pub(crate) async fn deliver(mail: &AgentMail, mailbox: &AgentMailbox) {
    let end = Instant::now() + Duration::from_hours(12);
    let done = async {
        while !mailbox.outbox().await.unwrap().is_empty() {
            assert!(Instant::now() < end, "{:?}", mailbox.outbox().await);
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    };
    mail.courier().run(done).await;
}

/// Lets a handler, which fails at first, handle so many events.
pub(crate) async fn handled(mailbox: &AgentMailbox, count: u32) {
    let handler = Handler { left: AtomicU32::new(count + 1) };
    let error = timeout(Duration::from_hours(1), mailbox.serve(&handler)).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[derive(Debug)]
struct Handler {
    left: AtomicU32,
}

#[async_trait]
impl EventHandler for Handler {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        let fail = |kind| Err(Error::new(kind, "handle", mailbox.id()).with_detail("canary-body"));
        match left {
            0 => fail(ErrorKind::InvalidInput),
            _ if !event.is_redelivery() && left > 1 => fail(ErrorKind::Unavailable),
            _ => Ok(Effects::new().with_note("canary-note", "canary-body")),
        }
    }
}

/// Does with a message what its text says.
#[derive(Debug)]
struct ByWord;

#[async_trait]
impl OutboundCheck for ByWord {
    fn name(&self) -> &'static str {
        "canary-name"
    }
    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        let text = letter.message.text().unwrap_or_default();
        Ok(match text.split(' ').nth(1) {
            Some("hold") => Ruling::Hold("canary-body".to_owned()),
            Some("later") => Ruling::Later(Duration::from_mins(1)),
            Some("refuse") => Ruling::Refuse("canary-body".to_owned()),
            Some("change") => {
                Ruling::Change(Box::new(letter.message.clone().with_header("X-Checked", "yes")))
            }
            _ => Ruling::Pass,
        })
    }
}

/// Does with a message what its text says, and shows more of itself than its name.
#[derive(Debug)]
struct BySubject(#[allow(dead_code)] &'static str);

#[async_trait]
impl InboundCheck for BySubject {
    async fn check(&self, _: &AgentId, message: &Inbound) -> Result<Admission, Error> {
        let text = message.text().map(agent_mail::Untrusted::expose).unwrap_or_default();
        Ok(match text.split(' ').nth(1) {
            Some("flag") => Admission::Flag("canary-flag".to_owned()),
            Some("drop") => Admission::Drop("canary-body".to_owned()),
            _ => Admission::Deliver,
        })
    }
}

/// Tokio's clock as the time of day, and chance by a seed (SplitMix64).
#[derive(Debug)]
struct Clock {
    start: Instant,
    random: Mutex<u64>,
}

impl TimeAndChance for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.start.elapsed()
    }

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

fn complaint(of: &MessageId) -> String {
    format!(
        "From: canary-stranger@elsewhere.example\nTo: ada\nSubject: canary-subject\nMIME-Version: 1.0\n\
         Message-ID: <canary-id@elsewhere.example>\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\ncanary-body\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {of}\nSubject: canary-subject\n--b--\n"
    )
}

/// What is in the mail, in its addresses, keys and notes, and with those who judge it. Part of every one is `canary`.
pub(crate) const CANARIES: [&str; 3] = ["canary", "elsewhere.example", "secret-key"];
