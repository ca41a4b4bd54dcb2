use std::collections::HashMap;

use crate::Uid;
use crate::wire::Fault;

/// A message as one session lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its number in this session.
    pub(super) number: u32,
    /// In bytes.
    pub(super) size: u64,
    /// What it is called in every session (UIDL).
    pub(super) identity: Box<str>,
}

/// A message as a caller knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) uid: Uid,
    pub(super) number: u32,
    pub(super) size: u64,
    pub(super) seen: bool,
}

/// Gives the messages of one maildrop numbers that ascend in the order in which they appear, and remembers which ones
/// were marked as seen. It holds what the maildrop holds, about 100 bytes a message.
#[derive(Debug)]
pub(super) struct Numbering {
    uid_validity: u32,
    next: u32,
    /// By identity, and which of several with the same identity it is: a server may take it from the content alone, so
    /// that copies share it (RFC 1939 section 7).
    known: HashMap<(Box<str>, u32), Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    uid: Uid,
    seen: bool,
}

impl Numbering {
    /// Begins anew, under a UIDVALIDITY that is another one each time.
    pub(super) fn new() -> Self {
        let uid_validity = getrandom::u32().expect("the operating system gives random numbers").max(1);
        Self { uid_validity, next: 1, known: HashMap::new() }
    }

    pub(super) fn uid_validity(&self) -> u32 {
        self.uid_validity
    }

    /// Counts the messages that it remembers.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Takes over what a session lists, and returns it by ascending UID.
    pub(super) fn update(&mut self, listed: Vec<Listed>) -> Vec<Entry> {
        if u32::MAX - self.next < u32::try_from(listed.len()).unwrap_or(u32::MAX) {
            *self = Self::new();
        }
        let mut copies: HashMap<&str, u32> = HashMap::new();
        let nths: Vec<_> = listed
            .iter()
            .map(|message| {
                let copies = copies.entry(&message.identity).or_default();
                *copies += 1;
                *copies
            })
            .collect();
        let mut before = std::mem::take(&mut self.known);
        let mut entries = Vec::with_capacity(listed.len());
        for (Listed { number, size, identity }, nth) in listed.into_iter().zip(nths) {
            let key = (identity, nth);
            let known = before.remove(&key).or_else(|| {
                let uid = Uid::new(self.next)?;
                self.next += 1;
                Some(Known { uid, seen: false })
            });
            // There is always a number, as was made sure of above.
            let Some(Known { uid, seen }) = known else { continue };
            self.known.insert(key, Known { uid, seen });
            entries.push(Entry { uid, number, size, seen });
        }
        entries.sort_unstable_by_key(|entry| entry.uid);
        entries
    }

    /// Marks messages as seen; those that it doesn't know are left out.
    pub(super) fn mark(&mut self, uids: &[Uid]) {
        let mut uids = uids.to_vec();
        uids.sort_unstable();
        for known in self.known.values_mut() {
            known.seen |= uids.binary_search(&known.uid).is_ok();
        }
    }

    /// Tells whether there was a message behind a place when it was updated last.
    pub(super) fn holds_behind(&self, uid: u32) -> bool {
        self.known.values().any(|known| known.uid.get() > uid)
    }

    /// Makes sure that a caller's UIDs belong to this numbering.
    pub(super) fn check(&self, expected: u32) -> Result<(), Fault> {
        let found = self.uid_validity;
        if expected == found { Ok(()) } else { Err(Fault::Renumbered { expected, found }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(identities: &str) -> Vec<Listed> {
        let numbered = (1..).zip(identities.split(' ').filter(|identity| !identity.is_empty()));
        numbered.map(|(number, identity)| Listed { number, size: 1, identity: identity.into() }).collect()
    }

    fn uids(entries: &[Entry]) -> Vec<(u32, u32)> {
        entries.iter().map(|entry| (entry.uid.get(), entry.number)).collect()
    }

    #[test]
    fn messages_keep_their_numbers_and_new_ones_come_behind() {
        let mut numbering = Numbering::new();
        let validity = numbering.uid_validity();
        for (maildrop, expected) in [
            ("a b c", vec![(1, 1), (2, 2), (3, 3)]),
            ("b c d", vec![(2, 1), (3, 2), (4, 3)]),
            // Lists need not be in the order of arrival.
            ("e d b", vec![(2, 3), (4, 2), (5, 1)]),
            ("", vec![]),
            // What went and comes back is new.
            ("b", vec![(6, 1)]),
            // Copies that share their identity are several messages.
            ("b b b", vec![(6, 1), (7, 2), (8, 3)]),
            ("b b", vec![(6, 1), (7, 2)]),
        ] {
            assert_eq!(uids(&numbering.update(listed(maildrop))), expected, "{maildrop:?}");
            assert_eq!(numbering.len(), expected.len(), "what went is forgotten");
        }
        assert_eq!(numbering.uid_validity(), validity);
        assert!(numbering.check(validity).is_ok());
        assert!(matches!(numbering.check(validity ^ 1), Err(Fault::Renumbered { .. })));
    }

    #[test]
    fn marks_stay_with_their_messages() {
        let mut numbering = Numbering::new();
        numbering.update(listed("a b c"));
        numbering.mark(&[3, 1, 9].map(|number| Uid::new(number).unwrap()));
        let seen: Vec<_> = numbering.update(listed("b c d")).iter().map(|entry| entry.seen).collect();
        assert_eq!(seen, [false, true, false]);
        assert!(numbering.holds_behind(3) && !numbering.holds_behind(4));
    }

    #[test]
    fn numbers_that_run_out_begin_anew() {
        let mut numbering = Numbering::new();
        let validity = numbering.uid_validity();
        numbering.next = u32::MAX - 2;
        assert_eq!(uids(&numbering.update(listed("a b"))), [(u32::MAX - 2, 1), (u32::MAX - 1, 2)]);
        assert_eq!(uids(&numbering.update(listed("a b c"))), [(1, 1), (2, 2), (3, 3)]);
        assert_ne!(numbering.uid_validity(), validity);
    }
}
