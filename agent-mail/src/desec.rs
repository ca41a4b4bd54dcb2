//! The zone at deSEC (feature `desec`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use desec_api::{Client, Error as DesecError, RecordType, RrSetPatch, SubName, Ttl};
use mail_access::DomainName;

use crate::backend::{DnsProvider, RrSet, Zone};
use crate::{Error, ErrorKind};

/// A [`DnsProvider`] over the deSEC API.
///
/// A zone is read with one request for each 500 RRsets, and the first time with one more for its lowest TTL; all changes
/// go in one.
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

    /// Returns the lowest TTL of a zone, which hardly ever changes.
    async fn minimum_ttl(&self, name: &DomainName) -> Result<u32, Error> {
        if let Some(known) = self.known().get(name) {
            return Ok(*known);
        }
        let domain = self.client.domain(&parse(name)?).await;
        let minimum = domain.map_err(|error| lift(error, "read zone", name))?.minimum_ttl.seconds();
        self.known().insert(name.clone(), minimum);
        Ok(minimum)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<DomainName, u32>> {
        self.minimum_ttls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DnsProvider for Desec {
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error> {
        let lift = |error| lift(error, "read zone", name);
        let minimum_ttl = self.minimum_ttl(name).await?;
        let sets = self.client.zone(&parse(name)?).await.map_err(lift)?;
        let sets = sets
            .into_iter()
            .map(|set| {
                RrSet::new(set.subname.as_str(), set.rtype.to_string(), set.ttl.seconds(), set.records)
            })
            .collect();
        Ok(Zone::new(minimum_ttl, sets))
    }

    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error> {
        let patches = sets.iter().map(patch).collect::<Result<Vec<_>, _>>()?;
        let written = self.client.patch_rrsets(&parse(zone)?, &patches).await;
        written.map(drop).map_err(|error| {
            // Perhaps because the lowest TTL is another one by now.
            self.known().remove(zone);
            lift(error, "write zone", zone)
        })
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
