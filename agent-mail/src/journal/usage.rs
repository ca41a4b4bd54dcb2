//! What an agent sends and receives, counted: `usage/<agent>/<hour since 1970>/<mark>`, and `sum` in its place.
//!
//! Each thing is counted by a record of its own, in the same change as what is counted: so it needs no look at what was
//! counted before, conflicts with nobody, and is there exactly if the thing is. Now and then those of an agent are
//! summed up, those of long ago by the day. An agent has about 64 of these records besides its sums.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::SystemTime;

use super::{Journal, OutboxRecord, Stage, decode, encode};
use crate::backend::Change;
use crate::usage::hour;
use crate::{AgentId, Error, Usage};

impl Journal {
    /// Adds to a change what it does, which is made only while the agent is there. `mark` tells it from all else that is
    /// counted for the agent in that hour.
    pub(crate) async fn tally(
        &self,
        change: Change,
        agent: &AgentId,
        now: SystemTime,
        mark: impl Hash,
        usage: Usage,
    ) -> Result<Change, Error> {
        if usage.is_empty() {
            return Ok(change);
        }
        let mut hasher = DefaultHasher::new();
        mark.hash(&mut hasher);
        let mark = hasher.finish();
        if mark.is_multiple_of(SUMMED_UP_EVERY) {
            // What can't be summed up now is later.
            let _later = self.sum_up(agent, hour(now)).await;
        }
        let key = self.key("usage", agent, format_args!("{:07}/{mark:016x}", hour(now)));
        Ok(change.put(key, encode(&usage.to_numbers())))
    }

    /// Adds to a change what a step of a message on its way out does, from one record to another, and returns that too. The
    /// message's size is looked up where it isn't known.
    pub(crate) async fn tally_step(
        &self,
        change: Change,
        agent: &AgentId,
        now: SystemTime,
        (before, after): (Stage<'_>, &OutboxRecord),
        size: Option<usize>,
    ) -> Result<(Change, Usage), Error> {
        let mut step = Usage::of_step(before, after.stage());
        if step.sent > 0 {
            let size = if let Some(size) = size {
                size
            } else {
                let bytes = self.store.get(&self.key("outbox-bytes", agent, &after.name)).await?;
                bytes.map_or(0, |bytes| bytes.len())
            };
            step.bytes_sent = size.try_into().unwrap_or(u64::MAX);
        }
        // No step of a message leads from the same recipients reached to the same.
        let mark = (after.message_id.as_str(), Reached::of(before), Reached::of(after.stage()));
        Ok((self.tally(change, agent, now, mark, step).await?, step))
    }

    /// Returns what an agent did from one hour to another.
    pub(crate) async fn usage(&self, agent: &AgentId, from: u64, to: u64) -> Result<Usage, Error> {
        let prefix = self.key("usage", agent, "");
        let mut sum = Usage::default();
        for (key, bytes) in self.store.scan(&prefix).await? {
            if hour_of(&key[prefix.len()..]).is_some_and(|hour| (from..=to).contains(&hour)) {
                sum += Usage::from_numbers(&decode::<Vec<u64>>(&key, &bytes)?);
            }
        }
        Ok(sum)
    }

    /// Returns what each agent did from one hour to another, of those who did something.
    pub(crate) async fn usages(&self, from: u64, to: u64) -> Result<BTreeMap<AgentId, Usage>, Error> {
        let prefix = format!("{}/usage/", self.domain);
        let mut all: BTreeMap<AgentId, Usage> = BTreeMap::new();
        for (key, bytes) in self.store.scan(&prefix).await? {
            let Some((agent, rest)) = key[prefix.len()..].split_once('/') else { continue };
            if let Some(agent) = AgentId::decode(agent)
                && hour_of(rest).is_some_and(|hour| (from..=to).contains(&hour))
            {
                *all.entry(agent).or_default() += Usage::from_numbers(&decode::<Vec<u64>>(&key, &bytes)?);
            }
        }
        Ok(all)
    }

    /// Returns how many events of an agent wait for their acknowledgement.
    pub(crate) async fn unacknowledged(&self, agent: &AgentId) -> Result<usize, Error> {
        let pending = self.store.scan(&self.key("inbox", agent, "pending/")).await?.len();
        Ok(pending + self.store.scan(&self.key("happened", agent, "")).await?.len())
    }

    /// Makes one record of those of an hour, and of those of a day that is long ago; drops what is too old. If somebody
    /// else does so at the same time nothing is done.
    async fn sum_up(&self, agent: &AgentId, now: u64) -> Result<(), Error> {
        let prefix = self.key("usage", agent, "");
        let mut sums: BTreeMap<u64, Vec<(String, Vec<u8>)>> = BTreeMap::new();
        for (key, bytes) in self.store.scan(&prefix).await? {
            if let Some(hour) = hour_of(&key[prefix.len()..]) {
                let place = if hour + BY_THE_HOUR < now { hour - hour % 24 } else { hour };
                sums.entry(place).or_default().push((key, bytes));
            }
        }
        let mut change = Change::new();
        for (hour, records) in sums {
            let place = format!("{prefix}{hour:07}/{SUM}");
            if matches!(&*records, [(key, _)] if *key == place) && hour + KEPT >= now {
                continue;
            }
            if records.iter().all(|(key, _)| *key != place) {
                change = change.expect(&place, None);
            }
            let mut sum = Usage::default();
            for (key, bytes) in records {
                sum += Usage::from_numbers(&decode::<Vec<u64>>(&key, &bytes)?);
                change = change.expect(&key, Some(bytes)).remove(key);
            }
            if hour + KEPT >= now {
                change = change.put(place, encode(&sum.to_numbers()));
            }
        }
        self.commit(change).await.map(drop)
    }
}

fn hour_of(rest: &str) -> Option<u64> {
    rest.split_once('/')?.0.parse().ok()
}

/// Whom an entry has reached, and of whom something was said.
#[derive(Hash)]
struct Reached([u64; 11], usize);

impl Reached {
    fn of(stage: Stage<'_>) -> Self {
        let said = stage.queue.iter().flat_map(|queue| &queue.progress).filter(|one| one.said.is_some());
        Self(Usage::reached(stage).to_numbers(), said.count())
    }
}

const SUM: &str = "sum";
/// After so many counts, on average, an agent's are summed up.
const SUMMED_UP_EVERY: u64 = 64;
/// For how many hours sums are kept by the hour, before they are by the day.
const BY_THE_HOUR: u64 = 7 * 24;
/// For how many hours they are kept at all.
const KEPT: u64 = 400 * 24;
