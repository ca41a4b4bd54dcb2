//! Dates as header fields have them (RFC 5322 section 3.3).

use mail_parser::DateTime;

/// Writes a time in UTC, of seconds since 1970.
pub(crate) fn in_words(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds);
    let (day, month) = (usize::from(time.day_of_week()), usize::from(time.month.saturating_sub(1)));
    let (Some(day), Some(month), 0..=9999) = (DAYS.get(day), MONTHS.get(month), time.year) else {
        return time.to_rfc822();
    };
    let two = |number: u16| [number / 10, number % 10].map(|digit| DIGITS[usize::from(digit)]);
    let mut text = String::with_capacity(LENGTH);
    text.push_str(day);
    text.push_str(", ");
    let of_month = two(time.day.into());
    text.extend(&of_month[usize::from(time.day < 10)..]);
    text.push_str(month);
    text.extend(two(time.year / 100));
    text.extend(two(time.year % 100));
    for (mark, number) in [(' ', time.hour), (':', time.minute), (':', time.second)] {
        text.push(mark);
        text.extend(two(number.into()));
    }
    text.push_str(" +0000");
    text
}

const LENGTH: usize = "Thu, 01 Jan 1970 00:00:00 +0000".len();
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ",
    " Dec ",
];
const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_what_the_parser_writes() {
        // Steps of many days and some hours, so that all days of the week and months come.
        for n in 0..20_000 {
            let seconds = n * (13 * 24 + 7) * 3600 + n * 61;
            assert_eq!(in_words(seconds), DateTime::from_timestamp(seconds).to_rfc822());
        }
        assert_eq!(in_words(0), "Thu, 1 Jan 1970 00:00:00 +0000");
    }
}
