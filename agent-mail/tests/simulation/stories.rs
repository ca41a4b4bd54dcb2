//! Stories on a faulty world: agents do at random what agents do, programs end in the middle of it, and a history is
//! checked in the end. `AGENT_MAIL_SEEDS` sets how many, `AGENT_MAIL_SEED` the first one, `AGENT_MAIL_STORY=50x200` the
//! number of agents and what each does. With even seeds the agents are a fleet, whose mail goes the short way with every
//! other of them.

mod cast;
mod history;

use std::sync::Arc;
use std::time::Duration;

use agent_mail::mail_access::Uid;
use agent_mail::simulator::{Service, Simulation, Weather};
use agent_mail::{AgentMail, Fleet, ShortWay};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::cast::{Actor, Company};
use self::history::History;
use super::{first_seed, paused, seeds};

#[test]
fn nothing_is_lost_doubled_misrouted_or_seen_by_the_wrong_agent() {
    let size = std::env::var("AGENT_MAIL_STORY").unwrap_or_else(|_| "12x40".to_owned());
    let (agents, deeds) = size.split_once('x').expect("agents x operations");
    let (agents, deeds) = (agents.parse().unwrap(), deeds.parse().unwrap());
    let (first, count) = (first_seed(), seeds(4));
    let mut totals = [0; 4];
    for seed in first..first + count {
        let counts = paused().block_on(tell(seed, agents, deeds, None));
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    let [sent, delivered, handled, reports] = totals;
    println!(
        "{count} stories of {size}: {sent} sent, {delivered} delivered, {handled} handed out, {reports} bounces"
    );
    assert!(sent > 0 && delivered * 2 > sent && handled >= delivered, "too little happens to show anything");
}

/// What a broken mail system would do, so that the checker shows that it sees.
#[derive(Clone, Copy)]
enum Damage {
    Lost,
    Doubled,
    Misrouted,
}

#[test]
#[should_panic(expected = "is lost")]
fn a_lost_mail_is_noticed() {
    paused().block_on(tell(1, 4, 20, Some(Damage::Lost)));
}

#[test]
#[should_panic(expected = "twice, unmarked")]
fn a_second_copy_is_noticed() {
    paused().block_on(tell(1, 4, 20, Some(Damage::Doubled)));
}

#[test]
#[should_panic(expected = "which was for others")]
fn a_misrouted_mail_is_noticed() {
    paused().block_on(tell(1, 4, 20, Some(Damage::Misrouted)));
}

/// Does damage to a mail that somebody wrote to others.
async fn damage(world: &Simulation, history: &History, actors: &[Actor], damage: Damage) {
    let mut found = None;
    world.snapshot().mail().for_each_message(|mailbox, _, place, bytes| {
        let own = history::marker_of(bytes).filter(|marker| marker.starts_with("m-"));
        let is_to = |actor: &&Actor| actor.address().to_string() == mailbox;
        if let (Some(marker), Some(to)) = (own, actors.iter().find(is_to)) {
            let writer = marker.split('-').nth(1).unwrap_or_default();
            let stranger = actors.iter().find(|actor| !history.is_for(&marker, actor.id()));
            let other = match damage {
                Damage::Misrouted => stranger,
                Damage::Lost | Damage::Doubled => actors.iter().find(|actor| actor.id() != to.id()),
            };
            if let Some(other) = other.filter(|_| writer != to.id().as_str()) {
                found = Some((marker, to.clone(), other.clone(), place.uid));
            }
        }
    });
    let (marker, to, other, uid) = found.expect("there is mail");
    let office = world.post_office();
    match damage {
        Damage::Lost => office.expunge(&to.address(), Uid::new(uid).as_slice()).unwrap(),
        Damage::Doubled | Damage::Misrouted => {
            let reader = if matches!(damage, Damage::Doubled) { &to } else { &other };
            let copy = super::note(&reader.address(), &marker).seal(&other.address().into()).unwrap();
            office.receive(&copy).await.unwrap();
        }
    }
}

/// Plays one story and checks what came of it.
async fn tell(seed: u64, agents: usize, deeds: usize, broken: Option<Damage>) -> [usize; 4] {
    let minutes = |n| Duration::from_secs(60 * n);
    let weather = Weather::stormy().with_report_delay(minutes(10)).with_latest(LATEST);
    let mut dice_of_story = agent_mail::simulator::Dice::new(seed);
    let mut builder = Simulation::builder(seed).weather(weather);
    for service in [Service::Smtp, Service::Imap, Service::Mailcow] {
        let from = dice_of_story.between(minutes(5), minutes(200));
        builder = builder.outage(service, from..from + dice_of_story.between(minutes(1), minutes(20)));
    }
    let world = builder.build();
    let fleet_by = match seed % 4 {
        0 => Some(ShortWay::Never),
        2 => Some(ShortWay::WithinFleet),
        _ => None,
    };
    let history = Arc::new(History::new(world.clone(), seed, fleet_by == Some(ShortWay::WithinFleet)));
    let actors: Vec<_> = (0..agents).map(|n| Actor::new(n, agents, deeds, &world, history.clone())).collect();

    // Each act is a run of the program; the next one finds what it left behind.
    for act in 0..ACTS {
        let mail = world.system().build().unwrap();
        let (tasks, fleet) = begin(&mail, &actors, fleet_by).await;
        let share = u64::try_from(deeds / ACTS + 1).unwrap();
        let long = if act + 1 == ACTS {
            minutes(60 * share)
        } else {
            dice_of_story.between(minutes(1), minutes(share))
        };
        let end = tokio::time::Instant::now() + long;
        while tokio::time::Instant::now() < end && !actors.iter().all(Actor::is_done) {
            sleep(Duration::from_secs(20)).await;
        }
        if let Some(fleet) = fleet.filter(|_| act % 2 == 0) {
            // One program is stopped, another one killed.
            fleet.stop(Duration::from_secs(30)).await;
        }
        drop(tasks);
    }
    world.set_weather(Weather::calm());
    if let Some(broken) = broken {
        damage(&world, &history, &actors, broken).await;
    }
    let mail = world.system().build().unwrap();
    let (tasks, fleet) = begin(&mail, &actors, fleet_by).await;
    sleep(CALM).await;
    // A fleet is told of mail alone: of a new numbering it hears with the next one at the latest.
    for actor in &actors {
        let last = super::note(&actor.address(), "the last one").seal(&actor.address().into()).unwrap();
        world.post_office().receive(&last).await.unwrap();
    }
    sleep(Duration::from_secs(60)).await;
    drop((tasks, fleet));
    // Who was told of everything is told of nothing more.
    for actor in &actors {
        let mailbox = mail.open(actor.id()).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let mut events = mailbox.events();
        let more = timeout(Duration::from_secs(60), events.next()).await;
        assert!(more.is_err(), "seed {seed}: {} is handed out what was handled: {more:?}", actor.id());
    }
    history.check(&actors)
}

async fn begin(
    mail: &AgentMail,
    actors: &[Actor],
    fleet_by: Option<ShortWay>,
) -> (JoinSet<()>, Option<Fleet>) {
    let mut tasks = JoinSet::new();
    let mut fleet = None;
    if let Some(policy) = fleet_by {
        let begun = Fleet::builder(mail.clone()).short_way(policy).start().await;
        let begun = begun.expect("the state can be read");
        let (serving, company) = (begun.clone(), Company::of(actors));
        tasks.spawn(async move { serving.serve(&company).await });
        fleet = Some(begun);
    } else {
        let courier = mail.courier();
        tasks.spawn(async move { courier.run(std::future::pending()).await });
    }
    for actor in actors {
        tasks.spawn(actor.clone().act(mail.clone()));
        if fleet_by.is_none() {
            tasks.spawn(actor.clone().listen(mail.clone()));
        }
    }
    (tasks, fleet)
}

const ACTS: usize = 4;
/// How late mail comes at most, in the storm.
const LATEST: Duration = Duration::from_secs(600);
/// Longer than the longest pause of a courier and an outage together.
const CALM: Duration = Duration::from_secs(6 * 3_600);
