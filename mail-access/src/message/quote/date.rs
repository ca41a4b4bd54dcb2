/// Tells whether a text names a day: a year of four digits, or three numbers such as `6.5.24`.
pub(super) fn has_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    runs(bytes).any(|(start, end)| {
        let year = end - start == 4 && matches!(&bytes[start..start + 2], b"19" | b"20");
        year || is_numeric_date(bytes, start)
    })
}

/// Tells whether a text names a time of day such as `10:12`, `9:03:10` or `10.12`.
pub(super) fn has_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    runs(bytes).any(|(start, end)| {
        let separator = bytes.get(end).copied();
        let minutes = bytes.get(end + 1..).map_or(0, digits);
        let more = bytes.get(end + 3).copied();
        let before = start.checked_sub(1).map(|at| bytes[at]);
        end - start <= 2
            && minutes == 2
            && number(&bytes[start..end]) < 25
            && number(&bytes[end + 1..end + 3]) < 60
            && (separator == Some(b':')
                || separator == Some(b'.') && more != Some(b'.') && before != Some(b'.'))
    })
}

/// Tells whether three numbers begin here, separated by the same `.`, `/` or `-`.
pub(super) fn is_numeric_date(bytes: &[u8], start: usize) -> bool {
    let day = digits(&bytes[start..]);
    let Some(&separator) = bytes.get(start + day) else { return false };
    if !(1..=4).contains(&day) || !b"./-".contains(&separator) {
        return false;
    }
    let month = skip_space(bytes, start + day + 1);
    let month_digits = digits(&bytes[month..]);
    if !(1..=2).contains(&month_digits) || bytes.get(month + month_digits) != Some(&separator) {
        return false;
    }
    let year = skip_space(bytes, month + month_digits + 1);
    (1..=4).contains(&digits(&bytes[year..]))
}

/// Returns the runs of ASCII digits.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(u8::is_ascii_digit)?;
        at = start + digits(&bytes[start..]);
        Some((start, at))
    })
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, &digit| number * 10 + u32::from(digit - b'0'))
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    at + usize::from(bytes.get(at) == Some(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_of_many_countries_are_found() {
        for text in
            ["6 May 2024", "06.05.24", "5/6/24", "2025-03-12", "2024年5月6日", "6. 5. 24", "12. 03. 25"]
        {
            assert!(has_date(text), "{text}");
        }
        for text in ["10:12", "at 9:03:10", "klo 10.12", "ב-10:12", "10:12写道"] {
            assert!(has_time(text), "{text}");
        }
        for text in ["on Monday", "room 4", "2.5", "192 of 3000"] {
            assert!(!has_date(text), "{text}");
        }
        for text in ["6.05.2024", "12.03.25", "10:1", "99:99", "room 4", ""] {
            assert!(!has_time(text), "{text}");
        }
    }
}
