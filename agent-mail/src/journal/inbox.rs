//! How far an agent has read: its place in the INBOX, what was handed out, what was handled.
//!
//! - `position`: everything up to here was handed out or skipped.
//! - `pending/<uidvalidity>-<uid>`: handed out and not acknowledged.
//! - `known/<fingerprint>`: `o` for handed out, `h` for handled, by content and by Message-ID, and `c` for a Message-ID
//!   that came the short way. It outlives a new UIDVALIDITY, and grows by about 200 bytes with each message.

use std::collections::VecDeque;
use std::time::SystemTime;

use mail_access::{MessageId, Position, Received, Uid};
use serde::{Deserialize, Serialize};

use super::agents::retired;
use super::{Fingerprint, Happened, Journal, What, encode};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error};

/// What tells that two messages are the same: their bytes, and the Message-ID that a copy shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    content: Fingerprint,
    message_id: Option<Fingerprint>,
}

impl Identity {
    pub(crate) fn of(message: &Received) -> Self {
        Self {
            content: Fingerprint::of(message.raw()),
            message_id: message.message_id().map(|id: &MessageId| Fingerprint::of(id.as_str().as_bytes())),
        }
    }

    /// Returns what names the message by its bytes.
    pub(crate) fn content(&self) -> &str {
        self.content.as_str()
    }

    fn prints(&self) -> impl Iterator<Item = &Fingerprint> {
        std::iter::once(&self.content).chain(&self.message_id)
    }
}

/// What is known of a message that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    New,
    /// It, or one with its Message-ID, was handed out before.
    Offered,
    /// It was handed out and acknowledged.
    Handled,
}

/// What the journal has of a message: by its content, and by its Message-ID.
#[derive(Debug)]
pub(crate) struct Seen(Vec<(String, Option<Vec<u8>>)>);

impl Seen {
    pub(crate) fn known(&self) -> Known {
        let mut known = self.0.iter().map(|(_, known)| known.as_deref());
        match known.next().flatten() {
            Some(HANDLED) => Known::Handled,
            Some(_) => Known::Offered,
            None => match known.next().flatten() {
                None | Some(CAME) => Known::New,
                Some(_) => Known::Offered,
            },
        }
    }

    /// Adds to a change that the message is about to be handed out, wherever it was.
    pub(super) fn offered(&self, change: Change) -> Change {
        let new = self.0.iter().filter(|(_, known)| matches!(known.as_deref(), None | Some(CAME)));
        new.fold(change, |change, (key, known)| change.expect(key, known.clone()).put(key, OFFERED))
    }
}

/// What becomes of a message that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark<'a> {
    /// It was dealt with before, or there is none.
    Nothing,
    /// It is about to be handed out, if no more is known of it than that.
    Offered(&'a Seen),
    /// It is not handed out and counts as handled.
    Handled(&'a Identity),
}

/// What was handed out and not acknowledged, in the position's numbering.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Unsettled {
    pub(crate) uid_validity: u32,
    pub(crate) uids: VecDeque<Uid>,
}

#[derive(Serialize, Deserialize)]
struct StoredPosition {
    uid_validity: u32,
    uid: u32,
}

impl Journal {
    pub(crate) async fn unsettled(&self, agent: &AgentId) -> Result<Unsettled, Error> {
        let Some(Position { uid_validity, .. }) = self.position(agent).await? else {
            return Ok(Unsettled::default());
        };
        let prefix = self.key("inbox", agent, format_args!("pending/{uid_validity:010}-"));
        let found = self.store.scan(&prefix).await?;
        let uid = |key: &str| key[prefix.len()..].parse().ok().and_then(Uid::new);
        Ok(Unsettled { uid_validity, uids: found.iter().filter_map(|(key, _)| uid(key)).collect() })
    }

    pub(crate) async fn position(&self, agent: &AgentId) -> Result<Option<Position>, Error> {
        let stored: Option<StoredPosition> = self.read(&self.key("inbox", agent, "position")).await?;
        Ok(stored.map(|StoredPosition { uid_validity, uid }| Position { uid_validity, uid }))
    }

    /// Looks up what is known of a message.
    pub(crate) async fn look_up(&self, agent: &AgentId, identity: &Identity) -> Result<Seen, Error> {
        let mut seen = Seen(Vec::with_capacity(2));
        for print in identity.prints() {
            let key = self.known_key(agent, print);
            let known = self.store.get(&key).await?;
            seen.0.push((key, known));
        }
        Ok(seen)
    }

    /// Makes what there is to know of a message of which nothing is known.
    pub(crate) fn unknown(&self, agent: &AgentId, identity: &Identity) -> Seen {
        Seen(identity.prints().map(|print| (self.known_key(agent, print), None)).collect())
    }

    /// Tells whether a message is known to have come to an agent: by the short way, or as one that was handed out.
    pub(crate) async fn has_come(&self, agent: &AgentId, id: &MessageId) -> Result<bool, Error> {
        Ok(self.store.get(&self.came_key(agent, id)).await?.is_some())
    }

    /// Adds to a change that a message comes, if it is not known to have come by then.
    pub(crate) fn comes(&self, change: Change, agent: &AgentId, id: &MessageId) -> Change {
        let key = self.came_key(agent, id);
        change.expect(&key, None).put(key, CAME)
    }

    /// Notes that the reading has come to `to`, and what is to become of the message there, with what counts it.
    ///
    /// `Conflict` says that another reader of this mailbox was there meanwhile; nothing was noted.
    pub(crate) async fn read_to(
        &self,
        agent: &AgentId,
        from: Option<Position>,
        to: Position,
        mark: Mark<'_>,
        tally: Change,
    ) -> Result<Committed, Error> {
        let mut change = self.moved(agent, from, to);
        change.writes.extend(tally.writes);
        match (mark, Uid::new(to.uid)) {
            (Mark::Offered(seen), Some(uid)) => {
                change = seen.offered(change.put(self.pending_key(agent, to.uid_validity, uid), ""));
            }
            (Mark::Handled(identity), Some(uid)) => {
                change = self.settled(change, agent, to.uid_validity, uid, identity);
            }
            _ => {}
        }
        self.commit_reading(agent, change).await
    }

    /// Notes that the mailbox is numbered anew and will be read from its beginning, with the event that tells it.
    ///
    /// `Conflict` is as for [`read_to`](Self::read_to).
    pub(crate) async fn renumbered(
        &self,
        agent: &AgentId,
        from: Position,
        now: u32,
        at: SystemTime,
    ) -> Result<Committed, Error> {
        let mut change = self.moved(agent, Some(from), Position { uid_validity: now, uid: 0 });
        // Their numbers mean nothing any more; what they were stays known by content.
        for (old, _) in self.store.scan(&self.key("inbox", agent, "pending/")).await? {
            change = change.remove(old);
        }
        let what = What::MailboxReset { before: from.uid_validity, now };
        let change = self.note_event(change, agent, &Happened { at, what })?;
        self.commit_reading(agent, change).await
    }

    fn moved(&self, agent: &AgentId, from: Option<Position>, to: Position) -> Change {
        let key = self.key("inbox", agent, "position");
        let stored = |at: Position| encode(&StoredPosition { uid_validity: at.uid_validity, uid: at.uid });
        Change::new().expect(&key, from.map(stored)).put(&key, stored(to))
    }

    async fn commit_reading(&self, agent: &AgentId, change: Change) -> Result<Committed, Error> {
        self.commit_as_seen(agent, change).await?.ok_or_else(|| retired("read", agent))
    }

    /// Notes that a message was handled; safe to repeat. Of an agent that was retired nothing is noted.
    pub(crate) async fn settle(
        &self,
        agent: &AgentId,
        uid_validity: u32,
        uid: Uid,
        identity: &Identity,
    ) -> Result<(), Error> {
        let change = || self.settled(Change::new(), agent, uid_validity, uid, identity);
        self.write_while_active(agent, change).await
    }

    /// Makes the change that notes a message as handled if nobody did; `None` if somebody has.
    pub(crate) async fn settled_once(
        &self,
        agent: &AgentId,
        uid_validity: u32,
        uid: Uid,
        identity: &Identity,
    ) -> Result<Option<Change>, Error> {
        let key = self.known_key(agent, &identity.content);
        let known = self.store.get(&key).await?;
        if known.as_deref() == Some(HANDLED) {
            return Ok(None);
        }
        Ok(Some(self.settled(Change::new().expect(key, known), agent, uid_validity, uid, identity)))
    }

    fn settled(
        &self,
        change: Change,
        agent: &AgentId,
        uid_validity: u32,
        uid: Uid,
        identity: &Identity,
    ) -> Change {
        let change = change.remove(self.pending_key(agent, uid_validity, uid));
        self.known_handled(change, agent, identity)
    }

    /// Adds to a change that a message was handled, wherever it was.
    pub(crate) fn known_handled(&self, change: Change, agent: &AgentId, identity: &Identity) -> Change {
        identity.prints().fold(change, |change, print| change.put(self.known_key(agent, print), HANDLED))
    }

    /// Drops messages from those handed out that are gone from the mailbox.
    pub(crate) async fn drop_pending(
        &self,
        agent: &AgentId,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        let gone = |change: Change, uid: &Uid| change.remove(self.pending_key(agent, uid_validity, *uid));
        let change = uids.iter().fold(Change::new(), gone);
        while self.commit_reading(agent, change.clone()).await? == Committed::Conflict {}
        Ok(())
    }

    fn pending_key(&self, agent: &AgentId, uid_validity: u32, uid: Uid) -> String {
        self.key("inbox", agent, format_args!("pending/{uid_validity:010}-{:010}", uid.get()))
    }

    fn came_key(&self, agent: &AgentId, id: &MessageId) -> String {
        self.known_key(agent, &Fingerprint::of(id.as_str().as_bytes()))
    }

    fn known_key(&self, agent: &AgentId, print: &Fingerprint) -> String {
        self.key("inbox", agent, format_args!("known/{print}"))
    }
}

const CAME: &[u8] = b"c";
const OFFERED: &[u8] = b"o";
const HANDLED: &[u8] = b"h";
