//! The time of the fake: it begins with the year 2026 and runs with the clock of tokio.

use std::time::Duration;

use tokio::time::Instant;

/// A moment, in microseconds since the beginning of 2026.
pub(super) type Moment = u64;

pub(super) struct Clock {
    start: Instant,
    last: Moment,
}

impl Clock {
    pub(super) fn now(&self) -> Moment {
        micros(self.start.elapsed()).max(self.last)
    }

    /// Returns a moment later than all before, so that everything has an age of its own.
    pub(super) fn tick(&mut self) -> Moment {
        self.last = micros(self.start.elapsed()).max(self.last + 1);
        self.last
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now(), last: 0 }
    }
}

/// Returns a moment as the API writes it.
pub(super) fn timestamp(moment: Moment) -> String {
    let (date, time) = parts(moment);
    format!("{date}T{time}Z")
}

/// Returns the date and the time of day.
pub(super) fn parts(moment: Moment) -> (String, String) {
    let (micros, seconds) = (moment % 1_000_000, moment / 1_000_000);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    (format!("{year}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{second:02}.{micros:06}"))
}

// So many days after the first of January 2026.
fn date(mut day: u64) -> (u64, usize, u64) {
    let (mut year, mut month) = (2026, 0);
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = if month == 1 && leap { 29 } else { DAYS[month] };
        if day < length {
            return (year, month + 1, day + 1);
        }
        day -= length;
        month = (month + 1) % 12;
        year += u64::from(month == 0);
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        let day = |n: u64| parts(n * 86_400_000_000).0;
        assert_eq!(day(0), "2026-01-01");
        assert_eq!(day(58), "2026-02-28");
        assert_eq!(day(59), "2026-03-01");
        assert_eq!(day(2 * 365 + 59), "2028-02-29");
        assert_eq!(timestamp(86_400_000_000 * 365 - 1), "2026-12-31T23:59:59.999999Z");
    }
}
