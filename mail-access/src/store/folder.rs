use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The name of a folder as people read it, in Unicode; levels stand in it with the system's own separator, which
/// [`Folder::separator`] names, at Mailcow `/`.
///
/// ```
/// use mail_access::FolderName;
///
/// let sent: FolderName = "Gesendete Entw\u{fc}rfe".parse()?;
/// assert_eq!(sent.as_str(), "Gesendete Entw\u{fc}rfe");
/// assert_eq!("inbox".parse::<FolderName>()?, FolderName::inbox());
/// # Ok::<(), mail_access::InvalidFolderName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderName(Box<str>);

impl FolderName {
    /// Returns the INBOX, which every mailbox has.
    pub fn inbox() -> Self {
        Self(INBOX.into())
    }

    /// Tells whether it is the INBOX.
    pub fn is_inbox(&self) -> bool {
        &*self.0 == INBOX
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `INBOX` is read without regard to case, as RFC 9051 section 5.1 demands.
impl FromStr for FolderName {
    type Err = InvalidFolderName;

    fn from_str(text: &str) -> Result<Self, InvalidFolderName> {
        let fine = (1..=MAX_LENGTH).contains(&text.len()) && !text.chars().any(char::is_control);
        match fine {
            true if text.eq_ignore_ascii_case(INBOX) => Ok(Self::inbox()),
            true => Ok(Self(text.into())),
            false => Err(InvalidFolderName),
        }
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folder {
    /// Its name.
    pub name: FolderName,
    /// What stands between the levels of its name; `None` where names have no levels.
    pub separator: Option<char>,
    /// Whether it holds messages; else it only stands above others.
    pub selectable: bool,
    /// Whether the owner subscribes to it.
    pub subscribed: bool,
    /// What it is meant for, where the system says so.
    pub special_use: Option<SpecialUse>,
}

impl Folder {
    /// Describes a folder that holds messages, is not subscribed to, and is meant for nothing in particular.
    pub fn new(name: FolderName, separator: Option<char>) -> Self {
        Self { name, separator, selectable: true, subscribed: false, special_use: None }
    }
}

/// What a folder is meant for (RFC 6154).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// `\All`: every message of the mailbox.
    All,
    /// `\Archive`.
    Archive,
    /// `\Drafts`.
    Drafts,
    /// `\Flagged`: all that are flagged.
    Flagged,
    /// `\Junk`.
    Junk,
    /// `\Sent`.
    Sent,
    /// `\Trash`.
    Trash,
}

/// What a folder holds and how it is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderStatus {
    /// How many messages it holds.
    pub messages: u32,
    /// How many of them are not marked as seen.
    pub unseen: u32,
    /// What the next message's UID will be at least.
    pub uid_next: u32,
    /// What the UIDs belong to: another one means that all of them are new.
    pub uid_validity: u32,
    /// The state of its messages and flags, for [`changes`](crate::MessageStore::changes) (HIGHESTMODSEQ, RFC 7162);
    /// `None` where the system keeps none.
    pub modseq: Option<u64>,
}

impl FolderStatus {
    /// Describes an empty folder.
    pub fn new(uid_validity: u32) -> Self {
        Self { messages: 0, unseen: 0, uid_next: 1, uid_validity, modseq: None }
    }
}

/// A text can't name a folder.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a folder's name has 1 to {MAX_LENGTH} bytes and no control characters")]
pub struct InvalidFolderName;

const INBOX: &str = "INBOX";
const MAX_LENGTH: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_printable() {
        for (text, fine) in [
            ("Sent", true),
            ("a/b c", true),
            ("\u{65e5}\u{672c}", true),
            ("\"{5}", true),
            ("", false),
            ("a\r\nb", false),
            ("a\0", false),
            ("a\u{85}b", false),
        ] {
            assert_eq!(text.parse::<FolderName>().is_ok(), fine, "{text:?}");
        }
        assert!("x".repeat(MAX_LENGTH + 1).parse::<FolderName>().is_err());
    }
}
