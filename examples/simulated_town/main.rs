//! A town of agents over a simulated week: who writes to whom, and when. It takes seconds, needs no server, prints a table
//! and draws the mail graph and the daily traffic.
//!
//! Usage: `cargo run --example simulated_town [-- FILE.svg [SEED]]`; the same seed makes the same town.

mod drawing;
mod people;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use agent_mail::mail_access::{Received, Uid};
use agent_mail::simulator::{Correspondent, Service, Simulation, Trouble, Weather};
use people::{NAMES, hours, live};
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path =
        arguments.next().map_or_else(|| std::env::temp_dir().join("simulated_town.svg"), PathBuf::from);
    let seed = arguments.next().map_or(Ok(7), |text| text.parse())?;
    let weather = Weather::calm()
        .with_latency(Duration::from_millis(5), Duration::from_millis(300))
        .with(Trouble::DeliveredLate, 0.05)
        .with(Trouble::SubmitDeferred, 0.02);
    let town = Simulation::builder(seed)
        .domain("town.example".parse()?)
        .weather(weather)
        .outage(Service::Smtp, hours(33)..hours(39))
        .anybody_else(Correspondent::answering(hours(2), "Thank you for your order."))
        .build();
    let mail = town.system().prefix("").build()?;
    let mut people = JoinSet::new();
    for name in NAMES {
        let mailbox = mail.provision(&name.parse()?).await?;
        people.spawn(live(mailbox, town.clone(), town.dice(name)));
    }
    sleep(hours(7 * 24)).await;
    drop(people);

    let (mut graph, mut by_hour) = (BTreeMap::<(String, String), usize>::new(), vec![0; 7 * 24]);
    let monday = UNIX_EPOCH + Duration::from_hours(490_992);
    town.snapshot().mail().for_each_message(|mailbox, _, place, bytes| {
        let Some(uid) = Uid::new(place.uid) else { return };
        let letter = Received::parse(uid, monday, false, bytes.to_vec());
        let from = letter.from().map_or("?", |from| from.address.local_part()).to_owned();
        let to = mailbox.split('@').next().unwrap_or_default().to_owned();
        *graph.entry((from, to)).or_default() += 1;
        let written = letter.date().and_then(|date| date.duration_since(monday).ok()).unwrap_or_default();
        if let Some(count) = by_hour.get_mut(usize::try_from(written.as_secs() / 3_600).unwrap_or(0)) {
            *count += 1;
        }
    });
    println!("{:<8} {:>5} {:>9}  writes most to", "", "sent", "received");
    for name in NAMES {
        let of = |side: fn(&(String, String)) -> &String| -> usize {
            graph.iter().filter(|(pair, _)| side(pair) == name).map(|(_, count)| count).sum()
        };
        let own = graph.iter().filter(|((from, _), _)| from == name);
        let friend = own.max_by_key(|(_, count)| **count).map_or("nobody", |((_, to), _)| to);
        println!("{name:<8} {:>5} {:>9}  {friend}", of(|pair| &pair.0), of(|pair| &pair.1));
    }
    let (all, shop) = (by_hour.iter().sum::<usize>(), town.take_departed().len());
    println!(
        "{all} mails in a week, {shop} orders to the shop outside; {} in an hour at most",
        by_hour.iter().max().unwrap_or(&0)
    );
    std::fs::write(&path, drawing::svg(&NAMES, &graph, &by_hour))?;
    println!("drawn: {}", path.display());
    Ok(())
}
