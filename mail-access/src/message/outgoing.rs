use std::fmt;
use std::sync::Arc;

use super::DeliveryReports;
use crate::{Address, Error, MessageId};

/// A finished message and its envelope: what exactly is handed to the server, however often it has to be.
///
/// Its Message-ID, its date and its bytes are fixed, so that a copy that arrives twice can be told by anyone.
/// [`NewMessage::seal`](crate::NewMessage::seal) makes it; [`Outgoing::restore`] takes it back out of a store, but for
/// the wishes about reports and refused recipients, which are set anew.
#[derive(Clone)]
pub struct Outgoing {
    sender: Address,
    recipients: Vec<Address>,
    message_id: MessageId,
    /// Whom the header says it is from, if it was written here and not read.
    from: Option<Address>,
    bytes: Arc<Vec<u8>>,
    reports: Option<DeliveryReports>,
    all_or_nothing: bool,
}

impl Outgoing {
    /// Puts a message together again from parts that were stored.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no recipient, or if a line of the message ends otherwise than in CR LF.
    pub fn restore(
        sender: Address,
        recipients: Vec<Address>,
        message_id: MessageId,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Self, Error> {
        let bytes = Arc::new(bytes.into());
        if recipients.is_empty() {
            return Err(Error::Invalid {
                what: "recipients",
                problem: "a message has to have at least one".into(),
            });
        }
        if !has_only_crlf(&bytes) {
            return Err(Error::Invalid {
                what: "message",
                problem: "each line has to end in CR LF, and neither may stand alone".into(),
            });
        }
        Ok(Self { sender, recipients, message_id, from: None, bytes, reports: None, all_or_nothing: false })
    }

    /// Notes that the header was written here: it names this author and the message's own identity, and has no field
    /// that a server takes out.
    pub(super) fn written_here(self, from: Address) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Returns the author, if the header was written here.
    pub(crate) fn author_written_here(&self) -> Option<&Address> {
        self.from.as_ref()
    }

    /// Sets which reports of delivery the server is asked for.
    pub fn with_reports(mut self, reports: DeliveryReports) -> Self {
        self.reports = Some(reports);
        self
    }

    /// Sends the message to all of its recipients or to none: it is not sent if the server refuses one of them.
    ///
    /// That is what the server knows when it takes the message; a later failure is told by a report as ever.
    pub fn with_all_or_nothing(mut self) -> Self {
        self.all_or_nothing = true;
        self
    }

    /// Returns the envelope's sender, where reports of failure go.
    pub fn sender(&self) -> &Address {
        &self.sender
    }

    /// Returns the envelope's recipients: To, Cc and Bcc, each once.
    pub fn recipients(&self) -> &[Address] {
        &self.recipients
    }

    /// Returns which reports of delivery the server is asked for, if the sender has a wish.
    pub fn reports(&self) -> Option<&DeliveryReports> {
        self.reports.as_ref()
    }

    /// Tells whether one refused recipient keeps the message from all of them.
    pub fn is_all_or_nothing(&self) -> bool {
        self.all_or_nothing
    }

    /// Returns the Message-ID.
    pub fn message_id(&self) -> &MessageId {
        &self.message_id
    }

    /// Returns the message as it goes over the wire, but for the dots that SMTP doubles.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the size in bytes, the figure that SMTP's SIZE declares (RFC 1870).
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Shows the envelope and the size, not the content.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("sender", &self.sender)
            .field("recipients", &self.recipients)
            .field("message_id", &self.message_id)
            .field("from", &self.from)
            .field("bytes", &self.bytes.len())
            .field("reports", &self.reports)
            .field("all_or_nothing", &self.all_or_nothing)
            .finish()
    }
}

/// A lone CR or LF is where two servers may see two different messages (SMTP smuggling).
#[expect(clippy::needless_bitwise_bool, reason = "without branches it is several times as fast")]
pub(crate) fn has_only_crlf(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
    let is_fine = |(before, behind): (&[u8], &[u8])| {
        let pairs = before.iter().zip(behind);
        !pairs.fold(false, |lone, (before, behind)| lone | ((*before == b'\r') != (*behind == b'\n')))
    };
    *first != b'\n' && *last != b'\r' && bytes.chunks(CHUNK).zip(bytes[1..].chunks(CHUNK)).all(is_fine)
}

/// Bytes.
const CHUNK: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_line_ends_are_found() {
        for (text, fine) in [
            ("", true),
            ("a\r\nb\r\n", true),
            ("a\r\n\r\nb", true),
            ("a\nb", false),
            ("a\rb", false),
            ("a\r\r\n", false),
            ("a\r", false),
            ("\n", false),
        ] {
            assert_eq!(has_only_crlf(text.as_bytes()), fine, "{text:?}");
        }
    }

    #[test]
    fn what_can_not_be_sent_is_not_restored() {
        let ada: Address = "ada@agents.example".parse().unwrap();
        let id: MessageId = "1@agents.example".parse().unwrap();
        assert!(Outgoing::restore(ada.clone(), vec![], id.clone(), *b"a\r\n").is_err());
        assert!(Outgoing::restore(ada.clone(), vec![ada.clone()], id.clone(), *b"a\n.\n").is_err());
        let restored = Outgoing::restore(ada.clone(), vec![ada], id, *b"a\r\n").unwrap();
        assert_eq!(restored.size(), 3);
    }
}
