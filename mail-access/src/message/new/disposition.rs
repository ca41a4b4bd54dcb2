//! How a part is shown, and its file's name (RFC 2183, RFC 2231).

use std::error::Error as StdError;
use std::fmt::Write;

use lettre::message::header::{Header, HeaderName, HeaderValue};

use super::fields::without_controls;
use crate::Error;

/// The field Content-Disposition.
///
/// lettre's writes a name such as `=?utf-8?Q?a?=` as it is, which readers take for an encoded one.
#[derive(Clone)]
pub(super) struct Disposition(String);

impl Disposition {
    /// Writes a kind, `inline` or `attachment`, and perhaps a name.
    pub(super) fn new(kind: &str, name: Option<&str>) -> Result<Self, Error> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(Self(kind.to_owned())) };
        without_controls("attachment name", name)?;
        if name.len() > MAX_NAME {
            let problem = format!("it has to be at most {MAX_NAME} bytes long");
            return Err(Error::Invalid { what: "attachment name", problem });
        }
        if name.len() <= MAX_PLAIN && is_plain(name) {
            return Ok(Self(format!("{kind}; filename=\"{name}\"")));
        }
        let sections = sections(name);
        let mut value = kind.to_owned();
        for (number, section) in sections.iter().enumerate() {
            value.push_str(";\r\n filename*");
            if sections.len() > 1 {
                let _ = write!(value, "{number}*");
            }
            let _ = write!(value, "={}{section}", if number == 0 { "utf-8''" } else { "" });
        }
        Ok(Self(value))
    }
}

impl Header for Disposition {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        Ok(Self(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\')
        && !name.contains("=?")
        && name.trim() == name
}

/// Escapes all but letters, digits and the marks that no program misreads, in pieces that fit into a line. No
/// character is cut, as some readers decode each piece alone.
fn sections(name: &str) -> Vec<String> {
    let mut sections = vec![String::with_capacity(SECTION)];
    for c in name.chars() {
        let mut escaped = String::new();
        for &byte in c.encode_utf8(&mut [0; 4]).as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
        match sections.last_mut() {
            Some(last) if last.len() + escaped.len() <= SECTION => last.push_str(&escaped),
            _ => sections.push(escaped),
        }
    }
    sections
}

const MAX_NAME: usize = 1024;
const MAX_PLAIN: usize = 60;
const SECTION: usize = 54;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_where_it_can_be() {
        let long = "\u{fc}".repeat(10);
        for (name, value) in [
            (None, "inline"),
            (Some(""), "inline"),
            (Some("a b.pdf"), "inline; filename=\"a b.pdf\""),
            (Some("\u{fc}.pdf"), "inline;\r\n filename*=utf-8''%C3%BC.pdf"),
            (Some("a\"b"), "inline;\r\n filename*=utf-8''a%22b"),
            (Some("=?utf-8?Q?a?="), "inline;\r\n filename*=utf-8''%3D%3Futf-8%3FQ%3Fa%3F%3D"),
            (
                Some(&*long),
                "inline;\r\n filename*0*=utf-8''%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC;\r\n \
                 filename*1*=%C3%BC",
            ),
        ] {
            assert_eq!(Disposition::new("inline", name).unwrap().0, value);
        }
        assert!(Disposition::new("inline", Some(&"x".repeat(1025))).is_err());
    }
}
