//! A real Dovecot that is watched: how soon mail is seen, and what becomes of watchers when it goes away.

mod shared;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Arguments;
use mail_access::{
    Endpoint, LocalServers, LocalServersConfig, Login, MailAccess, NewMessage, Position, PushHealth,
    SmtpImap, SmtpImapConfig, TlsConnector, Watcher, tls_config,
};
use shared::Shared;
use tokio::time::timeout;

fn main() -> ExitCode {
    let servers = Shared::new(|| LocalServers::start(&LocalServersConfig::default()));
    let trials = CASES
        .iter()
        .map(|(name, case)| servers.trial(*name, |servers, runtime| runtime.block_on(case(servers))));
    // One restarts the server.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // The trials are gone, and with them all other owners: the servers stop here.
    drop(servers);
    conclusion.exit_code()
}

fn mail(servers: &LocalServers, config: impl FnOnce(SmtpImapConfig) -> SmtpImapConfig) -> Arc<SmtpImap> {
    let endpoint = |port| Endpoint::new("localhost", port).unwrap();
    let plain = SmtpImapConfig::new(endpoint(servers.smtps_port()), endpoint(servers.imaps_port()));
    let tls = TlsConnector::new(tls_config(Some(servers.ca_pem().as_bytes())).unwrap());
    Arc::new(SmtpImap::new(config(plain), Arc::new(tls)))
}

fn login(servers: &LocalServers, name: &str) -> Login {
    let login = Login::new(format!("{name}@example.test").parse().unwrap(), "secret".into());
    servers.add_user(&login.address().to_string(), "secret").unwrap();
    login
}

async fn send(mail: &SmtpImap, from: &Login, to: &Login, subject: &str) {
    let letter = NewMessage::to(to.address()).with_subject(subject).with_text("hello");
    mail.submit(from, &letter.seal(&from.address().into()).unwrap()).await.unwrap();
}

async fn next(watcher: &mut Watcher) -> String {
    let next = timeout(PATIENCE, watcher.next()).await.expect("mail is seen").unwrap().unwrap();
    assert!(!next.is_repeated);
    next.message.subject().to_owned()
}

/// Half of the mails that one agent of a program sends to another are there before Dovecot tells of them.
async fn what_is_sent_here_is_seen_at_once(servers: &LocalServers) {
    let mail = mail(servers, |config| config);
    let (ada, bob) = (login(servers, "ada-sends"), login(servers, "bob-waits"));
    let mut watcher = Watcher::new(mail.clone(), bob.clone(), None);
    let mut trips = Vec::new();
    for number in 0..TRIPS {
        let begin = Instant::now();
        // It waits while the mail is sent, as agents do.
        let subject = number.to_string();
        let (seen, ()) = tokio::join!(next(&mut watcher), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            send(&mail, &ada, &bob, &subject).await;
        });
        assert_eq!(seen, subject);
        trips.push(begin.elapsed().saturating_sub(Duration::from_millis(50)));
    }
    trips.sort_unstable();
    println!("round trips: p50 {:?}, p90 {:?}", trips[TRIPS / 2], trips[TRIPS * 9 / 10]);
    assert!(trips[TRIPS / 2] < Duration::from_millis(400), "{trips:?}");
    assert_eq!(watcher.health(), PushHealth::Good);
}

/// Mail that came by another way wakes who waits, by IDLE or by hint.
async fn what_others_send_is_seen_too(servers: &LocalServers) {
    let (ours, theirs) = (mail(servers, |config| config), mail(servers, |config| config));
    let (ada, bob) = (login(servers, "ada-elsewhere"), login(servers, "bob-here"));
    let mut watcher = Watcher::new(ours.clone(), bob.clone(), None);
    for (number, hints) in [false, true, false, true].into_iter().enumerate() {
        let subject = number.to_string();
        let (seen, ()) = tokio::join!(next(&mut watcher), async {
            send(&theirs, &ada, &bob, &subject).await;
            if hints {
                ours.hint(bob.address());
            }
        });
        assert_eq!(seen, subject);
    }
}

/// More who watch than connections: each gets its mail in turn.
async fn many_watch_over_few_connections(servers: &LocalServers) {
    let few =
        |config: SmtpImapConfig| config.with_max_imap_connections(2).with_imap_turn(Duration::from_secs(1));
    let mail = mail(servers, few);
    let agents: Vec<Login> = (0..6).map(|number| login(servers, &format!("turn-{number}"))).collect();
    let mut watchers: Vec<Watcher> =
        agents.iter().map(|agent| Watcher::new(mail.clone(), agent.clone(), None)).collect();
    for round in ["first", "second"] {
        let seen = watchers.iter_mut().map(next);
        let all = futures_join(seen.collect());
        let sending = async {
            for agent in &agents {
                send(&mail, agent, agent, round).await;
            }
        };
        let (seen, ()) = tokio::join!(all, sending);
        assert_eq!(seen, vec![round.to_owned(); agents.len()]);
        assert!(format!("{mail:?}").contains("mailboxes: Pool { open: "), "{mail:?}");
    }
}

/// Dovecot goes away and comes back under those who watch.
async fn a_restart_is_survived(servers: &LocalServers) {
    let mail = mail(servers, |config| config);
    let agents: Vec<Login> = (0..4).map(|number| login(servers, &format!("restart-{number}"))).collect();
    let mut watchers: Vec<Watcher> =
        agents.iter().map(|agent| Watcher::new(mail.clone(), agent.clone(), None)).collect();
    for agent in &agents {
        send(&mail, agent, agent, "before").await;
    }
    assert_eq!(futures_join(watchers.iter_mut().map(next).collect()).await, vec!["before"; 4]);
    let restart = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        servers.stop_dovecot();
        tokio::time::sleep(Duration::from_secs(1)).await;
        servers.restart_dovecot().unwrap();
        for agent in &agents {
            send(&mail, agent, agent, "after").await;
        }
    };
    let (seen, ()) = tokio::join!(futures_join(watchers.iter_mut().map(next).collect()), restart);
    assert_eq!(seen, vec!["after"; 4]);
    // A mailbox that is numbered anew is read anew, and known again.
    servers.reset_uidvalidity(&agents[0].address().to_string()).unwrap();
    let from = Position { uid_validity: 1, uid: 0 };
    let mut later = Watcher::new(mail.clone(), agents[0].clone(), Some(from));
    let first = timeout(PATIENCE, later.next()).await.unwrap().unwrap().unwrap();
    assert!(first.is_repeated, "nobody knows what was read before");
}

/// Waits for all of them at the same time.
async fn futures_join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

type Case = for<'a> fn(&'a LocalServers) -> std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

const CASES: &[(&str, Case)] = &[
    ("what_is_sent_here_is_seen_at_once", |servers| Box::pin(what_is_sent_here_is_seen_at_once(servers))),
    ("what_others_send_is_seen_too", |servers| Box::pin(what_others_send_is_seen_too(servers))),
    ("many_watch_over_few_connections", |servers| Box::pin(many_watch_over_few_connections(servers))),
    ("a_restart_is_survived", |servers| Box::pin(a_restart_is_survived(servers))),
];

const TRIPS: usize = 40;
const PATIENCE: Duration = Duration::from_mins(2);
