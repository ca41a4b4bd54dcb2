//! Which versions of secrets a program has seen, for as many of them as it can hold.

use std::collections::HashMap;
use std::mem;

/// The versions of the secrets that were looked at last: of [`KEPT`] of them surely, of twice as many at most. A path and
/// its version take some 100 bytes, all of it never more than 10 MB.
#[derive(Default)]
pub(super) struct Seen {
    lately: HashMap<String, u64>,
    /// What was before; it goes as a whole when there is as much anew.
    before: HashMap<String, u64>,
}

impl Seen {
    pub(super) fn get(&self, path: &[String]) -> Option<u64> {
        let path = path.join("/");
        self.lately.get(&path).or_else(|| self.before.get(&path)).copied()
    }

    pub(super) fn note(&mut self, path: &[String], version: u64) {
        if self.lately.len() >= KEPT {
            self.before = mem::take(&mut self.lately);
        }
        self.lately.insert(path.join("/"), version);
    }

    pub(super) fn forget(&mut self, path: &[String]) {
        let path = path.join("/");
        self.lately.remove(&path);
        self.before.remove(&path);
    }
}

pub(super) const KEPT: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    fn path(n: usize) -> Vec<String> {
        vec![
            "secret".into(),
            "data".into(),
            "mail".into(),
            "users".into(),
            "shop.example".into(),
            n.to_string(),
        ]
    }

    #[test]
    fn the_last_are_known_and_no_more_than_twice_as_many_are_held() {
        let mut seen = Seen::default();
        for n in 0..5 * KEPT {
            seen.note(&path(n), n as u64);
            assert!(seen.lately.len() + seen.before.len() <= 2 * KEPT);
        }
        for n in 4 * KEPT..5 * KEPT {
            assert_eq!(seen.get(&path(n)), Some(n as u64));
        }
        assert_eq!(seen.get(&path(0)), None);
    }

    #[test]
    fn what_is_forgotten_is_not_known_from_before() {
        let mut seen = Seen::default();
        seen.note(&path(0), 1);
        for n in 1..=KEPT {
            seen.note(&path(n), 1);
        }
        seen.note(&path(0), 2);
        assert_eq!(seen.get(&path(0)), Some(2), "the newer one counts");
        seen.forget(&path(0));
        assert_eq!(seen.get(&path(0)), None);
    }
}
