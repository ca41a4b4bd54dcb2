//! How much is read at a time, and how long is waited.

use std::time::Duration;

use crate::backend::TimeAndChance;

/// Full jitter: a fleet that lost its server doesn't come back all at once.
pub(crate) fn back_off(chance: &dyn TimeAndChance, failures: u32) -> Duration {
    let mut random = [0_u8; 4];
    chance.fill(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    let ceiling = (FIRST_PAUSE * 2_u32.saturating_pow(failures.min(16))).min(LONGEST_PAUSE);
    ceiling.mul_f64(share).max(SHORTEST_PAUSE)
}

pub(super) const BATCH: usize = 32;
pub(super) const WAIT: Duration = Duration::from_mins(29);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::SystemTimeAndChance;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for failures in [0, 1, 5, 40, u32::MAX] {
            for _ in 0..50 {
                let pause = back_off(&SystemTimeAndChance, failures);
                assert!(pause >= SHORTEST_PAUSE && pause <= LONGEST_PAUSE, "{pause:?}");
                assert!(failures > 0 || pause <= FIRST_PAUSE, "{pause:?}");
            }
        }
    }
}
