//! Simultaneous creates near the limits of a domain.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use mailcow_api::{
    Client, DomainChange, DomainName, Error, HttpClient, HttpError, HttpRequest, HttpResponse, Method, Mib,
    NewMailbox,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// A server that counts the mailboxes of its one domain, thinks for a second and only then creates, as Mailcow does.
#[derive(Debug)]
struct Racy {
    mailboxes: Mutex<i64>,
    limit: i64,
    quota_mib: i64,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

#[async_trait]
impl HttpClient for Racy {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let before = *self.mailboxes.lock().unwrap();
        let answer = match request.url.path().strip_prefix("/api/v1/").unwrap() {
            "add/mailbox" => {
                let at_once = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
                self.most_at_once.fetch_max(at_once, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                self.at_once.fetch_sub(1, Ordering::Relaxed);
                if before >= self.limit {
                    json!([{"type": "danger", "msg": ["max_mailbox_exceeded", before, self.limit]}])
                } else if (before + 1) * EACH > self.quota_mib {
                    json!([{"type": "danger", "msg": ["mailbox_quota_left_exceeded", 0]}])
                } else {
                    *self.mailboxes.lock().unwrap() += 1;
                    json!([{"type": "success", "msg": ["mailbox_added", "it"]}])
                }
            }
            "edit/domain" => json!([{"type": "success", "msg": ["domain_modified", DOMAIN]}]),
            _ => {
                assert_eq!(request.method, Method::Get);
                let answer = json!({
                    "domain_name": DOMAIN,
                    "mboxes_left": self.limit - before,
                    "max_quota_for_domain": self.quota_mib * MIB,
                    "quota_used_in_domain": (before * EACH * MIB).to_string(),
                });
                // What was counted may be old when it arrives.
                sleep(Duration::from_millis(1500)).await;
                answer
            }
        };
        Ok(HttpResponse::new(200, answer.to_string()))
    }
}

fn server(mailboxes: i64, limit: i64, quota_mib: i64) -> Arc<Racy> {
    let (at_once, most_at_once) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Arc::new(Racy { mailboxes: Mutex::new(mailboxes), limit, quota_mib, at_once, most_at_once })
}

fn client(server: &Arc<Racy>) -> Client {
    Client::builder("https://mail.example.com", "KEY".into()).http_client(server.clone()).build().unwrap()
}

fn domain() -> DomainName {
    DOMAIN.parse().unwrap()
}

async fn create(client: &Client, number: usize) -> Result<(), Error> {
    let address = format!("agent-{number}@{DOMAIN}").parse().unwrap();
    client.add_mailbox(&NewMailbox::new(address, "Fake-Passw0rd-1".into(), Mib::new(64))).await
}

/// Creates eight at once and returns how many there are then.
async fn eight(server: &Arc<Racy>, client: &Client) -> i64 {
    let results = join_all((0..8).map(|number| create(client, number))).await;
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
    *server.mailboxes.lock().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_server_itself_is_overrun() {
    let server = server(4, 5, 10_000);
    let clients: Vec<_> = (0..8).map(|_| client(&server)).collect();
    join_all(clients.iter().enumerate().map(|(number, client)| create(client, number))).await;
    assert_eq!(*server.mailboxes.lock().unwrap(), 12, "eight clients know nothing of each other");
}

#[tokio::test(start_paused = true)]
async fn one_client_fills_a_domain_to_its_limit_and_not_beyond() {
    for (mailboxes, limit, quota_mib, filled) in [(4, 5, 10_000, 5), (0, 5, 10_000, 5), (0, 100, 3 * EACH, 3)]
    {
        for is_read in [false, true] {
            let server = server(mailboxes, limit, quota_mib);
            let client = client(&server);
            if is_read {
                client.get_domain(&domain()).await.unwrap();
            }
            assert_eq!(
                eight(&server, &client).await,
                filled,
                "limit {limit}, {quota_mib} MiB, read: {is_read}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_there_is_room_creates_go_side_by_side() {
    let server = server(0, 100, 10_000);
    let client = client(&server);
    client.get_domain(&domain()).await.unwrap();
    let begin = Instant::now();
    assert_eq!(eight(&server, &client).await, 8);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(server.most_at_once.load(Ordering::Relaxed), 8);
}

#[tokio::test(start_paused = true)]
async fn a_read_during_creates_does_not_count_their_room_twice() {
    let server = server(0, 5, 10_000);
    let client = client(&server);
    client.get_domain(&domain()).await.unwrap();
    // The creates are over before the read is, which has not seen them.
    let first = join_all((10..13).map(|number| create(&client, number)));
    let (read, first) = tokio::join!(async { client.get_domain(&domain()).await }, first);
    assert!(read.unwrap().is_some() && first.iter().all(Result::is_ok));
    assert_eq!(eight(&server, &client).await, 5);
}

#[tokio::test(start_paused = true)]
async fn new_limits_are_not_guessed() {
    let server = server(0, 100, 10_000);
    let client = client(&server);
    client.get_domain(&domain()).await.unwrap();
    client.edit_domain(&domain(), &DomainChange::new().with_max_mailboxes(5)).await.unwrap();
    eight(&server, &client).await;
    assert_eq!(server.most_at_once.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_create_does_not_hold_up_the_others() {
    let server = server(0, 5, 10_000);
    let client = client(&server);
    let dropped = tokio::time::timeout(Duration::from_millis(500), create(&client, 99)).await;
    assert!(dropped.is_err());
    assert_eq!(eight(&server, &client).await, 5);
}

const DOMAIN: &str = "agents.example.com";
const MIB: i64 = 1_048_576;
/// The MiB of each mailbox.
const EACH: i64 = 64;
