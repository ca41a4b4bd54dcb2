//! Spans of time in the notation of the API: `[D ]HH:MM:SS[.ffffff]`.

use serde_json::Value;

use super::fields::coerced;

/// A span of time, in microseconds.
pub(super) type Span = u64;

pub(super) fn show(span: Span) -> String {
    let (micros, seconds) = (span % 1_000_000, span / 1_000_000);
    let days = match seconds / 86_400 {
        0 => String::new(),
        days => format!("{days} "),
    };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{:02}:{:02}:{:02}{fraction}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

/// Reads seconds, the notation of the answers, or ISO 8601.
pub(super) fn read(value: &Value) -> Result<Span, &'static str> {
    let text = coerced(value).ok_or(FORMAT)?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let span = match text.strip_prefix('P') {
        Some(iso) => iso8601(iso),
        None => clock(text),
    };
    match span.ok_or(FORMAT)? {
        0 => Ok(0),
        _ if negative => Err("Ensure this value is greater than or equal to 0:00:00."),
        span if span > MOST => Err("Ensure this value is less than or equal to 365000 days, 0:00:00."),
        span => Ok(span),
    }
}

fn clock(text: &str) -> Option<Span> {
    let (days, time) = match text.split_once(' ') {
        Some((days, time)) => (number(days)?, time),
        None => (0, text),
    };
    let mut parts = time.rsplit(':');
    let seconds = fraction(parts.next()?)?;
    let minutes = parts.next().map_or(Some(0), number)?;
    let hours = parts.next().map_or(Some(0), number)?;
    if parts.next().is_some() {
        return None;
    }
    seconds.checked_add(sum(days, hours, minutes)?)
}

fn iso8601(text: &str) -> Option<Span> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let days = if date.is_empty() { 0 } else { number(date.strip_suffix('D')?)? };
    let (mut rest, mut parts) = (time, [0, 0]);
    for (unit, part) in ['H', 'M'].into_iter().zip(&mut parts) {
        if let Some((digits, after)) = rest.split_once(unit) {
            (*part, rest) = (number(digits)?, after);
        }
    }
    let seconds = if rest.is_empty() { 0 } else { fraction(rest.strip_suffix('S')?)? };
    seconds.checked_add(sum(days, parts[0], parts[1])?)
}

fn sum(days: u64, hours: u64, minutes: u64) -> Option<Span> {
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000_000)
}

// Seconds with up to six digits that count after the point.
fn fraction(text: &str) -> Option<Span> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, "0"));
    number(digits)?;
    let micros = number(&format!("{digits:0<6}")[..6])?;
    number(whole)?.checked_mul(1_000_000)?.checked_add(micros)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

const MOST: Span = 365_000 * 86_400 * 1_000_000;
const FORMAT: &str =
    "Duration has wrong format. Use one of these formats instead: [DD] [HH:[MM:]]ss[.uuuuuu].";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_notations_are_read() {
        let shown = |value: Value| read(&value).map(show);
        assert_eq!(shown(json!("365 00:00:00")).unwrap(), "365 00:00:00");
        assert_eq!(shown(json!(3600)).unwrap(), "01:00:00");
        assert_eq!(shown(json!("90")).unwrap(), "00:01:30");
        assert_eq!(shown(json!("1:30.5")).unwrap(), "00:01:30.500000");
        assert_eq!(shown(json!("P1DT2H3M4.25S")).unwrap(), "1 02:03:04.250000");
        for bad in [
            json!("1 year"),
            json!(""),
            json!([]),
            json!("1:2:3:4"),
            json!("P1Y"),
            json!("99999999999999999999"),
        ] {
            assert_eq!(shown(bad), Err(FORMAT));
        }
        assert!(shown(json!("-1")).unwrap_err().starts_with("Ensure"));
        assert!(shown(json!("365001 00:00:00")).unwrap_err().starts_with("Ensure"));
    }
}
