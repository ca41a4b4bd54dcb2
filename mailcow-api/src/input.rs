//! Free text of a request, checked because Mailcow stores whatever it gets.

use crate::Error;

/// Refuses a text that is empty, blank or of more than one line.
pub(crate) fn line(operation: &'static str, field: &str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return invalid(operation, format!("the {field} is empty"));
    }
    optional_line(operation, field, text)
}

/// Refuses a text of more than one line.
pub(crate) fn optional_line(operation: &'static str, field: &str, text: &str) -> Result<(), Error> {
    if text.chars().any(char::is_control) {
        return invalid(operation, format!("the {field} holds a control character"));
    }
    Ok(())
}

/// Refuses a text that is empty or holds blanks or one of the characters at which Mailcow splits lists.
pub(crate) fn word(operation: &'static str, field: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';'))
    {
        return invalid(
            operation,
            format!("the {field} is empty or holds blanks, commas or control characters"),
        );
    }
    Ok(())
}

/// Refuses a text of several lines that is blank or holds other control characters than tabs and line ends.
pub(crate) fn lines(operation: &'static str, field: &str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return invalid(operation, format!("the {field} is empty"));
    }
    optional_lines(operation, field, text)
}

/// Refuses a text of several lines that holds other control characters than tabs and line ends.
pub(crate) fn optional_lines(operation: &'static str, field: &str, text: &str) -> Result<(), Error> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
        return invalid(operation, format!("the {field} holds a control character"));
    }
    Ok(())
}

/// Refuses a list of nothing: Mailcow says *Task completed* to it.
pub(crate) fn some<T>(operation: &'static str, items: &[T]) -> Result<(), Error> {
    if items.is_empty() {
        return invalid(operation, "there is nothing in the list".to_owned());
    }
    Ok(())
}

/// Refuses a change in which no field is set.
pub(crate) fn change<T: Default + PartialEq>(operation: &'static str, attributes: &T) -> Result<(), Error> {
    if *attributes == T::default() {
        return invalid(operation, "nothing is to be changed".to_owned());
    }
    Ok(())
}

fn invalid(operation: &'static str, reason: String) -> Result<(), Error> {
    Err(Error::InvalidInput { operation, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_refuses_what_it_says() {
        assert!(line("x", "name", "two words").is_ok() && lines("x", "script", "a\n\tb\r\n").is_ok());
        assert!(optional_line("x", "name", "").is_ok() && optional_lines("x", "script", "").is_ok());
        assert!(word("x", "host", "imap.old.test").is_ok() && some("x", &[1]).is_ok());
        for bad in ["", " \n", "a\nb", "a\0b"] {
            assert!(
                line("x", "name", bad).is_err() && word("x", "host", bad).is_err(),
                "{bad:?} was accepted"
            );
        }
        for bad in ["a b", "a,b", "a;b", "a\tb", "a\u{a0}b"] {
            assert!(word("x", "host", bad).is_err(), "{bad:?} was accepted");
        }
        for bad in ["a\0b", "\u{1b}[2J"] {
            assert!(lines("x", "script", bad).is_err() && optional_lines("x", "script", bad).is_err());
        }
        assert!(change("x", &None::<u8>).is_err() && change("x", &Some(0)).is_ok());
        let error = some::<u8>("delete/filter", &[]).unwrap_err();
        assert_eq!(error.to_string(), "invalid input for delete/filter: there is nothing in the list");
    }
}
