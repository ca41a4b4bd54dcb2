//! A program of 50 agents is killed at counted points, again and again: no mail is lost, none handled twice.

mod wire;

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use agent_mail::backend::{Change, Committed, StateStore, SystemTimeAndChance, TimeAndChance};
use agent_mail::mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, Selection, Submission, Uid,
};
use agent_mail::{
    AgentMail, AgentMailbox, Effects, Embedded, Error, Event, EventHandler, NewMessage, RedbState,
    SecretFiles, Sending,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::wire::Remote;
use crate::id;

#[test]
fn a_program_that_is_killed_at_any_point_loses_no_mail_and_handles_none_twice() {
    let kills: u64 = env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = Embedded::new(DOMAIN.parse().unwrap());
    let told: Arc<Mutex<BTreeMap<String, Vec<bool>>>> = Arc::default();
    let is_stuck = Arc::new(AtomicU64::new(0));
    let address = runtime.block_on(async {
        let mail = system(world.system(), folder.path(), Arc::new(open_state(folder.path())));
        for n in 0..AGENTS {
            mail.provision(&id(&name(n))).await.unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, is_stuck) = (told.clone(), is_stuck.clone());
        let other = move |asked: &Value| {
            if let Some(mail) = asked["handling"].as_str() {
                let redelivery = asked["redelivery"].as_bool().unwrap();
                told.lock().unwrap().entry(mail.to_owned()).or_default().push(redelivery);
            } else {
                is_stuck.store(1, Ordering::SeqCst);
            }
            json!("heard")
        };
        tokio::spawn(wire::serve(listener, world.post_office().clone(), other));
        address
    });

    let hops = (kills / TOKENS).max(1);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let started = Instant::now();
    for round in 0..kills {
        let kill_at = 1 + random.below(MOST_POINTS);
        let mut child = start(folder.path(), address, hops, Some(kill_at));
        let deadline = Instant::now() + LIMIT;
        while is_stuck.swap(0, Ordering::SeqCst) == 0 {
            assert!(child.try_wait().unwrap().is_none(), "round {round} ended before it was killed");
            assert!(Instant::now() < deadline, "round {round} does not get to point {kill_at} in time");
            std::thread::sleep(Duration::from_millis(1));
        }
        // On Unix this is SIGKILL: the program has no say in it.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut last = start(folder.path(), address, hops, None);
    let deadline = Instant::now() + LIMIT;
    while last.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            last.kill().unwrap();
            last.wait().unwrap();
            let left = runtime.block_on(open_state(folder.path()).scan("")).unwrap();
            let left = left.iter().filter(|(key, _)| !key.contains("/known/") && !key.contains("/sent/"));
            for (key, value) in left {
                eprintln!("{key}: {}", String::from_utf8_lossy(value));
            }
            panic!("the last run does not end in time: {} were told", told.lock().unwrap().len());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(last.wait().unwrap().success(), "the last run ends well");

    let told = told.lock().unwrap();
    let mails = AGENTS * TOKENS * hops;
    assert_eq!(told.len() as u64, mails, "each mail was handed to its handler");
    let untold = |(_, times): &(&String, &Vec<bool>)| !times[1..].iter().all(|redelivery| *redelivery);
    let untold: Vec<_> = told.iter().filter(untold).collect();
    assert!(untold.is_empty(), "handled again and not marked: {untold:?}");
    let again = told.values().filter(|times| times.len() > 1).count();
    println!("{mails} mails, {kills} kills, {again} handed out again and marked, {:.1?}", started.elapsed());
    runtime.block_on(async {
        let written = open_state(folder.path()).scan(&format!("{DOMAIN}/notes/")).await.unwrap();
        let handled: Vec<_> = written.iter().filter(|(key, _)| key.contains("/handled/")).collect();
        assert_eq!(handled.len() as u64, mails, "none is lost");
        assert!(handled.iter().all(|(_, times)| **times == [1]), "the effects of each are written once");
    });
}

/// Does nothing unless the other test has started it as a program of its own.
#[test]
fn the_program_that_is_killed() {
    let (Ok(folder), Ok(address), Ok(hops)) = (env::var(FOLDER), env::var(ADDRESS), env::var(HOPS)) else {
        return;
    };
    let kill_at = env::var(KILL_AT).ok().map(|text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(Path::new(&folder), address.parse().unwrap(), hops.parse().unwrap(), kill_at));
    // Without an end to the couriers and readers that still wait.
    std::process::exit(0);
}

async fn work(folder: &Path, address: SocketAddr, hops: u64, kill_at: Option<u64>) {
    let remote = Remote::connect(address).await;
    let points = Arc::new(Points { passed: AtomicU64::new(0), kill_at, remote: remote.clone() });
    let state = Arc::new(Counted(open_state(folder), points.clone()));
    let builder = AgentMail::builder(DOMAIN.parse().unwrap())
        .provisioner(Arc::new(Embedded::new(DOMAIN.parse().unwrap())))
        .mail_access(Arc::new(Counted(remote.clone(), points)))
        .time_and_chance(Arc::new(ShortPauses));
    let mail = system(builder, folder, state);
    let mut agents = Vec::new();
    for n in 0..AGENTS {
        agents.push(mail.open(&id(&name(n))).await.unwrap());
    }
    let courier = mail.courier();
    tokio::spawn(async move { courier.run(std::future::pending()).await });
    for (n, agent) in (0..).zip(&agents) {
        let handler = Arc::new(PassOn { system: mail.clone(), hops, remote: remote.clone() });
        let agent = agent.clone();
        tokio::spawn(async move {
            if agent.note("begun").await.unwrap().is_none() {
                let first = |token| handler.mail(n, &format!("{n}-{token}"), 0);
                let sends = (0..TOKENS).map(first).fold(Effects::new(), Effects::with_send);
                agent.commit(sends.with_note("begun", "")).await.unwrap();
            }
            panic!("the serving ended: {:?}", agent.serve(&*handler).await);
        });
    }
    loop {
        let mut handled = 0;
        for agent in &agents {
            handled += count(agent.note("count").await.unwrap().as_deref());
        }
        if handled == AGENTS * TOKENS * hops {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Hands each mail on to another agent, until it has made all its hops.
#[derive(Debug)]
struct PassOn {
    system: AgentMail,
    hops: u64,
    remote: Arc<Remote>,
}

impl PassOn {
    fn mail(&self, from: u64, token: &str, hop: u64) -> Sending {
        let to = self.system.address_of(&id(&name((from * 7 + hop + 1) % AGENTS))).unwrap();
        Sending::new(
            NewMessage::to(to).with_subject(format!("{token}/{hop}")).with_text("to be handled once"),
        )
    }
}

#[async_trait]
impl EventHandler for PassOn {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let Some(message) = event.received() else { return Ok(Effects::new()) };
        let mail = message.subject().expose().to_owned();
        self.remote.ask(json!({ "handling": mail, "redelivery": event.is_redelivery() })).await;
        let key = format!("handled/{mail}");
        let before = count(mailbox.note(&key).await?.as_deref());
        if before > 0 && event.is_redelivery() {
            // A copy of a mail whose effects are written.
            return Ok(Effects::new());
        }
        let all = count(mailbox.note("count").await?.as_deref()) + 1;
        let effects = Effects::new()
            .with_note(key, [u8::try_from(before).unwrap() + 1])
            .with_note("count", all.to_string());
        let (token, hop) = mail.split_once('/').unwrap();
        let (hop, own) = (hop.parse::<u64>().unwrap() + 1, mailbox.id().as_str()[6..].parse().unwrap());
        Ok(if hop < self.hops { effects.with_send(self.mail(own, token, hop)) } else { effects })
    }
}

/// Draws the shortest of all pauses, so that a program that was killed while it sent looks soon what became of it.
#[derive(Debug)]
struct ShortPauses;

impl TimeAndChance for ShortPauses {
    fn now(&self) -> SystemTime {
        SystemTimeAndChance.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        match bytes.len() {
            // What a pause is drawn from.
            4 => bytes.fill(0),
            _ => SystemTimeAndChance.fill(bytes),
        }
    }
}

/// Counts what may be cut off, and hangs at the point at which the program is to be killed.
#[derive(Debug)]
struct Points {
    passed: AtomicU64,
    kill_at: Option<u64>,
    remote: Arc<Remote>,
}

impl Points {
    async fn pass(&self) {
        if Some(self.passed.fetch_add(1, Ordering::SeqCst) + 1) == self.kill_at {
            self.remote.ask(json!("kill me")).await;
            loop {
                // Nothing of this thread goes on; what the store's own thread does may.
                std::thread::park();
            }
        }
    }
}

#[derive(Debug)]
struct Counted<T>(T, Arc<Points>);

#[async_trait]
impl StateStore for Counted<RedbState> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key).await
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.0.scan(prefix).await
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        self.1.pass().await;
        let committed = self.0.commit(change).await;
        self.1.pass().await;
        committed
    }
}

#[async_trait]
impl MailAccess for Counted<Arc<Remote>> {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        self.1.pass().await;
        let taken = self.0.submit(login, message).await;
        self.1.pass().await;
        taken
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

fn start(folder: &Path, address: SocketAddr, hops: u64, kill_at: Option<u64>) -> Child {
    let mut program = Command::new(env::current_exe().unwrap());
    program
        .args(["--exact", "kill::the_program_that_is_killed", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ADDRESS, address.to_string())
        .env(HOPS, hops.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some(kill_at) = kill_at {
        program.env(KILL_AT, kill_at.to_string());
    }
    program.spawn().unwrap()
}

fn system(builder: agent_mail::AgentMailBuilder, folder: &Path, state: Arc<dyn StateStore>) -> AgentMail {
    let secrets = SecretFiles::open(folder.join("secrets")).unwrap();
    builder.state(state).secrets(Arc::new(secrets)).build().unwrap()
}

fn open_state(folder: &Path) -> RedbState {
    RedbState::open(folder.join("state.redb")).unwrap()
}

fn count(note: Option<&[u8]>) -> u64 {
    match note {
        None => 0,
        Some([1]) => 1,
        Some(digits) => std::str::from_utf8(digits).unwrap().parse().unwrap(),
    }
}

fn name(n: u64) -> String {
    format!("agent-{n}")
}

/// Points to kill at, the same in each run of the test (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

const DOMAIN: &str = "agents.example";
const AGENTS: u64 = 50;
/// Mails that each agent begins with.
const TOKENS: u64 = 4;
/// Each kill comes within so many points: commits and submissions, before and after.
const MOST_POINTS: u64 = 900;
const LIMIT: Duration = Duration::from_mins(2);
/// How often it is killed; with each there are 50 mails more. `200` is the full size.
const KILLS: &str = "AGENT_MAIL_KILLS";
const KILL_AT: &str = "KILL_AT";
const FOLDER: &str = "FOLDER_OF_THE_KILLED";
const ADDRESS: &str = "ADDRESS_OF_THE_MAIL_SYSTEM";
const HOPS: &str = "HOPS_OF_A_MAIL";
