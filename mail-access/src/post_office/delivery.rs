//! Brings one message to all its recipients, or back to its sender.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::SUBMIT;
use super::mailbox::{Full, Letter, Stored};
use super::report::report;
use super::state::{End, Entry, Name, State};
use crate::{
    Address, DeliveryReports, DomainName, Error, MessageId, Outgoing, Received, Status, Submission, Uid,
};

/// A message on its way through the office.
pub(super) struct Mail<'a> {
    pub(super) sender: &'a Address,
    pub(super) host: &'a DomainName,
    pub(super) queue_id: String,
    pub(super) now: SystemTime,
    pub(super) letter: Arc<Letter>,
    recipients: &'a [Address],
    all_or_nothing: bool,
    wants_failure: bool,
}

impl<'a> Mail<'a> {
    pub(super) fn new(message: &'a Outgoing, host: &'a DomainName, number: u64, now: SystemTime) -> Self {
        let queue_id = format!("{number:010X}");
        // Of the client's address Mailcow leaves no trace.
        let mut bytes =
            format!("Received: from localhost by {host} with ESMTPSA id {queue_id};\r\n\t{}\r\n", date(now))
                .into_bytes();
        bytes.extend_from_slice(message.bytes());
        Self {
            sender: message.sender(),
            host,
            queue_id,
            now,
            letter: Arc::new(Letter { message_id: message_id(message.bytes()), bytes }),
            recipients: message.recipients(),
            all_or_nothing: message.is_all_or_nothing(),
            wants_failure: message.reports().is_none_or(DeliveryReports::wants_failure),
        }
    }

    /// Files a copy as Dovecot's LMTP does: what it writes above the message is proof of the envelope.
    fn stored(&self, letter: Arc<Letter>, return_path: &str, recipient: &Address, mailbox: &Name) -> Stored {
        let Self { host, queue_id, now, .. } = self;
        let trace = format!(
            "Return-Path: <{return_path}>\r\nDelivered-To: {mailbox}\r\nReceived: from {host}\r\n\tby {host} with \
             LMTP id {queue_id}\r\n\tfor <{mailbox}>; {}\r\nX-Original-To: {recipient}\r\n",
            date(*now)
        );
        Stored { trace: trace.into(), letter, arrived: *now }
    }
}

impl State {
    /// Delivers to each recipient that has room, and reports to the sender what was accepted and leads nowhere.
    pub(super) fn deliver(&mut self, mail: &Mail<'_>) -> Result<Submission, Error> {
        let (mut accepted, mut refused, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        if mail.all_or_nothing {
            refused = self.refusals(mail);
        }
        if !refused.is_empty() {
            return Err(refusal(mail, refused));
        }
        for recipient in mail.recipients {
            let ends = self.route(recipient);
            let all = ends.len();
            let mut failed: Vec<_> =
                ends.into_iter().filter_map(|end| self.deliver_to(mail, recipient, end).err()).collect();
            if failed.len() == all && failed.iter().all(|failure| failure.full) {
                refused.push((recipient.clone(), failed.swap_remove(0).status));
            } else {
                accepted.push(recipient.clone());
                failures.append(&mut failed);
            }
        }
        if accepted.is_empty() {
            return Err(refusal(mail, refused));
        }
        if !failures.is_empty() && mail.wants_failure {
            self.report(mail, &failures);
        }
        let status = Status::new(250, Some((2, 0, 0)), &format!("Ok: queued as {}", mail.queue_id));
        Ok(Submission::new(accepted, refused, status))
    }

    /// Tells who would be refused, without delivering to anybody: those all of whose mailboxes are full.
    fn refusals(&self, mail: &Mail<'_>) -> Vec<(Address, Status)> {
        let mut taken: HashMap<Name, u64> = HashMap::new();
        let mut refused = Vec::new();
        for recipient in mail.recipients {
            let (mut full, mut served) = (None, false);
            for end in self.route(recipient) {
                let End::Mailbox(name) = end else {
                    served = true;
                    continue;
                };
                let letter = Arc::clone(&mail.letter);
                let size = mail.stored(letter, &mail.sender.to_string(), recipient, &name).size();
                let with = taken.get(&name).unwrap_or(&0) + size;
                let room =
                    matches!(self.addresses.get(&name), Some(Entry::Mailbox(one)) if one.has_room(with));
                served |= room;
                if room {
                    taken.insert(name, with);
                } else {
                    full = Some(name);
                }
            }
            refused.extend(full.filter(|_| !served).map(|name| (recipient.clone(), quota_exceeded(&name))));
        }
        refused
    }

    fn deliver_to(&mut self, mail: &Mail<'_>, recipient: &Address, end: End) -> Result<(), Failure> {
        let failure = |address: String, code, enhanced, why: &str| {
            let status = Status::new(code, Some(enhanced), &format!("<{address}>: {why}"));
            Failure { original: recipient.clone(), address, full: false, status }
        };
        match end {
            End::Mailbox(name) => {
                let stored =
                    mail.stored(Arc::clone(&mail.letter), &mail.sender.to_string(), recipient, &name);
                match self.mailbox_named(&name).map(|mailbox| mailbox.put(stored)) {
                    Some(Ok(())) => Ok(()),
                    Some(Err(Full)) => {
                        let status = quota_exceeded(&name);
                        let original = recipient.clone();
                        Err(Failure { original, address: name.to_string(), full: true, status })
                    }
                    None => Err(failure(name.to_string(), 550, (5, 1, 1), "User unknown")),
                }
            }
            End::UnknownMailbox(address) => Err(failure(address.to_string(), 550, (5, 1, 1), "User unknown")),
            End::UnknownDomain(address) => {
                Err(failure(address.to_string(), 550, (5, 1, 2), "Host or domain name not found"))
            }
        }
    }

    /// A report that finds no mailbox or no room is dropped: reports on reports would never end.
    fn report(&mut self, mail: &Mail<'_>, failures: &[Failure]) {
        let name = Name::of(mail.sender);
        let stored = mail.stored(Arc::new(report(mail, failures)), "", mail.sender, &name);
        if let Some(Err(Full)) = self.mailbox_named(&name).map(|mailbox| mailbox.put(stored)) {
            tracing::debug!("the sender's mailbox is full, a delivery report was dropped");
        }
    }
}

/// Says that nobody got the message, because of all these.
fn refusal(mail: &Mail<'_>, mut refused: Vec<(Address, Status)>) -> Error {
    match mail.recipients.len() {
        1 => Error::Refused { operation: SUBMIT, status: refused.swap_remove(0).1 },
        _ => Error::RecipientsRefused { operation: SUBMIT, refused },
    }
}

fn quota_exceeded(mailbox: &Name) -> Status {
    Status::new(552, Some((5, 2, 2)), &format!("<{mailbox}>: Quota exceeded, mailbox is full"))
}

/// A recipient that could not be served.
pub(super) struct Failure {
    /// As the sender wrote it.
    pub(super) original: Address,
    /// Where aliases led to.
    pub(super) address: String,
    pub(super) status: Status,
    full: bool,
}

pub(super) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    mail_parser::DateTime::from_timestamp(seconds.try_into().unwrap_or(0)).to_rfc822()
}

/// Returns the lines before the first empty one, with the end of the last.
pub(super) fn header(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or(bytes, |end| &bytes[..end + 2])
}

/// Reads it from the bytes, as a search in a mailbox does, whatever the envelope's maker believes.
fn message_id(bytes: &[u8]) -> Option<MessageId> {
    let first = Uid::new(1)?;
    Received::parse_header(first, SystemTime::UNIX_EPOCH, false, header(bytes)).message_id().cloned()
}
