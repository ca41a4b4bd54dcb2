//! Durations in the server's own notation.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Error;

/// How long a token lives, or may stay unused: at most 365,000 days, to the microsecond.
///
/// It is written as the server writes it, `[D ]HH:MM:SS[.ffffff]`. That parses, and so do the other forms that
/// the server takes: seconds (`3600`), and days to seconds of ISO 8601 (`P30D`, `PT1H30M`, `PT0.5S`). Signs,
/// weeks, months and years are refused.
///
/// ```
/// use std::time::Duration;
/// use desec_api::TokenDuration;
///
/// let month: TokenDuration = "P30D".parse()?;
/// assert_eq!(month.to_string(), "30 00:00:00");
/// assert_eq!(month, Duration::from_hours(30 * 24).try_into()?);
/// assert!("1 year".parse::<TokenDuration>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenDuration {
    micros: u64,
}

impl TokenDuration {
    /// Returns whether it is no time at all: a token with that is never valid.
    pub fn is_zero(self) -> bool {
        self.micros == 0
    }

    fn new(micros: u64) -> Option<Self> {
        (micros <= LONGEST).then_some(Self { micros })
    }
}

impl fmt::Display for TokenDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.micros / DAY;
        if days > 0 {
            write!(f, "{days} ")?;
        }
        let (hours, minutes) = (self.micros % DAY / HOUR, self.micros % HOUR / MINUTE);
        write!(f, "{hours:02}:{minutes:02}:{:02}", self.micros % MINUTE / SECOND)?;
        match self.micros % SECOND {
            0 => Ok(()),
            fraction => write!(f, ".{fraction:06}"),
        }
    }
}

impl FromStr for TokenDuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let micros = match text.strip_prefix('P') {
            Some(rest) => iso8601(rest),
            None => clock(text),
        };
        micros.and_then(Self::new).ok_or_else(|| {
            let shown: String = text.chars().take(80).collect();
            invalid(format!("{shown:?}: give [D ]HH:MM:SS, seconds, or P..DT..H..M..S, at most 365000 days"))
        })
    }
}

impl TryFrom<String> for TokenDuration {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<Duration> for TokenDuration {
    type Error = Error;

    fn try_from(duration: Duration) -> Result<Self, Error> {
        if !duration.subsec_nanos().is_multiple_of(1_000) {
            return Err(invalid(format!("{duration:?}: it is finer than a microsecond")));
        }
        let micros = u64::try_from(duration.as_micros()).ok();
        micros
            .and_then(Self::new)
            .ok_or_else(|| invalid(format!("{} s: it is longer than 365000 days", duration.as_secs())))
    }
}

impl From<TokenDuration> for Duration {
    fn from(duration: TokenDuration) -> Self {
        Self::from_micros(duration.micros)
    }
}

impl From<TokenDuration> for String {
    fn from(duration: TokenDuration) -> Self {
        duration.to_string()
    }
}

// `[D ][[HH:]MM:]SS[.ffffff]`
fn clock(text: &str) -> Option<u64> {
    let (days, time) = text.split_once(' ').unwrap_or(("0", text));
    let mut sum = amount(days, DAY, false)?;
    for (n, (part, unit)) in time.rsplit(':').zip([SECOND, MINUTE, HOUR, 0]).enumerate() {
        if unit == 0 {
            return None;
        }
        sum = sum.checked_add(amount(part, unit, n == 0)?)?;
    }
    Some(sum)
}

// What follows the `P` of `P[nD][T[nH][nM][nS]]`.
fn iso8601(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    let parts = [(date, &[('D', DAY)][..]), (time, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])];
    let (mut sum, mut given) = (0_u64, false);
    for (mut rest, units) in parts {
        for (letter, unit) in units {
            if let Some((number, after)) = rest.split_once(*letter) {
                sum = sum.checked_add(amount(number, *unit, true)?)?;
                (rest, given) = (after, true);
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    given.then_some(sum)
}

// Microseconds of a decimal number of units.
fn amount(text: &str, unit: u64, with_fraction: bool) -> Option<u64> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if with_fraction && digits(fraction) && fraction.len() <= 6 => {
            (whole, fraction)
        }
        Some(_) => return None,
        None => (text, ""),
    };
    if !digits(whole) {
        return None;
    }
    let millionths: u64 = format!("{fraction:0<6}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(millionths * (unit / SECOND))
}

fn invalid(reason: String) -> Error {
    Error::InvalidInput { what: "duration", reason }
}

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const LONGEST: u64 = 365_000 * DAY;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_notations_of_the_server_parse_to_its_own() {
        for (given, written) in [
            ("365 00:00:00", "365 00:00:00"),
            ("3600", "01:00:00"),
            ("90", "00:01:30"),
            ("01:30", "00:01:30"),
            ("0", "00:00:00"),
            ("1.5", "00:00:01.500000"),
            ("1 00:00:00.000001", "1 00:00:00.000001"),
            ("25:00:00", "1 01:00:00"),
            ("P1DT2H", "1 02:00:00"),
            ("P0.5D", "12:00:00"),
            ("PT1H0.25S", "01:00:00.250000"),
            ("365000 00:00:00", "365000 00:00:00"),
        ] {
            assert_eq!(given.parse::<TokenDuration>().unwrap().to_string(), written, "{given}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            " ",
            "-1",
            "+1",
            "1 year",
            "1 ",
            " 1",
            "1  1",
            "1:2:3:4",
            "1:",
            ":1",
            "1.",
            ".5",
            "1.0000001",
            "1.5:00",
            "1.5 00:00:00",
            "٣",
            "P",
            "PT",
            "P1DT",
            "P1",
            "P1H",
            "PT1D",
            "PT1S1M",
            "P1W",
            "P1Y",
            "-P1D",
            "p1d",
            "365000 00:00:00.000001",
            "18446744073709551615",
            "99999999999999999999",
        ] {
            let error = bad.parse::<TokenDuration>().unwrap_err().to_string();
            assert!(error.starts_with("invalid duration: "), "{bad:?}: {error}");
        }
        assert!(TokenDuration::try_from(Duration::from_nanos(1)).is_err());
        assert!(TokenDuration::try_from(Duration::MAX).is_err());
        assert!(serde_json::from_str::<TokenDuration>("\"soon\"").is_err());
    }

    #[test]
    fn zero_is_known() {
        assert!("00:00:00".parse::<TokenDuration>().unwrap().is_zero());
        assert!(!"00:00:00.000001".parse::<TokenDuration>().unwrap().is_zero());
    }

    proptest! {
        #[test]
        fn what_is_written_parses_to_the_same(micros in 0..=LONGEST) {
            let duration = TokenDuration { micros };
            prop_assert_eq!(duration.to_string().parse::<TokenDuration>().unwrap(), duration);
            prop_assert_eq!(TokenDuration::try_from(Duration::from(duration)).unwrap(), duration);
            let json = serde_json::to_string(&duration).unwrap();
            prop_assert_eq!(json.clone(), format!("\"{duration}\""));
            prop_assert_eq!(serde_json::from_str::<TokenDuration>(&json).unwrap(), duration);
        }

        #[test]
        fn any_text_parses_or_is_refused(text in prop_oneof![any::<String>(), "[P0-9DTHMS:. ]{0,30}"]) {
            if let Ok(duration) = text.parse::<TokenDuration>() {
                prop_assert!(duration.micros <= LONGEST);
                prop_assert_eq!(duration.to_string().parse::<TokenDuration>().unwrap(), duration);
            }
        }
    }
}
