//! The fake against all that was recorded from the real server.
//!
//! For each recording there is a scene in `zones` or `accounts`: it brings a new fake, before each exchange, into
//! the state that the real server was in. Then the recorded request is sent to the fake, and its answer is
//! compared with the recorded one: status, headers and body, without moments, identifiers and secrets.

mod accounts;
mod essence;
mod limits;
mod world;
mod zones;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::essence::recording;
use self::world::World;

/// Prepares the fake for the exchange of that number, or leaves it out.
pub(crate) type Scene = fn(&mut World, usize, &[Value]);

#[tokio::test(start_paused = true)]
async fn the_fake_answers_as_recorded() {
    let scenes = zones::SCENES.iter().chain(accounts::SCENES).chain(limits::SCENES);
    let (mut all, mut agreed) = (0, 0);
    let mut others = BTreeMap::<_, Vec<usize>>::new();
    for (name, scene) in scenes {
        let exchanges = recording(name);
        let mut world = World::new();
        for (n, exchange) in exchanges.iter().enumerate() {
            all += 1;
            scene(&mut world, n, &exchanges);
            world.prepare().await;
            match world.play(exchange) {
                Ok(()) => agreed += 1,
                Err(reason) => others.entry((name, reason)).or_default().push(n),
            }
        }
    }
    println!("recorded exchanges answered alike: {agreed}/{all}");
    for ((name, reason), places) in &others {
        println!("  {name} {places:?}: {reason}");
    }
    assert!(agreed >= AGREED, "only {agreed} of {all}, not {AGREED}: {others:#?}");
}

const AGREED: usize = 579;
