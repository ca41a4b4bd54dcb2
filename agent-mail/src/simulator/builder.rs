use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use mail_access::{Address, DomainName, Foreign, Policy, PostOffice, PostOfficeSnapshot};

use super::clock::VirtualTime;
use super::dice::Dice;
use super::mail::SimulatedMail;
use super::outages::{Outages, Service};
use super::outside::{Memory, Outside, People};
use super::services::Services;
use super::weather::{Sky, Weather};
use super::{Correspondent, Inner, Simulation};
use crate::Embedded;

/// The settings of a [`Simulation`].
#[derive(Clone)]
#[must_use]
pub struct SimulationBuilder {
    pub(super) seed: u64,
    pub(super) domain: DomainName,
    began: SystemTime,
    weather: Weather,
    policy: Policy,
    outages: Outages,
    people: People,
}

impl SimulationBuilder {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            domain: DEFAULT_DOMAIN.parse().expect("it is a domain name"),
            began: SystemTime::UNIX_EPOCH + BEGINNING,
            weather: Weather::calm(),
            policy: Policy::new(),
            outages: Outages::default(),
            people: People::default(),
        }
    }

    /// Sets the domain of the agents, which is the zone too; `agents.example` unless set.
    pub fn domain(mut self, domain: DomainName) -> Self {
        self.domain = domain;
        self
    }

    /// Sets when the world begins by its own clock; Monday, 5 January 2026, 00:00 UTC unless set.
    pub fn beginning(mut self, began: SystemTime) -> Self {
        self.began = began;
        self
    }

    /// Sets what goes wrong, and how often; nothing unless set.
    pub fn weather(mut self, weather: Weather) -> Self {
        self.weather = weather;
        self
    }

    /// Sets what the mail system takes; [`Policy::new`] unless set. What is for the outside departs whatever it says.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes a service away from one moment of the world's time to another; several times are several outages.
    ///
    /// Calls that reach it meanwhile find it [unavailable](crate::ErrorKind::Unavailable), answers that are on their way
    /// get lost, and whoever waits for mail learns of it at once.
    pub fn outage(mut self, service: Service, during: Range<Duration>) -> Self {
        self.outages.add(service, during);
        self
    }

    /// Puts somebody outside, under an address that isn't one of the domain.
    pub fn correspondent(mut self, address: &Address, correspondent: Correspondent) -> Self {
        self.people.by_address.insert(address.to_string().to_ascii_lowercase(), correspondent);
        self
    }

    /// Puts the same kind of correspondent under all other addresses of a domain outside.
    pub fn correspondents_of(mut self, domain: DomainName, each: Correspondent) -> Self {
        self.people.by_domain.insert(domain, each);
        self
    }

    /// Sets what everybody else outside does; they are silent unless set.
    pub fn anybody_else(mut self, each: Correspondent) -> Self {
        self.people.others = Some(each);
        self
    }

    /// Makes the world. Its clock begins now, at Tokio's present time.
    pub fn build(self) -> Simulation {
        let dice = |name| Dice::named(self.seed, name);
        let memory = Memory { dice: dice("outside"), departed: Vec::new() };
        let (identities, weather) = (dice("identities"), (self.weather.clone(), dice("weather")));
        self.assemble(Duration::ZERO, identities, weather, memory, None)
    }

    pub(super) fn host(&self) -> DomainName {
        format!("mail.{}", self.domain).parse().unwrap_or_else(|_| self.domain.clone())
    }

    pub(super) fn assemble(
        self,
        elapsed: Duration,
        identities: Dice,
        (weather, dice): (Weather, Dice),
        memory: Memory,
        world: Option<(&PostOfficeSnapshot, &Embedded)>,
    ) -> Simulation {
        let time = Arc::new(VirtualTime::new(self.began, elapsed, identities));
        let outside = Arc::new(Outside {
            time: time.clone(),
            sky: Sky::new(weather, dice),
            people: self.people.clone(),
            memory: Mutex::new(memory),
        });
        let mut policy = self.policy.clone().with_foreign_domains(Foreign::Kept);
        if let Some(pause) = self.weather.greylisting() {
            policy = policy.with_greylisting(pause);
        }
        let (clock, sky, world_outside) = (time.clone(), outside.clone(), outside.clone());
        let office = PostOffice::builder()
            .with_host(self.host())
            .with_policy(policy)
            .with_clock(move || crate::backend::TimeAndChance::now(&*clock))
            .with_weather(move |occasion| sky.sky().fault(occasion))
            .with_outside(move |departed| world_outside.receive(departed));
        let embedded = match world {
            None => Embedded::around(self.domain.clone(), office.build()),
            Some((mail, frozen)) => frozen.copy_around(office.restore(mail)),
        };
        let outages = self.outages.clone();
        let mail = Arc::new(SimulatedMail {
            office: embedded.post_office().clone(),
            time: time.clone(),
            outside: outside.clone(),
            outages: outages.clone(),
        });
        let services = Arc::new(Services {
            world: embedded.clone(),
            time: time.clone(),
            outside: outside.clone(),
            outages,
        });
        Simulation(Arc::new(Inner { plan: Arc::new(self), time, embedded, outside, mail, services }))
    }
}

/// Shows the seed and the domain.
impl fmt::Debug for SimulationBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulationBuilder")
            .field("seed", &self.seed)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

const DEFAULT_DOMAIN: &str = "agents.example";
/// From the beginning of 1970 to that of the first full week of 2026.
const BEGINNING: Duration = Duration::from_hours(490_992);
