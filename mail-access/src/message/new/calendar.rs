//! What an iCalendar object says about itself (RFC 5545, RFC 6047).

use crate::Error;

/// Returns the method of a calendar object, which its media type has to repeat (RFC 6047 section 2.4).
pub(super) fn method(calendar: &str) -> Result<&str, Error> {
    let invalid = |problem: &str| Error::Invalid { what: "calendar", problem: problem.to_owned() };
    if !calendar.trim_start().get(..BEGIN.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(BEGIN)) {
        return Err(invalid("it has to begin with BEGIN:VCALENDAR"));
    }
    let mut methods = calendar.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("METHOD").then_some(value.trim())
    });
    match (methods.next(), methods.next()) {
        (Some(method), None) if is_token(method) => Ok(method),
        (Some(_), None) => Err(invalid("its METHOD has to be a word such as REQUEST")),
        _ => Err(invalid("it has to hold one line METHOD, such as METHOD:REQUEST")),
    }
}

fn is_token(method: &str) -> bool {
    (1..=MAX_METHOD).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

const BEGIN: &str = "BEGIN:VCALENDAR";
const MAX_METHOD: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_is_read_out_of_the_object() {
        for (calendar, found) in [
            ("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n", Some("REQUEST")),
            ("begin:vcalendar\nmethod: Reply \n", Some("Reply")),
            ("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", None),
            ("BEGIN:VCALENDAR\r\nMETHOD:A\r\nMETHOD:B\r\n", None),
            ("BEGIN:VCALENDAR\r\nMETHOD:A; charset=x\r\n", None),
            ("METHOD:REQUEST\r\n", None),
        ] {
            assert_eq!(method(calendar).ok(), found, "{calendar:?}");
        }
    }
}
