//! What a login looks like to a server (RFC 4616, Google's XOAUTH2); nothing here is ever logged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::Fault;
use crate::{Login, Status};

/// Writes a password for PLAIN, in base64.
pub(crate) fn plain(login: &Login) -> Result<SecretString, Fault> {
    let password = login.password().expose_secret();
    if password.contains('\0') {
        return Err(Fault::Invalid { what: "password", problem: "it must not hold a NUL" });
    }
    Ok(base64(&SecretString::from(format!("\0{}\0{password}", login.address()))))
}

/// Writes a token for XOAUTH2, in base64.
pub(crate) fn xoauth2(login: &Login) -> Result<SecretString, Fault> {
    let token = login.password().expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::Invalid { what: "token", problem: "it has to be printable ASCII without blanks" });
    }
    Ok(base64(&SecretString::from(format!("user={}\x01auth=Bearer {token}\x01\x01", login.address()))))
}

/// Encodes a secret.
pub(crate) fn base64(secret: &SecretString) -> SecretString {
    STANDARD.encode(secret.expose_secret()).into()
}

/// Tells whether a server's text repeats a part of the login; it may say what it didn't understand.
pub(crate) fn repeats(text: &str, login: &Login, sent: &[SecretString]) -> bool {
    let words = sent.iter().flat_map(|line| line.expose_secret().split_ascii_whitespace());
    let secrets = words.filter(|word| word.len() >= SHORTEST).chain([login.password().expose_secret()]);
    secrets.filter(|secret| !secret.is_empty()).any(|secret| text.contains(secret))
}

/// Leaves out a server's text that repeats the login, which it may do long after it has heard it.
pub(crate) fn without_login(status: Status, login: &Login) -> Status {
    // All that is sent is one word with the password in it, for which most texts have no room.
    let shortest = base64::encoded_len(login.password().expose_secret().len(), true).unwrap_or(usize::MAX);
    let mut sent = Vec::new();
    if status.text.split_ascii_whitespace().any(|word| word.len() >= shortest) {
        sent.extend([plain(login), xoauth2(login), Ok(base64(login.password()))].into_iter().flatten());
    }
    if repeats(&status.text, login, &sent) {
        return Status::new(status.code, status.enhanced, WITHHELD);
    }
    status
}

/// What is written in place of such a text.
pub(crate) const WITHHELD: &str = "(its text repeats the login and is left out)";
/// Shorter words of a command are its name and its mechanism, or tell nothing.
const SHORTEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> crate::Address {
        "ada@agents.example".parse().unwrap()
    }

    #[test]
    fn a_login_is_written_as_the_mechanism_wants_it() {
        let decoded = |secret: &SecretString| STANDARD.decode(secret.expose_secret()).unwrap();
        let password = Login::new(ada(), "s e\u{e9}".into());
        assert_eq!(decoded(&plain(&password).unwrap()), "\0ada@agents.example\0s e\u{e9}".as_bytes());
        let token = Login::with_token(ada(), "ya29.a-b_c~+/==".into());
        let expected = b"user=ada@agents.example\x01auth=Bearer ya29.a-b_c~+/==\x01\x01";
        assert_eq!(decoded(&xoauth2(&token).unwrap()), expected);
    }

    #[test]
    fn what_would_break_out_of_its_place_is_not_sent() {
        assert!(plain(&Login::new(ada(), "a\0b".into())).is_err());
        for token in ["", "a b", "a\x01b", "a\r\nb", "\u{e9}"] {
            assert!(xoauth2(&Login::with_token(ada(), token.into())).is_err(), "{token:?}");
        }
    }

    #[test]
    fn a_repeated_login_is_found() {
        let login = Login::new(ada(), "canary".into());
        let sent = [SecretString::from("AUTH PLAIN AGFkYQBjYW5hcnk=\r\n")];
        assert!(repeats("535 canary is wrong", &login, &sent));
        assert!(repeats("501 what is AGFkYQBjYW5hcnk=?", &login, &sent));
        assert!(!repeats("535 AUTH PLAIN failed", &login, &sent));
    }

    #[test]
    fn a_repeated_login_is_left_out() {
        let password = Login::new(ada(), "canary".into());
        let token = Login::with_token(ada(), "ya29.a-b_c".into());
        let written = |secret: Result<SecretString, Fault>| secret.unwrap().expose_secret().to_owned();
        for (login, said, is_left_out) in [
            (&password, "2.0.0 Ok: queued as 4fXx1y2".to_owned(), false),
            (&password, "the word is canary".to_owned(), true),
            (&password, "Y2FuYXJ5".to_owned(), true),
            (&password, format!("what is ({})?", written(plain(&password))), true),
            (&token, format!("{}: unknown", written(xoauth2(&token))), true),
            (&token, format!("what\tis\n{}", written(Ok(base64(token.password())))), true),
        ] {
            let text = without_login(Status::new(250, None, &said), login).text;
            assert_eq!(text, if is_left_out { WITHHELD } else { &*said });
        }
    }
}
