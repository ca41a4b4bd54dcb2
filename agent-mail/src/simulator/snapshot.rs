use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mail_access::PostOfficeSnapshot;
use sha2::{Digest, Sha256};

use super::builder::SimulationBuilder;
use super::dice::Dice;
use super::outside::Memory;
use super::weather::Weather;
use super::{Inner, Simulation};
use crate::Embedded;
use crate::embedded::lock;

/// A whole world at one moment; see [`Simulation::snapshot`].
///
/// ```
/// use agent_mail::NewMessage;
/// use agent_mail::simulator::Simulation;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// let world = Simulation::builder(1).build();
/// world.system().build()?.provision(&"ada".parse()?).await?;
/// let morning = world.snapshot();
///
/// // The same day twice.
/// let mut evenings = Vec::new();
/// for _ in 0..2 {
///     let world = morning.restore();
///     let ada = world.system().build()?.open(&"ada".parse()?).await?;
///     ada.send(NewMessage::to(ada.contact()).with_text("note to self")).await?;
///     evenings.push(world.snapshot().fingerprint());
/// }
/// assert_eq!(evenings[0], evenings[1]);
/// assert_ne!(evenings[0], morning.fingerprint());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    plan: Arc<SimulationBuilder>,
    elapsed: Duration,
    identities: Dice,
    weather: (Weather, Dice),
    memory: Memory,
    mail: PostOfficeSnapshot,
    world: Embedded,
}

impl Snapshot {
    pub(super) fn of(simulation: &Inner) -> Self {
        let mail = simulation.embedded.post_office().snapshot();
        // Its own post office takes no part; the copy keeps what stands beside the mail.
        let world = simulation.embedded.copy_around(mail_access::PostOffice::new());
        Self {
            plan: simulation.plan.clone(),
            elapsed: simulation.time.elapsed(),
            identities: simulation.time.dice(),
            weather: simulation.outside.sky().now(),
            memory: lock(&simulation.outside.memory).clone(),
            mail,
            world,
        }
    }

    /// Makes a world that goes on from here, beside the one that this was taken of; any number of them.
    pub fn restore(&self) -> Simulation {
        SimulationBuilder::clone(&self.plan).assemble(
            self.elapsed,
            self.identities.clone(),
            self.weather.clone(),
            self.memory.clone(),
            Some((&self.mail, &self.world)),
        )
    }

    /// Returns the SHA-256, in hex, of all mail, the zone, the state, the clock and what has departed: two worlds have the
    /// same if they are the same to the byte. Passwords, which no seed decides, are not in it.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        add(&self.elapsed.as_nanos().to_le_bytes());
        self.mail.for_each_message(|mailbox, folder, place, bytes| {
            add(format!("{mailbox} {folder} {} {}", place.uid_validity, place.uid).as_bytes());
            add(bytes);
        });
        for set in self.world.zone_records() {
            add(format!("{set:?}").as_bytes());
        }
        self.world.for_each_record(|key, value| {
            add(key.as_bytes());
            add(value);
        });
        for (at, departed) in &self.memory.departed {
            add(format!("{} {}", at.as_nanos(), departed.recipient).as_bytes());
            add(departed.message.bytes());
        }
        let half = |half: [u8; 16]| u128::from_be_bytes(half);
        let whole: [u8; 32] = digest.finalize().into();
        let (first, second) = whole.split_at(16);
        [first, second].map(|part| format!("{:032x}", half(part.try_into().unwrap_or_default()))).concat()
    }

    /// Returns what the mail system held, for a look at every message.
    pub fn mail(&self) -> &PostOfficeSnapshot {
        &self.mail
    }
}

/// Shows the time.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("elapsed", &self.elapsed).finish_non_exhaustive()
    }
}
