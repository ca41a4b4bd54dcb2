//! Provisioning and retirement when stores fail, when others are faster, and when a dropped write comes late.

#[path = "failing/mod.rs"]
mod failing;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{Change, Committed, SecretStore, StateStore};
use agent_mail::{
    Address, AgentId, AgentMail, Embedded, Error, ErrorKind, MemorySecrets, MemoryState, NewMessage,
};
use async_trait::async_trait;
use failing::FailingState;
use secrecy::SecretString;

/// Secrets that fail once, at the operation that the test chooses, and give way before each.
#[derive(Debug, Default)]
struct FailingSecrets {
    kept: MemorySecrets,
    left: Mutex<Option<usize>>,
}

impl FailingSecrets {
    async fn pass(&self) -> Result<(), Error> {
        tokio::task::yield_now().await;
        let mut left = self.left.lock().unwrap();
        let fails = *left == Some(0);
        *left = left.and_then(|n| n.checked_sub(1));
        if fails { Err(Error::new(ErrorKind::Unavailable, "use", "failing secrets")) } else { Ok(()) }
    }
}

#[async_trait]
impl SecretStore for FailingSecrets {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        self.pass().await?;
        self.kept.get(address).await
    }
    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        self.pass().await?;
        self.kept.put(address, secret).await
    }
    async fn remove(&self, address: &Address) -> Result<(), Error> {
        self.pass().await?;
        self.kept.remove(address).await
    }
}

struct World {
    embedded: Embedded,
    state: Arc<FailingState>,
    secrets: Arc<FailingSecrets>,
}

impl World {
    fn new() -> Self {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        Self { embedded, state: Arc::default(), secrets: Arc::default() }
    }

    fn system(&self) -> AgentMail {
        let builder = self.embedded.system().state(self.state.clone()).secrets(self.secrets.clone());
        builder.build().unwrap()
    }

    /// Lets the operation after `n` others fail, of the state or of the secrets.
    fn fail_after(&self, n: usize, in_secrets: bool) {
        if in_secrets { *self.secrets.left.lock().unwrap() = Some(n) } else { self.state.fail_after(n) }
    }

    /// Lets nothing fail any more, and tells whether the failure was still to come.
    fn calm(&self) -> bool {
        let secrets = self.secrets.left.lock().unwrap().take().is_some();
        self.state.calm() || secrets
    }

    fn has_mailbox(&self) -> bool {
        self.embedded.post_office().has_mailbox(&address())
    }

    fn assert_nothing_is_left(&self) {
        let left = format!("{:?} {:?}", self.state.kept, self.secrets.kept);
        assert_eq!(left, "MemoryState { records: 0 } MemorySecrets { secrets: 0 }");
        assert!(!self.has_mailbox());
    }

    async fn assert_it_works(&self) {
        let ada = self.system().open(&ada()).await.unwrap();
        ada.send(NewMessage::to(ada.address())).await.unwrap();
        assert!(!ada.fetch_unseen(9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn wherever_a_store_fails_the_next_call_finishes_it() {
    for in_secrets in [false, true] {
        for begun in [false, true] {
            let mut points = 0;
            loop {
                let world = World::new();
                if begun {
                    world.system().provision(&ada()).await.unwrap();
                }
                world.fail_after(points, in_secrets);
                let outcome = if begun {
                    world.system().retire(&ada()).await
                } else {
                    world.system().provision(&ada()).await.map(drop)
                };
                let over = world.calm();
                assert_eq!(outcome.is_ok(), over, "no failure goes untold at {points}");
                world.system().provision(&ada()).await.unwrap();
                world.assert_it_works().await;
                world.system().retire(&ada()).await.unwrap();
                world.assert_nothing_is_left();
                if over {
                    break;
                }
                points += 1;
            }
            assert!(points > 0);
        }
    }
}

#[tokio::test]
async fn wherever_a_store_fails_a_foreign_mailbox_leaves_nothing_of_ours() {
    for in_secrets in [false, true] {
        for points in 0..9 {
            let world = World::new();
            world.embedded.post_office().add_domain("agents.example".parse().unwrap());
            world.embedded.post_office().add_mailbox(&address(), "theirs".to_owned().into(), 0).unwrap();
            world.fail_after(points, in_secrets);
            world.system().provision(&ada()).await.unwrap_err();
            world.calm();
            let error = world.system().provision(&ada()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            world.embedded.post_office().remove_mailbox(&address()).unwrap();
            world.assert_nothing_is_left();
        }
    }
}

#[tokio::test]
async fn what_was_broken_off_is_known_after_a_restart() {
    for begun in [false, true] {
        let world = World::new();
        if begun {
            world.system().provision(&ada()).await.unwrap();
        }
        world.fail_after(0, true);
        let mail = world.system();
        let outcome = if begun { mail.retire(&ada()).await } else { mail.provision(&ada()).await.map(drop) };
        assert!(outcome.is_err());
        let mail = world.system();
        assert!(mail.agents().await.unwrap().is_empty());
        let left = mail.unfinished().await.unwrap().remove(0);
        assert_eq!(left.id, ada());
        mail.retire(&left.id).await.unwrap();
        assert!(mail.unfinished().await.unwrap().is_empty());
        world.assert_nothing_is_left();
    }
}

#[tokio::test]
async fn two_systems_over_one_store_agree() {
    for _ in 0..50 {
        let world = World::new();
        let (one, other) = (world.system(), world.system());
        let (first, second) = (ada(), ada());
        let (one_had, other_had) = tokio::join!(one.provision(&first), other.provision(&second));
        assert_eq!(one_had.unwrap().address(), other_had.unwrap().address());
        world.assert_it_works().await;
        let (retired, provisioned) = tokio::join!(one.retire(&first), other.provision(&second));
        retired.unwrap();
        provisioned.unwrap();
        world.assert_it_works().await;
        let (retired, also) = tokio::join!(one.retire(&first), other.retire(&second));
        retired.and(also).unwrap();
        world.assert_nothing_is_left();
    }
}

/// Carries out one change late although its caller is gone, as a thread that was overtaken does.
#[derive(Debug, Default)]
struct Late {
    kept: Arc<MemoryState>,
    commits: AtomicUsize,
    which: usize,
}

#[async_trait]
impl StateStore for Late {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.kept.get(key).await
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.kept.scan(prefix).await
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        let kept = self.kept.clone();
        let pause = if self.commits.fetch_add(1, Ordering::Relaxed) == self.which { 60 } else { 0 };
        let work = async move {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            kept.commit(change).await
        };
        tokio::spawn(work).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_write_that_comes_late_brings_nothing_back() {
    for late in 0..2 {
        let world = World::new();
        let state = Arc::new(Late { which: late, ..Late::default() });
        let mail = world.embedded.system().state(state.clone()).build().unwrap();
        let (id, short) = (ada(), Duration::from_secs(5));
        tokio::time::timeout(short, mail.provision(&id)).await.expect_err("it is dropped");
        mail.retire(&id).await.unwrap();
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert!(mail.agents().await.unwrap().is_empty(), "write {late} came late");
        mail.retire(&id).await.unwrap();
        assert_eq!(format!("{:?}", state.kept), "MemoryState { records: 0 }");
        assert!(!world.has_mailbox());
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_retirement_that_comes_late_removes_nothing_new() {
    let world = World::new();
    let state = Arc::new(Late { which: 3, ..Late::default() });
    let mail = world.embedded.system().state(state).build().unwrap();
    let (id, short) = (ada(), Duration::from_secs(5));
    mail.provision(&id).await.unwrap();
    tokio::time::timeout(short, mail.retire(&id)).await.expect_err("it is dropped");
    mail.provision(&id).await.unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
    let again = mail.open(&id).await.unwrap();
    again.send(NewMessage::to(again.address())).await.unwrap();
}

fn ada() -> AgentId {
    "ada".parse().unwrap()
}

fn address() -> Address {
    "agent_ada@agents.example".parse().unwrap()
}
