//! For whom the dead letters came, so that an address which becomes known later gets its mail.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;

use super::addresses::Name;
use crate::Address;

/// The names of the newest letters for addresses that nobody knows: of each 8 bytes of the name as it stands, and 8 of the
/// one without its tag.
#[derive(Default)]
pub(super) struct Claims {
    by_uid: BTreeMap<u32, [u64; 2]>,
    by_name: BTreeSet<(u64, u32)>,
    hashes: RandomState,
}

impl Claims {
    /// Notes a letter, and forgets the oldest if there are too many.
    pub(super) fn note(&mut self, uid: u32, recipient: &Address) {
        let names = [Name::of(recipient), Name::untagged(recipient)].map(|name| self.hashes.hash_one(name));
        self.forget(uid);
        self.by_name.extend(names.map(|name| (name, uid)));
        self.by_uid.insert(uid, names);
        while self.by_uid.len() > MAX_CLAIMS
            && let Some(oldest) = self.by_uid.first_key_value().map(|(uid, _)| *uid)
        {
            self.forget(oldest);
        }
    }

    pub(super) fn forget(&mut self, uid: u32) {
        for name in self.by_uid.remove(&uid).into_iter().flatten() {
            self.by_name.remove(&(name, uid));
        }
    }

    /// Takes out what came for a name, tagged or not, by ascending UID.
    pub(super) fn take(&mut self, name: &Name) -> Vec<u32> {
        let name = self.hashes.hash_one(name);
        let uids: Vec<u32> = self.by_name.range((name, 0)..=(name, u32::MAX)).map(|(_, uid)| *uid).collect();
        for uid in &uids {
            self.forget(*uid);
        }
        uids
    }

    pub(super) fn clear(&mut self) {
        self.by_uid.clear();
        self.by_name.clear();
    }
}

/// They take about 90 bytes each.
const MAX_CLAIMS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_kept_and_each_is_taken_once() {
        let mut claims = Claims::default();
        let name = |number: u32| {
            format!("eve{}+x{number}@agents.example", number % 1000).parse::<Address>().unwrap()
        };
        let last = u32::try_from(MAX_CLAIMS).unwrap() * 3;
        for uid in 1..=last {
            claims.note(uid, &name(uid));
        }
        assert_eq!((claims.by_uid.len(), claims.by_name.len()), (MAX_CLAIMS, 2 * MAX_CLAIMS));
        let tagged = Name::of(&name(last - 7));
        assert_eq!((claims.take(&tagged), claims.take(&tagged)), (vec![last - 7], vec![]));
        let plain = Name::untagged(&name(last));
        let kept: Vec<_> =
            (last - (last - 1) % 1000..=last).filter(|uid| uid % 1000 == last % 1000).collect();
        let taken = claims.take(&plain);
        assert!(taken.is_sorted() && taken.ends_with(&kept) && taken.len() >= 65, "{}", taken.len());
        for uid in 1..=last {
            claims.forget(uid);
        }
        assert_eq!((claims.by_uid.len(), claims.by_name.len()), (0, 0));
    }
}
