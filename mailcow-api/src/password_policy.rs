//! What the server wants of passwords.

use serde::{Deserialize, Serialize};

use crate::{
    Client, Error,
    client::{Read, Write},
    loose,
};

/// What the server wants of passwords of mailboxes and administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "they are the switches of mailcow")]
pub struct PasswordPolicy {
    /// How many characters it has at least.
    #[serde(deserialize_with = "loose::int")]
    pub length: i64,
    /// Whether it has a letter.
    #[serde(rename = "chars", deserialize_with = "loose::flag")]
    pub letter: bool,
    /// Whether it has a character that is neither letter nor digit.
    #[serde(rename = "special_chars", deserialize_with = "loose::flag")]
    pub special: bool,
    /// Whether it has letters of both cases.
    #[serde(rename = "lowerupper", deserialize_with = "loose::flag")]
    pub both_cases: bool,
    /// Whether it has a digit.
    #[serde(rename = "numbers", deserialize_with = "loose::flag")]
    pub digit: bool,
}

impl PasswordPolicy {
    /// Builds the policy that asks for `length` characters and nothing else.
    pub fn new(length: u16) -> Self {
        Self { length: i64::from(length), letter: false, special: false, both_cases: false, digit: false }
    }

    /// Sets whether it has a letter.
    pub fn with_letter(mut self, letter: bool) -> Self {
        self.letter = letter;
        self
    }

    /// Sets whether it has a character that is neither letter nor digit.
    pub fn with_special(mut self, special: bool) -> Self {
        self.special = special;
        self
    }

    /// Sets whether it has letters of both cases.
    pub fn with_both_cases(mut self, both_cases: bool) -> Self {
        self.both_cases = both_cases;
        self
    }

    /// Sets whether it has a digit.
    pub fn with_digit(mut self, digit: bool) -> Self {
        self.digit = digit;
        self
    }
}

impl Client {
    /// Returns the password policy (`get/passwordpolicy`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn password_policy(&self) -> Result<PasswordPolicy, Error> {
        self.read(GET, None)
            .await?
            .ok_or(Error::Unexpected { operation: GET.0, reason: "it names no policy".to_owned() })
    }

    /// Returns the password policy in words, as HTML in the language of the server (`get/passwordpolicy/html`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn password_policy_html(&self) -> Result<String, Error> {
        Ok(self.read(HTML, None).await?.unwrap_or_default())
    }

    /// Replaces the password policy; passwords that are set already stay good (`edit/passwordpolicy`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for less than 1 character.
    pub async fn set_password_policy(&self, policy: &PasswordPolicy) -> Result<(), Error> {
        if policy.length < 1 {
            return Err(Error::InvalidInput {
                operation: EDIT.route,
                reason: "a password has a character at least".to_owned(),
            });
        }
        let attr = Attr {
            length: policy.length,
            chars: u8::from(policy.letter),
            special_chars: u8::from(policy.special),
            lowerupper: u8::from(policy.both_cases),
            numbers: u8::from(policy.digit),
        };
        self.write(EDIT, "the server", &Body { items: "none", attr }).await
    }
}

#[derive(Serialize)]
struct Body {
    items: &'static str,
    attr: Attr,
}

#[derive(Serialize)]
struct Attr {
    length: i64,
    chars: u8,
    special_chars: u8,
    lowerupper: u8,
    numbers: u8,
}

const GET: Read = Read("get/passwordpolicy");
const HTML: Read = Read("get/passwordpolicy/html");
const EDIT: Write = Write { route: "edit/passwordpolicy", success: "password_policy_saved" };
