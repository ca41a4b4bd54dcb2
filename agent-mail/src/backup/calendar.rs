//! Moments as the names of files, and days and months of the calendar, in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::calendar::civil;

/// Cuts a moment to its second, as names of files tell no more.
pub(super) fn to_second(moment: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds(moment))
}

/// Counts the seconds since 1970; a clock before that is taken for 1970.
pub(super) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Counts the days since 1970.
pub(super) fn day(moment: SystemTime) -> u64 {
    seconds(moment) / DAY
}

/// Names the month by year and number.
pub(super) fn month(moment: SystemTime) -> (u64, u64) {
    let (year, month, _) = civil(day(moment));
    (year, month)
}

/// Writes a moment as `20261120T103950Z`.
pub(super) fn stamp(moment: SystemTime) -> String {
    let (year, month, day) = civil(day(moment));
    let time = seconds(moment) % DAY;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", time / 3600, time / 60 % 60, time % 60)
}

pub(super) const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_named_as_the_calendar_does() {
        for (seconds, name) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_772_323_199, "20260228T235959Z"),
            (1_772_323_200, "20260301T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(stamp(UNIX_EPOCH + Duration::from_secs(seconds)), name);
        }
    }

    #[test]
    fn the_months_of_four_hundred_years_have_their_days() {
        let mut months = std::collections::BTreeMap::new();
        for day in 10_957..10_957 + 146_097 {
            *months.entry(month(UNIX_EPOCH + Duration::from_secs(day * DAY))).or_insert(0) += 1;
        }
        for ((year, month), days) in months {
            let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let wanted = match month {
                2 => 28 + i32::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            assert_eq!(days, wanted, "{year} {month}");
        }
    }
}
