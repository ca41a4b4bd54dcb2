//! What it costs to find out what a zone lacks, against reading its JSON.
//!
//! `cargo bench --bench desec` prints, for zones of 2500 and 5000 RRsets in the recorded shape, ratios to
//! `serde_json::Value` on the same bytes: of a plan that finds nothing to do, of one where each content is spelled
//! in another way, of one that changes each RRset, and of `Client::plan` from the bytes on. Then it counts the
//! requests of a mail domain: two for the first `ensure`, one for the next.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group};
use desec_api::{
    Client, Desired, DomainName, FakeDesec, HttpClient, HttpError, HttpRequest, HttpResponse, NewRrSet,
    RrSet, Ttl, txt,
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    compare_planning(&runtime);
    count_requests(&runtime);
    planning();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(planning, plan);

fn plan(criterion: &mut Criterion) {
    let zone = Zone::new(5000);
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(5000)).sample_size(20);
    let (unchanged, spelled) = (zone.wish(str::to_owned), zone.wish(spelled));
    group.bench_function("unchanged", |bencher| bencher.iter(|| zone.plan(&unchanged)));
    group.bench_function("spelled", |bencher| bencher.iter(|| zone.plan(&spelled)));
    group.bench_function("value", |bencher| bencher.iter(|| zone.value()));
    group.finish();
}

fn compare_planning(runtime: &Runtime) {
    let mut times = Vec::new();
    for count in [2500, 5000] {
        let zone = Zone::new(count);
        let client = zone.client();
        let (unchanged, spelled, changed) =
            (zone.wish(str::to_owned), zone.wish(spelled), zone.wish(changed).prune());
        assert!(zone.plan(&unchanged) == 0 && zone.plan(&spelled) == 0 && zone.plan(&changed) == count);
        println!("a zone of {count} RRsets: {} bytes", zone.bytes.len());
        let [parsed, unchanged_time, spelled_time, changed_time, read] = fastest_of(
            40,
            [
                &|| drop(black_box(zone.value())),
                &|| {
                    black_box(zone.plan(&unchanged));
                },
                &|| {
                    black_box(zone.plan(&spelled));
                },
                &|| {
                    black_box(zone.plan(&changed));
                },
                &|| {
                    let plan = runtime.block_on(client.plan(&zone.domain, &unchanged));
                    assert!(black_box(plan).expect("it can be read").is_empty());
                },
            ],
        );
        for (what, time) in [
            ("planned, nothing to do", unchanged_time),
            ("planned, all spelled otherwise", spelled_time),
            ("planned, all changed", changed_time),
            ("read and planned", read),
        ] {
            println!("  {what}: {time:.2?} to {parsed:.2?} for the JSON, ratio {:.2}", ratio(time, parsed));
        }
        times.push([unchanged_time, spelled_time, changed_time, read]);
    }
    let growth: Vec<String> =
        times[0].iter().zip(times[1]).map(|(half, whole)| format!("{:.2}", ratio(whole, *half))).collect();
    println!("twice the RRsets take so many times as long: {}", growth.join(", "));
}

/// What a mail domain costs.
fn count_requests(runtime: &Runtime) {
    let (domain, fake) = (domain(), FakeDesec::new());
    let ttl = Ttl::new(3600).expect("it is one");
    fake.add_domain(&domain, ttl);
    let client = fake.client().expect("its settings are right");
    let set = |(subname, rtype, content): (&str, &str, String)| {
        let (subname, rtype) = (subname.parse().expect("it is a name"), rtype.parse().expect("it is a type"));
        NewRrSet::new(subname, rtype, ttl, [content])
    };
    let sets = [
        ("", "MX", "10 mail.example.net.".into()),
        ("", "TXT", txt("v=spf1 mx -all")),
        ("dkim._domainkey", "TXT", txt(&format!("v=DKIM1; k=rsa; p={}", "A".repeat(392)))),
        ("_dmarc", "TXT", txt("v=DMARC1; p=reject")),
        ("_submissions._tcp", "SRV", "0 1 465 mail.example.net.".into()),
        ("autoconfig", "CNAME", "mail.example.net.".into()),
    ];
    let desired = Desired::new(sets.into_iter().map(set));
    let ensure = || {
        let before = fake.calls().len();
        runtime.block_on(client.ensure(&domain, &desired)).expect("the fake takes it");
        fake.calls().len() - before
    };
    let (first, next) = (ensure(), ensure());
    println!("a mail domain: {first} requests at first, {next} when nothing has changed");
    assert_eq!((first, next), (2, 1));
}

/// A zone, as the server would send it and as it is read.
struct Zone {
    domain: DomainName,
    bytes: Vec<u8>,
    sets: Vec<RrSet>,
}

impl Zone {
    fn new(count: usize) -> Self {
        let recorded: Value = serde_json::from_str(RECORDED).expect("the fixture is JSON");
        let template = &recorded[0]["response"]["body"][0];
        assert!(template["touched"].is_string(), "an RRset was recorded");
        let rows: Vec<Value> = (0..count).map(|n| row(template, n)).collect();
        let bytes = serde_json::to_vec(&rows).expect("it can be written");
        let sets = serde_json::from_slice(&bytes).expect("they are RRsets");
        Self { domain: domain(), bytes, sets }
    }

    fn wish(&self, spelled: impl Fn(&str) -> String) -> Desired {
        let set = |set: &RrSet| {
            let records = set.records.iter().rev().map(|content| spelled(content));
            NewRrSet::new(set.subname.clone(), set.rtype.clone(), set.ttl, records)
        };
        Desired::new(self.sets.iter().map(set))
    }

    fn plan(&self, desired: &Desired) -> usize {
        desired.plan(&self.domain, &self.sets).expect("nothing stands against it").changes().len()
    }

    fn value(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("it is JSON")
    }

    fn client(&self) -> Client {
        let pages = Pages(self.bytes.clone());
        let builder = Client::builder("token".into()).http_client(Arc::new(pages));
        builder.unpaced().build().expect("its settings are right")
    }
}

/// A server that sends a whole zone in one page.
#[derive(Debug)]
struct Pages(Vec<u8>);

#[async_trait]
impl HttpClient for Pages {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        Ok(HttpResponse::new(200).with_body(self.0.clone()))
    }
}

// What agents' domains have, five RRsets for each.
fn row(template: &Value, n: usize) -> Value {
    let label = format!("agent-{:04}", n / 5);
    let (subname, rtype, records) = match n % 5 {
        0 => (label, "A", json!(["192.0.2.1", "192.0.2.2"])),
        1 => (label, "MX", json!(["10 mx1.example.net.", "20 mx2.example.net."])),
        2 => (label, "TXT", json!([txt("v=spf1 mx -all")])),
        3 => {
            let key = txt(&format!("v=DKIM1; k=rsa; p={}", "MIIBIjANBgkqhkiG9w0B".repeat(20)));
            (format!("dkim._domainkey.{label}"), "TXT", json!([key]))
        }
        _ => (format!("_submissions._tcp.{label}"), "SRV", json!(["0 1 465 mail.example.net."])),
    };
    let mut row = template.clone();
    row["name"] = format!("{subname}.{DOMAIN}.").into();
    row["domain"] = DOMAIN.into();
    row["subname"] = subname.into();
    row["type"] = rtype.into();
    row["records"] = records;
    row
}

/// Says the same in another way.
fn spelled(content: &str) -> String {
    format!("( {} ) ; the same", content.replace("example.net", "EXAMPLE.net").replace("v=", "\\118="))
}

/// Says something else.
fn changed(content: &str) -> String {
    content.replace("192.0.2", "198.51.100").replace("example.net", "example.org").replace("v=", "w=")
}

/// Runs all in turn and returns the fastest time of each: what else the machine does only adds to it.
fn fastest_of<const N: usize>(rounds: usize, runs: [&dyn Fn(); N]) -> [Duration; N] {
    let mut fastest = [Duration::MAX; N];
    for _ in 0..rounds {
        for (time, run) in fastest.iter_mut().zip(runs) {
            let begin = Instant::now();
            run();
            *time = begin.elapsed().min(*time);
        }
    }
    fastest
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn domain() -> DomainName {
    DOMAIN.parse().expect("it is a domain")
}

const RECORDED: &str = include_str!("../desec-api/tests/fixtures/rrsets_list.json");
const DOMAIN: &str = "agents.example.com";
