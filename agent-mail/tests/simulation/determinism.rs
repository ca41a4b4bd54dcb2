use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::simulator::{Correspondent, Dice, Reaction, Service, Simulation, Weather};
use agent_mail::{AgentMailbox, Attachment, EventKind, Sending};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::{address, first_seed, id, note, paused, seeds};

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_schedule() {
    for seed in first_seed()..first_seed() + seeds(2) {
        let (world, log) = day(seed, &paused(), false);
        assert!(log.len() > 60, "a day without events shows nothing: {}", log.len());
        for (runtime, noise) in [(often(), false), (paused(), true), (often(), true)] {
            let (again, same) = day(seed, &runtime, noise);
            for (one, other) in log.iter().zip(&same) {
                assert_eq!(one, other, "seed {seed}");
            }
            assert_eq!((world.as_str(), log.len()), (again.as_str(), same.len()), "seed {seed}");
        }
        assert_ne!(world, day(seed + 1_000_000, &paused(), false).0, "another seed is another world");
    }
}

#[test]
fn a_world_goes_on_twice_in_the_same_way() {
    paused().block_on(async {
        let world = stormy(5);
        let mail = world.system().build().unwrap();
        for n in 0..AGENTS {
            while mail.provision(&id(&format!("a{n}"))).await.is_err() {}
        }
        let late = world.dice("late").between(Duration::from_secs(60), Duration::from_secs(600));
        world
            .write_from_outside(
                &address("ines@outside.example"),
                note(&address("agent_a1@agents.example"), "hello"),
                late,
            )
            .unwrap();
        drop(mail);
        let noon = world.snapshot();
        let mut evenings = Vec::new();
        for pause in [0, 3_600] {
            // Whatever passes outside of a snapshot's world is no time in it.
            sleep(Duration::from_secs(pause)).await;
            let world = noon.restore();
            assert_eq!(world.snapshot().fingerprint(), noon.fingerprint());
            let log = program(&world, 6).await;
            evenings.push((world.snapshot().fingerprint(), log));
        }
        assert!(evenings[0].1.iter().any(|line| line.contains("hello")), "what was on its way arrives");
        assert_eq!(evenings[0], evenings[1]);
    });
}

fn day(seed: u64, runtime: &Runtime, noise: bool) -> (String, Vec<String>) {
    runtime.block_on(async {
        if noise {
            tokio::spawn(async {
                for _ in 0..200_000 {
                    tokio::task::yield_now().await;
                }
            });
            tokio::spawn(async {
                loop {
                    sleep(Duration::from_millis(977)).await;
                }
            });
        }
        let world = stormy(seed);
        let log = program(&world, 20).await;
        (world.snapshot().fingerprint(), log)
    })
}

fn stormy(seed: u64) -> Simulation {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    Simulation::builder(seed)
        .weather(Weather::stormy().with_report_delay(minutes(30)).with_greylisting(minutes(5)))
        .outage(Service::Smtp, minutes(60)..minutes(90))
        .outage(Service::Imap, minutes(80)..minutes(100))
        .anybody_else(Correspondent::by(|_, dice| {
            let after = dice.between(Duration::from_secs(1), Duration::from_secs(7_200));
            match dice.below(4) {
                0 => Vec::new(),
                1 => vec![Reaction::complain(after)],
                2 => vec![Reaction::unsubscribe(after)],
                _ => vec![Reaction::answer(after, "Yes.")],
            }
        }))
        .build()
}

/// A day of a few agents that write to each other and to the outside, and what each got to see, in order.
async fn program(world: &Simulation, mails: u64) -> Vec<String> {
    let mail = world.system().build().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..AGENTS {
        let name = id(&format!("a{n}"));
        let mailbox = loop {
            match mail.provision(&name).await {
                Ok(mailbox) => break mailbox,
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        };
        tasks.spawn(write(mailbox.clone(), world.dice(name.as_str()), mails));
        tasks.spawn(read(mailbox, world.clone(), log.clone()));
    }
    let courier = mail.courier();
    tasks.spawn(async move { courier.run(std::future::pending()).await });
    sleep(Duration::from_secs(24 * 3_600)).await;
    drop(tasks);
    let log = log.lock().unwrap();
    log.clone()
}

async fn write(mailbox: AgentMailbox, mut dice: Dice, mails: u64) {
    for n in 0..mails {
        sleep(dice.between(Duration::from_secs(1), Duration::from_secs(1_800))).await;
        let to = match dice.below(4) {
            0 => format!("person{}@outside.example", dice.below(3)),
            _ => format!("agent_a{}@agents.example", dice.below(AGENTS)),
        };
        let mut message = note(&address(&to), &format!("{} {n}", mailbox.id()));
        if n % 3 == 0 {
            let page = Attachment::new("page.html", "text/html", b"<p>".to_vec());
            message = message.with_html("<p>A line</p>").with_attachment(page);
        }
        if dice.happens(0.5) {
            drop(mailbox.send(message).await);
        } else {
            drop(mailbox.enqueue(Sending::new(message)).await);
        }
    }
}

async fn read(mailbox: AgentMailbox, world: Simulation, log: Arc<Mutex<Vec<String>>>) {
    let mut events = mailbox.events();
    while let Some(Ok(event)) = events.next().await {
        let what = match event.kind() {
            EventKind::Received(message) => {
                format!(
                    "{} {:?}",
                    message.subject().expose(),
                    String::from_utf8_lossy(message.raw().expose())
                )
            }
            other => format!("{other:?}"),
        };
        let at = world.elapsed().as_nanos();
        log.lock().unwrap().push(format!("{at} {} {} {what}", mailbox.id(), event.is_redelivery()));
        event.ack().await.unwrap();
    }
}

/// One that looks at its timers after every task.
fn often() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).event_interval(1).global_queue_interval(1);
    builder.build().unwrap()
}

#[test]
fn time_passes_for_nobody_who_looks_at_a_clock() {
    let began = std::time::Instant::now();
    paused().block_on(async {
        let world = Simulation::builder(1).build();
        let mail = world.system().build().unwrap();
        let ada = mail.provision(&id("ada")).await.unwrap();
        assert!(timeout(Duration::from_secs(7 * 86_400), ada.events().next()).await.is_err());
        assert_eq!(world.elapsed().as_secs(), 7 * 86_400);
        ada.send(note(ada.address(), "after a week")).await.unwrap();
        let arrived = ada.fetch_unseen(1).await.unwrap()[0].arrived();
        let week = arrived.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 1_767_571_200;
        assert_eq!(week, 7 * 86_400, "the world's own clock tells it");
    });
    assert!(began.elapsed() < Duration::from_secs(60));
}

const AGENTS: u64 = 5;
