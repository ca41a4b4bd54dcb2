//! DKIM keys: recordings played back, the ensure procedure, and the turns per domain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mailcow_api::{
    Client, DkimKeySpec, DomainName, FakeMailcow, Fault, How, HttpClient, HttpError, HttpRequest,
    HttpResponse, Method, NewDomain, ProblemKind,
};

use crate::replay;

const ALL: &str = "dkim/all.json";

fn agents() -> DomainName {
    "agents.example.com".parse().unwrap()
}

fn spec(selector: &str) -> DkimKeySpec {
    DkimKeySpec::new(selector).unwrap()
}

async fn fleet() -> (FakeMailcow, Client) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    client.add_domain(&NewDomain::new(agents())).await.unwrap();
    (mailcow, client)
}

#[tokio::test]
async fn the_key_is_read_with_its_record() {
    let dkim = replay::one(ALL, 0, &[]).get_dkim(&agents()).await.unwrap().unwrap();
    assert_eq!((dkim.selector.as_str(), dkim.bits), ("dkim", 2048));
    assert_eq!(dkim.txt, format!("v=DKIM1;k=rsa;t=s;s=email;p={}", dkim.public_key));
    let client = replay::one("server/get-nonexistent.json", 22, &[]);
    assert_eq!(client.get_dkim(&"nope.example.com".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    let net = "example.net".parse().unwrap();
    replay::one(ALL, 2, &[]).add_dkim(&net, &spec("s1").with_bits(1024).unwrap()).await.unwrap();
    let error = replay::one(ALL, 1, &[]).add_dkim(&agents(), &spec("dkim")).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code(), "dkim_domain_or_sel_invalid");
    let unknown = "nope.example.com".parse().unwrap();
    let error = replay::one(ALL, 5, &[]).add_dkim(&unknown, &spec("dkim")).await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), ProblemKind::AccessDenied);
}

#[tokio::test]
async fn a_delete_is_safe_to_repeat() {
    let tags = "tags.example.com".parse().unwrap();
    replay::one(ALL, 13, &[]).delete_dkim(&tags).await.unwrap();
}

#[tokio::test]
async fn the_second_ensure_writes_nothing() {
    let (mailcow, client) = fleet().await;
    let before = mailcow.writes();
    let first = client.ensure_dkim(&agents(), &spec("dkim")).await.unwrap();
    assert_eq!((first.how, first.differs), (How::Created, vec![]));
    let second = client.ensure_dkim(&agents(), &spec("dkim")).await.unwrap();
    assert_eq!((second.how, second.value), (How::Existed, first.value));
    assert_eq!(mailcow.writes(), before + 1);
}

#[tokio::test]
async fn a_key_under_another_selector_is_kept_and_named() {
    let (_, client) = fleet().await;
    client.add_dkim(&agents(), &spec("old")).await.unwrap();
    let ensured = client.ensure_dkim(&agents(), &spec("new")).await.unwrap();
    assert_eq!((ensured.value.selector.as_str(), ensured.differs), ("old", vec!["dkim_selector"]));
}

#[tokio::test]
async fn ensure_recovers_from_a_lost_answer() {
    let (mailcow, client) = fleet().await;
    mailcow.fail_next("add/dkim", Fault::DoneButEmpty);
    assert_eq!(client.ensure_dkim(&agents(), &spec("dkim")).await.unwrap().how, How::Recovered);
}

#[tokio::test]
async fn clones_take_turns_so_that_one_key_is_made() {
    let (mailcow, _) = fleet().await;
    let before = mailcow.writes();
    let slow = Arc::new(Slow {
        mailcow: mailcow.clone(),
        under_way: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let client = Client::builder("https://mail.example.com", mailcow.api_key())
        .http_client(slow.clone())
        .build()
        .unwrap();
    let calls = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.ensure_dkim(&agents(), &spec("dkim")).await.unwrap().how })
    });
    let mut created = 0;
    for call in calls.collect::<Vec<_>>() {
        created += usize::from(call.await.unwrap() == How::Created);
    }
    assert_eq!((created, mailcow.writes() - before), (1, 1));
    assert_eq!(slow.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_passes_the_turn_on() {
    let client = Client::builder("https://mail.example.com", "KEY".into())
        .http_client(Arc::new(Silent))
        .deadline(Duration::from_hours(1))
        .build()
        .unwrap();
    let (domain, key) = (agents(), spec("dkim"));
    for _ in 0..2 {
        let dropped = tokio::time::timeout(Duration::from_secs(1), client.add_dkim(&domain, &key)).await;
        assert!(dropped.is_err(), "the server never answers");
    }
}

/// A server that takes a while, and counts how many calls are under way at once.
#[derive(Debug)]
struct Slow {
    mailcow: FakeMailcow,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl HttpClient for Slow {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        assert_ne!(request.method == Method::Post, request.body.is_none(), "a write has a body");
        self.mailcow.handle(&request)
    }
}

/// A server that never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl HttpClient for Silent {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        std::future::pending().await
    }
}
