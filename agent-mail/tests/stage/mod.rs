//! A world whose every call can go wrong, and which outlives the programs that run over it.

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::{DnsProvider, MailAdmin, SecretStore, StateStore};
use agent_mail::{DomainName, Embedded, MemorySecrets, MemoryState, Operator};

use super::faults::{Faults, Faulty};

pub(crate) struct Stage {
    pub(crate) world: Arc<Embedded>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) faults: Arc<Faults>,
    kept: Arc<MemoryState>,
    zone: DomainName,
}

impl Stage {
    pub(crate) fn new(zone: &str) -> Self {
        let zone: DomainName = zone.parse().unwrap();
        let world = Arc::new(Embedded::new(zone.clone()));
        Self { world, secrets: Arc::default(), faults: Arc::default(), kept: Arc::default(), zone }
    }

    /// Starts the program: an operator that remembers nothing but what is stored.
    pub(crate) fn operator(&self) -> Operator {
        let faults = || self.faults.clone();
        Operator::builder(Arc::new(Faulty::<dyn MailAdmin>(self.world.clone(), faults())))
            .dns(Arc::new(Faulty::<dyn DnsProvider>(self.world.clone(), faults())), self.zone.clone())
            .secrets(Arc::new(Faulty::<dyn SecretStore>(self.secrets.clone(), faults())))
            .state(self.state())
            .build()
            .unwrap()
    }

    pub(crate) fn state(&self) -> Arc<dyn StateStore> {
        Arc::new(Faulty::<dyn StateStore>(self.kept.clone(), self.faults.clone()))
    }

    /// Returns all that is there: the domain, the zone, and how many passwords.
    pub(crate) async fn shown(&self, domain: &str) -> String {
        let served = self.world.survey(&domain.parse().unwrap()).await.unwrap();
        format!("{served:#?}\n{:#?}\n{:?}", self.world.zone_records(), self.secrets)
    }
}

/// Runs a call of a program to its end, or until it hangs, and then ends the program.
pub(crate) async fn until_it_hangs<T>(call: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_hours(1), call).await.ok()
}
