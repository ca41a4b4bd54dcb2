//! What a fleet costs on the embedded world: memory of idle agents, its start, and a day of mail.
//!
//! `cargo bench --bench fleet` prints, for a hundredth, a tenth and all of 100 000 agents (`AGENTS` sets another number),
//! what the whole process holds on the heap with all of them idle (the world with its mailboxes, the state, the secrets
//! and the fleet), how much of that is the fleet's, and how long a fleet of known agents takes to start, in a new system.
//! Then a day: a tenth as many agents get 20 mails each, spread over 24 hours of a simulated clock, and handle them.
//! The slope is the exponent by which a figure grows with the number of agents.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use agent_mail::{AgentMail, AgentMailbox, Effects, Embedded, Error, Event, EventHandler, Fleet, NewMessage};
use async_trait::async_trait;
use peak_alloc::PeakAlloc;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() {
    let all: usize = std::env::var("AGENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let sizes = [all / 100, all / 10, all];
    let idle = sizes.map(|agents| (agents, idle(&runtime(), agents)));
    print_slope("heap of idle agents", idle.map(|(agents, (bytes, _))| (agents, bytes)));
    print_slope("start", idle.map(|(agents, (_, seconds))| (agents, seconds)));
    let days = sizes.map(|agents| agents / 10).map(|agents| (agents, day(&runtime(), agents)));
    print_slope("a day", days);
}

/// Returns the bytes on the heap and the seconds of a start.
fn idle(runtime: &Runtime, agents: usize) -> (f64, f64) {
    let before = HEAP.current_usage();
    runtime.block_on(async {
        let world = world();
        let mail = world.system().build().expect("it can be built");
        for n in 0..agents {
            provision(&mail, n).await;
        }
        drop(mail);
        let known = HEAP.current_usage() - before;
        let (mail, started) = (world.system().build().expect("it can be built"), Instant::now());
        HEAP.reset_peak_usage();
        let fleet = Fleet::builder(mail).start().await.expect("it starts");
        let time = started.elapsed();
        let mut events = fleet.events();
        let is_idle = tokio::time::timeout(Duration::from_hours(24), events.next()).await.is_err();
        assert!(is_idle && fleet.health().running == agents, "nobody has mail");
        let whole = HEAP.current_usage() - before;
        println!(
            "{agents} idle agents: {:.1} MB on the heap, {} bytes each, of which the fleet's {}; started in {time:.2?}, \
             at a peak of {:.1} MB",
            megabytes(whole),
            whole / agents,
            whole.saturating_sub(known) / agents,
            megabytes(HEAP.peak_usage() - before),
        );
        (float(whole), time.as_secs_f64())
    })
}

/// Returns the seconds that a day of so many agents takes.
fn day(runtime: &Runtime, agents: usize) -> f64 {
    runtime.block_on(async {
        let world = world();
        let mail = world.system().build().expect("it can be built");
        let mut mailboxes = Vec::with_capacity(agents);
        for n in 0..agents {
            mailboxes.push(provision(&mail, n).await);
        }
        let fleet = Fleet::builder(mail).start().await.expect("it starts");
        let (started, counter) = (Instant::now(), Counter::default());
        let mail = async {
            for hour in 0..MAILS {
                for (n, sender) in mailboxes.iter().enumerate() {
                    let to = &mailboxes[(n * 7 + hour * 13 + 1) % agents];
                    let note = NewMessage::to(to.address())
                        .with_subject("a note")
                        .with_text("a line of text\n".repeat(10));
                    sender.send(note).await.expect("it is sent");
                }
                tokio::time::sleep(Duration::from_hours(24) / u32::try_from(MAILS).expect("it is small"))
                    .await;
            }
            fleet.stop(Duration::from_mins(1)).await
        };
        let (stopped, ()) = tokio::join!(mail, fleet.serve(&counter));
        let (time, handled) = (started.elapsed(), counter.0.load(std::sync::atomic::Ordering::Relaxed));
        assert!(stopped.broken_off.is_empty() && handled == agents * MAILS, "{handled}");
        let pace = float(handled) / time.as_secs_f64();
        println!("a day of {agents} agents with {MAILS} mails each: {time:.2?}, {pace:.0} mails a second");
        time.as_secs_f64()
    })
}

#[derive(Debug, Default)]
struct Counter(std::sync::atomic::AtomicUsize);

#[async_trait]
impl EventHandler for Counter {
    async fn handle(&self, _: &AgentMailbox, _: &Event) -> Result<Effects, Error> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Effects::new())
    }
}

fn print_slope(what: &str, figures: [(usize, f64); 3]) {
    let [(small, least), _, (big, most)] = figures;
    let slope = (most / least).ln() / (float(big) / float(small)).ln();
    println!("{what}: grows with the agents to the power of {slope:.2}");
}

/// Its clock stands still while anything is computed.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be made")
}

fn world() -> Embedded {
    Embedded::new("agents.example".parse().expect("it is a domain"))
}

async fn provision(mail: &AgentMail, n: usize) -> AgentMailbox {
    mail.provision(&format!("agent-{n}").parse().expect("it is a name")).await.expect("it can be provisioned")
}

fn megabytes(bytes: usize) -> f64 {
    float(bytes) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "figures to be read")]
fn float(number: usize) -> f64 {
    number as f64
}

const MAILS: usize = 20;
