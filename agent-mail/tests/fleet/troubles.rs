//! What is broken stays apart, and the server is not run down.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use agent_mail::mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, PostOffice, Selection,
    Submission, Uid,
};

use agent_mail::backend::SecretStore as _;
use agent_mail::{AgentMailBuilder, MemorySecrets};

use super::*;

#[tokio::test(start_paused = true)]
async fn one_broken_mailbox_beside_a_hundred_good_ones_stops_nobody() {
    let world = world();
    let secrets = Arc::new(MemorySecrets::default());
    let mail = world.system().secrets(secrets.clone()).build().unwrap();
    let fleet = Fleet::builder(mail.clone()).start().await.unwrap();
    let mut agents = Vec::new();
    for n in 0..101 {
        agents.push(provision(&mail, &format!("agent-{n}")).await);
    }
    let (broken, good) = agents.split_first().unwrap();
    // Somebody changed its password: no waiting mends that.
    world.post_office().set_password(broken.address(), "another".into()).unwrap();
    for agent in good {
        send(agent, broken, "to the broken one").await;
        send(agent, agent, "to itself").await;
    }
    let mut events = fleet.events();
    let mut heard = BTreeSet::new();
    for _ in good {
        let event = next(&mut events).await;
        event.ack().await.unwrap();
        heard.insert(event.mailbox().id().clone());
    }
    assert_eq!(heard.len(), 100);
    assert!(timeout(Duration::from_hours(24), events.next()).await.is_err());
    let health = fleet.health();
    assert_eq!((health.running, health.failing.len()), (100, 1));
    let Some(Health::Failing { error, next_try: None, .. }) = fleet.health_of(broken.id()) else {
        panic!("{:?}", fleet.health_of(broken.id()));
    };
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);

    // Mended, it goes on where it stood.
    let old = secrets.get(broken.address()).await.unwrap().unwrap();
    world.post_office().set_password(broken.address(), old).unwrap();
    fleet.resume(broken.id()).await.unwrap();
    for _ in 0..100 {
        let event = next(&mut events).await;
        assert_eq!(event.mailbox().id(), broken.id());
        event.ack().await.unwrap();
    }
    assert!(matches!(fleet.health_of(broken.id()), Some(Health::Running)));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_gets_the_event_again_and_keeps_nobody_back() {
    let world = world();
    let mail = world.system().build().unwrap();
    let fleet = Fleet::builder(mail.clone()).mailboxes_at_once(1).start().await.unwrap();
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    for n in 0..3 {
        send(&bob, &ada, &format!("{n}")).await;
        send(&ada, &bob, &format!("{n}")).await;
    }
    let handler = Moody { left: AtomicUsize::new(4), log: Mutex::default() };
    let serving = timeout(Duration::from_hours(1), fleet.serve(&handler)).await;
    assert!(serving.is_err(), "it serves without end");
    let log = handler.log.into_inner().unwrap();
    let of = |name: &str| -> Vec<_> {
        log.iter().filter(|(who, ..)| who == name).map(|(_, what, again)| (what.as_str(), *again)).collect()
    };
    assert_eq!(
        of("ada"),
        [("0", false), ("0", true), ("0", true), ("0", true), ("0", true), ("1", false), ("2", false)]
    );
    assert_eq!(of("bob"), [("0", false), ("1", false), ("2", false)]);
    assert!(log.iter().rposition(|(who, ..)| who == "bob") < log.iter().rposition(|(who, ..)| who == "ada"));
    assert_eq!(fleet.health().running, 2);
}

/// Fails on ada's first message some times.
#[derive(Debug)]
struct Moody {
    left: AtomicUsize,
    log: Mutex<Vec<(String, String, bool)>>,
}

#[async_trait]
impl EventHandler for Moody {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let entry = (mailbox.id().to_string(), subject(event), event.is_redelivery());
        self.log.lock().unwrap().push(entry);
        if mailbox.id().as_str() == "ada" && self.left.load(Ordering::Relaxed) > 0 {
            self.left.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Unavailable, "handle", "the world"));
        }
        Ok(Effects::new())
    }
}

/// R34: without a doorbell a thousand mailboxes are waited for by few connections, also when the server comes back.
#[tokio::test(start_paused = true)]
async fn a_restart_of_the_server_brings_no_crowd() {
    let world = world();
    let server = Server::of(&world);
    let mail = server.system(&world).build().unwrap();
    let mut agents = Vec::new();
    for n in 0..agents_at_once() {
        agents.push(provision(&mail, &format!("agent-{n}")).await);
    }
    let fleet = Fleet::builder(mail).mailboxes_at_once(8).connections(40).start().await.unwrap();
    let mut events = fleet.events();
    assert!(timeout(Duration::from_mins(10), events.next()).await.is_err(), "no mail yet");
    for round in 0..3 {
        server.is_down.store(true, Ordering::SeqCst);
        assert!(timeout(Duration::from_mins(5), events.next()).await.is_err(), "it is down");
        server.is_down.store(false, Ordering::SeqCst);
        for agent in agents.iter().step_by(10) {
            send(agent, agent, &format!("{round}")).await;
        }
        for _ in agents.iter().step_by(10) {
            let event = next(&mut events).await;
            assert_eq!(subject(&event), round.to_string());
            event.ack().await.unwrap();
        }
    }
    assert!(fleet.health().failing.is_empty() || fleet.health().failing.len() < agents.len());
    let (peak, refused) = (server.peak.load(Ordering::SeqCst), server.refused.load(Ordering::SeqCst));
    println!("{} agents, 3 restarts: at most {peak} connections, {refused} refused", agents.len());
    assert!(peak <= 40, "{peak}");
    assert!(refused > 0, "the restarts were met");
}

/// Without a doorbell each mailbox is waited for by one connection, however often its agent has other events.
#[tokio::test(start_paused = true)]
async fn one_connection_waits_for_each_mailbox() {
    let world = world();
    let server = Server::of(&world);
    let mail = server.system(&world).build().unwrap();
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    let fleet = Fleet::builder(mail).connections(80).start().await.unwrap();
    let mut events = fleet.events();
    for n in 0..20 {
        let message = NewMessage::to(bob.address()).with_subject(format!("{n}"));
        ada.enqueue(Sending::new(message)).await.unwrap();
        let mut came = BTreeSet::new();
        for _ in 0..2 {
            let event = next(&mut events).await;
            event.ack().await.unwrap();
            came.insert(event.mailbox().id().to_string());
        }
        assert_eq!(came.len(), 2, "the mail, and that it was sent");
        assert!(timeout(Duration::from_secs(10), events.next()).await.is_err());
        assert_eq!(server.open.load(Ordering::SeqCst), 2, "after {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_mail_costs_one_look() {
    for has_doorbell in [false, true] {
        let world = world();
        let server = Server::of(&world);
        let mut builder = server.system(&world);
        if has_doorbell {
            builder = builder.doorbell(Arc::new(world.post_office().clone()));
        }
        let mail = builder.build().unwrap();
        let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
        let fleet = Fleet::builder(mail).start().await.unwrap();
        let mut events = fleet.events();
        assert!(timeout(Duration::from_mins(10), events.next()).await.is_err(), "no mail yet");
        for n in 0..5 {
            let before = server.looks.load(Ordering::SeqCst);
            send(&ada, &bob, &format!("{n}")).await;
            let event = next(&mut events).await;
            assert_eq!(subject(&event), n.to_string());
            event.ack().await.unwrap();
            assert!(timeout(Duration::from_mins(10), events.next()).await.is_err(), "it comes once");
            let looks = server.looks.load(Ordering::SeqCst) - before;
            assert_eq!(looks, 1, "mail {n}, with a doorbell: {has_doorbell}");
        }
    }
}

/// Counts who reads, and goes down.
#[derive(Debug)]
struct Server {
    office: PostOffice,
    is_down: AtomicBool,
    open: AtomicUsize,
    peak: AtomicUsize,
    refused: AtomicUsize,
    looks: AtomicUsize,
}

struct Connection<'a>(&'a Server);

impl Server {
    fn of(world: &Embedded) -> Arc<Self> {
        Arc::new(Self {
            office: world.post_office().clone(),
            is_down: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        })
    }

    /// A system on it, without a doorbell.
    fn system(self: &Arc<Self>, world: &Embedded) -> AgentMailBuilder {
        AgentMail::builder("agents.example".parse().unwrap())
            .provisioner(Arc::new(world.clone()))
            .mail_access(self.clone())
            .state(state())
    }

    fn connect(&self) -> Result<Connection<'_>, MailError> {
        if self.is_down.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(lost());
        }
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(open, Ordering::SeqCst);
        Ok(Connection(self))
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl MailAccess for Server {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        self.office.submit(login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        self.office.check_submission(login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        let _connection = self.connect()?;
        self.looks.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.office.fetch(login, selection, limit).await
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.office.mark_seen(login, uid_validity, uids).await
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        let _connection = self.connect()?;
        let goes_down = async {
            while !self.is_down.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            arrival = self.office.wait(login, after, at_most) => arrival,
            () = goes_down => Err(lost()),
        }
    }
}

fn lost() -> MailError {
    let source = std::io::ErrorKind::ConnectionRefused.into();
    MailError::Unavailable { operation: "read", server: "mail.agents.example:993".into(), source }
}

fn agents_at_once() -> usize {
    std::env::var("AGENT_MAIL_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}
