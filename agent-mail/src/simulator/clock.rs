use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::dice::Dice;
use crate::backend::TimeAndChance;
use crate::embedded::lock;

/// The world's time, which follows Tokio's, and its chance.
#[derive(Debug)]
pub(super) struct VirtualTime {
    /// When the world began, by its own clock and by Tokio's.
    began: SystemTime,
    origin: Instant,
    dice: Mutex<Dice>,
}

impl VirtualTime {
    /// Goes on after so much time has passed.
    pub(super) fn new(began: SystemTime, elapsed: Duration, dice: Dice) -> Self {
        let now = Instant::now();
        // Tokio's clock may be younger than the world that is restored; what is missing goes to the beginning.
        let (origin, began) = match now.checked_sub(elapsed) {
            Some(origin) => (origin, began),
            None => (now, began + elapsed),
        };
        Self { began, origin, dice: Mutex::new(dice) }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(super) fn dice(&self) -> Dice {
        lock(&self.dice).clone()
    }

    /// Draws 128 bits for an identity.
    pub(super) fn identity(&self) -> u128 {
        let mut random = [0; 16];
        self.fill(&mut random);
        u128::from_be_bytes(random)
    }
}

impl TimeAndChance for VirtualTime {
    fn now(&self) -> SystemTime {
        self.began + self.elapsed()
    }

    fn fill(&self, bytes: &mut [u8]) {
        lock(&self.dice).fill(bytes);
    }
}
