//! What typed answers and manners cost, against a program that has neither.
//!
//! `cargo bench --bench mailcow` prints four ratios, then the times behind the first. *Decoding*: a list of 5000
//! mailboxes, in the recorded shape, by `Client::mailboxes` against `serde_json::Value` on the same bytes, in time
//! and in memory held. *Creating*: 1000 mailboxes by `Client::ensure_mailbox` on the fake over loopback HTTP, against
//! bare reqwest that makes the same requests, as many at once. *Unchanged*: 1000 mailboxes that are as wanted, by
//! `Client::ensure_mailboxes` against a read of each.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group};
use futures_util::{StreamExt, stream};
use mailcow_api::{
    Client, DomainName, FakeMailcow, FakeServer, How, HttpClient, HttpError, HttpRequest, HttpResponse,
    Mailbox, Mib, NewDomain, NewMailbox,
};
use peak_alloc::PeakAlloc;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let list = Recorded::list(5000);
    println!("a list of 5000 mailboxes: {} bytes", list.0.len());
    compare_decoding(&runtime, &list);
    compare_creating(&runtime);
    compare_unchanged(&runtime);
    decoding();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(decoding, decode);

fn decode(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let (list, mut group) = (Recorded::list(5000), criterion.benchmark_group("decode"));
    group.throughput(Throughput::Bytes(list.0.len() as u64)).sample_size(20);
    let client = list.client();
    group.bench_function("typed", |bencher| bencher.iter(|| typed(&runtime, &client)));
    group.bench_function("value", |bencher| bencher.iter(|| list.value()));
    group.finish();
}

fn compare_decoding(runtime: &Runtime, list: &Recorded) {
    let client = list.client();
    let (typed_time, value_time) =
        fastest_of(9, || drop(black_box(typed(runtime, &client))), || drop(black_box(list.value())));
    let (typed_bytes, value_bytes) = (held_by(|| typed(runtime, &client)), held_by(|| list.value()));
    println!(
        "decoding, time: {typed_time:.2?} to {value_time:.2?}, ratio {:.2}",
        ratio(typed_time, value_time)
    );
    #[allow(clippy::cast_precision_loss, reason = "a ratio of megabytes")]
    let memory = typed_bytes as f64 / value_bytes as f64;
    println!("decoding, memory held: {typed_bytes} to {value_bytes} bytes, ratio {memory:.2}");
}

fn compare_creating(runtime: &Runtime) {
    let (typed, bare) =
        fastest_of(5, || runtime.block_on(create_typed()), || runtime.block_on(create_bare()));
    println!(
        "creating 1000: {typed:.2?} to {bare:.2?}, {:.2} of the speed of bare reqwest",
        ratio(bare, typed)
    );
}

/// What it costs to find that nothing has to be done.
fn compare_unchanged(runtime: &Runtime) {
    let (mailcow, server) = runtime.block_on(empty());
    let client = Client::builder(&server.uri(), mailcow.api_key()).build().expect("it is a loopback address");
    let wanted: Vec<NewMailbox> = (0..COUNT).map(new_mailbox).collect();
    let ensure = || {
        let ensured = runtime.block_on(client.ensure_mailboxes(&wanted)).expect("the lists can be read");
        ensured.into_iter().map(|one| one.expect("it is there").how).collect::<Vec<_>>()
    };
    assert!(ensure().iter().all(|how| *how == How::Created));
    let before = mailcow.calls().len();
    assert!(ensure().iter().all(|how| *how == How::Existed));
    let calls = mailcow.calls().len() - before;
    let (together, singly) = fastest_of(
        5,
        || drop(black_box(ensure())),
        || {
            let reads = stream::iter(&wanted).map(|one| client.get_mailbox(one.address()));
            black_box(runtime.block_on(reads.buffer_unordered(AT_ONCE).collect::<Vec<_>>()));
        },
    );
    println!(
        "1000 unchanged: {calls} calls, {together:.2?} to {singly:.2?} for 1000 reads, ratio {:.2}",
        ratio(together, singly)
    );
}

/// A server that answers everything with one list.
#[derive(Clone, Debug)]
struct Recorded(Arc<Vec<u8>>);

impl Recorded {
    fn list(count: usize) -> Self {
        let recorded: Value = serde_json::from_str(RECORDED).expect("the fixture is JSON");
        let mailbox = &recorded[0]["response"]["body"];
        let rows: Vec<_> = (0..count)
            .map(|number| {
                let mut row = mailbox.clone();
                row["local_part"] = format!("agent-{number:04}").into();
                row["username"] = format!("agent-{number:04}@agents.example.com").into();
                row
            })
            .collect();
        // Mailcow indents its answers, by four blanks.
        let mut bytes = Vec::new();
        let style = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut writer = serde_json::Serializer::with_formatter(&mut bytes, style);
        rows.serialize(&mut writer).expect("it can be written");
        Self(Arc::new(bytes))
    }

    fn client(&self) -> Client {
        let builder = Client::builder("https://mail.example.com", "KEY".into());
        builder.http_client(Arc::new(self.clone())).build().expect("the address and the key are right")
    }

    fn value(&self) -> Value {
        // The client is given a body of its own too.
        let body = self.0.to_vec();
        serde_json::from_slice(&body).expect("it is JSON")
    }
}

#[async_trait]
impl HttpClient for Recorded {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        Ok(HttpResponse::new(200, self.0.to_vec()))
    }
}

fn typed(runtime: &Runtime, client: &Client) -> Vec<Mailbox> {
    runtime.block_on(client.mailboxes()).expect("it is a list of mailboxes")
}

async fn create_typed() {
    let (mailcow, server) = empty().await;
    let client = Client::builder(&server.uri(), mailcow.api_key()).build().expect("it is a loopback address");
    client.get_domain(&domain()).await.expect("it can be read").expect("it is there");
    let created = stream::iter(0..COUNT).map(|number| {
        let client = &client;
        async move {
            let ensured = client.ensure_mailbox(&new_mailbox(number)).await;
            assert_eq!(ensured.expect("it is created").how, How::Created);
        }
    });
    created.buffer_unordered(AT_ONCE).collect::<()>().await;
}

fn new_mailbox(number: usize) -> NewMailbox {
    let address = local_part(number) + "@" + DOMAIN;
    NewMailbox::new(address.parse().expect("it is one"), PASSWORD.into(), Mib::new(64))
}

async fn create_bare() {
    let (mailcow, server) = empty().await;
    let key = mailcow.api_key();
    let key = key.expose_secret();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build().expect("it takes them");
    let created = stream::iter(0..COUNT).map(|number| {
        let (http, base) = (&http, server.uri() + "/api/v1");
        async move {
            let read = format!("{base}/get/mailbox/{}%2540{DOMAIN}", local_part(number));
            let answer = |request: reqwest::RequestBuilder| async move {
                let answer = request.header("X-API-Key", key).send().await.expect("it answers");
                answer.bytes().await.expect("it answers wholly")
            };
            black_box(answer(http.get(&read)).await);
            let body = json!({
                "local_part": local_part(number), "domain": DOMAIN, "name": "", "authsource": "mailcow",
                "password": PASSWORD, "password2": PASSWORD, "quota": 64, "active": 1, "force_pw_update": 0, "tags": [],
            });
            let add = http.post(format!("{base}/add/mailbox")).header("Content-Type", "application/json");
            black_box(answer(add.body(body.to_string())).await);
            black_box(answer(http.get(&read)).await);
        }
    });
    created.buffer_unordered(AT_ONCE).collect::<()>().await;
    assert_eq!(mailcow.calls().iter().filter(|call| call.path.ends_with("add/mailbox")).count(), COUNT);
}

/// A server with one domain that has room enough.
async fn empty() -> (FakeMailcow, FakeServer) {
    let mailcow = FakeMailcow::new();
    let quota = Mib::new(1_000_000);
    let new =
        NewDomain::new(domain()).with_max_mailboxes(5000).with_quotas(Mib::new(64), Mib::new(64), quota);
    mailcow.client().add_domain(&new).await.expect("it is created");
    let server = mailcow.serve().await;
    (mailcow, server)
}

/// Runs both in turn and returns the fastest time of each: what else the machine does only adds to it.
fn fastest_of(rounds: usize, mut first: impl FnMut(), mut second: impl FnMut()) -> (Duration, Duration) {
    fn timed(run: &mut impl FnMut()) -> Duration {
        let begin = Instant::now();
        run();
        begin.elapsed()
    }
    let times: Vec<_> = (0..rounds).map(|_| (timed(&mut first), timed(&mut second))).collect();
    let fastest =
        |time: fn(&(Duration, Duration)) -> Duration| times.iter().map(time).min().unwrap_or_default();
    (fastest(|times| times.0), fastest(|times| times.1))
}

/// Returns how many bytes of the heap a value holds.
fn held_by<T>(make: impl Fn() -> T) -> usize {
    drop(make());
    let before = HEAP.current_usage();
    let value = make();
    let held = HEAP.current_usage().saturating_sub(before);
    drop(black_box(value));
    held
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn domain() -> DomainName {
    DOMAIN.parse().expect("it is a domain")
}

fn local_part(number: usize) -> String {
    format!("agent-{number:04}")
}

const RECORDED: &str = include_str!("../mailcow-api/tests/fixtures/mailboxes/get.json");
const DOMAIN: &str = "agents.example.com";
const PASSWORD: &str = "Fake-Passw0rd-1";
const COUNT: usize = 1000;
const AT_ONCE: usize = 8;
