//! Messages that were read and nobody has asked for yet, as far as memory is allowed for them.

use std::collections::BTreeMap;

use crate::Received;

/// What doesn't fit pushes the oldest out; it is still on the server.
pub(super) struct Stock {
    messages: BTreeMap<u32, Received>,
    bytes: usize,
    limit: usize,
}

impl Stock {
    pub(super) fn new(limit: usize) -> Self {
        Self { messages: BTreeMap::new(), bytes: 0, limit }
    }

    pub(super) fn put(&mut self, message: Received) {
        let (uid, cost) = (message.uid().get(), cost(&message));
        if cost > self.limit {
            return;
        }
        self.bytes += cost;
        if let Some(before) = self.messages.insert(uid, message) {
            self.bytes -= self::cost(&before);
        }
        while self.bytes > self.limit {
            let Some((_, oldest)) = self.messages.pop_first() else { return };
            self.bytes -= self::cost(&oldest);
        }
    }

    /// Tells how many messages like the largest of these it can hold.
    pub(super) fn capacity(&self, messages: &[Received]) -> Option<usize> {
        Some(self.limit / messages.iter().map(cost).max()?)
    }

    pub(super) fn take(&mut self, uid: u32) -> Option<Received> {
        let message = self.messages.remove(&uid)?;
        self.bytes -= cost(&message);
        Some(message)
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
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
    fn the_newest_are_kept_and_no_more_than_is_allowed() {
        let mut stock = Stock::new(10 * (2 * 100 + OVERHEAD));
        for uid in 1..=25 {
            stock.put(message(uid, 100));
            stock.put(message(uid, 100));
            assert!(stock.bytes <= stock.limit);
        }
        stock.put(message(30, 1 << 20));
        let kept: Vec<_> = (1..=30).filter(|uid| stock.take(*uid).is_some()).collect();
        assert_eq!(kept, (16..=25).collect::<Vec<_>>());
        assert_eq!(stock.bytes, 0);
    }
}
