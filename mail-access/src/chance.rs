//! Chance, so that clients that were sent away together do not come back together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Returns a random number from 0 to 1.
pub(crate) fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}

/// Returns how long to wait after so many failures: any time up to a limit that doubles with each, from 1 s to a minute
/// (full jitter), and at least 100 ms.
pub(crate) fn back_off(failures: u32) -> Duration {
    let ceiling = (FIRST * 2_u32.saturating_pow(failures.min(16))).min(LONGEST);
    ceiling.mul_f64(chance()).max(SHORTEST)
}

const SHORTEST: Duration = Duration::from_millis(100);
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_stay_bounded_and_differ() {
        for failures in [0, 1, 5, 40, u32::MAX] {
            let pauses: Vec<_> = (0..50).map(|_| back_off(failures)).collect();
            assert!(pauses.iter().all(|pause| (SHORTEST..=LONGEST).contains(pause)), "{pauses:?}");
            assert!(failures > 0 || pauses.iter().all(|pause| *pause <= FIRST), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        }
    }
}
