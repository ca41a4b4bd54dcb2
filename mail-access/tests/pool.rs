//! Connections to a real Postfix: how many are opened, and what becomes of those that it closes.

mod shared;

use std::collections::HashMap;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use libtest_mimic::Arguments;
use mail_access::{
    Connector, Endpoint, Error, LocalServers, LocalServersConfig, Login, MailAccess, MessageId, NewMessage,
    Outgoing, PlainStream, Selection, SmtpImap, SmtpImapConfig, Stream, TlsConnector, tls_config,
};
use shared::Shared;

fn main() -> ExitCode {
    // With the filter a mail that comes twice would show as one.
    let config = LocalServersConfig::default().with_submission_timeout(TIMEOUT).with_duplicate_filter(false);
    let servers = Shared::new(move || LocalServers::start(&config));
    let trials = CASES
        .iter()
        .map(|(name, case)| servers.trial(*name, |servers, runtime| runtime.block_on(case(servers))));
    // One restarts the server, and all count.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // The trials are gone, and with them all other owners: the servers stop here.
    drop(servers);
    conclusion.exit_code()
}

/// Counts the connections to the submission server.
#[derive(Debug)]
struct Counted {
    tls: TlsConnector,
    port: u16,
    opened: AtomicUsize,
}

#[async_trait]
impl Connector for Counted {
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        self.opened.fetch_add(usize::from(server.port() == self.port), Ordering::Relaxed);
        self.tls.connect(server).await
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        self.tls.connect_plain(server).await
    }

    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        self.tls.upgrade(server, plain).await
    }
}

/// A client of its own for each case, and an account that no other case has.
struct Client<'a> {
    servers: &'a LocalServers,
    counted: Arc<Counted>,
    mail: Arc<SmtpImap>,
    login: Login,
}

impl<'a> Client<'a> {
    fn new(servers: &'a LocalServers, name: &str) -> Self {
        let endpoint = |port| Endpoint::new("localhost", port).unwrap();
        let config = SmtpImapConfig::new(endpoint(servers.smtps_port()), endpoint(servers.imaps_port()));
        let tls = TlsConnector::new(tls_config(Some(servers.ca_pem().as_bytes())).unwrap());
        let counted = Arc::new(Counted { tls, port: servers.smtps_port(), opened: AtomicUsize::new(0) });
        let connector = Arc::clone(&counted) as Arc<dyn Connector>;
        let mail = Arc::new(SmtpImap::new(config.with_max_smtp_connections(4, 4), connector));
        let login = Login::new(format!("{name}@example.test").parse().unwrap(), "secret".into());
        servers.add_user(&login.address().to_string(), "secret").unwrap();
        Self { servers, counted, mail, login }
    }

    fn opened(&self) -> usize {
        self.counted.opened.load(Ordering::Relaxed)
    }

    fn letter(&self) -> Outgoing {
        let to = self.login.address();
        NewMessage::to(to).with_subject("a letter").with_text("hello").seal(&to.into()).unwrap()
    }

    /// Submits a message and returns its ID.
    async fn submit(&self) -> MessageId {
        let letter = self.letter();
        self.mail.submit(&self.login, &letter).await.unwrap();
        letter.message_id().clone()
    }

    /// Waits until nothing is on its way any more and checks that each of these has arrived, and nothing twice.
    async fn assert_arrived(&self, sent: &[MessageId]) {
        self.settle().await;
        let batch = self.mail.fetch(&self.login, &Selection::After(None), 1000).await.unwrap();
        let mut counts: HashMap<&MessageId, usize> = HashMap::new();
        for id in batch.messages.iter().filter_map(|message| message.message_id()) {
            *counts.entry(id).or_default() += 1;
        }
        assert!(sent.iter().all(|id| counts.contains_key(id)), "what was told is true: {counts:?}");
        assert!(counts.values().all(|&times| times == 1), "nothing comes twice: {counts:?}");
    }

    /// Waits until nothing is on its way any more.
    async fn settle(&self) {
        let begin = Instant::now();
        while !self.servers.queue_is_empty().unwrap() {
            assert!(begin.elapsed() < Duration::from_secs(30), "{}", self.servers.log_tail());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

type Case = for<'a> fn(&'a LocalServers) -> std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! cases {
    ($($case:ident)*) => { &[$((stringify!($case), |servers| Box::pin($case(servers)))),*] };
}

const CASES: &[(&str, Case)] = cases! {
    many_tasks_share_few_connections
    a_connection_that_postfix_closes_for_its_silence_is_noticed
    a_restart_of_postfix_costs_no_mail
    a_dropped_call_leaves_the_next_one_alone
    a_wrong_password_reaches_postfix_once
};

async fn many_tasks_share_few_connections(servers: &LocalServers) {
    let client = Client::new(servers, "many");
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (mail, login, letter) = (Arc::clone(&client.mail), client.login.clone(), client.letter());
            tokio::spawn(async move { mail.submit(&login, &letter).await.map(|_| letter) })
        })
        .collect();
    let mut sent = Vec::new();
    for task in tasks {
        sent.push(task.await.unwrap().unwrap().message_id().clone());
    }
    assert!((1..=4).contains(&client.opened()), "{}", client.opened());
    client.assert_arrived(&sent).await;
    // What is idle is used again.
    let opened = client.opened();
    for _ in 0..20 {
        client.submit().await;
    }
    assert_eq!(client.opened(), opened);
}

async fn a_connection_that_postfix_closes_for_its_silence_is_noticed(servers: &LocalServers) {
    let client = Client::new(servers, "silent");
    let first = client.submit().await;
    assert!(format!("{:?}", client.mail).contains("open: 1, idle: 1"), "{:?}", client.mail);
    let begin = Instant::now();
    while !format!("{:?}", client.mail).contains("open: 0, idle: 0") {
        assert!(begin.elapsed() < TIMEOUT + Duration::from_secs(30), "{:?}", client.mail);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begin.elapsed() >= TIMEOUT / 2, "it was Postfix that closed it, and not before");
    let second = client.submit().await;
    assert_eq!(client.opened(), 2);
    client.assert_arrived(&[first, second]).await;
}

async fn a_restart_of_postfix_costs_no_mail(servers: &LocalServers) {
    let client = Client::new(servers, "restarted");
    let mut sent = Vec::new();
    for _ in 0..2 {
        sent.push(client.submit().await);
        // Postfix delivers a message again if it is stopped before it noted that it did.
        client.settle().await;
        servers.restart_postfix().unwrap();
    }
    sent.push(client.submit().await);
    assert_eq!(client.opened(), 3);
    client.assert_arrived(&sent).await;
}

/// Each is dropped a little later than the one before, and the connection serves the next one.
async fn a_dropped_call_leaves_the_next_one_alone(servers: &LocalServers) {
    let client = Client::new(servers, "dropped");
    let (mut told, mut dropped) = (Vec::new(), 0);
    for round in 0..60 {
        let letter = client.letter();
        let call = client.mail.submit(&client.login, &letter);
        let done = tokio::time::timeout(Duration::from_micros(200 * round), call).await;
        match done {
            Ok(done) => told.push(done.map(|_| letter.message_id().clone()).unwrap()),
            Err(_) => dropped += 1,
        }
        told.push(client.submit().await);
    }
    assert!(dropped > 0);
    assert!(client.opened() <= 4, "{}", client.opened());
    client.assert_arrived(&told).await;
}

async fn a_wrong_password_reaches_postfix_once(servers: &LocalServers) {
    let client = Client::new(servers, "wrong");
    let wrong = Login::new(client.login.address().clone(), "guess".into());
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (mail, login, letter) = (Arc::clone(&client.mail), wrong.clone(), client.letter());
            tokio::spawn(async move { mail.submit(&login, &letter).await })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
        let left = error.retry_after().unwrap();
        assert!(left > Duration::from_secs(290) && left <= Duration::from_mins(5), "{left:?}");
    }
    assert_eq!(client.opened(), 1);
    client.submit().await;
}

/// How long Postfix waits for a command here; it counts in seconds.
const TIMEOUT: Duration = Duration::from_secs(3);
