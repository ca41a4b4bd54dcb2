use std::cell::RefCell;
use std::fmt::Debug;
use std::time::SystemTime;

/// What no program decides for itself: the time of day, and chance.
///
/// It makes the dates and Message-IDs of what is sent, the times in the journals, and the jitter of pauses. A world that
/// has to come out the same twice brings its own; secrets are never made of it.
pub trait TimeAndChance: Debug + Send + Sync + 'static {
    /// Returns the time of day.
    ///
    /// # Contract
    /// - It may jump and go back. No deadline and no pause is measured by it: those are Tokio's.
    fn now(&self) -> SystemTime;

    /// Fills a slice with random bytes.
    ///
    /// # Contract
    /// - Bytes that were given out don't tell the next ones to others than those who know the seed, where there is one.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's clock and random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTimeAndChance;

impl TimeAndChance for SystemTimeAndChance {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Asks the operating system for some more than are wanted, on each thread: a call of it costs as much as the rest of
    /// sealing a message. None is given out twice, but that a process which forks without starting another program takes
    /// them along.
    ///
    /// # Panics
    /// If the operating system has no random numbers to give.
    fn fill(&self, bytes: &mut [u8]) {
        POOL.with_borrow_mut(|pool| pool.fill(bytes));
    }
}

/// Random bytes that were not given out yet: the first `left` of them.
struct Pool {
    bytes: [u8; 512],
    left: usize,
}

impl Pool {
    fn fill(&mut self, wanted: &mut [u8]) {
        let draw = |bytes: &mut [u8]| {
            getrandom::fill(bytes).expect("the operating system gives random numbers");
        };
        if wanted.len() > self.bytes.len() / 8 {
            return draw(wanted);
        }
        if self.left < wanted.len() {
            draw(&mut self.bytes);
            self.left = self.bytes.len();
        }
        let given = &mut self.bytes[self.left - wanted.len()..self.left];
        wanted.copy_from_slice(given);
        given.fill(0);
        self.left -= wanted.len();
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 512], left: 0 }) };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mut given = HashSet::new();
        for size in [16, 8, 24, 64, 65, 600].into_iter().cycle().take(600) {
            let mut bytes = vec![0; size];
            SystemTimeAndChance.fill(&mut bytes);
            for part in bytes.chunks_exact(8) {
                assert!(part.iter().any(|byte| *byte != 0), "they were drawn");
                assert!(given.insert(part.to_vec()), "{part:?}");
            }
        }
    }
}
