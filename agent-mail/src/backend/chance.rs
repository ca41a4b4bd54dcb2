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

    /// # Panics
    /// If the operating system has no random numbers to give.
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random numbers");
    }
}
