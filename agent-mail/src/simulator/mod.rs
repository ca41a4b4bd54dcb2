//! The embedded world as a simulator: seeded, on a virtual clock, with troubles and a world outside.
//!
//! A [`Simulation`] is an [`Embedded`] world whose time is Tokio's and whose chance comes from a seed: with Tokio's time
//! paused a simulated week takes seconds, and the same seed gives the same mails, byte for byte, and the same events in
//! the same order. Its [`Weather`] makes calls slow, lost, refused, doubled, late; its [outages](SimulationBuilder::outage)
//! take a service away for a while; its [`Correspondent`]s answer, bounce and complain from outside.
//!
//! ```
//! use std::time::Duration;
//!
//! use agent_mail::NewMessage;
//! use agent_mail::simulator::{Correspondent, Simulation};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
//! let simulation = Simulation::builder(7)
//!     .correspondent(&"shop@outside.example".parse()?, Correspondent::answering(Duration::from_secs(3600), "It ships."))
//!     .build();
//! let mail = simulation.system().build()?;
//! let ada = mail.provision(&"ada".parse()?).await?;
//! ada.send(NewMessage::to("shop@outside.example".parse::<agent_mail::Address>()?).with_text("When?")).await?;
//!
//! let before = simulation.elapsed();
//! let answer = ada.events().next().await.ok_or("it goes on")??;
//! assert_eq!(answer.received().and_then(|message| message.text()).map(|text| text.expose().trim_end()), Some("It ships."));
//! assert!(simulation.elapsed() - before >= Duration::from_secs(3600), "an hour has passed, and no time");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod clock;
mod correspondent;
mod dice;
mod letters;
mod mail;
mod outages;
mod outside;
mod services;
mod snapshot;
mod store;
mod weather;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{Address, Departed, MailAccess, MessageStore, NewMessage, PostOffice, TrustedServer};

pub use self::builder::SimulationBuilder;
pub use self::correspondent::{Correspondent, Reaction};
pub use self::dice::Dice;
pub use self::outages::Service;
pub use self::snapshot::Snapshot;
pub use self::weather::{Trouble, Weather};

use self::clock::VirtualTime;
use self::mail::SimulatedMail;
use self::outside::Outside;
use self::services::Services;
use crate::backend::{DnsProvider, LoginRotation, Provisioner, TimeAndChance};
use crate::{AgentMailBuilder, Embedded, Error, MessageId};

/// A world whose time, chance and troubles are decided by a seed; see [the module](self).
///
/// Cheap to clone; the clones are one world. It outlives the systems that are made over it, so that a program can be
/// broken off and started again in it. It takes memory for all mail and for all that [departed](Self::take_departed).
#[derive(Clone)]
pub struct Simulation(Arc<Inner>);

struct Inner {
    plan: Arc<SimulationBuilder>,
    time: Arc<VirtualTime>,
    embedded: Embedded,
    outside: Arc<Outside>,
    mail: Arc<SimulatedMail>,
    services: Arc<Services>,
}

impl Simulation {
    /// Begins a world; the same seed, the same settings and the same program make the same world.
    pub fn builder(seed: u64) -> SimulationBuilder {
        SimulationBuilder::new(seed)
    }

    /// Begins a system in this world, with this world's state, secrets, time and chance.
    pub fn system(&self) -> AgentMailBuilder {
        let host = self.0.plan.host();
        self.0
            .embedded
            .system()
            .provisioner(self.provisioner())
            .mail_access(self.mail_access())
            .message_store(self.message_store())
            .rotation(self.rotation())
            .dns(self.dns(), self.0.plan.domain.clone(), host.clone())
            .time_and_chance(self.time_and_chance())
            .trusted_server(TrustedServer::new(host.to_string()))
    }

    /// Returns the mail system as a program reaches it: with its troubles.
    pub fn mail_access(&self) -> Arc<dyn MailAccess> {
        self.0.mail.clone()
    }

    /// Returns whole mailboxes as a program reaches them: with their troubles.
    pub fn message_store(&self) -> Arc<dyn MessageStore> {
        self.0.mail.clone()
    }

    /// Returns the provisioning as a program reaches it.
    pub fn provisioner(&self) -> Arc<dyn Provisioner> {
        self.0.services.clone()
    }

    /// Returns the rotation of passwords as a program reaches it.
    pub fn rotation(&self) -> Arc<dyn LoginRotation> {
        self.0.services.clone()
    }

    /// Returns the zone as a program reaches it.
    pub fn dns(&self) -> Arc<dyn DnsProvider> {
        self.0.services.clone()
    }

    /// Returns the world's time and chance.
    pub fn time_and_chance(&self) -> Arc<dyn TimeAndChance> {
        self.0.time.clone()
    }

    /// Returns the world itself, which is reached without any trouble: what an observer sees.
    pub fn embedded(&self) -> &Embedded {
        &self.0.embedded
    }

    /// Returns the mail system itself, which is reached without any latency and outage.
    pub fn post_office(&self) -> &PostOffice {
        self.0.embedded.post_office()
    }

    /// Returns how long the world has been going, in its own time.
    pub fn elapsed(&self) -> Duration {
        self.0.time.elapsed()
    }

    /// Returns dice of their own, which follow from the seed and this name, for what a test or a script decides. The same
    /// name gives the same dice, from their first throw.
    pub fn dice(&self, name: &str) -> Dice {
        Dice::named(self.0.plan.seed, name)
    }

    /// Changes the weather from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.0.outside.sky().set(weather);
    }

    /// Lets somebody outside write a message, which arrives after a time.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the message can't be sent as it is.
    pub fn write_from_outside(
        &self,
        from: &Address,
        message: NewMessage,
        after: Duration,
    ) -> Result<MessageId, Error> {
        let sealed = letters::seal(&self.0.time, from, message, after)?;
        self.post_office().receive_after(after, &sealed);
        Ok(sealed.message_id().clone())
    }

    /// Takes out what has left for addresses outside since the last call, with the time of each departure.
    pub fn take_departed(&self) -> Vec<(Duration, Departed)> {
        self.0.outside.take_departed()
    }

    /// Takes the whole world down: mail, accounts, zone, state, secrets, what is on its way, the clock and the dice.
    ///
    /// What a program is just doing is not in it: for the world that is [restored](Snapshot::restore) it is as if the program
    /// had been ended at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.0)
    }
}

/// Shows the seed and the domain.
impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.0.plan.seed)
            .field("domain", &self.0.plan.domain)
            .finish_non_exhaustive()
    }
}
