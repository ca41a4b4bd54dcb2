//! The outbox and its courier over real servers, and a program that dies right after the server has taken a message.

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::backend::{SystemTimeAndChance, TimeAndChance};
use agent_mail::{AgentMail, AgentMailbox, Config, EventKind, Guarantee, NewMessage, Sending};
use async_trait::async_trait;
use mail_access::{
    Arrival, Batch, Error as MailError, Flag, Login, MailAccess, MessageStore, Outgoing, Position, Query,
    Selection, SmtpImap, SpecialUse, Submission, Uid,
};

use crate::program::id;
use crate::world::World;

/// That it is set makes this process the program that dies, with this guarantee.
pub(crate) const DIES: &str = "AGENT_MAIL_E2E_DIES";

pub(crate) fn the_courier_sends_and_files_copies(world: &World) {
    world.runtime.block_on(async {
        let mail = world.agent_mail();
        let (ada, bob) =
            (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
        let soon = SystemTime::now() + Duration::from_secs(2);
        let later = Sending::new(message(&bob, "later")).with_time(soon).with_key("later");
        ada.enqueue(later.clone()).await.unwrap();
        let tomorrow = Sending::new(message(&bob, "never")).with_time(soon + Duration::from_hours(24));
        let taken_back = ada.enqueue(tomorrow).await.unwrap();
        assert_eq!(ada.cancel(&taken_back).await.unwrap().not_sent, [bob.address().clone()]);
        let now = Sending::new(message(&bob, "now")).with_key("now");
        ada.enqueue(now.clone()).await.unwrap();
        ada.enqueue(now).await.unwrap();
        until_sent(&mail, &ada).await;
        assert!(SystemTime::now() >= soon);
        assert_eq!(inbox(&bob).await, ["now", "later"]);

        let mut told = ada.events();
        for _ in 0..2 {
            let event = tokio::time::timeout(LIMIT, told.next()).await.unwrap().unwrap().unwrap();
            assert!(matches!(event.kind(), EventKind::Sent(_)), "{event:?}");
            event.ack().await.unwrap();
        }
        let (store, login) = (world.mail_access(), login(world, &ada));
        let folders = store.folders(&login).await.unwrap();
        let sent = folders.iter().find(|folder| folder.special_use == Some(SpecialUse::Sent)).unwrap();
        let copies = store.search(&login, &sent.name, &Query::Flag(Flag::Seen)).await.unwrap();
        assert_eq!(copies.uids.len(), 2);
        assert!(ada.enqueue(later).await.unwrap().is_over());
    });
}

pub(crate) fn a_message_that_was_taken_when_the_program_died_is_not_sent_again(world: &World) {
    for guarantee in ["at least once", "at most once"] {
        let status = Command::new(std::env::current_exe().unwrap())
            .env_clear()
            .envs(world.environment())
            .env(DIES, guarantee)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_ne!(status.code(), Some(0), "it died");
        world.runtime.block_on(async {
            let mail = world.agent_mail();
            let (ada, bob) = (mail.open(&id("ada")).await.unwrap(), mail.open(&id("bob")).await.unwrap());
            assert_eq!(inbox(&bob).await, ["once"], "the server had taken it");
            let queued = ada.outbox().await.unwrap();
            assert_eq!(queued.len(), 1);
            assert_eq!(ada.cancel(&queued[0]).await.unwrap().too_late, [bob.address().clone()]);
            until_sent(&mail, &ada).await;
            assert_eq!(inbox(&bob).await, ["once"], "it was found there");
            assert!(ada.unconfirmed().await.unwrap().is_empty());
            mail.retire(&id("bob")).await.unwrap();
            mail.retire(&id("ada")).await.unwrap();
        });
    }
}

/// Runs as the program that dies.
pub(crate) fn main(guarantee: &str) -> ExitCode {
    let guarantee = if guarantee == "at least once" { Guarantee::AtLeastOnce } else { Guarantee::AtMostOnce };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = Config::from_env().unwrap();
        let dying = Arc::new(Dying(config.mail().unwrap()));
        let builder = config.builder().unwrap().mail_access(dying).time_and_chance(Arc::new(Impatient));
        let mail = builder.build().unwrap();
        let (ada, bob) =
            (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
        ada.enqueue(Sending::new(message(&bob, "once")).with_guarantee(guarantee)).await.unwrap();
        until_sent(&mail, &ada).await;
    });
    ExitCode::SUCCESS
}

/// Ends the process when the server has taken a message, before anybody hears of it.
#[derive(Debug)]
struct Dying(SmtpImap);

#[async_trait]
impl MailAccess for Dying {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        let submission = self.0.submit(login, message).await;
        if submission.is_ok() {
            std::process::abort();
        }
        submission
    }
    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        self.0.check_submission(login).await
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        self.0.fetch(login, selection, limit).await
    }
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.0.mark_seen(login, uid_validity, uids).await
    }
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        self.0.wait(login, after, at_most).await
    }
}

/// Draws the shortest of all pauses, so that the next program need not wait.
#[derive(Debug)]
struct Impatient;

impl TimeAndChance for Impatient {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        match bytes.len() {
            // What a pause is drawn by; the rest are identities.
            4 => bytes.fill(0),
            _ => SystemTimeAndChance.fill(bytes),
        }
    }
}

/// Lets the courier work until the outbox is empty.
async fn until_sent(mail: &AgentMail, mailbox: &AgentMailbox) {
    let empty = async {
        while !mailbox.outbox().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, mail.courier().run(empty)).await.expect("it is sent in time");
}

fn message(to: &AgentMailbox, subject: &str) -> NewMessage {
    NewMessage::to(to.contact()).with_subject(subject).with_text("by the outbox")
}

/// Waits for what is on its way, and returns the subjects of all that is there.
async fn inbox(mailbox: &AgentMailbox) -> Vec<String> {
    let mut events = mailbox.events();
    let mut subjects = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(2), events.next()).await {
        subjects.extend(event.unwrap().received().map(|message| message.subject().expose().to_owned()));
    }
    subjects
}

fn login(world: &World, mailbox: &AgentMailbox) -> Login {
    let secret = world.folder().join(format!("state/secrets/{}", mailbox.address()));
    Login::new(mailbox.address().clone(), std::fs::read_to_string(secret).unwrap().into())
}

const LIMIT: Duration = Duration::from_mins(2);
