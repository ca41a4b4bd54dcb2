use std::sync::Arc;

use super::fetch::Listed;
use super::select::{INBOX, Inbox};
use super::session::{Session, is_gone};
use super::set;
use super::withheld::{Doubts, Ends, Suspect, Way, is_end};
use crate::wire::Fault;
use crate::{Address, Batch, MessageId, Query, Selection, Uid};

/// How much is read at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one message; of a larger one only the header is read.
    pub(crate) message: u64,
    /// Bytes of a batch, but for one message at least.
    pub(crate) batch: u64,
}

/// What is known of the messages of a login that were not given out in the usual way.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    pub(crate) login: Address,
    pub(crate) doubts: Doubts,
    pub(crate) ends: Arc<Ends>,
}

/// What came of a fetch.
#[derive(Debug)]
pub(crate) enum Fetched {
    Batch(Batch),
    /// The answer about one message ended the connection.
    Broken(Suspect),
}

impl Session {
    /// Does what [`MailAccess::fetch`](crate::MailAccess::fetch) says: lists first, so that nothing is read that
    /// isn't given out.
    pub(crate) async fn fetch(
        &mut self,
        mut inbox: Inbox,
        selection: &Selection,
        limit: usize,
        limits: Limits,
        mut trust: Trust,
    ) -> Result<Fetched, Fault> {
        for _ in 0..ATTEMPTS {
            match self.fetch_once(inbox, selection, limit.max(1), limits, &mut trust).await {
                Ok(Some(fetched)) => return Ok(fetched),
                // Another client deleted messages between the list and the reading, or the server keeps some back.
                Ok(None) => {}
                Err(Fault::Refused(status)) if is_gone(&status) => {}
                Err(fault) => return Err(fault),
            }
            inbox = self.select_anew(INBOX).await?;
        }
        Err(Fault::Protocol("it lists messages and doesn't give them out".into()))
    }

    async fn fetch_once(
        &mut self,
        inbox: Inbox,
        selection: &Selection,
        limit: usize,
        limits: Limits,
        trust: &mut Trust,
    ) -> Result<Option<Fetched>, Fault> {
        let uid_validity = inbox.uid_validity;
        // One more than is wanted shows whether there are more.
        let matching = self.matching(inbox, selection, limit.saturating_add(1)).await?;
        let mut bytes = 0_u64;
        let fitting = matching.iter().take(limit).take_while(|listed| {
            let is_first = bytes == 0;
            bytes += listed.size.min(limits.message).max(1);
            is_first || bytes <= limits.batch
        });
        let chosen: Vec<_> = fitting.copied().collect();
        let (doubts, ends, login) = (&mut trust.doubts, &trust.ends, &trust.login);
        let way = |listed: &Listed| doubts.get(&(uid_validity, listed.uid)).copied();
        let (doubtful, sound): (Vec<_>, Vec<_>) = chosen.iter().partition(|listed| way(listed).is_some());
        let mut singles = Vec::new();
        for listed in doubtful {
            let way = way(&listed).unwrap_or(Way::Alone);
            match self.single(listed, way, limits.message).await {
                Ok(Some(message)) => singles.push((listed.uid, message)),
                Ok(None) => return Ok(None),
                Err(fault @ Fault::Unreadable(_)) => {
                    let way = way.after(&fault);
                    let suspect = Suspect { uid_validity, uid: listed.uid, way, fault };
                    return Ok(Some(Fetched::Broken(suspect)));
                }
                Err(fault) => {
                    if is_end(&fault) {
                        ends.note(login, (uid_validity, listed.uid));
                    }
                    return Err(fault);
                }
            }
        }
        let (mut read, broken) = self.contents(&sound, limits.message).await?;
        if let Some(fault) = broken.as_ref().filter(|fault| is_end(fault)) {
            let missing = sound.iter().filter(|listed| !read.contains_key(&listed.uid));
            // Large ones are asked for behind the others.
            if let Some(first) = missing.min_by_key(|listed| (listed.size > limits.message, listed.uid)) {
                ends.note(login, (uid_validity, first.uid));
            }
            return Err(fault.copy());
        }
        read.extend(singles);
        let taken = chosen.iter().map_while(|listed| read.remove(&listed.uid));
        let messages: Vec<_> = taken.collect();
        if let Some(fault) = broken {
            // What is whole before it is given out, so that the next call begins with the one in question.
            let Some(first) = chosen.first().filter(|_| messages.is_empty()) else {
                return Ok(Some(Fetched::Batch(Batch::new(uid_validity, messages, true))));
            };
            let way = if sound.len() == 1 { Way::Alone.after(&fault) } else { Way::Alone };
            return Ok(Some(Fetched::Broken(Suspect { uid_validity, uid: first.uid, way, fault })));
        }
        if messages.len() == chosen.len() {
            let more = matching.len() > chosen.len();
            return Ok(Some(Fetched::Batch(Batch::new(uid_validity, messages, more))));
        }
        let missing = chosen[messages.len()..].iter().filter(|listed| !read.contains_key(&listed.uid));
        doubts.extend(missing.map(|listed| ((uid_validity, listed.uid), Way::Header)));
        Ok(None)
    }

    /// Lists at least the first `wanted` messages that match, if there are so many, by ascending UID.
    pub(super) async fn matching(
        &mut self,
        inbox: Inbox,
        selection: &Selection,
        wanted: usize,
    ) -> Result<Vec<Listed>, Fault> {
        match selection {
            Selection::After(Some(place)) if place.uid_validity == inbox.uid_validity => {
                match place.uid.checked_add(1) {
                    Some(first) => self.behind(inbox, first, wanted).await,
                    None => Ok(Vec::new()),
                }
            }
            Selection::After(_) => self.behind(inbox, 1, wanted).await,
            Selection::Uids(uid_validity, uids) => {
                inbox.check(*uid_validity)?;
                self.among(uids, None, wanted).await
            }
            Selection::Unseen => self.found(inbox, &Query::Unseen, wanted).await,
            Selection::MessageId(id) => self.found(inbox, &Query::MessageId(id.clone()), wanted).await,
        }
    }

    async fn behind(&mut self, inbox: Inbox, first: u32, wanted: usize) -> Result<Vec<Listed>, Fault> {
        let mut listed = Vec::new();
        // Not all UIDs are still there; some more than wanted spare a second question.
        let width = u32::try_from(wanted).unwrap_or(u32::MAX).saturating_mul(4).clamp(FEW, MANY);
        let mut windows = Windows::new(inbox, first, width, LISTED);
        // Pieces grow as long as there are too few.
        while let Some((low, high)) = windows.next(true).filter(|_| listed.len() < wanted) {
            let window = self.list(&format!("{low}:{high}")).await?;
            listed.extend(window.into_iter().filter(|one| (low..=high).contains(&one.uid.get())));
        }
        Ok(listed)
    }

    /// Lists at least the first `wanted` messages that a query fits, if there are so many.
    pub(super) async fn found(
        &mut self,
        inbox: Inbox,
        query: &Query,
        wanted: usize,
    ) -> Result<Vec<Listed>, Fault> {
        let id = if let Query::MessageId(id) = query { Some(id) } else { None };
        let mut listed = Vec::new();
        let mut windows = self.search_windows(inbox);
        while let Some((low, high)) = windows.next(listed.is_empty()).filter(|_| listed.len() < wanted) {
            let uids = self.search(low, high, query).await?;
            listed.extend(self.among(&uids, id, wanted - listed.len()).await?);
        }
        Ok(listed)
    }

    /// Finds all messages that a query fits, by ascending UID.
    pub(super) async fn search_all(&mut self, inbox: Inbox, query: &Query) -> Result<Vec<Uid>, Fault> {
        let mut found = Vec::new();
        let mut windows = self.search_windows(inbox);
        while let Some((low, high)) = windows.next(found.is_empty()) {
            found.extend(self.search(low, high, query).await?);
        }
        Ok(found)
    }

    /// The answer to a SEARCH is one line: where it may hold them all, the UIDs may lie as far apart as they like.
    fn search_windows(&self, inbox: Inbox) -> Windows {
        let width = if self.exists() <= MANY { u32::MAX } else { MANY };
        Windows::new(inbox, 1, width, width)
    }

    /// Lists those of `uids` that are there, and have this very Message-ID if there is one.
    async fn among(
        &mut self,
        uids: &[Uid],
        id: Option<&MessageId>,
        wanted: usize,
    ) -> Result<Vec<Listed>, Fault> {
        let mut listed: Vec<Listed> = Vec::new();
        let mut uids = uids.to_vec();
        uids.sort_unstable();
        uids.dedup();
        for group in uids.chunks(wanted.clamp(1, GROUP)) {
            for set in set::sets(group) {
                let window = match id {
                    Some(id) => self.list_by_id(&set, id).await?,
                    None => self.list(&set).await?,
                };
                listed.extend(window.into_iter().filter(|one| group.binary_search(&one.uid).is_ok()));
            }
            if listed.len() >= wanted {
                break;
            }
        }
        Ok(listed)
    }
}

impl Inbox {
    /// Makes sure that a caller's UIDs belong to this numbering.
    pub(super) fn check(self, expected: u32) -> Result<(), Fault> {
        let found = self.uid_validity;
        if expected == found { Ok(()) } else { Err(Fault::Renumbered { expected, found }) }
    }
}

/// Goes through the UIDs piece by piece, so that no answer is longer than the guard lets through.
pub(super) struct Windows {
    low: u32,
    /// The last UID that there can be.
    last: u32,
    /// There may be more behind it, in the last piece.
    is_open: bool,
    width: u32,
    widest: u32,
}

impl Windows {
    pub(super) fn new(inbox: Inbox, low: u32, width: u32, widest: u32) -> Self {
        match inbox.uid_next {
            Some(next) => Self { low, last: next.saturating_sub(1), is_open: inbox.is_open, width, widest },
            None => Self { low, last: u32::MAX, is_open: false, width: u32::MAX, widest },
        }
    }

    /// Gives the next piece; pieces grow as long as nothing is found, since UIDs may lie far apart.
    pub(super) fn next(&mut self, nothing_yet: bool) -> Option<(u32, u32)> {
        if self.low > self.last && std::mem::take(&mut self.is_open) {
            self.last = u32::MAX;
            self.width = u32::MAX;
        }
        if self.low == 0 || self.low > self.last {
            return None;
        }
        let (low, high) = (self.low, self.low.saturating_add(self.width - 1).min(self.last));
        // 0 comes after the very last.
        self.low = high.wrapping_add(1);
        if nothing_yet {
            self.width = self.width.saturating_mul(4).min(self.widest);
        }
        Some((low, high))
    }
}

const ATTEMPTS: usize = 3;
const GROUP: usize = 1000;
const FEW: u32 = 1000;
/// As many UIDs as the guard lets through in one line.
pub(super) const MANY: u32 = 50_000;
/// As many messages as an allowance lets be listed.
pub(super) const LISTED: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_uid_once() {
        for (uid_next, first, width, expected) in [
            (Some(1), 1, 10, vec![]),
            (Some(6), 6, 10, vec![]),
            (Some(7), 6, 10, vec![(6, 6)]),
            (Some(25), 3, 10, vec![(3, 12), (13, 22), (23, 24)]),
            (Some(0), 1, 10, vec![]),
            (None, 5, 10, vec![(5, u32::MAX)]),
            (Some(u32::MAX), u32::MAX, 10, vec![]),
        ] {
            let inbox = Inbox { uid_validity: 1, uid_next, is_open: false, modseq: None };
            let all = |inbox| {
                let mut windows = Windows::new(inbox, first, width, width);
                std::iter::from_fn(|| windows.next(false)).collect::<Vec<_>>()
            };
            assert_eq!(all(inbox), expected, "{uid_next:?} {first}");
            let mut open = expected;
            if let Some(next) = uid_next {
                open.push((next.max(first), u32::MAX));
            }
            assert_eq!(all(Inbox { is_open: true, ..inbox }), open, "{uid_next:?} {first}");
        }
        let inbox = Inbox { uid_validity: 1, uid_next: Some(90), is_open: false, modseq: None };
        let mut windows = Windows::new(inbox, 1, 2, 20);
        let growing: Vec<_> = std::iter::from_fn(|| windows.next(true)).collect();
        assert_eq!(growing, [(1, 2), (3, 10), (11, 30), (31, 50), (51, 70), (71, 89)]);
    }
}
