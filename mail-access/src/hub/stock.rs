//! Messages that were read and nobody has asked for yet, as far as memory is allowed for them.

use std::collections::{BTreeMap, HashMap};

use crate::Received;

/// What doesn't fit pushes out what is here for the longest time; it is still on the server.
pub(super) struct Stock {
    /// With the turns in which they came.
    messages: HashMap<u32, (u64, Received)>,
    /// UIDs by these turns: what is fetched again for somebody comes late, however low its UID is.
    turns: BTreeMap<u64, u32>,
    next: u64,
    bytes: usize,
    limit: usize,
}

impl Stock {
    pub(super) fn new(limit: usize) -> Self {
        Self { messages: HashMap::new(), turns: BTreeMap::new(), next: 0, bytes: 0, limit }
    }

    pub(super) fn put(&mut self, message: Received) {
        let (uid, cost) = (message.uid().get(), cost(&message));
        if cost > self.limit {
            return;
        }
        self.take(uid);
        self.bytes += cost;
        self.messages.insert(uid, (self.next, message));
        self.turns.insert(self.next, uid);
        self.next += 1;
        while self.bytes > self.limit {
            let Some(oldest) = self.turns.first_key_value().map(|(_, uid)| *uid) else { return };
            self.take(oldest);
        }
    }

    /// Tells how many messages like the largest of these it can hold.
    pub(super) fn capacity(&self, messages: &[Received]) -> Option<usize> {
        Some(self.limit / messages.iter().map(cost).max()?)
    }

    pub(super) fn take(&mut self, uid: u32) -> Option<Received> {
        let (turn, message) = self.messages.remove(&uid)?;
        self.turns.remove(&turn);
        self.bytes -= cost(&message);
        Some(message)
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.turns.clear();
        self.bytes = 0;
    }
}

/// The bytes are held once as they came and once decoded.
fn cost(message: &Received) -> usize {
    2 * message.size() + OVERHEAD
}

const OVERHEAD: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::Uid;

    fn message(uid: u32, size: usize) -> Received {
        Received::parse(Uid::new(uid).unwrap(), SystemTime::UNIX_EPOCH, false, vec![b'x'; size])
    }

    #[test]
    fn those_that_came_last_are_kept_and_no_more_than_is_allowed() {
        let mut stock = Stock::new(10 * (2 * 100 + OVERHEAD));
        for uid in 1..=25 {
            stock.put(message(uid, 100));
            stock.put(message(uid, 100));
            assert!(stock.bytes <= stock.limit);
        }
        stock.put(message(30, 1 << 20));
        let kept: Vec<_> = (1..=30).filter(|uid| stock.take(*uid).is_some()).collect();
        assert_eq!(kept, (16..=25).collect::<Vec<_>>());
        assert_eq!((stock.bytes, stock.turns.len()), (0, 0));
    }
}
