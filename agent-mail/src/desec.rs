//! The zone at deSEC (feature `desec`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use desec_api::{
    AddressChange, AddressError, AddressSource, Client, DynDns, DynDnsUpdate, Error as DesecError,
    RecordType, RrSetPatch, Scope, SubName, Ttl,
};
use mail_access::DomainName;

use crate::backend::{
    DnsBudget, DnsProvider, DynamicDns, PublicAddress, PublicAddressSource, PublicAddresses, RrSet, Zone,
};
use crate::records::below;
use crate::{Error, ErrorKind};

/// A [`DnsProvider`] and [`DynamicDns`] over the deSEC API.
///
/// A zone is read with one request for each 500 RRsets, the first time with one more for its lowest TTL, which is
/// remembered until a write fails; all changes go in one. How many writes are left is what the client's pace says.
#[derive(Clone, Debug)]
pub struct Desec {
    client: Client,
    minimum_ttls: Arc<Mutex<HashMap<DomainName, u32>>>,
}

impl Desec {
    /// Wraps a client.
    pub fn new(client: Client) -> Self {
        Self { client, minimum_ttls: Arc::default() }
    }

    async fn minimum_ttl(
        &self,
        name: &DomainName,
        domain: &desec_api::DomainName,
    ) -> Result<u32, DesecError> {
        let known = self.known().get(name).copied();
        if let Some(ttl) = known {
            return Ok(ttl);
        }
        let ttl = self.client.domain(domain).await?.minimum_ttl.seconds();
        self.known().insert(name.clone(), ttl);
        Ok(ttl)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<DomainName, u32>> {
        self.minimum_ttls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DnsProvider for Desec {
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error> {
        let lift = |error| lift(error, "read zone", name);
        let domain = parse(name)?;
        let minimum_ttl = self.minimum_ttl(name, &domain).await.map_err(lift)?;
        let sets = self.client.zone(&domain).await.map_err(lift)?;
        let sets = sets
            .into_iter()
            .map(|set| {
                RrSet::new(set.subname.as_str(), set.rtype.to_string(), set.ttl.seconds(), set.records)
            })
            .collect();
        let zone = Zone::new(minimum_ttl, sets);
        let usage = self.client.pace().usage(&Scope::Write(domain));
        Ok(match usage.limit {
            Some(limit) => zone.with_budget(DnsBudget { used: usage.used, limit }),
            None => zone,
        })
    }

    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error> {
        let patches = sets.iter().map(patch).collect::<Result<Vec<_>, _>>()?;
        let written = self.client.patch_rrsets(&parse(zone)?, &patches).await;
        written.map(drop).map_err(|error| {
            self.known().remove(zone);
            lift(error, "write zone", zone)
        })
    }
}

/// Addresses live for 60 seconds. Two refreshes are possible in two minutes; the client waits for its turn.
#[async_trait]
impl DynamicDns for Desec {
    async fn refresh(
        &self,
        zone: &DomainName,
        host: &DomainName,
        addresses: &PublicAddresses,
    ) -> Result<(), Error> {
        let lift = |error| lift(error, "refresh address", host);
        let name = below(host.as_str(), zone).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "refresh address", host)
                .with_detail("it does not lie in the zone")
        })?;
        let name: SubName = name.parse().map_err(lift)?;
        let update = DynDnsUpdate::new(change(addresses.v4), change(addresses.v6)).with_names([name]);
        DynDns::new(self.client.clone(), parse(zone)?).update(&update).await.map_err(lift)
    }
}

/// A [`PublicAddressSource`] over those of desec-api: [`CheckIp`](desec_api::CheckIp) asks deSEC,
/// [`Agreement`](desec_api::Agreement) several.
#[derive(Clone, Debug)]
pub struct DesecAddresses {
    source: Arc<dyn AddressSource>,
}

impl DesecAddresses {
    /// Wraps a source.
    pub fn new(source: Arc<dyn AddressSource>) -> Self {
        Self { source }
    }
}

#[async_trait]
impl PublicAddressSource for DesecAddresses {
    async fn addresses(&self) -> Result<PublicAddresses, Error> {
        let found = self.source.addresses().await.map_err(|error| {
            let (kind, detail) = match &error {
                AddressError::Disagreement { .. } => (ErrorKind::NotReady, "those who were asked disagree"),
                _ => (ErrorKind::Unavailable, "nobody who was asked knows it"),
            };
            Error::new(kind, "find address", "the mail host").with_detail(detail).with_source(error)
        })?;
        Ok(PublicAddresses { v4: known(found.v4), v6: known(found.v6) })
    }
}

fn known<A>(found: desec_api::PublicAddress<A>) -> PublicAddress<A> {
    match found {
        desec_api::PublicAddress::Found(address) => PublicAddress::Found(address),
        desec_api::PublicAddress::Absent => PublicAddress::Absent,
        desec_api::PublicAddress::Unknown => PublicAddress::Unknown,
    }
}

fn change<A>(known: PublicAddress<A>) -> AddressChange<A> {
    match known {
        PublicAddress::Found(address) => AddressChange::Set(vec![address]),
        PublicAddress::Absent => AddressChange::Delete,
        PublicAddress::Unknown => AddressChange::Preserve,
    }
}

fn patch(set: &RrSet) -> Result<RrSetPatch, Error> {
    let invalid = |source: DesecError| {
        let name = if set.name.is_empty() { "@" } else { &set.name };
        lift(source, "write zone", format!("{name} {}", set.rtype))
    };
    let subname: SubName = set.name.parse().map_err(invalid)?;
    let rtype: RecordType = set.rtype.parse().map_err(invalid)?;
    if set.records.is_empty() {
        return Ok(RrSetPatch::delete(subname, rtype));
    }
    let ttl = Ttl::new(set.ttl).map_err(invalid)?;
    Ok(RrSetPatch::new(subname, rtype).with_ttl(ttl).with_records(set.records.clone()))
}

fn parse(name: &DomainName) -> Result<desec_api::DomainName, Error> {
    name.as_str().parse().map_err(|error| lift(error, "name zone", name))
}

fn lift(error: DesecError, operation: &'static str, subject: impl std::fmt::Display) -> Error {
    let kind = match &error {
        DesecError::InvalidInput { .. } => ErrorKind::InvalidInput,
        DesecError::Unauthenticated { .. } => ErrorKind::Unauthenticated,
        DesecError::Forbidden { .. } => ErrorKind::PermissionDenied,
        DesecError::NotFound { .. } => ErrorKind::NotFound,
        DesecError::Throttled { .. } => ErrorKind::RateLimited,
        DesecError::Invalid { .. } => ErrorKind::Rejected,
        DesecError::Unknown { .. } => ErrorKind::Interrupted,
        DesecError::Conflict { .. } | DesecError::PaceStore { .. } | DesecError::Unavailable { .. } => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Unexpected,
    };
    let after = error.retry_after();
    // RRsets are replaced as a whole: what was written twice is as it has to be.
    Error::new(kind, operation, subject).with_retry_after(after).with_repeatable().with_source(error)
}
