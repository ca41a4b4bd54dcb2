//! What identifies a message: in the world ([`MessageId`]) and in one mailbox ([`Uid`], [`Position`]).

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::DomainName;

/// The identity that a message keeps on its way, without the angle brackets (RFC 5322 section 3.6.4).
///
/// Any printable ASCII text without blanks and angle brackets is taken, since real mail holds many that the RFC
/// doesn't allow and a reply has to name them all the same.
///
/// ```
/// use mail_access::MessageId;
///
/// let id: MessageId = "<1@agents.example>".parse()?;
/// assert_eq!(id.as_str(), "1@agents.example");
/// assert_eq!(id.to_string(), "<1@agents.example>");
/// # Ok::<(), mail_access::InvalidMessageId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// Makes a new one, unique by 128 random bits, in the sender's domain.
    ///
    /// # Panics
    /// If the operating system has no random numbers to give.
    pub fn generate(domain: &DomainName) -> Self {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).expect("the operating system gives random numbers");
        Self::of_random(u128::from_be_bytes(random), domain)
    }

    /// Makes one of 128 bits that the caller drew at random, in the sender's domain: the same bits give the same identity.
    pub fn of_random(random: u128, domain: &DomainName) -> Self {
        let mut digits = [0; 32];
        for (two, byte) in digits.chunks_exact_mut(2).zip(random.to_be_bytes()) {
            two.copy_from_slice(&[byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
        }
        Self([&*String::from_utf8_lossy(&digits), "@", domain.as_str()].concat().into())
    }

    /// Returns the identity without the angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
        let fine = !inner.is_empty()
            && inner.len() <= MAX_LENGTH
            && inner.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
        if fine { Ok(Self(inner.into())) } else { Err(InvalidMessageId) }
    }
}

/// Writes the angle brackets, as header fields have them.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<")?;
        f.write_str(&self.0)?;
        f.write_str(">")
    }
}

/// A text that can't stand as a Message-ID.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a Message-ID has to be 1 to 900 printable ASCII characters without blanks and angle brackets")]
pub struct InvalidMessageId;

/// The number of a message in one mailbox, ascending in the order of arrival (RFC 9051 section 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// Wraps a server's number; `None` for 0, which no message has.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// Returns the number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place between two messages of a mailbox: behind the message `uid`, in the numbering `uid_validity`.
///
/// A `uid` of 0 is the place before the first message. When the mailbox's own UIDVALIDITY is another one, its
/// messages were numbered anew and the position means nothing any more (RFC 9051 section 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The mailbox's UIDVALIDITY at the time.
    pub uid_validity: u32,
    /// The UID of the last message before this place, 0 for the very beginning.
    pub uid: u32,
}

/// A header line may be 998 characters long; this leaves room for the field's name.
const MAX_LENGTH: usize = 900;
const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_takes_what_real_mail_holds_and_nothing_that_breaks_a_header() {
        for (text, inner) in [
            ("<a@b>", "a@b"),
            ("a@b", "a@b"),
            ("<no-at-sign>", "no-at-sign"),
            ("<a@[192.0.2.1]>", "a@[192.0.2.1]"),
            ("", ""),
            ("<>", ""),
            ("<a b@c>", ""),
            ("<a@b>\r\nBcc: x@y", ""),
            ("<a><b>", ""),
            ("<\u{fc}@b>", ""),
        ] {
            assert_eq!(text.parse::<MessageId>().as_ref().map_or("", MessageId::as_str), inner, "{text:?}");
        }
    }

    #[test]
    fn generated_ids_differ() {
        let domain = "agents.example".parse().unwrap();
        let (one, other) = (MessageId::generate(&domain), MessageId::generate(&domain));
        assert_ne!(one, other);
        assert!(one.as_str().ends_with("@agents.example"), "{one}");
        assert_eq!(one.to_string().parse::<MessageId>().unwrap(), one);
    }
}
