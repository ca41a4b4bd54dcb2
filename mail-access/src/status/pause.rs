use std::time::Duration;

/// Finds how long a text asks to wait: `try again in 5 minutes`, `Greylisted for 300 seconds`, `come back in 00:04:58`.
pub(super) fn pause(text: &str) -> Option<Duration> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || ",;()[]<>\"'=".contains(c))
        .map(|word| word.trim_end_matches(['.', ':', '!']))
        .filter(|word| !word.is_empty())
        .collect();
    (0..words.len()).filter(|&at| STARTS.contains(&words[at])).find_map(|at| {
        let rest = &words[at + 1..];
        let skipped = rest.iter().take_while(|word| BETWEEN.contains(word)).count();
        time(&rest[skipped..])
    })
}

/// Reads a time at the beginning: `00:04:58`, or numbers with units, which are added up.
fn time(words: &[&str]) -> Option<Duration> {
    let mut seconds: Option<u64> = clock(words.first()?);
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = word.split_at(digits);
        let Ok(number) = number.parse::<u64>() else {
            if word == "and" && seconds.is_some() {
                continue;
            }
            break;
        };
        let unit = if unit.is_empty() { words.next().unwrap_or_default() } else { unit };
        let Some((_, factor)) = UNITS.iter().find(|(names, _)| names.contains(&unit.trim_start_matches('-')))
        else {
            break;
        };
        seconds = Some(seconds.unwrap_or(0).saturating_add(number.saturating_mul(*factor)));
    }
    seconds.filter(|&seconds| seconds > 0).map(|seconds| Duration::from_secs(seconds).min(LONGEST))
}

/// Reads `h:mm:ss`; two numbers could be a time of day.
fn clock(word: &str) -> Option<u64> {
    let mut parts = word.split(':').map(|part| part.parse::<u64>().ok().filter(|&number| number < 100));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some((hours * 60 + minutes) * 60 + seconds)
}

/// What a time follows.
const STARTS: &[&str] =
    &["in", "after", "for", "wait", "within", "retry", "retry-after", "retry_after", "timeout"];
const BETWEEN: &[&str] =
    &["about", "another", "approximately", "at", "in", "least", "the", "next", "after", "another"];
const UNITS: &[(&[&str], u64)] = &[
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["m", "min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 60 * 60),
    (&["d", "day", "days"], 24 * 60 * 60),
];
/// Nobody has to believe more.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        let words = [
            "in",
            "after",
            "for",
            "wait",
            "the",
            "next",
            "and",
            "5",
            "300",
            "00:04:58",
            "1:2:3:4",
            "99:99:99",
            "1m",
            "30s",
            "18446744073709551615",
            "h",
            "days",
            "seconds.",
            "-minutes",
            "minute,",
            "\u{130}n",
            "\u{664}",
            ":::",
            "+",
        ];
        let word = prop_oneof![proptest::sample::select(words.to_vec()).prop_map(String::from), ".{0,6}"];
        proptest::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn no_text_asks_for_nothing_or_for_ever(text in text()) {
            if let Some(pause) = pause(&text) {
                prop_assert!(!pause.is_zero() && pause <= LONGEST, "{:?}: {:?}", text, pause);
            }
        }
    }

    #[test]
    fn a_pause_is_found_in_the_words_of_servers() {
        for (text, seconds) in [
            ("<b@x>: Recipient address rejected: Greylisted, try again in 300 seconds", 300),
            (
                "<b@x>: Recipient address rejected: Greylisted for 300 seconds (see http://isg.ee.ethz.ch)",
                300,
            ),
            ("Greylisting in action, please come back in 00:04:58", 298),
            ("Greylisting in action, please come back in 1:00:00.", 3600),
            ("Please try again in 5 minutes.", 300),
            ("Too many connections, retry in 1 hour and 30 min", 5400),
            ("throttled; retry after 60s", 60),
            ("rate limited, Retry-After: 15", 0),
            ("rate limited, Retry-After: 15s", 15),
            ("retry timeout: 300 s", 300),
            ("please wait at least another 10 mins", 600),
            ("come back in 1m 30s", 90),
            ("try again in 4 min, 58 sec", 298),
            ("try again in 3 days", 24 * 60 * 60),
            ("try again in 99999999999999999999 hours", 0),
            ("try again in 9999999999999999999 hours", 24 * 60 * 60),
            ("greylisted for 3 recipients", 0),
            ("try again in 0 seconds", 0),
            ("Sender rate overlimit - 12.0 / 1h", 0),
            ("accepted in 2026", 0),
            ("closed for lunch at 12:30", 0),
            ("in", 0),
            ("", 0),
        ] {
            assert_eq!(pause(text).map_or(0, |pause| pause.as_secs()), seconds, "{text:?}");
        }
    }
}
