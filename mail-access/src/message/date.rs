//! Dates as header fields have them (RFC 5322 section 3.3).

use std::cell::RefCell;

use mail_parser::DateTime;

/// Writes a time in UTC, of seconds since 1970.
pub(crate) fn in_words(seconds: i64) -> String {
    // Most are of the second of the one before.
    LAST.with_borrow_mut(|(last, text)| {
        if *last != Some(seconds) {
            (*last, *text) = (Some(seconds), write(seconds));
        }
        text.clone()
    })
}

fn write(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds);
    let (day, month) = (usize::from(time.day_of_week()), usize::from(time.month.saturating_sub(1)));
    let (Some(day), Some(month), 0..=9999) = (DAYS.get(day), MONTHS.get(month), time.year) else {
        return time.to_rfc822();
    };
    let two = |number: u16| {
        let place = usize::from(number % 100) * 2;
        &NUMBERS[place..place + 2]
    };
    let of_month = &two(time.day.into())[usize::from(time.day < 10)..];
    let [hour, minute, second] = [time.hour, time.minute, time.second].map(|number| two(number.into()));
    let (century, year) = (two(time.year / 100), two(time.year % 100));
    [day, ", ", of_month, month, century, year, " ", hour, ":", minute, ":", second, " +0000"].concat()
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ",
    " Dec ",
];

thread_local! {
    /// The last seconds, and how they were written.
    static LAST: RefCell<(Option<i64>, String)> = const { RefCell::new((None, String::new())) };
}

/// 00 to 99.
const NUMBERS: &str = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

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
