use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A mark on a message: a system flag (RFC 9051 section 2.3.2), or a keyword of the user's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// `\Answered`: a reply was sent.
    Answered,
    /// `\Deleted`: to be removed.
    Deleted,
    /// `\Draft`: not finished.
    Draft,
    /// `\Flagged`: marked as urgent.
    Flagged,
    /// `\Seen`: read.
    Seen,
    /// A keyword, compared without regard to case.
    Keyword(Keyword),
}

/// A keyword in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyword(Box<str>);

impl Keyword {
    /// Returns its text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Flag {
    /// Makes a keyword, such as `$Forwarded` or `handled`.
    ///
    /// # Errors
    /// [`InvalidKeyword`] if it is no atom: 1 to 100 printable ASCII characters without a blank and without
    /// `( ) { } % * " \ ]` (RFC 9051 section 9, `flag-keyword`).
    ///
    /// ```
    /// use mail_access::Flag;
    ///
    /// assert_eq!(Flag::keyword("Handled")?.to_string(), "handled");
    /// assert!(Flag::keyword("two words").is_err());
    /// # Ok::<(), mail_access::InvalidKeyword>(())
    /// ```
    pub fn keyword(text: &str) -> Result<Self, InvalidKeyword> {
        let fine = (1..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !SPECIAL.contains(&byte));
        if !fine {
            return Err(InvalidKeyword);
        }
        Ok(Self::Keyword(Keyword(text.to_ascii_lowercase().into_boxed_str())))
    }
}

/// Reads a flag as IMAP writes it: `\Seen`, `handled`.
impl FromStr for Flag {
    type Err = InvalidKeyword;

    fn from_str(text: &str) -> Result<Self, InvalidKeyword> {
        let system = [Self::Answered, Self::Deleted, Self::Draft, Self::Flagged, Self::Seen];
        match system.into_iter().find(|flag| flag.name().eq_ignore_ascii_case(text)) {
            Some(flag) => Ok(flag),
            None => Self::keyword(text),
        }
    }
}

impl Flag {
    fn name(&self) -> &str {
        match self {
            Self::Answered => "\\Answered",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
            Self::Flagged => "\\Flagged",
            Self::Seen => "\\Seen",
            Self::Keyword(keyword) => keyword.as_str(),
        }
    }
}

/// Writes it as IMAP does.
impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What becomes of the flags of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlagChange {
    /// These are added to what is there.
    Add(Vec<Flag>),
    /// These are taken away.
    Remove(Vec<Flag>),
    /// These take the place of all others.
    Set(Vec<Flag>),
}

/// A text is no keyword.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "a keyword is 1 to {MAX_LENGTH} printable ASCII characters without a blank and without ( ) {{ }} % * \" \\ ]"
)]
pub struct InvalidKeyword;

const SPECIAL: &[u8] = b"(){}%*\"\\]";
const MAX_LENGTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_written_as_imap_does() {
        for (text, written) in [
            ("\\seen", Some("\\Seen")),
            ("\\Answered", Some("\\Answered")),
            ("$Forwarded", Some("$forwarded")),
            ("\\Recent", None),
            ("", None),
            ("a b", None),
            ("a\r\nb", None),
            ("gr\u{fc}n", None),
            ("a]", None),
        ] {
            let flag = text.parse::<Flag>().ok().map(|flag| flag.to_string());
            assert_eq!(flag.as_deref(), written, "{text:?}");
        }
        assert!(Flag::keyword(&"x".repeat(MAX_LENGTH + 1)).is_err());
    }
}
