//! Texts that the server takes, but not as they are given: it strips blanks and refuses the rest late.

use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// Refuses a text that the server would strip or refuse. The text itself is not shown: it may be a secret.
pub(crate) fn check(what: &'static str, text: &str, longest: usize) -> Result<(), Error> {
    check_ends(what, text)?;
    if text.chars().any(char::is_control) {
        return refuse(what, "it has control characters".into());
    }
    if text.chars().count() > longest {
        return refuse(what, format!("it is longer than {longest} characters"));
    }
    Ok(())
}

/// Refuses a password that cannot be one.
pub(crate) fn check_password(password: &SecretString) -> Result<(), Error> {
    let password = password.expose_secret();
    if password.is_empty() || password.contains('\0') {
        return refuse(PASSWORD, "it is empty, or has a NUL".into());
    }
    check_ends(PASSWORD, password)
}

/// Refuses a password that the server would not let a user choose.
pub(crate) fn check_new_password(password: &SecretString) -> Result<(), Error> {
    if password.expose_secret().chars().count() < SHORTEST_PASSWORD {
        return refuse(PASSWORD, format!("it is shorter than {SHORTEST_PASSWORD} characters"));
    }
    check_password(password)
}

fn check_ends(what: &'static str, text: &str) -> Result<(), Error> {
    // The separators from U+001C on are blanks to Python, which the server is written in.
    let blank = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    if text.starts_with(blank) || text.ends_with(blank) {
        return refuse(what, "it has blanks at an end, which the server would strip".into());
    }
    Ok(())
}

fn refuse(what: &'static str, reason: String) -> Result<(), Error> {
    Err(Error::InvalidInput { what, reason })
}

/// How many characters the name of a token or of a second factor may have.
pub(crate) const LONGEST_NAME: usize = 64;

const PASSWORD: &str = "password";
const SHORTEST_PASSWORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_that_would_be_changed() {
        assert!(check("name", "", 3).is_ok() && check("name", "ä b", 3).is_ok());
        for bad in [" a", "a ", "\u{a0}a", "a\n", "a\u{0}b", "abcd"] {
            assert!(check("name", bad, 3).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refused_password_is_not_shown() {
        for bad in ["", "canary ", "\tcanary-long-enough", "canary", "canary\u{1f}canary\u{1f}"] {
            let error = check_new_password(&bad.into()).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("canary"), "{error}");
        }
        assert!(check_password(&"short".into()).is_ok());
        assert!(check_new_password(&"long\tenough".into()).is_ok());
        assert!(check_new_password(&"long\0enough".into()).is_err());
    }
}
