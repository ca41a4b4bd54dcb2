use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response};

use super::select::Inbox;
use crate::Position;

/// A folder that is selected, as it stands by what the server told of it, asked or not.
///
/// Its UIDVALIDITY can't change while it is selected (RFC 9051 section 2.3.1.1); a server that renumbers it ends the
/// session. A message that comes has a UID of UIDNEXT or more, and the server tells of it by EXISTS once, in the answer
/// to whatever is under way.
#[derive(Debug)]
pub(super) struct Selected {
    mailbox: Box<str>,
    uid_validity: u32,
    /// A UID that none of the first `known` messages has or is above, and all later ones have or are above.
    uid_next: Option<u32>,
    known: u32,
    exists: u32,
    /// The UID of the last one of those that are known.
    last: Option<u32>,
    /// How many messages came since that was asked last.
    arrived: u32,
}

/// What is known of the messages behind a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Look {
    /// There are some, or the position is of another numbering.
    New,
    Nothing,
    Unknown,
}

impl Selected {
    pub(super) fn new(mailbox: &str, uid_validity: u32, uid_next: Option<u32>, exists: u32) -> Self {
        let mailbox = mailbox.into();
        Self { mailbox, uid_validity, uid_next, known: exists, exists, last: None, arrived: 0 }
    }

    pub(super) fn is(&self, mailbox: &str) -> bool {
        *self.mailbox == *mailbox
    }

    pub(super) fn begins_with(&self, name: &str) -> bool {
        self.mailbox.starts_with(name)
    }

    /// How many messages it holds.
    pub(super) fn exists(&self) -> u32 {
        self.exists
    }

    /// How many of them came after its UIDNEXT was told.
    pub(super) fn unknown(&self) -> u32 {
        self.exists - self.known
    }

    /// Returns how many messages came since this was asked last.
    pub(super) fn take_arrived(&mut self) -> u32 {
        std::mem::take(&mut self.arrived)
    }

    /// Describes it for a command.
    pub(super) fn inbox(&self) -> Inbox {
        let is_open = self.unknown() > 0;
        Inbox { uid_validity: self.uid_validity, uid_next: self.uid_next, is_open, modseq: None }
    }

    /// Tells whether there are messages behind a position.
    pub(super) fn look(&self, after: Position) -> Look {
        if after.uid_validity != self.uid_validity {
            return Look::New;
        }
        let Some(uid_next) = self.uid_next else {
            return if self.exists == 0 { Look::Nothing } else { Look::Unknown };
        };
        if self.unknown() > 0 {
            return if after.uid < uid_next { Look::New } else { Look::Unknown };
        }
        match self.last {
            _ if self.exists == 0 || after.uid.saturating_add(1) >= uid_next => Look::Nothing,
            Some(last) if last > after.uid => Look::New,
            Some(_) => Look::Nothing,
            // What was behind the position may be deleted again.
            None => Look::Unknown,
        }
    }

    /// Notes what the server tells of it.
    pub(super) fn note(&mut self, answer: &Response<'_>) {
        match answer {
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.arrived = self.arrived.saturating_add(count.saturating_sub(self.exists));
                self.exists = *count;
                // It tells of deleted ones by EXPUNGE; fewer without that are counted anew.
                if *count < self.known {
                    (self.known, self.last) = (*count, None);
                }
            }
            Response::Expunge(number) => self.expunged(*number),
            Response::Fetch(number, attributes) => {
                let uid = attributes.iter().find_map(|attribute| match attribute {
                    AttributeValue::Uid(uid) => Some(*uid),
                    _ => None,
                });
                if let Some(uid) = uid {
                    self.fetched(*number, uid);
                }
            }
            _ => {}
        }
    }

    /// Notes the last one of the messages behind `uid`, all of which the server named.
    pub(super) fn settle(&mut self, uid: u32, last: Option<u32>) {
        self.known = self.exists;
        self.last = last;
        self.uid_next = match last {
            Some(last) => self.uid_next.max(Some(last.saturating_add(1))),
            None => Some(uid.saturating_add(1)),
        };
    }

    fn expunged(&mut self, number: u32) {
        if number == 0 || number > self.exists {
            return;
        }
        if number <= self.known {
            if number == self.known {
                self.last = None;
            }
            self.known -= 1;
        }
        self.exists -= 1;
    }

    /// Notes that these UIDs are gone, of messages that were there.
    pub(super) fn vanished(&mut self, ranges: &[(u32, u32)]) {
        let count = |first: u32, last: u32| last.checked_sub(first).map_or(0, |span| span.saturating_add(1));
        for &(first, last) in ranges {
            let next = self.uid_next.unwrap_or(u32::MAX);
            let known = count(first, last.min(next.saturating_sub(1))).min(self.known);
            let all = count(first, last).min(self.exists);
            self.exists -= all.max(known);
            self.known = (self.known - known).min(self.exists);
            if self.last.is_some_and(|own| (first..=last).contains(&own)) {
                self.last = None;
            }
        }
    }

    fn fetched(&mut self, number: u32, uid: u32) {
        if number == 0 || number > self.exists || number < self.known {
            return;
        }
        self.known = number;
        self.last = Some(uid);
        self.uid_next = self.uid_next.max(Some(uid.saturating_add(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_count_as_it_likes() {
        let mut selected = Selected::new("INBOX", 7, Some(1), 0);
        for count in [u32::MAX, 0, u32::MAX, 5, u32::MAX] {
            selected.note(&Response::MailboxData(MailboxDatum::Exists(count)));
            selected.note(&Response::Expunge(count));
            selected.note(&Response::Fetch(u32::MAX - 1, vec![AttributeValue::Uid(u32::MAX)]));
            selected.vanished(&[(0, u32::MAX), (u32::MAX, u32::MAX)]);
        }
        assert_eq!((selected.take_arrived(), selected.unknown()), (u32::MAX, 0));
    }
}
