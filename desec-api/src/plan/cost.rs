//! What a plan costs, and how it is cut into requests.

use super::{Change, Plan};
use crate::{Client, DomainName, Scope};

impl Client {
    /// Returns how many writes of `domain` the pace has counted within the last day, if it counts them.
    pub(super) fn writes_today(&self, domain: &DomainName) -> Option<usize> {
        let usage = self.pace().usage(&Scope::Write(domain.clone()));
        usage.limit.map(|_| usage.used)
    }
}

impl Plan {
    /// Returns what it costs to apply the plan.
    pub fn cost(&self) -> Cost {
        Cost {
            writes: requests(&self.changes).len(),
            reads: self.rrsets.div_ceil(PAGE).max(1),
            used_today: self.used_today,
            limit: WRITES_A_DAY,
        }
    }
}

/// What it costs to apply a plan, in requests. `Display` says it as "1 write, 1 of 300 today".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// The requests that write; none if there is nothing to write.
    pub writes: usize,
    /// The requests that read the zone, to see that nothing has changed since.
    pub reads: usize,
    /// The writes that the client's pace has counted on this domain within the last day, when the plan was made;
    /// `None` if it was made without a client or a pace, or read back.
    pub used_today: Option<usize>,
    /// The writes that the server allows for each domain within a day.
    pub limit: usize,
}

/// Cuts changes, sorted by name, into requests.
///
/// All of one name stay together, so that a CNAME comes with the deletions that it needs.
pub(super) fn requests(changes: &[Change]) -> Vec<Vec<&Change>> {
    let mut requests: Vec<Vec<&Change>> = Vec::new();
    let mut room = Room::default();
    for unit in changes.chunk_by(|a, b| a.subname == b.subname).flat_map(units) {
        let bytes = unit.iter().map(|change| size(change)).sum();
        if !room.take(unit.len(), bytes) {
            room = Room { items: MOST_ITEMS, bytes: MOST_BYTES };
            room.take(unit.len(), bytes);
            requests.push(Vec::new());
        }
        requests.last_mut().expect("there is no room before the first one").extend(unit);
    }
    requests
}

fn units(name: &[Change]) -> Vec<Vec<&Change>> {
    if name.iter().map(size).sum::<usize>() <= MOST_BYTES {
        return vec![name.iter().collect()];
    }
    // More than one request takes, so that no CNAME comes: what goes makes room for the rest.
    let mut name: Vec<&Change> = name.iter().collect();
    name.sort_by_key(|change| change.after.is_some());
    name.into_iter().map(|change| vec![change]).collect()
}

/// What a request still takes.
#[derive(Default)]
struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    fn take(&mut self, items: usize, bytes: usize) -> bool {
        let left = self.items.checked_sub(items).zip(self.bytes.checked_sub(bytes));
        left.map(|(items, bytes)| *self = Self { items, bytes }).is_some()
    }
}

// With the comma behind it.
fn size(change: &Change) -> usize {
    serde_json::to_vec(&change.patch()).map_or(MOST_BYTES, |bytes| bytes.len()) + 1
}

// The server takes about 10 ms for each RRset and has to be done within a minute.
const MOST_ITEMS: usize = 500;
// 1 MiB, and a little for the brackets.
const MOST_BYTES: usize = 1024 * 1024 - 8;
const PAGE: usize = 500;
const WRITES_A_DAY: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecordType, Ttl, plan::RrData};

    fn change(subname: &str, rtype: RecordType, bytes: usize) -> Change {
        let data = RrData { ttl: Ttl::new(3600).unwrap(), records: vec!["x".repeat(bytes)] };
        let after = (bytes > 0).then_some(data);
        Change { subname: subname.parse().unwrap(), rtype, before: None, after }
    }

    #[test]
    fn names_stay_together() {
        let mut changes: Vec<Change> =
            (0..499).map(|n| change(&format!("a{n:03}"), RecordType::A, 9)).collect();
        changes.extend([change("b", RecordType::A, 0), change("b", RecordType::Cname, 9)]);
        let lengths: Vec<usize> = requests(&changes).iter().map(Vec::len).collect();
        assert_eq!(lengths, [499, 2]);
        assert_eq!(requests(&changes[1..]).len(), 1);
        assert_eq!(requests(&[]).len(), 0);
    }

    #[test]
    fn a_name_that_is_too_large_is_cut_after_what_goes() {
        let large = |rtype| change("a", rtype, 600_000);
        let changes = [large(RecordType::A), change("a", RecordType::Cname, 0), large(RecordType::Txt)];
        let types: Vec<Vec<&str>> =
            requests(&changes).iter().map(|r| r.iter().map(|c| c.rtype.as_str()).collect()).collect();
        assert_eq!(types, [vec!["CNAME", "A"], vec!["TXT"]]);
    }
}
