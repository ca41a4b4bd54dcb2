use std::collections::BTreeSet;
use std::time::SystemTime;

use super::calendar::{day, month};

/// Which archives are kept: of the last days one each, and of the last months one each.
///
/// Of each of the last `daily` days (UTC) on which an archive was made, the newest is kept; and so of each of the last
/// `monthly` months. Days and months without an archive don't count, so that a program that was off for long loses
/// nothing by it. The newest archive is always kept.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use agent_mail::backup::Retention;
///
/// // One archive a day, from 1 January to 1 March 1970.
/// let made: Vec<_> = (0..60).map(|day| SystemTime::UNIX_EPOCH + Duration::from_hours(24 * day)).collect();
/// let kept = Retention::default().kept(&made);
/// // The last seven days, and the last day of January; that of February is one of the seven.
/// assert_eq!(kept.len(), 8);
/// assert!(kept.contains(&made[30]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many days have one.
    pub daily: usize,
    /// How many months have one.
    pub monthly: usize,
}

impl Retention {
    /// Returns those of the moments whose archives are kept.
    pub fn kept(&self, made: &[SystemTime]) -> BTreeSet<SystemTime> {
        let made: BTreeSet<SystemTime> = made.iter().copied().collect();
        let mut kept: BTreeSet<SystemTime> = made.last().copied().into_iter().collect();
        kept.extend(newest_of_each(&made, self.daily, day));
        kept.extend(newest_of_each(&made, self.monthly, month));
        kept
    }
}

/// Keeps 7 daily and 12 monthly archives.
impl Default for Retention {
    fn default() -> Self {
        Self { daily: 7, monthly: 12 }
    }
}

fn newest_of_each<P: PartialEq>(
    made: &BTreeSet<SystemTime>,
    periods: usize,
    period: impl Fn(SystemTime) -> P,
) -> Vec<SystemTime> {
    let mut newest: Vec<SystemTime> = Vec::new();
    for moment in made.iter().rev() {
        if newest.last().is_none_or(|last| period(*last) != period(*moment)) {
            if newest.len() == periods {
                break;
            }
            newest.push(*moment);
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    fn moments() -> impl Strategy<Value = Vec<SystemTime>> {
        let hours = proptest::collection::vec(0_u64..24 * 400, 0..120);
        hours
            .prop_map(|hours| hours.into_iter().map(|hour| UNIX_EPOCH + Duration::from_hours(hour)).collect())
    }

    fn policies() -> impl Strategy<Value = Retention> {
        (0_usize..9, 0_usize..15).prop_map(|(daily, monthly)| Retention { daily, monthly })
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_the_words_say(made in moments(), policy in policies()) {
            let kept = policy.kept(&made);
            prop_assert!(kept.iter().all(|moment| made.contains(moment)));
            prop_assert!(kept.len() <= (policy.daily + policy.monthly).max(1));
            prop_assert_eq!(kept.last(), made.iter().max());
            let days: BTreeSet<u64> = made.iter().map(|moment| day(*moment)).collect();
            for wanted in days.iter().rev().take(policy.daily) {
                let newest = made.iter().filter(|moment| day(**moment) == *wanted).max().unwrap();
                prop_assert!(kept.contains(newest));
            }
            let months: BTreeSet<(u64, u64)> = made.iter().map(|moment| month(*moment)).collect();
            for wanted in months.iter().rev().take(policy.monthly) {
                let newest = made.iter().filter(|moment| month(**moment) == *wanted).max().unwrap();
                prop_assert!(kept.contains(newest));
            }
        }

        #[test]
        fn pruning_after_each_backup_keeps_what_pruning_at_the_end_does(made in moments(), policy in policies()) {
            let mut sorted = made.clone();
            sorted.sort_unstable();
            let mut left: Vec<SystemTime> = Vec::new();
            for moment in sorted {
                left.push(moment);
                left = policy.kept(&left).into_iter().collect();
            }
            prop_assert_eq!(left.iter().copied().collect::<BTreeSet<_>>(), policy.kept(&made));
            prop_assert_eq!(policy.kept(&left).into_iter().collect::<Vec<_>>(), left);
        }
    }
}
