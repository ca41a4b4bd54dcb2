//! How long a simulated day takes: agents that write 20 mails each to others, and hear of all they get.
//!
//! `cargo bench --bench simulation` tries 100, 1 000 and 10 000 agents and says how the time grows; `AGENTS` sets another
//! largest number.

use std::time::{Duration, Instant};

use agent_mail::simulator::{Dice, Simulation, Weather};
use agent_mail::{Address, AgentMailbox, NewMessage};
use tokio::task::JoinSet;
use tokio::time::sleep;

fn main() {
    let largest = std::env::var("AGENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let mut before: Option<(usize, f64)> = None;
    for agents in [largest / 100, largest / 10, largest] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let began = Instant::now();
        let handled = runtime.expect("a runtime can be made").block_on(day(agents));
        let took = began.elapsed().as_secs_f64();
        let mails = agents * MAILS;
        assert_eq!(handled, mails, "each mail is heard of once");
        print!("{agents} agents, {mails} mails: {took:.2} s, {:.0} us a mail", took * 1e6 / float(mails));
        if let Some((fewer, less)) = before {
            // 1 is linear.
            print!(", slope {:.2}", (took / less).ln() / (float(agents) / float(fewer)).ln());
        }
        println!();
        before = Some((agents, took));
    }
}

/// Returns how many mails were handled.
async fn day(agents: usize) -> usize {
    let latency = Weather::calm().with_latency(Duration::from_millis(1), Duration::from_millis(100));
    let world = Simulation::builder(1).weather(latency).build();
    let mail = world.system().build().expect("it is complete");
    let (mut readers, mut writers) = (JoinSet::new(), JoinSet::new());
    let mut mailboxes = Vec::with_capacity(agents);
    for n in 0..agents {
        let id = format!("a{n}").parse().expect("it is a name");
        mailboxes.push(mail.provision(&id).await.expect("it can be provisioned"));
    }
    let (told, handled) = std::sync::mpsc::channel();
    for (n, mailbox) in mailboxes.into_iter().enumerate() {
        readers.spawn(read(mailbox.clone(), told.clone()));
        writers.spawn(write(mailbox, world.dice(&n.to_string()), agents));
    }
    while let Some(written) = writers.join_next().await {
        written.expect("it ends");
    }
    sleep(Duration::from_hours(1)).await;
    drop(readers);
    handled.try_iter().count()
}

async fn write(mailbox: AgentMailbox, mut dice: Dice, agents: usize) {
    let pause = Duration::from_hours(24) / u32::try_from(MAILS).unwrap_or(1);
    for _ in 0..MAILS {
        sleep(dice.between(pause / 2, pause)).await;
        let to: Address =
            format!("agent_a{}@agents.example", dice.below(agents as u64)).parse().expect("it is one");
        let note = NewMessage::to(to).with_subject("news").with_text("A line of text.\n".repeat(20));
        mailbox.send(note).await.expect("nothing goes wrong in this weather");
    }
}

async fn read(mailbox: AgentMailbox, told: std::sync::mpsc::Sender<()>) {
    let mut events = mailbox.events();
    while let Some(Ok(event)) = events.next().await {
        event.ack().await.expect("the state is in memory");
        if event.received().is_some() && told.send(()).is_err() {
            return;
        }
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

const MAILS: usize = 20;
