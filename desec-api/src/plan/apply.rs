//! Writing what a plan says.

use std::collections::HashSet;

use super::{Change, Desired, Key, Plan, RrData, by_key, compare, cost::requests, in_the_way};
use crate::{Client, DomainName, Error, RrSet, RrSetPatch, StaleRrSet};

impl Client {
    /// Writes what `plan` says, all of it or nothing, after reading that nothing it touches has changed.
    ///
    /// Costs what [`Plan::cost`] says: one read for each 500 RRsets of the zone, and one write. What is already
    /// done is not written again, so that repeating it is safe; for an empty plan nothing is sent. If the
    /// server fails, the link is lost, or another writer was faster, the zone is read again, and what was
    /// not done is written anew, at most twice.
    ///
    /// A plan of more than 500 RRsets, or of more than 1 MiB, goes in several requests, each of them all or
    /// nothing; a CNAME is in the same request as the deletions that it needs. An error is then about the
    /// request that failed, earlier ones stay done, and applying the plan again goes on from there. A dropped
    /// call may have been executed.
    ///
    /// The server has no lock: what another client writes between the read and the write may be overwritten.
    ///
    /// # Errors
    /// - [`Error::Stale`] if what is there is neither what was planned from nor what was planned. Plan again.
    /// - [`Error::Unknown`] if it could not be found out whether it was written. Apply it again.
    /// - Otherwise those of [`zone`](Self::zone) and [`patch_rrsets`](Self::patch_rrsets).
    pub async fn apply(&self, plan: &Plan) -> Result<Applied, Error> {
        if plan.is_empty() {
            return Ok(Applied::default());
        }
        self.settle(&plan.domain, |zone| plan.remaining(zone)).await
    }

    /// Makes certain that the zone of `domain` is as `desired`: one read and, if it is not, one write.
    ///
    /// This is [`plan`](Self::plan) and [`apply`](Self::apply) without a second read. If the server fails, the
    /// link is lost, or another writer was faster, the zone is read and planned again, at most twice. Repeating
    /// the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan) and [`apply`](Self::apply), but for [`Error::Stale`].
    pub async fn ensure(&self, domain: &DomainName, desired: &Desired) -> Result<Applied, Error> {
        let wanted = desired.wanted(domain)?.checked()?;
        self.settle(domain, |zone| Ok(wanted.plan(zone)?.changes)).await
    }

    /// Reads the zone and writes what `remaining` finds, again after each doubt.
    async fn settle(
        &self,
        domain: &DomainName,
        remaining: impl Fn(&[RrSet]) -> Result<Vec<Change>, Error>,
    ) -> Result<Applied, Error> {
        let (mut applied, mut doubt, mut repeats) = (Applied::default(), None::<Failure>, 0);
        loop {
            let zone = match self.zone(domain).await {
                Ok(zone) => zone,
                // That the zone cannot be read must not hide that it may have been written.
                Err(error) => return Err(doubt.map_or(error, |failure| failure.error)),
            };
            let changes = remaining(&zone)?;
            if let Some(failure) = doubt.take() {
                if !changes.is_empty() && repeats > MOST_REPEATS {
                    return Err(failure.error);
                }
                applied.resolve(failure, &changes);
            }
            match self.write(domain, &changes, &mut applied).await {
                Ok(()) => return Ok(applied),
                Err(failure) if failure.is_doubtful() => doubt = Some(failure),
                Err(failure) => return Err(failure.error),
            }
            repeats += 1;
        }
    }

    async fn write(
        &self,
        domain: &DomainName,
        changes: &[Change],
        applied: &mut Applied,
    ) -> Result<(), Failure> {
        for request in requests(changes) {
            let patches: Vec<RrSetPatch> = request.iter().map(|change| change.patch()).collect();
            let changes = request.into_iter().cloned();
            applied.writes += 1;
            match self.patch_rrsets(domain, &patches).await {
                Ok(_) => applied.changes.extend(changes),
                Err(error) => return Err(Failure { error, changes: changes.collect() }),
            }
        }
        Ok(())
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// What became of the RRsets that were not as wanted; none if nothing had to be written.
    pub changes: Vec<Change>,
    /// How many requests wrote or tried to.
    pub writes: usize,
    /// Whether an answer was missing, so that only reading the zone again showed what had happened.
    pub was_in_doubt: bool,
}

impl Applied {
    /// Takes as done what a failed request should have done and is no longer open.
    fn resolve(&mut self, failure: Failure, open: &[Change]) {
        self.was_in_doubt |= failure.error.outcome_unknown();
        let open: HashSet<Key<'_>> = open.iter().map(Change::key).collect();
        self.changes.extend(failure.changes.into_iter().filter(|change| !open.contains(&change.key())));
    }
}

/// A request that failed, and what it should have done.
struct Failure {
    error: Error,
    changes: Vec<Change>,
}

impl Failure {
    fn is_doubtful(&self) -> bool {
        matches!(self.error, Error::Unknown { .. } | Error::Conflict { .. })
    }
}

impl Plan {
    /// Returns what is still to be done in `zone`.
    fn remaining(&self, zone: &[RrSet]) -> Result<Vec<Change>, Error> {
        let there = by_key(zone);
        let (mut open, mut stale) = (Vec::new(), Vec::new());
        for change in &self.changes {
            let found = there.get(&change.key()).copied();
            if is_as(found, change.after.as_ref()) {
                continue;
            }
            if is_as(found, change.before.as_ref()) {
                open.push(change.clone());
            } else {
                stale.push(StaleRrSet::new(change.key(), change.before.clone(), found));
            }
        }
        let created: Vec<_> = open.iter().filter(|change| change.before.is_none()).map(Change::key).collect();
        let gone: HashSet<Key<'_>> =
            self.changes.iter().filter(|change| change.after.is_none()).map(Change::key).collect();
        for (set, _) in in_the_way(zone, &created, |set| gone.contains(&(&set.subname, &set.rtype))) {
            stale.push(StaleRrSet::new((&set.subname, &set.rtype), None, Some(set)));
        }
        if stale.is_empty() {
            Ok(open)
        } else {
            Err(Error::Stale { domain: self.domain.clone(), rrsets: stale })
        }
    }
}

fn is_as(found: Option<&RrSet>, data: Option<&RrData>) -> bool {
    match (found, data) {
        (None, None) => true,
        (Some(set), Some(data)) => {
            let (missing, more) = compare(&set.rtype, &data.records, &set.records);
            set.ttl == data.ttl && missing.is_empty() && more.is_empty()
        }
        _ => false,
    }
}

const MOST_REPEATS: usize = 2;
