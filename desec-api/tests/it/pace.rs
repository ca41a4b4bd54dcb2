use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use desec_api::{
    Client, DomainName, Error, FakeDesec, Fault, FilePaceStore, HttpClient, HttpError, HttpRequest,
    HttpResponse, Pace, PaceEntry, PaceStore, PaceStoreError, RecordType, RrSetPatch, Scope, Ttl,
};
use tokio::{task::JoinSet, time::Instant};

use crate::recording::{Script, recording};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn fake(domains: &[&str]) -> FakeDesec {
    let fake = FakeDesec::new();
    for domain in domains {
        fake.add_domain(&name(domain), ttl());
    }
    fake.throttle(true);
    fake
}

fn ttl() -> Ttl {
    Ttl::new(3600).unwrap()
}

fn deletion() -> [RrSetPatch; 1] {
    [RrSetPatch::delete("x".parse().unwrap(), RecordType::A)]
}

fn refused(fake: &FakeDesec) -> usize {
    fake.calls().iter().filter(|call| call.status == Some(429)).count()
}

#[tokio::test(start_paused = true)]
async fn many_calls_never_see_a_429() {
    let fake = fake(&["a.example", "b.example"]);
    let client = fake.client_builder().max_wait(Duration::from_hours(25)).build().unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..240 {
        let client = client.clone();
        tasks.spawn(async move {
            let domain = name(["a.example", "b.example"][n % 2]);
            match n % 4 {
                0 | 3 => client.patch_rrsets(&domain, &deletion()).await.map(drop),
                1 => client.zone(&domain).await.map(drop),
                _ => client.domain(&domain).await.map(drop),
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!((fake.calls().len(), refused(&fake)), (240, 0));
}

/// A line on which requests take longer or shorter to arrive, and answers to come back.
#[derive(Debug)]
struct Jitter(FakeDesec, AtomicU64);

#[async_trait]
impl HttpClient for Jitter {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let n = self.1.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(n * 37 % 311)).await;
        let response = self.0.handle(&request);
        tokio::time::sleep(Duration::from_millis(n * 53 % 97)).await;
        Ok(response)
    }
}

#[tokio::test(start_paused = true)]
async fn an_uneven_line_brings_no_429() {
    let fake = fake(&["a.example"]);
    let builder = fake.client_builder().http_client(Arc::new(Jitter(fake.clone(), AtomicU64::new(0))));
    let client = builder.max_wait(Duration::from_hours(1)).build().unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let client = client.clone();
        tasks.spawn(async move {
            match n % 5 {
                0 => client.patch_rrsets(&name("a.example"), &deletion()).await.map(drop),
                _ => client.domain(&name("a.example")).await.map(drop),
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!((fake.calls().len(), refused(&fake)), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn the_windows_of_hour_and_day_are_kept() {
    let (fake, start) = (fake(&["a.example"]), Instant::now());
    let client = fake.client_builder().max_wait(Duration::from_hours(25)).build().unwrap();
    for _ in 0..301 {
        client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap();
    }
    assert_eq!(refused(&fake), 0);
    let (day, more) = (Duration::from_hours(24), Duration::from_secs(10));
    assert_eq!(start.elapsed(), day + more, "300 writes a day, and time for clocks that differ");
}

#[tokio::test(start_paused = true)]
async fn the_fake_throttles_exactly() {
    let (fake, start) = (fake(&["a.example"]), Instant::now());
    let client = fake.client_builder().unpaced().build().unwrap();
    for _ in 0..15 {
        client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap();
    }
    // Two a second: each third attempt is told to wait a second.
    assert_eq!((start.elapsed(), refused(&fake)), (Duration::from_secs(7), 7));
    client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_mins(1));
    fake.throttle(false);
    for _ in 0..100 {
        client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_an_error() {
    let own = || Scope::Write(name("a.example"));
    for (file, seconds, scope) in [("throttle_daily", 86_400, Scope::User), ("throttle_long", 1_065, own())] {
        let exchange = recording(file).into_iter().find(|exchange| exchange.status == 429).unwrap();
        let (script, start) = (Script::new([exchange.response()]), Instant::now());
        let (client, domain) = (script.client(), name("a.example"));
        let error = match scope {
            Scope::User => client.domain(&domain).await.unwrap_err(),
            _ => client.patch_rrsets(&domain, &deletion()).await.unwrap_err(),
        };
        assert!(matches!(&error, Error::Throttled { scope: named, .. } if *named == scope), "{error:?}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        assert!(error.is_retryable() && !error.outcome_unknown());
        assert!(error.to_string().ends_with(&format!("try again in {seconds} seconds")), "{error}");
        assert_eq!((start.elapsed(), script.seen().len()), (Duration::ZERO, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_demands_is_waited_for() {
    let throttled = recording("throttle_reads")[0].response();
    let done = recording("domains_get")[0].response();
    let (script, start) = (Script::new([throttled, done]), Instant::now());
    script.client().domain(&name("example.com")).await.unwrap();
    assert_eq!((start.elapsed(), script.seen().len()), (Duration::from_secs(54), 2));
}

#[tokio::test(start_paused = true)]
async fn absurd_demands_are_survived() {
    let demand = |wait: &str| HttpResponse::new(429).with_header("Retry-After", wait);
    let (script, start) = (Script::new((0..100).map(|_| demand("0"))), Instant::now());
    let client = Client::builder("t".into()).http_client(script.clone()).unpaced().build().unwrap();
    client.domain(&name("a.example")).await.unwrap_err();
    assert_eq!((start.elapsed(), script.calls()), (Duration::from_mins(1), 61), "one a second");
    let script = Script::new([demand("18446744073709551615")]);
    let client = Client::builder("t".into()).http_client(script).max_wait(Duration::MAX);
    let (client, domain) = (client.build().unwrap(), name("a.example"));
    let patient = tokio::time::timeout(Duration::from_hours(1), client.domain(&domain));
    assert!(patient.await.is_err(), "it waits");
}

#[tokio::test(start_paused = true)]
async fn without_a_word_the_client_backs_off() {
    let silent = recording("throttle_nginx")[0].response();
    let done = recording("domains_get")[0].response();
    let (script, start) = (Script::new([silent.clone(), silent.clone(), done]), Instant::now());
    script.client().domain(&name("example.com")).await.unwrap();
    assert!((3_000..4_500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

    let (script, start) = (Script::new(std::iter::repeat_n(silent, 20)), Instant::now());
    let error = script.client().domain(&name("example.com")).await.unwrap_err();
    assert!(matches!(error, Error::Throttled { retry_after: None, .. }), "{error:?}");
    assert!(start.elapsed() <= Duration::from_mins(1));
    assert!(script.seen().len() < 8, "{}", script.seen().len());
}

#[tokio::test(start_paused = true)]
async fn clones_share_what_the_server_demands() {
    let (fake, start) = (fake(&["a.example"]), Instant::now());
    let client = fake.client().unwrap();
    fake.inject(Fault::Throttled { retry_after: Some(Duration::from_secs(30)) });
    let other = client.clone();
    let (domain, patches) = (name("a.example"), deletion());
    let (first, second) =
        tokio::join!(client.patch_rrsets(&domain, &patches), other.patch_rrsets(&domain, &patches));
    first.unwrap();
    second.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert_eq!(fake.calls().len(), 3, "the second one did not ask meanwhile");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_place_back() {
    let fake = fake(&["a.example"]);
    let client = fake.client().unwrap();
    fake.inject(Fault::Throttled { retry_after: Some(Duration::from_secs(30)) });
    let domain = name("a.example");
    let cut = tokio::time::timeout(Duration::from_secs(1), client.domain(&domain)).await;
    assert!(cut.is_err());
    client.domain(&domain).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_window_may_speak_after_the_first() {
    let demand = |wait: &str| HttpResponse::new(429).with_header("Retry-After", wait);
    let done = recording("domains_get")[0].response();
    let (script, start) = (Script::new([demand("1"), demand("52"), done]), Instant::now());
    script.client().domain(&name("example.com")).await.unwrap();
    assert_eq!((start.elapsed(), script.calls()), (Duration::from_secs(53), 3));
    let (script, start) = (Script::new([demand("1"), demand("60")]), Instant::now());
    let error = script.client().domain(&name("example.com")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    assert_eq!((start.elapsed(), script.calls()), (Duration::from_secs(1), 2), "the rest is too long");
}

/// Reads with two clients in turn, and returns how many requests were refused.
async fn refused_of_two(paces: [Pace; 2]) -> usize {
    let fake = fake(&["a.example"]);
    let clients = paces.map(|pace| fake.client_builder().pace(pace).build().unwrap());
    for n in 0..100 {
        clients[n % 2].domain(&name("a.example")).await.unwrap();
    }
    refused(&fake)
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_account_share_a_pace() {
    let pace = Pace::new();
    assert_eq!(refused_of_two([pace.clone(), pace]).await, 0);
    assert!(refused_of_two([Pace::new(), Pace::new()]).await > 0, "they do need to");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_reach_the_server_costs_nothing() {
    let (fake, start) = (fake(&["a.example"]), Instant::now());
    let client = fake.client().unwrap();
    for _ in 0..100 {
        fake.inject(Fault::Unreachable);
        client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap_err();
    }
    client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap();
    let usage = client.pace().usage(&Scope::Write(name("a.example")));
    assert_eq!((usage.used, usage.limit, start.elapsed()), (1, Some(300), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_file_remembers_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pace");
    let fake = fake(&["a.example"]);
    let scope = Scope::Write(name("a.example"));
    for life in 0..3 {
        let pace = Pace::restored(Arc::new(FilePaceStore::new(&path))).await.unwrap();
        assert_eq!(pace.usage(&scope).used, 2 * life);
        let client = fake.client_builder().pace(pace).max_wait(Duration::from_mins(5)).build().unwrap();
        for _ in 0..2 {
            client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap();
        }
    }
    assert_eq!(refused(&fake), 0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text.lines().filter(|line| line.ends_with(" token write:a.example 75000")).count(),
        6,
        "{text}"
    );
}

/// A store on a full disk.
#[derive(Debug)]
struct Full;

#[async_trait]
impl PaceStore for Full {
    async fn load(&self) -> Result<Vec<(PaceEntry, Duration)>, PaceStoreError> {
        Ok(Vec::new())
    }

    async fn record(&self, _: &PaceEntry) -> Result<(), PaceStoreError> {
        Err(PaceStoreError::new("the disk is full"))
    }
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be_noted() {
    let fake = fake(&["a.example"]);
    let pace = Pace::restored(Arc::new(Full)).await.unwrap();
    let client = fake.client_builder().pace(pace).build().unwrap();
    let error = client.patch_rrsets(&name("a.example"), &deletion()).await.unwrap_err();
    assert!(matches!(error, Error::PaceStore { .. }), "{error:?}");
    assert!(error.is_retryable() && !error.outcome_unknown());
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("the disk is full") && !error.to_string().contains("full"), "{error}: {source}");
    assert_eq!((fake.calls().len(), client.pace().usage(&Scope::User).used), (0, 0));
}
