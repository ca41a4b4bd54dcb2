//! The records of the system's own domain: published once, and kept from then on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mail_access::DomainName;
use tokio::time::{Instant, sleep, timeout};

use crate::backend::{
    DkimKey, DnsProvider, DynamicDns, PublicAddress, PublicAddressSource, PublicAddresses, RrSet, Zone,
};
use crate::records::{self, DnsReport};
use crate::{AgentMail, DnsOptions, DomainSpec, Error, ErrorKind};

/// Where the domain's records go, and which there are.
#[derive(Debug)]
pub(crate) struct Dns {
    pub(crate) provider: Arc<dyn DnsProvider>,
    pub(crate) zone: DomainName,
    pub(crate) mail_host: DomainName,
    pub(crate) keeping: Keeping,
}

/// How the records are made and kept.
#[derive(Debug)]
pub(crate) struct Keeping {
    pub(crate) options: DnsOptions,
    pub(crate) interval: Duration,
    pub(crate) source: Option<Arc<dyn PublicAddressSource>>,
    pub(crate) dynamic: Option<Arc<dyn DynamicDns>>,
    pub(crate) look_up_interval: Duration,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            options: DnsOptions::default(),
            interval: Duration::from_hours(24),
            source: None,
            dynamic: None,
            look_up_interval: Duration::from_mins(5),
        }
    }
}

impl Dns {
    /// Returns what speaks against it.
    pub(crate) fn objection(&self, domain: &DomainName) -> Option<String> {
        let Keeping { options, interval, source, dynamic, look_up_interval } = &self.keeping;
        if interval.is_zero() {
            return Some("the interval of dns has to be longer than nothing".to_owned());
        }
        if !domain.is_within(&self.zone) {
            return Some(format!("it does not lie in the zone {}", self.zone));
        }
        if source.is_none() {
            return dynamic.is_some().then(|| "dynamic DNS needs a source of the public address".to_owned());
        }
        if !self.mail_host.is_within(&self.zone) {
            let Self { mail_host, zone, .. } = self;
            return Some(format!(
                "the address of {mail_host} can't be kept: it does not lie in the zone {zone}"
            ));
        }
        if !options.addresses.is_empty() {
            return Some("the mail host has either fixed addresses or a source of them".to_owned());
        }
        (*look_up_interval < SHORTEST).then(|| "addresses are looked up at most once a minute".to_owned())
    }

    async fn find_address(&self) -> Result<Option<PublicAddresses>, Error> {
        match &self.keeping.source {
            Some(source) => look_up(source.as_ref(), &self.mail_host).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns what the zone lacks.
    fn changes(
        &self,
        domain: &DomainName,
        key: Option<DkimKey>,
        found: Option<&PublicAddresses>,
        zone: &Zone,
    ) -> Result<DnsReport, Error> {
        let mut spec = DomainSpec::new(domain.clone(), self.mail_host.clone());
        spec.dns = self.keeping.options.clone();
        // A dynamic address has a way of its own.
        let found = found.filter(|_| self.keeping.dynamic.is_none());
        spec.dns.addresses.extend(found.into_iter().flat_map(PublicAddresses::found));
        let keys = key.map(|key| BTreeMap::from([(domain.clone(), key)])).unwrap_or_default();
        let mut wanted = records::wanted(&spec, &keys, &self.zone, zone.minimum_ttl)?;
        if let Some(found) = found {
            let absent =
                [("A", found.v4 == PublicAddress::Absent), ("AAAA", found.v6 == PublicAddress::Absent)];
            for (rtype, _) in absent.into_iter().filter(|(_, absent)| *absent) {
                wanted.push(RrSet::new(self.host_name(), rtype, zone.minimum_ttl, Vec::new()));
            }
        }
        records::changes(zone, wanted)
    }

    /// Returns the mail host's name below the zone.
    fn host_name(&self) -> &str {
        records::below(self.mail_host.as_str(), &self.zone).unwrap_or_default()
    }
}

impl AgentMail {
    /// Publishes the records that the domain needs to send and receive mail: MX, SPF, DKIM, DMARC, those by which mail
    /// programs find the server, and what else [`dns_options`](crate::AgentMailBuilder::dns_options) says.
    ///
    /// It sees to it that the domain has a DKIM key, finds the public address of the mail host where that has a source,
    /// writes in one request what the zone lacks, and refreshes the address where it is a dynamic one. Other records
    /// stay as they are, as [`records::changes`] says. A second run right after writes nothing, but for the refresh. A
    /// dropped call leaves all records written or none, and the address refreshed or not: the next run finishes it.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if no zone is configured;
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the zone holds a record that contradicts these, such as a
    /// foreign MX; [`NotReady`](ErrorKind::NotReady) if the sources of the address disagree: nothing is written then;
    /// else what the backends say.
    pub async fn bootstrap_dns(&self) -> Result<DnsReport, Error> {
        let dns = self.dns()?;
        let _alone = self.system().locks.acquire("dns").await;
        let key = self.ensure_key().await?;
        let found = dns.find_address().await?;
        let (mut report, _) = self.write_records(dns, key, found.as_ref()).await?;
        if let (Some(dynamic), Some(found)) = (&dns.keeping.dynamic, &found) {
            dynamic.refresh(&dns.zone, &dns.mail_host, found).await?;
        }
        report.addresses = found.map(|found| found.found()).unwrap_or_default();
        Ok(report)
    }

    /// Tells what [`bootstrap_dns`](Self::bootstrap_dns) would write now, and reads only. While the domain has no DKIM key
    /// yet, there is no record of one; a mail system that makes keys with its domains gets one by `bootstrap_dns`.
    ///
    /// # Errors
    /// As [`bootstrap_dns`](Self::bootstrap_dns).
    pub async fn plan_dns(&self) -> Result<DnsReport, Error> {
        let dns = self.dns()?;
        let key = match self.system().provisioner.dkim(self.domain()).await {
            Ok(key) => Some(key),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let found = dns.find_address().await?;
        let zone = dns.provider.zone(&dns.zone).await?;
        let mut report = dns.changes(self.domain(), key, found.as_ref(), &zone)?;
        report.addresses = found.map(|found| found.found()).unwrap_or_default();
        Ok(report)
    }

    /// Keeps the domain's records as they have to be, for ever: does what [`bootstrap_dns`](Self::bootstrap_dns) does now
    /// and then once in each interval (24 hours unless the builder says otherwise). The caller spawns it.
    ///
    /// Where the mail host's address has a source, it is looked up every five minutes (unless the builder says otherwise)
    /// and published when it has changed, when somebody else has changed what is published, and once in each interval.
    /// While the sources disagree or don't answer, what is published stays; the other records are looked after all the
    /// same.
    ///
    /// A failed run is logged and made again: when the provider says, within the hour if that may help, else after
    /// the interval. A dropped call leaves the zone as the last finished run has made it.
    pub async fn keep_dns(&self) {
        let mut keeper = Keeper::new();
        loop {
            let pause = match self.dns() {
                Ok(dns) => keeper.turn(self, dns).await,
                Err(error) => {
                    tracing::warn!(%error, "dns not refreshed");
                    Duration::from_hours(24)
                }
            };
            sleep(pause).await;
        }
    }

    fn dns(&self) -> Result<&Dns, Error> {
        self.system().dns.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "bootstrap", self.domain())
                .with_detail("no zone is configured")
                .with_fix("give the builder a DnsProvider")
        })
    }

    async fn ensure_key(&self) -> Result<DkimKey, Error> {
        let provisioner = &self.system().provisioner;
        // Looked at each time: this is what keeps a domain in repair.
        provisioner.ensure_domain(self.domain()).await?;
        let key = provisioner.dkim(self.domain()).await?;
        if let Some(gate) = &self.system().gate {
            gate.note_key(&key);
        }
        Ok(key)
    }

    /// Writes what the zone lacks, and returns the zone as it was.
    async fn write_records(
        &self,
        dns: &Dns,
        key: DkimKey,
        found: Option<&PublicAddresses>,
    ) -> Result<(DnsReport, Zone), Error> {
        let domain = self.domain();
        let zone = dns.provider.zone(&dns.zone).await?;
        let report = dns.changes(domain, Some(key), found, &zone)?;
        if !report.written.is_empty() {
            dns.provider.replace(&dns.zone, &report.written).await?;
        }
        tracing::info!(domain = %domain, written = report.written.len(), unchanged = report.unchanged, "dns bootstrapped");
        Ok((report, zone))
    }
}

/// What [`AgentMail::keep_dns`] remembers between its turns.
struct Keeper {
    repair: Instant,
    look_up: Instant,
    heartbeat: Instant,
    /// What is published for sure.
    published: PublicAddresses,
}

impl Keeper {
    fn new() -> Self {
        let now = Instant::now();
        Self { repair: now, look_up: now, heartbeat: now, published: NOTHING }
    }

    /// Does what is due, and returns the time until something is.
    async fn turn(&mut self, mail: &AgentMail, dns: &Dns) -> Duration {
        let keeping = &dns.keeping;
        if let Some(source) = &keeping.source
            && Instant::now() >= self.look_up
        {
            let wait = match self.follow(mail, dns, source.as_ref()).await {
                Ok(()) => keeping.look_up_interval,
                Err(error) => {
                    tracing::warn!(%error, "address not refreshed");
                    let patience = if error.is_retryable() { keeping.look_up_interval } else { HOUR };
                    error.retry_after().unwrap_or_default().max(patience)
                }
            };
            self.look_up = later(wait);
        }
        if Instant::now() >= self.repair {
            let wait = match self.mend(mail, dns).await {
                Ok(()) => keeping.interval,
                Err(error) => {
                    tracing::warn!(%error, "dns not refreshed");
                    let soon = error.is_retryable().then(|| keeping.interval.min(HOUR));
                    error.retry_after().or(soon).unwrap_or(keeping.interval)
                }
            };
            self.repair = later(wait);
        }
        let next = if keeping.source.is_some() { self.repair.min(self.look_up) } else { self.repair };
        next.saturating_duration_since(Instant::now())
    }

    /// Looks the address up, and publishes what is new or due.
    async fn follow(
        &mut self,
        mail: &AgentMail,
        dns: &Dns,
        source: &dyn PublicAddressSource,
    ) -> Result<(), Error> {
        let found = look_up(source, &dns.mail_host).await?;
        let changed = differs(self.published.v4, found.v4) || differs(self.published.v6, found.v6);
        match &dns.keeping.dynamic {
            Some(dynamic) if changed || Instant::now() >= self.heartbeat => {
                let _alone = mail.system().locks.acquire("dns").await;
                if let Err(error) = dynamic.refresh(&dns.zone, &dns.mail_host, &found).await {
                    // It may have happened, and what then is published nobody knows.
                    if error.kind() == ErrorKind::Interrupted {
                        self.published = NOTHING;
                    }
                    return Err(error);
                }
                self.heartbeat = later(dns.keeping.interval);
                tracing::info!(host = %dns.mail_host, "address refreshed");
            }
            Some(_) => return Ok(()),
            None if changed => self.repair = Instant::now(),
            None => {}
        }
        merge(&mut self.published.v4, found.v4);
        merge(&mut self.published.v6, found.v6);
        Ok(())
    }

    async fn mend(&mut self, mail: &AgentMail, dns: &Dns) -> Result<(), Error> {
        let _alone = mail.system().locks.acquire("dns").await;
        let key = mail.ensure_key().await?;
        let known = Some(self.published).filter(|known| *known != NOTHING);
        let (_, zone) = mail.write_records(dns, key, known.as_ref()).await?;
        if dns.keeping.dynamic.is_some() && !self.is_published(&zone, dns.host_name()) {
            self.published = NOTHING;
            self.look_up = Instant::now();
        }
        Ok(())
    }

    /// Tells whether the zone still has what was published.
    fn is_published(&self, zone: &Zone, host: &str) -> bool {
        fn holds<A: Copy + PartialEq + std::str::FromStr>(
            set: Option<&RrSet>,
            known: &PublicAddress<A>,
        ) -> bool {
            let there: Vec<Option<A>> = set
                .map(|set| set.records.iter().map(|record| record.parse().ok()).collect())
                .unwrap_or_default();
            match known {
                PublicAddress::Found(address) => there == [Some(*address)],
                PublicAddress::Absent => there.is_empty(),
                PublicAddress::Unknown => true,
            }
        }
        holds(zone.find(host, "A"), &self.published.v4) && holds(zone.find(host, "AAAA"), &self.published.v6)
    }
}

async fn look_up(source: &dyn PublicAddressSource, host: &DomainName) -> Result<PublicAddresses, Error> {
    match timeout(LOOK_UP, source.addresses()).await {
        Ok(found) => found,
        Err(_) => Err(Error::new(ErrorKind::Unavailable, "find address", host)
            .with_detail("its source gave no answer within 3 minutes")),
    }
}

/// The clock ends somewhere, and no pause is for ever.
fn later(wait: Duration) -> Instant {
    Instant::now() + wait.min(LONGEST)
}

fn differs<A: PartialEq + Copy>(published: PublicAddress<A>, found: PublicAddress<A>) -> bool {
    found != PublicAddress::Unknown && found != published
}

fn merge<A: PartialEq>(published: &mut PublicAddress<A>, found: PublicAddress<A>) {
    if found != PublicAddress::Unknown {
        *published = found;
    }
}

const NOTHING: PublicAddresses = PublicAddresses { v4: PublicAddress::Unknown, v6: PublicAddress::Unknown };
const HOUR: Duration = Duration::from_hours(1);
/// deSEC takes two updates in two minutes.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24 * 365);
const LOOK_UP: Duration = Duration::from_mins(3);
