use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use secrecy::SecretString;
use tokio::time::sleep;

use super::clock::VirtualTime;
use super::outages::Outages;
use super::outside::Outside;
use super::{Service, Trouble};
use crate::backend::{Claim, DkimKey, DnsProvider, LoginRotation, MailboxSpec, Provisioner, RrSet, Zone};
use crate::{Embedded, Error, ErrorKind};

/// Provisioning and the zone at the end of a line that is slow, and at times dead.
pub(super) struct Services {
    pub(super) world: Embedded,
    pub(super) time: Arc<VirtualTime>,
    pub(super) outside: Arc<Outside>,
    pub(super) outages: Outages,
}

impl Services {
    async fn call<T>(
        &self,
        service: Service,
        operation: &'static str,
        subject: impl Display,
        done: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let troubles: &[Trouble] = if service == Service::Mailcow { &MAILCOW } else { &DESEC };
        let failed = |kind| Error::new(kind, operation, &subject);
        self.travel().await;
        if self.outages.is_out(service, self.time.elapsed()) {
            return Err(failed(ErrorKind::Unavailable));
        }
        let trouble = self.outside.sky().trouble(troubles);
        match trouble {
            Some(Trouble::MailcowUnavailable | Trouble::DesecUnavailable) => {
                return Err(failed(ErrorKind::Unavailable));
            }
            Some(Trouble::DesecRateLimited) => {
                return Err(failed(ErrorKind::RateLimited).with_retry_after(Some(PAUSE)));
            }
            _ => {}
        }
        let answer = done.await;
        self.travel().await;
        let is_lost = trouble.is_some() || self.outages.is_out(service, self.time.elapsed());
        // A refusal that gets lost is as unknown to the caller as what was done.
        if is_lost { Err(failed(ErrorKind::Interrupted).with_repeatable()) } else { answer }
    }

    async fn travel(&self) {
        let latency = self.outside.sky().latency();
        if !latency.is_zero() {
            sleep(latency).await;
        }
    }
}

#[async_trait]
impl Provisioner for Services {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        self.call(Service::Mailcow, "ensure domain", domain, self.world.ensure_domain(domain)).await
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        self.call(Service::Mailcow, "read key", domain, self.world.dkim(domain)).await
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        let done = self.world.ensure_mailbox(spec);
        self.call(Service::Mailcow, "ensure mailbox", &spec.address, done).await
    }

    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        let done = self.world.remove_mailbox(address, claim);
        self.call(Service::Mailcow, "remove mailbox", address, done).await
    }
}

#[async_trait]
impl LoginRotation for Services {
    async fn add_login(
        &self,
        address: &Address,
        claim: &Claim,
        label: &str,
        password: &SecretString,
    ) -> Result<(), Error> {
        let done = self.world.add_login(address, claim, label, password);
        self.call(Service::Mailcow, "add login", address, done).await
    }

    async fn keep_only_login(&self, address: &Address, claim: &Claim, label: &str) -> Result<(), Error> {
        let done = self.world.keep_only_login(address, claim, label);
        self.call(Service::Mailcow, "keep one login", address, done).await
    }
}

#[async_trait]
impl DnsProvider for Services {
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error> {
        self.call(Service::Desec, "read zone", name, self.world.zone(name)).await
    }

    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error> {
        self.call(Service::Desec, "write zone", zone, self.world.replace(zone, sets)).await
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("world", &self.world).finish_non_exhaustive()
    }
}

const MAILCOW: [Trouble; 2] = [Trouble::MailcowUnavailable, Trouble::MailcowTakenAndLost];
const DESEC: [Trouble; 3] =
    [Trouble::DesecUnavailable, Trouble::DesecRateLimited, Trouble::DesecTakenAndLost];
/// The longest window of deSEC that one hits in passing.
const PAUSE: Duration = Duration::from_mins(1);
