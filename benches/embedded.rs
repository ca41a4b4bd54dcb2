//! What the facade costs on the embedded world, where no server hides it.
//!
//! `cargo bench --bench embedded` prints first the memory of an idle inbox, at 10 000 of them (`INBOXES` sets another
//! number), then the time of a round trip. `limit` is the mail system in memory without the facade: seal, submit,
//! fetch. `facade` is what an agent does: send, the receiver's event, ack.

use std::hint::black_box;
use std::time::Instant;

use agent_mail::mail_access::{Login, MailAccess, PostOffice, Selection};
use agent_mail::{AgentMail, AgentMailbox, Contact, Events, NewMessage};
use criterion::{Criterion, Throughput, criterion_group};
use tokio::runtime::Runtime;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    idle_memory(&runtime);
    round_trips();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(round_trips, round_trip);

fn round_trip(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let mut group = criterion.benchmark_group("round_trip");
    group.throughput(Throughput::Elements(1));

    let (office, ada, bob) = (PostOffice::new(), login("ada"), login("bob"));
    office.add_domain(ada.address().domain().clone());
    for login in [&ada, &bob] {
        office.add_mailbox(login.address(), login.password().clone(), 0).expect("it can be made");
    }
    group.bench_function("limit", |bencher| {
        bencher.to_async(&runtime).iter(|| limit_trip(&office, &ada, &bob));
    });

    let (ada, bob, events) = runtime.block_on(async {
        let mail = AgentMail::embedded("agents.example").expect("the world can be made");
        let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
        let events = bob.events();
        (ada, bob, tokio::sync::Mutex::new(events))
    });
    group.bench_function("facade", |bencher| {
        bencher.to_async(&runtime).iter(async || facade_trip(&ada, &bob, &mut *events.lock().await).await);
    });
    group.finish();
}

async fn facade_trip(ada: &AgentMailbox, bob: &AgentMailbox, events: &mut Events) {
    ada.send(message(&bob.contact())).await.expect("it is sent");
    let event = events.next().await.expect("the stream goes on").expect("no error");
    event.ack().await.expect("it is noted");
    black_box(event);
}

async fn limit_trip(office: &PostOffice, ada: &Login, bob: &Login) {
    let sealed = message(&bob.address().into()).seal(&ada.address().into()).expect("it can be sealed");
    office.submit(ada, &sealed).await.expect("it is taken");
    let selection = Selection::MessageId(sealed.message_id().clone());
    black_box(office.fetch(bob, &selection, 1).await.expect("it is there"));
}

fn idle_memory(runtime: &Runtime) {
    let count: usize = std::env::var("INBOXES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let Some(before) = resident_bytes() else {
        println!("memory of an idle inbox: not measured, this system has no /proc/self/statm");
        return;
    };
    runtime.block_on(async {
        let mail = AgentMail::embedded("agents.example").expect("the world can be made");
        let started = Instant::now();
        for n in 0..count {
            provision(&mail, &format!("agent-{n}")).await;
        }
        let provisioned = resident_bytes().unwrap_or_default();
        println!(
            "{count} inboxes provisioned in {:.2?}: {} bytes each",
            started.elapsed(),
            provisioned.saturating_sub(before) / count
        );
        let mut watched = Vec::with_capacity(count);
        for n in 0..count {
            let id = format!("agent-{n}").parse().expect("it is a name");
            let mut events = mail.open(&id).await.expect("it is there").events();
            // One look makes the stream read the empty inbox and wait.
            let waits = tokio::time::timeout(std::time::Duration::ZERO, events.next()).await.is_err();
            assert!(waits, "the inbox is empty");
            watched.push(events);
        }
        let watching = resident_bytes().unwrap_or_default();
        println!(
            "with an event stream waiting on each: {} bytes each",
            watching.saturating_sub(before) / count
        );
    });
}

/// The memory that the kernel holds for this process, where it says so.
fn resident_bytes() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

async fn provision(mail: &AgentMail, name: &str) -> AgentMailbox {
    mail.provision(&name.parse().expect("it is a name")).await.expect("it can be provisioned")
}

fn message(to: &Contact) -> NewMessage {
    NewMessage::to(to.clone()).with_subject("round trip").with_text("a line of text\n".repeat(20))
}

fn login(name: &str) -> Login {
    let address = format!("{name}@agents.example").parse().expect("it is an address");
    Login::new(address, "a password".to_owned().into())
}
