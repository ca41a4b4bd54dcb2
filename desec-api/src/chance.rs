//! Chance, so that clients that were refused together do not come back together.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Returns a random number from 0 to 1.
pub(crate) fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}
