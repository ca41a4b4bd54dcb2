//! Moments as `From` lines have them: `Fri Nov 20 10:39:50 2026`, in UTC (RFC 4155).

/// Writes seconds since 1970; a year has to have four digits.
pub(super) fn write(seconds: i64) -> String {
    let seconds = seconds.clamp(FIRST, LAST);
    let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let weekday = WEEKDAYS[usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0)];
    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year:04}")
}

/// Reads the date at the end of a `From` line.
pub(super) fn read(line: &[u8]) -> Option<i64> {
    let line = str::from_utf8(line).ok()?;
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let [.., month, day, time, year] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let mut parts =
        time.split(':').map(|part| part.parse::<i64>().ok().filter(|part| (0..=60).contains(part)));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let day = day.parse::<i64>().ok().filter(|day| (1..=31).contains(day))?;
    let year = year.parse::<i64>().ok().filter(|year| (0..=9999).contains(year))?;
    Some(days(year, i64::try_from(month).ok()?, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// Counts the days from 1970, in years that begin with March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let since_march = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (since_march * 306 + 5) / 10
        + day
        - 1
        - TO_1970
}

/// Finds year, month and day of a day.
fn civil(day: i64) -> (i64, i64, i64) {
    // A guess that is some years too late at most, and never too early.
    let mut year = 1970 + day.div_euclid(if day < 0 { 366 } else { 365 }) + 1;
    while days(year, 1, 1) > day {
        year -= 1;
    }
    let month = (1..=12).rev().find(|&month| days(year, month, 1) <= day).unwrap_or(1);
    (year, month, day - days(year, month, 1) + 1)
}

const DAY: i64 = 86_400;
/// The year 0 to the end of 9999.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;
/// Days from 1 March of the year 0 to 1 January 1970.
const TO_1970: i64 = 719_468;
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_written_as_mail_programs_read_them() {
        for (seconds, written) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (1_795_171_190, "Fri Nov 20 10:39:50 2026"),
            (951_782_399, "Mon Feb 28 23:59:59 2000"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
            (-1, "Wed Dec 31 23:59:59 1969"),
            (i64::MAX, "Fri Dec 31 23:59:59 9999"),
            (i64::MIN, "Sat Jan  1 00:00:00 0000"),
        ] {
            assert_eq!(write(seconds), written);
        }
        for bad in
            ["From x", "From x Fri Foo 20 10:39:50 2026", "From x Fri Nov 99 10:39:50 2026", "From x 1 2 3 4"]
        {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(seconds in FIRST..=LAST) {
            prop_assert_eq!(read(format!("From a {}\n", write(seconds)).as_bytes()), Some(seconds));
        }
    }
}
