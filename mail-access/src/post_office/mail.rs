//! A message on its way through the office, and what the office writes above it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use super::folder::{Given, Letter, Stored};
use super::marks::Marks;
use super::state::{Name, State};
use super::verdict;
use crate::message::{date::in_words, fields};
use crate::{Address, DeliveryReports, DomainName, MessageId, Outgoing, Received, Uid};

#[derive(Clone)]
pub(super) struct Mail {
    pub(super) sender: Address,
    pub(super) host: DomainName,
    pub(super) queue_id: String,
    pub(super) now: SystemTime,
    /// That time in words.
    date: String,
    /// The address in From.
    from: Option<Address>,
    pub(super) letter: Arc<Letter>,
    pub(super) reports: Option<DeliveryReports>,
    pub(super) message: Outgoing,
    pub(super) submitted: bool,
    /// Who judged it to be authentic, or not.
    authentication_results: String,
    /// How much of it can be given out where it was filed.
    given: Given,
}

impl Mail {
    /// Copies a message that was submitted or came from outside, for which no lock is needed; [`judged`](Self::judged)
    /// needs one.
    pub(super) fn new(
        message: &Outgoing,
        submitted: bool,
        host: &DomainName,
        number: u64,
        now: SystemTime,
    ) -> Self {
        let queue_id = format!("{number:010X}");
        let (message_id, from) = match message.author_written_here() {
            Some(author) => (Some(message.message_id().clone()), Some(author.clone())),
            None => message_id_and_from(message.bytes()),
        };
        let (server, with) = if submitted {
            // Of the client's address Mailcow leaves no trace.
            ("localhost", "ESMTPSA")
        } else {
            (message.sender().domain().as_str(), "ESMTPS")
        };
        let date = date(now);
        let (by, id) = (host.as_str(), &*queue_id);
        let received = [
            "Received: from ",
            server,
            "\r\n\tby ",
            by,
            " with ",
            with,
            " id ",
            id,
            ";\r\n\t",
            &date,
            "\r\n",
        ];
        // All of it, and the end of the last line: many are kept for long.
        let size = received.iter().map(|piece| piece.len()).sum::<usize>() + message.size() + 2;
        let mut bytes = Vec::with_capacity(size);
        for piece in received {
            bytes.extend_from_slice(piece.as_bytes());
        }
        if message.author_written_here().is_some() {
            bytes.extend_from_slice(message.bytes());
        } else {
            write_cleaned(&mut bytes, message.bytes());
        }
        Self {
            sender: message.sender().clone(),
            host: host.clone(),
            queue_id,
            now,
            date,
            from,
            letter: Arc::new(Letter { message_id, bytes }),
            reports: message.reports().cloned(),
            message: message.clone(),
            submitted,
            authentication_results: String::new(),
            given: Given::Whole,
        }
    }

    /// Notes the verdicts on its authenticity: those of an office, or the usual ones.
    pub(super) fn judged(mut self, state: Option<&State>) -> Self {
        let from = self.from.as_ref().unwrap_or(&self.sender);
        let verdicts = match state {
            Some(state) => state.verdicts_on(&self.sender, from, self.submitted),
            None => verdict::usual(&self.sender, from, self.submitted),
        };
        self.authentication_results = verdict::field(&self.host, &self.sender, from, verdicts);
        self
    }

    /// Makes it one that can't be given out.
    pub(super) fn broken(self, with_header: bool) -> Self {
        Self { given: if with_header { Given::Header } else { Given::Nothing }, ..self }
    }

    /// Files a copy as Dovecot's LMTP does: what it writes above the message is proof of the envelope.
    pub(super) fn stored(&self, recipient: &Address, mailbox: &Name, now: SystemTime) -> Stored {
        let letter = Arc::clone(&self.letter);
        let date = self.date(now);
        let trace = self.trace(Some(&self.sender), recipient, mailbox, &date, &self.authentication_results);
        let mut stored = Stored::new(&trace.concat(), letter, now, Marks::default());
        stored.given = self.given;
        stored
    }

    /// Returns how many bytes a copy takes.
    pub(super) fn size_for(&self, recipient: &Address, mailbox: &Name) -> u64 {
        let below = &self.authentication_results;
        let trace = self.trace(Some(&self.sender), recipient, mailbox, &self.date, below);
        (trace.iter().map(|piece| piece.len()).sum::<usize>() + self.letter.bytes.len()) as u64
    }

    /// Files a report on this message in a mailbox of its sender.
    pub(super) fn stored_report(&self, report: &Arc<Letter>, mailbox: &Name, now: SystemTime) -> Stored {
        let trace = self.trace(None, &self.sender, mailbox, &self.date(now), "").concat();
        Stored::new(&trace, Arc::clone(report), now, Marks::default())
    }

    /// Says what the delivery writes, with what stands below it, in pieces.
    fn trace<'a>(
        &'a self,
        return_path: Option<&'a Address>,
        recipient: &'a Address,
        mailbox: &'a Name,
        date: &'a str,
        below: &'a str,
    ) -> [&'a str; 30] {
        let (host, [name, name_at, name_domain]) = (self.host.as_str(), mailbox.pieces());
        let [local, at, domain] = return_path.map_or([""; 3], pieces);
        let [to, to_at, to_domain] = pieces(recipient);
        [
            "Return-Path: <",
            local,
            at,
            domain,
            ">\r\nDelivered-To: ",
            name,
            name_at,
            name_domain,
            "\r\nReceived: from ",
            host,
            "\r\n\tby ",
            host,
            " with LMTP\r\n\tid ",
            &self.queue_id,
            "\r\n\t(envelope-from <",
            local,
            at,
            domain,
            ">)\r\n\tfor <",
            name,
            name_at,
            name_domain,
            ">; ",
            date,
            "\r\nX-Original-To: ",
            to,
            to_at,
            to_domain,
            "\r\n",
            below,
        ]
    }

    fn date(&self, now: SystemTime) -> Cow<'_, str> {
        if now == self.now { Cow::Borrowed(&*self.date) } else { date(now).into() }
    }
}

fn pieces(address: &Address) -> [&str; 3] {
    [address.local_part(), "@", address.domain().as_str()]
}

pub(super) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    in_words(seconds.try_into().unwrap_or(0))
}

/// Returns the lines before the first empty one, with the end of the last.
pub(super) fn header(bytes: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n");
    end.map_or(bytes, |end| &bytes[..end + 2])
}

/// Reads it from the bytes, as a search in a mailbox does, whatever the envelope's maker believes.
pub(super) fn message_id(bytes: &[u8]) -> Option<MessageId> {
    read(bytes)?.message_id().cloned()
}

/// Reads both in one go, and nothing else. Lines end in CR LF only.
fn message_id_and_from(bytes: &[u8]) -> (Option<MessageId>, Option<Address>) {
    let is_wanted = |field: &&[u8]| {
        let name = field.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"from") || name.eq_ignore_ascii_case(b"message-id")
    };
    let wanted: Vec<u8> = fields(header(bytes)).filter(is_wanted).flatten().copied().collect();
    let Some(read) = read(&wanted) else { return (None, None) };
    (read.message_id().cloned(), read.from().map(|contact| contact.address.clone()))
}

fn read(bytes: &[u8]) -> Option<Received> {
    Some(Received::parse_header(Uid::new(1)?, SystemTime::UNIX_EPOCH, false, header(bytes)))
}

/// Writes the message without the fields that Postfix takes out of every one, blind copies above all, and ends its
/// last line, as the final dot of SMTP does.
fn write_cleaned(bytes: &mut Vec<u8>, message: &[u8]) {
    let (header, body) = message.split_at(header(message).len());
    let mut dropping = false;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        // A folded line shares the fate of the one above.
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or(line).trim_ascii_end();
            dropping = DROPPED.iter().any(|dropped| name.eq_ignore_ascii_case(dropped));
        }
        if !dropping {
            bytes.extend_from_slice(line);
        }
    }
    bytes.extend_from_slice(body);
    if !message.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
}

/// Postfix' `message_drop_headers`.
const DROPPED: [&[u8]; 4] = [b"bcc", b"content-length", b"resent-bcc", b"return-path"];
