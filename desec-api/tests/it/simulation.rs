//! Thirty days at the limit: a thousand domains, restarts, a slow line, and a server that counts exactly.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use desec_api::{
    Client, DomainName, Error, FakeDesec, HttpClient, HttpError, HttpRequest, HttpResponse, Method, Pace,
    PaceEntry, PaceStore, PaceStoreError, RecordType, RrSetPatch, Ttl,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

/// As many days as `DESEC_SIMULATION_DAYS` says, at least four.
#[tokio::test(start_paused = true)]
async fn a_month_at_the_limit_brings_no_429() {
    let days = number("DESEC_SIMULATION_DAYS", 30).max(4);
    let seed = number("DESEC_SIMULATION_SEED", 7);
    println!("DESEC_SIMULATION_DAYS={days} DESEC_SIMULATION_SEED={seed}");
    let world = World::new(seed);
    let (start, real) = (Instant::now(), std::time::Instant::now());
    let end = start + DAY * u32::try_from(days).unwrap();
    let mut restarts = 0;
    while Instant::now() < end {
        let life = end.min(Instant::now() + world.random.time(Duration::from_hours(10)));
        world.live(life).await;
        restarts += 1;
    }
    // Requests that outlive the last process arrive as well.
    sleep(SLOWEST * 2).await;
    let refused = world.fake.calls().iter().filter(|call| call.status == Some(429)).count();
    let arrived = world.line.arrived.lock().unwrap().clone();
    let sent = arrived.len();
    println!("{days} days in {:?}: {sent} requests, {restarts} restarts, {refused} refused", real.elapsed());
    assert_eq!(
        (world.fake.calls().len(), refused),
        (sent, 0),
        "every request was answered, none was refused"
    );
    let most = 1_800 * usize::try_from(days).unwrap();
    assert!(sent <= most && sent * 100 >= most * 95, "{sent} requests of {most} that are allowed");
    assert!(restarts > days, "{restarts} restarts");
    // Not only the fake says so: the limits were reached, and not one was passed.
    let reached = reached(&arrived);
    println!("most requests within a window: {reached:?}");
    assert_eq!(reached["writes of a domain in a day"], 300);
    assert_eq!(reached["writes of a domain in an hour"], 100);
    assert_eq!(reached["writes of a domain in a minute"], 15);
    assert!(reached["writes of a domain in a second"] <= 2);
    assert_eq!(reached["reads in a minute"], 50);
    assert!((8..=10).contains(&reached["reads in a second"]));
    assert_eq!(reached["requests in a day"], 1_800);
    assert!((15..=56).contains(&reached["requests in a second"]));
}

/// Returns the most requests that arrived within any window of the server.
fn reached(arrived: &[Arrival]) -> BTreeMap<&'static str, usize> {
    let mut writes: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
    for arrival in arrived.iter().filter(|arrival| arrival.write) {
        writes.entry(&arrival.path).or_default().push(arrival.at);
    }
    let busiest = |length| writes.values().map(|times| most_within(times, length)).max().unwrap_or(0);
    let reads: Vec<_> = arrived.iter().filter(|arrival| !arrival.write).map(|arrival| arrival.at).collect();
    let all: Vec<_> = arrived.iter().map(|arrival| arrival.at).collect();
    let (second, minute, hour) = (Duration::from_secs(1), Duration::from_mins(1), Duration::from_hours(1));
    BTreeMap::from([
        ("writes of a domain in a second", busiest(second)),
        ("writes of a domain in a minute", busiest(minute)),
        ("writes of a domain in an hour", busiest(hour)),
        ("writes of a domain in a day", busiest(DAY)),
        ("reads in a second", most_within(&reads, second)),
        ("reads in a minute", most_within(&reads, minute)),
        ("requests in a second", most_within(&all, second)),
        ("requests in a day", most_within(&all, DAY)),
    ])
}

// In the order of arrival. A request leaves a window exactly its length after it came.
fn most_within(times: &[Instant], length: Duration) -> usize {
    let inside = |(n, end): (usize, &Instant)| n + 1 - times.partition_point(|at| *at + length <= *end);
    times.iter().enumerate().map(inside).max().unwrap_or(0)
}

struct World {
    born: Instant,
    random: Arc<Random>,
    fake: FakeDesec,
    line: Arc<Line>,
    store: Arc<Memory>,
    domains: Vec<DomainName>,
}

impl World {
    fn new(seed: u64) -> Self {
        let random = Arc::new(Random(Mutex::new(seed)));
        let fake = FakeDesec::new();
        let domains: Vec<DomainName> = (0..1_000).map(|n| format!("d{n}.example").parse().unwrap()).collect();
        for domain in &domains {
            fake.add_domain(domain, Ttl::new(3600).unwrap());
        }
        fake.throttle(true);
        let line = Line { fake: fake.clone(), random: random.clone(), arrived: Arc::default() };
        Self { born: Instant::now(), random, fake, line: Arc::new(line), store: Arc::default(), domains }
    }

    /// Runs one process until it is killed at `end`, whatever is under way.
    async fn live(&self, end: Instant) {
        let pace = Pace::restored(self.store.clone()).await.unwrap();
        // Two clients with one pace, as for two tokens of the account.
        let client = || {
            let builder = self.fake.client_builder().http_client(self.line.clone());
            builder.pace(pace.clone()).max_wait(DAY * 2).build().unwrap()
        };
        let (first, second) = (client(), client());
        let mut tasks = JoinSet::new();
        // On every other day only a few domains are busy, and meet the limits of a domain.
        for domain in &self.domains[..5] {
            for _ in 0..3 {
                tasks.spawn(write(first.clone(), domain.clone(), Duration::ZERO, self.random.clone()));
            }
        }
        let even = (self.born.elapsed().as_secs() / DAY.as_secs()).is_multiple_of(2);
        for domain in &self.domains[..30] {
            let pause = if even { Duration::ZERO } else { Duration::from_hours(2) };
            tasks.spawn(read(second.clone(), domain.clone(), pause, self.random.clone()));
        }
        if even {
            for domain in &self.domains {
                let pause = Duration::from_hours(1);
                tasks.spawn(write(second.clone(), domain.clone(), pause, self.random.clone()));
            }
        }
        drop((first, second));
        let ended = timeout_at(end, tasks.join_next()).await;
        assert!(ended.is_err(), "no call fails: {ended:?}");
    }
}

async fn write(
    client: Client,
    domain: DomainName,
    pause: Duration,
    random: Arc<Random>,
) -> Result<(), Error> {
    loop {
        sleep(random.time(pause)).await;
        let deletion = RrSetPatch::delete("x".parse().unwrap(), RecordType::A);
        bearable(client.patch_rrsets(&domain, &[deletion]).await)?;
    }
}

async fn read(client: Client, domain: DomainName, pause: Duration, random: Arc<Random>) -> Result<(), Error> {
    loop {
        sleep(random.time(pause)).await;
        if random.below(2) == 0 {
            bearable(client.domain(&domain).await)?;
        } else {
            bearable(client.zone(&domain).await)?;
        }
    }
}

// A broken line is nothing that a pace could prevent.
fn bearable<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Ok(_) | Err(Error::Unknown { .. } | Error::Unavailable { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

#[derive(Clone, Debug)]
struct Arrival {
    at: Instant,
    write: bool,
    path: String,
}

/// A line on which requests and answers take their time. A request arrives also if nobody waits for it.
#[derive(Debug)]
struct Line {
    fake: FakeDesec,
    random: Arc<Random>,
    /// In order.
    arrived: Arc<Mutex<Vec<Arrival>>>,
}

#[async_trait]
impl HttpClient for Line {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let slow = self.random.below(50) == 0;
        let most = if slow { SLOWEST } else { Duration::from_millis(300) };
        let (there, back) = (self.random.time(most), self.random.time(most));
        let (fake, arrival) = (self.fake.clone(), Instant::now() + there);
        let arrived = self.arrived.clone();
        let travel = tokio::spawn(async move {
            sleep_until(arrival).await;
            let (write, path) = (request.method() != Method::Get, request.url().path().to_owned());
            arrived.lock().unwrap().push(Arrival { at: Instant::now(), write, path });
            fake.handle(&request)
        });
        if self.random.below(50) == 0 {
            return Err(HttpError::lost("the line broke, perhaps before the request arrived"));
        }
        let response = travel.await.unwrap();
        sleep(back).await;
        Ok(response)
    }
}

/// A store on the virtual clock, which outlives the processes.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<(PaceEntry, Instant)>>);

#[async_trait]
impl PaceStore for Memory {
    async fn load(&self) -> Result<Vec<(PaceEntry, Duration)>, PaceStoreError> {
        let mut entries = self.0.lock().unwrap();
        entries.retain(|(_, at)| at.elapsed() < Duration::from_hours(26));
        Ok(entries.iter().map(|(entry, at)| (entry.clone(), at.elapsed())).collect())
    }

    async fn record(&self, entry: &PaceEntry) -> Result<(), PaceStoreError> {
        self.0.lock().unwrap().push((entry.clone(), Instant::now()));
        Ok(())
    }
}

/// SplitMix64.
#[derive(Debug)]
struct Random(Mutex<u64>);

impl Random {
    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn time(&self, most: Duration) -> Duration {
        let millis = u64::try_from(most.as_millis()).unwrap();
        Duration::from_millis(self.next() % (millis + 1))
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

const DAY: Duration = Duration::from_hours(24);
const SLOWEST: Duration = Duration::from_secs(4);
