use std::collections::{BTreeMap, BTreeSet};

use mail_access::Address;

use crate::journal::Due;

/// What of one agent is still to be sent, in the order in which it was put into the outbox. Times are milliseconds since
/// 1970.
///
/// A message goes only to those recipients for whom no earlier one is still to be sent. One whose time has not come yet
/// holds back nobody.
#[derive(Debug, Default)]
pub(super) struct Lane {
    entries: BTreeMap<u64, Entry>,
    /// Whether one of them is being sent.
    pub(super) busy: bool,
    /// Nothing is done before.
    pub(super) pause: u64,
    /// Nothing is sent before; what has no more time ends all the same.
    pub(super) rest: u64,
    /// Up to when sending was stopped by somebody, as far as is known.
    pub(super) stopped: u64,
    /// When the courier looks at it next.
    pub(super) wake: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    due: Due,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// To try an entry.
    Now(Try),
    /// To look again then.
    At(u64),
    /// Nothing is there.
    Nothing,
}

/// An entry that is to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) place: u64,
    pub(super) name: String,
    /// Those whom nothing earlier waits for.
    pub(super) to: Vec<Address>,
    /// Its time ran out while sending was stopped, so that it is tried once more.
    pub(super) spared: bool,
}

impl Lane {
    pub(super) fn put(&mut self, name: String, due: Due) {
        self.entries.insert(due.place, Entry { name, due });
    }

    pub(super) fn remove(&mut self, place: u64) {
        self.entries.remove(&place);
    }

    pub(super) fn remove_named(&mut self, name: &str) {
        self.entries.retain(|_, entry| entry.name != name);
    }

    /// Drops what is not among these names.
    pub(super) fn retain(&mut self, names: &BTreeSet<String>) {
        self.entries.retain(|_, entry| names.contains(&entry.name));
    }

    pub(super) fn next(&self, now: u64) -> Next {
        if self.entries.is_empty() {
            return Next::Nothing;
        }
        let mut held: BTreeSet<&Address> = BTreeSet::new();
        let mut wake = u64::MAX;
        for (place, Entry { name, due }) in &self.entries {
            let mut at = due.from;
            if due.from <= now {
                let to: Vec<_> = due.to.iter().filter(|to| !held.contains(to)).cloned().collect();
                let is_free = due.more || !to.is_empty();
                at = if is_free { due.next.max(self.rest).min(due.until) } else { due.until };
                if at.max(self.pause) <= now {
                    let spared = due.until.max(due.next) <= self.stopped;
                    return Next::Now(Try { place: *place, name: name.clone(), to, spared });
                }
                held.extend(&due.to);
            }
            wake = wake.min(at);
        }
        Next::At(wake.max(self.pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(place: u64, next: u64, to: &[&str]) -> Due {
        let to = to.iter().map(|name| format!("{name}@b.example").parse().unwrap()).collect();
        Due { place, from: 0, next, until: 1000, to, more: false }
    }

    fn lane(entries: &[Due]) -> Lane {
        let mut lane = Lane::default();
        for entry in entries {
            lane.put(format!("n{}", entry.place), entry.clone());
        }
        lane
    }

    /// The place of what is sent now and to whom, or when to look again.
    fn next(lane: &Lane, now: u64) -> Result<(u64, Vec<String>), u64> {
        match lane.next(now) {
            Next::Now(Try { place, to, .. }) => {
                Ok((place, to.iter().map(|to| to.to_string().replace("@b.example", "")).collect()))
            }
            Next::At(at) => Err(at),
            Next::Nothing => Err(u64::MAX),
        }
    }

    #[test]
    fn what_waits_holds_back_later_mail_to_the_same_recipient_and_no_other() {
        let waits = due(1, 50, &["x", "y"]);
        assert_eq!(next(&lane(&[waits.clone(), due(2, 0, &["x"])]), 10), Err(50));
        assert_eq!(next(&lane(&[waits.clone(), due(2, 0, &["x", "z"])]), 10), Ok((2, vec!["z".to_owned()])));
        let mut both = lane(&[waits.clone(), due(2, 0, &["x", "z"])]);
        assert_eq!(next(&both, 50), Ok((1, vec!["x".to_owned(), "y".to_owned()])));
        both.remove(1);
        assert_eq!(next(&both, 10), Ok((2, vec!["x".to_owned(), "z".to_owned()])));
        both.remove_named("n2");
        assert_eq!(both.next(10), Next::Nothing);
    }

    #[test]
    fn what_is_scheduled_holds_back_nothing_before_its_time() {
        let later = Due { from: 100, next: 100, ..due(1, 0, &["x"]) };
        let both = lane(&[later.clone(), due(2, 0, &["x"])]);
        assert_eq!(next(&both, 10), Ok((2, vec!["x".to_owned()])));
        assert_eq!(next(&both, 100), Ok((1, vec!["x".to_owned()])), "then it was the first");
        assert_eq!(next(&lane(&[later]), 10), Err(100));
    }

    #[test]
    fn what_is_held_back_ends_in_its_time_and_a_pause_holds_for_all() {
        let held = Due { until: 30, ..due(2, 0, &["x"]) };
        let mut both = lane(&[due(1, 50, &["x"]), held]);
        assert_eq!(next(&both, 10), Err(30));
        assert_eq!(next(&both, 30), Ok((2, vec![])), "it has expired");
        both.pause = 40;
        assert_eq!(next(&both, 30), Err(40));
        assert!(matches!(both.next(40), Next::Now(Try { spared: false, .. })));
        both.rest = 60;
        assert!(matches!(both.next(40), Next::Now(Try { place: 2, .. })), "its time is over");
        both.stopped = 40;
        assert!(matches!(both.next(40), Next::Now(Try { spared: true, .. })));
    }

    #[test]
    fn what_is_left_to_find_out_or_to_file_needs_no_recipient() {
        let more = Due { more: true, ..due(2, 5, &[]) };
        assert_eq!(next(&lane(&[due(1, 50, &["x"]), more.clone()]), 4), Err(5));
        assert_eq!(next(&lane(&[due(1, 50, &["x"]), more]), 5), Ok((2, vec![])));
    }
}
