//! How many messages a second go from one agent's send to the other's event, in one process and on one core.
//!
//! `cargo bench --bench events` prints them at three sizes and the slope between them: the time of one message at a
//! hundred times the size, compared with the smallest. What is `sent` is written to the outbox before and after, what is
//! `unnoted` isn't. `live` notes nothing of what is read and keeps the state in memory; `noted` keeps it in a file, with
//! each message noted before it is handed out and when it is acknowledged; there another thread writes, and each agent is
//! a task of its own. `EVENTS` sets another number of messages for the largest size. Beside the time on the wall stands that
//! of the processor, where the system tells it: on a busy machine it is the better figure of the two. A word behind `--`
//! leaves out all that has not it in its name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_mail::backend::{Change, Committed, StateStore};
use agent_mail::{AgentMail, AgentMailbox, Embedded, NewMessage, RedbState};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

fn main() {
    let largest: usize = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let sizes = [largest / 100, largest / 10, largest];
    report("commits of two agents", sizes, |count| commits(&runtime, 2, count / 10));
    report("commits of a thousand agents", sizes, |count| commits(&runtime, 1000, count));
    report("unnoted and live", sizes, |count| live(&runtime, count, Sending::Unnoted));
    report("sent and live", sizes, |count| live(&runtime, count, Sending::Noted));
    report("sent and noted, 10 pairs", sizes, |count| noted(&runtime, 10, count / 10, Sending::Noted));
    report("unnoted and noted, 1000 pairs", sizes, |count| noted(&runtime, 1000, count, Sending::Unnoted));
    report("sent and noted, 1000 pairs", sizes, |count| noted(&runtime, 1000, count, Sending::Noted));
}

/// Prints what a run of each size took for one of its messages.
fn report(what: &str, sizes: [usize; 3], run: impl Fn(usize) -> (usize, Duration)) {
    if std::env::args().skip(1).any(|word| !word.starts_with('-') && !what.contains(&word)) {
        return;
    }
    let each = sizes.map(|size| {
        let before = processor_time();
        let (count, took) = run(size);
        let number = f64::from(u32::try_from(count).expect("it is a small number"));
        let a_second = |took: Duration| number / took.as_secs_f64();
        print!("{what}: {count} in {took:.2?}, {:.0} a second", a_second(took));
        let worked = before.zip(processor_time()).map(|(before, after)| after.saturating_sub(before));
        match worked.filter(|worked| !worked.is_zero()) {
            Some(worked) => println!(", {:.0} a second of the processor", a_second(worked)),
            None => println!(),
        }
        took.as_secs_f64() / number
    });
    println!("{what}: slope {:.2}", each[2] / each[0]);
}

/// The time that all threads of this process have worked, to a hundredth of a second.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}

fn live(runtime: &Runtime, count: usize, sending: Sending) -> (usize, Duration) {
    runtime.block_on(async {
        let mail = AgentMail::embedded("agents.example").expect("the world can be made");
        let pairs = pairs(&mail, 10.min(count)).await;
        let each = count / pairs.len();
        let started = Instant::now();
        join_all(pairs.iter().map(async |(ada, bob)| {
            tokio::join!(sending.send_all(ada, bob, each), async {
                let mut events = bob.live_events();
                for _ in 0..each {
                    events.next().await.expect("the stream goes on").expect("no error");
                }
            });
        }))
        .await;
        (each * pairs.len(), started.elapsed())
    })
}

fn noted(runtime: &Runtime, pairs_at_once: usize, count: usize, sending: Sending) -> (usize, Duration) {
    let folder = tempfile::tempdir().expect("there is room");
    runtime.block_on(async {
        let state = RedbState::open(folder.path().join("state.redb")).expect("it can be made");
        let world = Embedded::new("agents.example".parse().expect("it is a name"));
        let mail = world.system().state(Arc::new(state)).build().expect("it can be built");
        let pairs = pairs(&mail, pairs_at_once.min(count)).await;
        let each = count / pairs.len();
        let started = Instant::now();
        let tasks: Vec<_> = pairs
            .iter()
            .cloned()
            .flat_map(|(ada, bob)| {
                let received = tokio::spawn(receive_noted(bob.clone(), each));
                [tokio::spawn(async move { sending.send_all(&ada, &bob, each).await }), received]
            })
            .collect();
        for task in tasks {
            task.await.expect("it ends well");
        }
        (each * pairs.len(), started.elapsed())
    })
}

async fn receive_noted(bob: AgentMailbox, count: usize) {
    let mut events = bob.events();
    for _ in 0..count {
        let event = events.next().await.expect("the stream goes on").expect("no error");
        event.ack().await.expect("it is noted");
    }
}

/// How it is sent.
#[derive(Clone, Copy)]
enum Sending {
    Noted,
    Unnoted,
}

impl Sending {
    async fn send_all(self, ada: &AgentMailbox, bob: &AgentMailbox, count: usize) {
        for n in 0..count {
            let message = NewMessage::to(bob.contact())
                .with_subject(format!("message {n}"))
                .with_text("a line of text");
            match self {
                Self::Noted => ada.send(message).await.expect("it is sent"),
                Self::Unnoted => ada.send_unnoted(message).await.expect("it is sent"),
            };
        }
    }
}

/// The ground of it: changes of the size of an acknowledgement, with so many callers at a time.
fn commits(runtime: &Runtime, callers: usize, count: usize) -> (usize, Duration) {
    let folder = tempfile::tempdir().expect("there is room");
    runtime.block_on(async {
        let state = RedbState::open(folder.path().join("state.redb")).expect("it can be made");
        let each = (count / callers).max(1);
        let started = Instant::now();
        join_all((0..callers).map(|caller| {
            let state = &state;
            async move {
                for n in 0..each {
                    let change = Change::new()
                        .put(format!("agents.example/inbox/{caller}/known/{n:032x}"), "h")
                        .remove(format!("agents.example/inbox/{caller}/pending/{n:021}"));
                    assert_eq!(state.commit(change).await.expect("it can be written"), Committed::Done);
                }
            }
        }))
        .await;
        (each * callers, started.elapsed())
    })
}

async fn pairs(mail: &AgentMail, count: usize) -> Vec<(AgentMailbox, AgentMailbox)> {
    let provision = async |name: String| {
        mail.provision(&name.parse().expect("it is a name")).await.expect("it can be provisioned")
    };
    let pair = async |n: usize| (provision(format!("ada-{n}")).await, provision(format!("bob-{n}")).await);
    join_all((0..count).map(pair)).await
}
