use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use async_imap::imap_proto::{AttributeValue, Response};

use super::session::{Allowance, COMMAND, LONG, Said, Session};
use super::withheld::{is_end, is_of_message};
use super::{date, set};
use crate::wire::Fault;
use crate::{Entry, MessageId, Received, Uid};

/// A message that is there, and its size in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) uid: Uid,
    pub(super) size: u64,
}

impl Session {
    /// Lists those messages of a set that are there, by ascending UID.
    pub(super) async fn list(&mut self, set: &str) -> Result<Vec<Listed>, Fault> {
        let mut listed = BTreeMap::new();
        self.run(&format!("UID FETCH {set} (UID RFC822.SIZE)"), LONG, |answer| {
            if let Some((uid, size)) = Row::read(answer).and_then(|row| Some((row.uid?, row.size?))) {
                listed.insert(uid, size);
            }
        })
        .await?;
        Ok(listed.into_iter().map(|(uid, size)| Listed { uid, size }).collect())
    }

    /// Lists those messages of a set that are there and have this very Message-ID.
    pub(super) async fn list_by_id(&mut self, set: &str, id: &MessageId) -> Result<Vec<Listed>, Fault> {
        let mut listed = BTreeMap::new();
        let command = format!("UID FETCH {set} (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
        self.run(&command, Allowance { literal: MAX_FIELD, ..LONG }, |answer| {
            let Some(Row { uid: Some(uid), size: Some(size), content: Some(header), .. }) = Row::read(answer)
            else {
                return;
            };
            let read = Received::parse_header(uid, SystemTime::UNIX_EPOCH, false, header);
            if read.message_id() == Some(id) {
                listed.insert(uid, size);
            }
        })
        .await?;
        Ok(listed.into_iter().map(|(uid, size)| Listed { uid, size }).collect())
    }

    /// Reads messages, by their UIDs; of those over `max_message` bytes only the header. One that went away meanwhile, or
    /// isn't given out, is missing. With them comes what kept it from reading on, if that may be one of them.
    pub(super) async fn contents(
        &mut self,
        chosen: &[Listed],
        max_message: u64,
    ) -> Result<(BTreeMap<Uid, Received>, Option<Fault>), Fault> {
        let mut read = BTreeMap::new();
        for (is_large, section) in [(false, "BODY.PEEK[]"), (true, LARGE_SECTION)] {
            let these = || chosen.iter().filter(|listed| (listed.size > max_message) == is_large);
            let size = |listed: &Listed| if is_large { MAX_HEADER } else { listed.size };
            let uids: Vec<_> = these().map(|listed| listed.uid).collect();
            // The size may be off by a little in an old index; it is not what memory is reserved by.
            let bytes = these().map(size).sum::<u64>() * 2 + OVERHEAD;
            let literal = if is_large { MAX_HEADER } else { max_message } + SLACK;
            let time = COMMAND + Duration::from_secs(bytes / SLOWEST_DOWNLOAD);
            for set in set::sets(&uids) {
                let command = format!("UID FETCH {set} (UID FLAGS INTERNALDATE {section})");
                let done = self.run(&command, Allowance { bytes, literal, time }, |answer| {
                    if let Some(message) = Row::read(answer).and_then(|row| row.message(is_large)) {
                        read.entry(message.uid()).or_insert(message);
                    }
                });
                match done.await {
                    Err(fault) if is_of_message(&fault) || is_end(&fault) => return Ok((read, Some(fault))),
                    done => done?,
                }
            }
        }
        Ok((read, None))
    }
}

/// What a FETCH answer says of one message. Any may be missing: a server tells changed flags unasked.
#[derive(Default)]
pub(super) struct Row<'a> {
    pub(super) uid: Option<Uid>,
    size: Option<u64>,
    flags: &'a [Cow<'a, str>],
    date: Option<SystemTime>,
    /// Its date of arrival can't be read.
    is_undated: bool,
    pub(super) content: Option<&'a [u8]>,
    /// Where in the message the content begins, if it is a piece of it.
    pub(super) origin: Option<u32>,
}

impl<'a> Row<'a> {
    pub(super) fn read(answer: Said<'a>) -> Option<Self> {
        let Said::Parsed(Response::Fetch(_, attributes)) = answer else { return None };
        let mut row = Self::default();
        for attribute in attributes {
            match attribute {
                AttributeValue::Uid(number) => row.uid = Uid::new(*number),
                AttributeValue::Rfc822Size(size) => row.size = Some(u64::from(*size)),
                AttributeValue::Flags(flags) => row.flags = flags,
                AttributeValue::InternalDate(text) => {
                    row.date = date::parse(text);
                    row.is_undated = row.date.is_none();
                }
                AttributeValue::BodySection { data: Some(data), index, .. } => {
                    row.content = Some(data);
                    row.origin = *index;
                }
                _ => {}
            }
        }
        Some(row)
    }

    /// Makes a message of it, if it holds one. A date that can't be read keeps none back.
    pub(super) fn message(self, is_large: bool) -> Option<Received> {
        let (uid, content) = (self.uid?, self.content?);
        let parse = if is_large { Received::parse_header } else { Received::parse };
        let date = self.date.unwrap_or_else(|| Received::date_of(content));
        Some(parse(uid, date, self.is_seen(), content))
    }

    /// Makes a message of it that isn't given out beyond the header it holds.
    pub(super) fn withheld(self, size: u64) -> Option<Received> {
        Some(Received::withheld(self.uid?, self.date, self.is_seen(), self.content?, size))
    }

    fn is_seen(&self) -> bool {
        self.flags.iter().any(|flag| flag.eq_ignore_ascii_case("\\Seen"))
    }

    /// Makes an entry of a list of it, if it says all that one holds.
    pub(super) fn entry(self) -> Option<Entry> {
        let flags = self.flags.iter().filter_map(|flag| flag.parse().ok()).collect();
        let date = self.date.or_else(|| self.is_undated.then_some(SystemTime::UNIX_EPOCH));
        Some(Entry::new(self.uid?, self.size?, flags, date?))
    }
}

pub(super) const LARGE_SECTION: &str = "BODY.PEEK[HEADER]<0.1048576>";
/// What the section above asks for at most, in bytes.
pub(super) const MAX_HEADER: u64 = 1 << 20;
const MAX_FIELD: u64 = 64 << 10;
/// What the answer to a FETCH holds besides the contents, in bytes, and by far.
pub(super) const OVERHEAD: u64 = 16 << 20;
pub(super) const SLACK: u64 = 1 << 20;
/// Bytes in a second; a download may take as long as over the slowest link that is of use.
pub(super) const SLOWEST_DOWNLOAD: u64 = 16 << 10;
