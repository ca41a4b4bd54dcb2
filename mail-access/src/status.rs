//! A server's word on an operation (RFC 5321 section 4.2, RFC 3463).

mod pause;
mod reason;

use std::fmt;
use std::time::Duration;

pub use reason::Reason;

/// A reply of an SMTP server, or what an IMAP server said with its NO.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The reply code, 250 or 550; an IMAP server's NO has none and shows as 0.
    pub code: u16,
    /// The enhanced status code, `(5, 1, 1)` for 5.1.1.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The server's text in one line without control characters, cut at 500 characters.
    pub text: String,
}

impl Status {
    /// Makes a status of its parts; the text is cleaned and cut.
    pub fn new(code: u16, enhanced: Option<(u8, u16, u16)>, text: &str) -> Self {
        // Most texts need neither.
        let text = if text.len() <= MAX_TEXT && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            text.to_owned()
        } else {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect()
        };
        Self { code, enhanced, text }
    }

    /// Tells whether the same may succeed later (4yz, or an enhanced code 4.x.x).
    pub fn is_temporary(&self) -> bool {
        match self.enhanced {
            Some((class, ..)) if self.code == 0 => class == 4,
            _ => (400..500).contains(&self.code),
        }
    }

    /// Returns why the server refused, as far as its code and its words tell.
    ///
    /// ```
    /// use mail_access::{Reason, Status};
    ///
    /// let status = Status::new(452, Some((4, 2, 2)), "<bob@x.example> Mailbox is full");
    /// assert_eq!(status.reason(), Reason::MailboxFull);
    /// ```
    pub fn reason(&self) -> Reason {
        reason::reason(self)
    }

    /// Returns how long the server wants to be left alone, where its text says so: for what may pass, and for limits
    /// of rate. It is 24 hours at most.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mail_access::Status;
    ///
    /// let status = Status::new(450, Some((4, 2, 0)), "Greylisted, try again in 300 seconds");
    /// assert_eq!(status.retry_after(), Some(Duration::from_secs(300)));
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        if self.is_temporary() || self.reason() == Reason::RateLimited {
            pause::pause(&self.text)
        } else {
            None
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code != 0 {
            write!(f, "{} ", self.code)?;
        }
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, "{class}.{subject}.{detail} ")?;
        }
        f.write_str(&self.text)
    }
}

const MAX_TEXT: usize = 500;

#[cfg(test)]
mod texts;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_as_the_server_wrote_it_in_one_line() {
        let status = Status::new(550, Some((5, 1, 1)), "no such\r\nuser");
        assert_eq!(status.to_string(), "550 5.1.1 no such  user");
        assert!(!status.is_temporary());
        assert!(Status::new(451, None, "later").is_temporary());
        assert!(Status::new(0, Some((4, 2, 2)), "full").is_temporary());
    }
}
