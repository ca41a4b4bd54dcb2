//! Passwords that nobody can guess and the server takes.

use secrecy::SecretString;
use serde::Deserialize;

use crate::{Client, Error, client::Read, loose};

impl Client {
    /// Makes a new random password that meets the password policy of the server, which it reads
    /// (`get/passwordpolicy`). It has 24 characters or as many as the policy wants, which is more than 128 bits, and
    /// nothing in it needs quotes in a configuration file.
    ///
    /// ```
    /// use mailcow_api::FakeMailcow;
    /// # use mailcow_api::{Mib, NewDomain, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let password = client.generate_password().await?;
    /// let address = "agent-7@agents.example.com".parse()?;
    /// client.add_mailbox(&NewMailbox::new(address, password, Mib::new(64))).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer, wants more characters than its own bcrypt looks at
    /// (72), or the system has no random numbers.
    pub async fn generate_password(&self) -> Result<SecretString, Error> {
        let rules: Option<Rules> = self.read(POLICY, None).await?;
        rules.unwrap_or_default().generate()
    }
}

/// What the server asks of a password.
#[derive(Debug, Default, Deserialize)]
struct Rules {
    #[serde(default, deserialize_with = "loose::int")]
    length: i64,
    #[serde(default, deserialize_with = "loose::flag")]
    special_chars: bool,
}

impl Rules {
    fn generate(&self) -> Result<SecretString, Error> {
        let length = usize::try_from(self.length).unwrap_or(0).max(LENGTH);
        if length > LONGEST {
            return Err(Error::Unexpected {
                operation: POLICY.0,
                reason: format!("the policy wants {length} characters, of which only {LONGEST} count"),
            });
        }
        let special = if self.special_chars { SPECIAL } else { "" };
        let alphabet = [LETTERS, DIGITS, special].concat();
        loop {
            let password = draw(&alphabet, length)?;
            // Each class that any policy can want. Drawing again keeps all passwords that have them equally likely.
            let has = |class: fn(&char) -> bool| password.chars().any(|c| class(&c));
            if has(char::is_ascii_lowercase)
                && has(char::is_ascii_uppercase)
                && has(char::is_ascii_digit)
                && (special.is_empty() || has(char::is_ascii_punctuation))
            {
                return Ok(password.into());
            }
        }
    }
}

/// Draws `length` characters of `alphabet`, each as likely as any other.
fn draw(alphabet: &str, length: usize) -> Result<String, Error> {
    let alphabet = alphabet.as_bytes();
    // Bytes above the largest multiple would favour the first characters.
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut password = String::with_capacity(length);
    while password.len() < length {
        let mut random = [0; 64];
        getrandom::fill(&mut random).map_err(|_| Error::Unavailable {
            operation: "a new password",
            reason: "the system has no random numbers".to_owned(),
            source: None,
        })?;
        let usable = random.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        password.extend(
            usable.map(|byte| char::from(alphabet[byte % alphabet.len()])).take(length - password.len()),
        );
    }
    Ok(password)
}

const POLICY: Read = Read("get/passwordpolicy");
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const SPECIAL: &str = "-.:+=";
// 24 characters of 62 are 142 bits; to insist on each class costs less than one of them.
const LENGTH: usize = 24;
const LONGEST: usize = 72;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn each_policy_is_met_with_more_than_128_bits() {
        for (length, special_chars) in
            [(0, false), (6, true), (24, true), (40, false), (72, true), (-1, false)]
        {
            for _ in 0..200 {
                let password = Rules { length, special_chars }.generate().unwrap();
                let password = password.expose_secret();
                assert_eq!(password.len(), usize::try_from(length).unwrap_or(0).max(24));
                for class in [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit] {
                    assert!(password.chars().any(|c| class(&c)), "{password}");
                }
                assert_eq!(special_chars, password.chars().any(|c| SPECIAL.contains(c)), "{password}");
            }
        }
        assert!(Rules { length: 73, special_chars: false }.generate().is_err());
        let alphabet = f64::from(u8::try_from(LETTERS.len() + DIGITS.len()).unwrap());
        // At least nine of ten draws have each class, so that insisting on them costs less than a bit.
        assert!(alphabet.log2() * 24.0 - 1.0 > 128.0);
    }

    #[test]
    fn all_characters_are_drawn_about_equally_often() {
        let alphabet = [LETTERS, DIGITS, SPECIAL].concat();
        let drawn = draw(&alphabet, 67_000).unwrap();
        for wanted in alphabet.chars() {
            let count = drawn.chars().filter(|c| *c == wanted).count();
            // 1000 each on average; off by 8 standard deviations happens to nobody.
            assert!((750..1250).contains(&count), "{wanted} came {count} times");
        }
    }
}
