use std::time::{Duration, SystemTime};

/// Reads an IMAP date, ` 9-Feb-2026 08:05:00 +0100` (RFC 3501, `date-time`).
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let mut words = text.split_ascii_whitespace();
    let (date, time, zone) = (words.next()?, words.next()?, words.next()?);
    let [day, month, year] = fields(date, '-')?;
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let [hour, minute, second] = fields(time, ':')?;
    let (day, year) = (number(day, 31)?, number(year, 9999)?);
    let (hour, minute, second) = (number(hour, 23)?, number(minute, 59)?, number(second, 60)?);
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits = number(digits, 2359)?;
    let offset = (digits / 100 * 60 + digits % 100) * 60;
    let offset = match sign {
        "+" => offset,
        "-" => -offset,
        _ => return None,
    };
    let seconds =
        days(year, i64::try_from(month).ok()?, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    let span = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    }
}

/// Writes a moment as IMAP does, in UTC; the years are those from 1970 to 9999.
pub(super) fn write(time: SystemTime) -> String {
    let seconds = seconds(time);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{} {hour:02}:{minute:02}:{second:02} +0000", write_day(time))
}

/// Writes the day of a moment in UTC, `09-Feb-2026`.
pub(super) fn write_day(time: SystemTime) -> String {
    // Years that begin with March, as in `days`.
    let days = i64::try_from(seconds(time) / 86_400).unwrap_or_default() + TO_1970;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let since_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * since_march + 2) / 5 + 1;
    let month = (since_march + 2) % 12;
    let year = era * 400 + year_of_era + i64::from(month < 2);
    let name = MONTHS[usize::try_from(month).unwrap_or_default()];
    format!("{day:02}-{name}-{year}")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(END_OF_9999)
}

fn fields(text: &str, separator: char) -> Option<[&str; 3]> {
    let fields: Vec<_> = text.split(separator).collect();
    fields.try_into().ok()
}

fn number(digits: &str, max: i64) -> Option<i64> {
    let fine = digits.bytes().all(|byte| byte.is_ascii_digit());
    if fine { digits.parse().ok().filter(|number| *number <= max) } else { None }
}

/// Counts the days from 1970 to a date of the Gregorian calendar, in years that begin with March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let since_march = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (since_march * 306 + 5) / 10 + day - 1 - TO_1970
}

const END_OF_9999: u64 = 253_402_300_799;
/// Days from 1 March of the year 0 to 1 January 1970.
const TO_1970: i64 = 719_468;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (seconds, date) in [
            (0, "01-Jan-1970 00:00:00 +0000"),
            (1_709_251_199, "29-Feb-2024 23:59:59 +0000"),
            (1_795_171_190, "20-Nov-2026 10:39:50 +0000"),
            (4_107_542_400, "01-Mar-2100 00:00:00 +0000"),
            (END_OF_9999 + 1, "31-Dec-9999 23:59:59 +0000"),
        ] {
            assert_eq!(write(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), date);
        }
        assert_eq!(write_day(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "01-Jan-1970");
    }

    proptest::proptest! {
        #[test]
        fn a_date_is_read_as_it_was_written(seconds in 0..=END_OF_9999) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            proptest::prop_assert_eq!(parse(&write(time)), Some(time));
        }
    }

    #[test]
    fn dates_are_moments() {
        for (text, seconds) in [
            ("01-Jan-1970 00:00:00 +0000", Some(0)),
            (" 1-Jan-1970 01:00:00 +0100", Some(0)),
            ("29-Feb-2024 23:59:59 -0130", Some(1_709_256_599)),
            ("20-Nov-2026 10:39:50 +0000", Some(1_795_171_190)),
            ("31-Dec-1969 23:59:59 +0000", Some(-1)),
            ("20-Foo-2026 10:39:50 +0000", None),
            ("20-Nov-2026 25:39:50 +0000", None),
            ("20-Nov-2026 10:39:50", None),
            ("20-Nov-99999999999999999999 10:39:50 +0000", None),
            ("\u{fc}", None),
            ("", None),
        ] {
            let parsed = parse(text).map(|time| match time.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(after) => i64::try_from(after.as_secs()).unwrap(),
                Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
            });
            assert_eq!(parsed, seconds, "{text:?}");
        }
    }
}
