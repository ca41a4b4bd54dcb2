//! What the outbox and its courier cost on the embedded world, and how that grows.
//!
//! `cargo bench --bench outbox` prints for 1, 10 and 100 times as much: mails put into the outbox and sent from it each
//! second, by many agents and by one, and how long a courier takes to start among agents that have nothing to send.
//! The slope is the exponent by which the time for all grows: 1 is in proportion. `SCALES=2` leaves the last size out.

use std::time::{Duration, Instant};

use agent_mail::mail_access::{Address, PostOffice};
use agent_mail::{AgentMail, AgentMailbox, Embedded, NewMessage, Sending};

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let scales: u32 = std::env::var("SCALES").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    for (title, agents_of, mails_of) in [
        ("many agents, 10 mails each", (|n| 10 * n) as fn(usize) -> usize, (|_| 10) as fn(usize) -> usize),
        ("one agent", |_| 1, |n| 100 * n),
    ] {
        println!("{title}");
        let mut before: Option<[Duration; 2]> = None;
        for scale in (0..scales).map(|power| 10_usize.pow(power)) {
            let (agents, mails) = (agents_of(scale), mails_of(scale));
            let times = runtime.block_on(send_all(agents, mails));
            let total = agents * mails;
            #[expect(clippy::cast_precision_loss, reason = "nobody sends 2^52 messages")]
            let rate = |time: Duration| total as f64 / time.as_secs_f64();
            let slope = |n: usize| {
                before.map_or_else(String::new, |before| {
                    format!(", slope {:.2}", (times[n].as_secs_f64() / before[n].as_secs_f64()).log10())
                })
            };
            println!(
                "  {total} mails: {:.0} a second enqueued{}; {:.0} a second sent{}",
                rate(times[0]),
                slope(0),
                rate(times[1]),
                slope(1)
            );
            before = Some(times);
        }
    }
    println!("a courier's start");
    for scale in (0..scales).map(|power| 10_usize.pow(power)) {
        let time = runtime.block_on(start(100 * scale));
        println!("  among {} agents that have nothing to send: {time:.2?}", 100 * scale);
    }
}

/// Returns how long it took to put all mails into the outbox, and to send them.
async fn send_all(agents: usize, mails: usize) -> [Duration; 2] {
    let (mail, office, agents) = world(agents).await;
    let to = outside(&office);
    let started = Instant::now();
    for n in 0..mails {
        for agent in &agents {
            let message =
                NewMessage::to(to.clone()).with_subject(n.to_string()).with_text("Do engines dream?");
            agent.enqueue(Sending::new(message).with_copy_to_sent(false)).await.expect("it is put there");
        }
    }
    let enqueued = started.elapsed();
    let started = Instant::now();
    run(&mail, &agents).await;
    [enqueued, started.elapsed()]
}

/// Returns how long a courier takes from its start until it has sent one mail.
async fn start(agents: usize) -> Duration {
    let (mail, office, agents) = world(agents).await;
    let message = NewMessage::to(outside(&office)).with_text("Do engines dream?");
    agents[0].enqueue(Sending::new(message).with_copy_to_sent(false)).await.expect("it is put there");
    let started = Instant::now();
    run(&mail, &agents[..1]).await;
    started.elapsed()
}

/// Lets a courier work until these agents have nothing in their outboxes.
async fn run(mail: &AgentMail, agents: &[AgentMailbox]) {
    let stop = async {
        for agent in agents {
            loop {
                let looked = Instant::now();
                if agent.outbox().await.expect("it can be read").is_empty() {
                    break;
                }
                // A look at a full outbox takes its time, which is not to be measured.
                tokio::time::sleep((20 * looked.elapsed()).max(Duration::from_micros(500))).await;
            }
        }
    };
    mail.courier().run(stop).await;
}

async fn world(agents: usize) -> (AgentMail, PostOffice, Vec<AgentMailbox>) {
    let world = Embedded::new("agents.example".parse().expect("it is a domain"));
    let mail = world.system().build().expect("the world can be made");
    let mut mailboxes = Vec::with_capacity(agents);
    for n in 0..agents {
        let id = format!("agent-{n}").parse().expect("it is a name");
        mailboxes.push(mail.provision(&id).await.expect("it can be made"));
    }
    (mail, world.post_office().clone(), mailboxes)
}

/// Somebody who is no agent.
fn outside(office: &PostOffice) -> Address {
    let address: Address = "bob@others.example".parse().expect("it is an address");
    office.add_domain(address.domain().clone());
    office.add_mailbox(&address, "theirs".to_owned().into(), 0).expect("it can be made");
    address
}
