//! What happened to an agent's mailbox without a mail: `happened/<agent>/<time>-<number>-<fingerprint>`, each until it
//! is acknowledged.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use mail_access::{Address, MessageId, Received, Uid};
use serde::{Deserialize, Serialize};

use super::agents::retired;
use super::{Journal, Seen, decode, encode, fingerprint};
use crate::backend::{Change, Committed};
use crate::{AgentId, Error, ErrorKind, EventKind, RecipientResult, SendReport, Untrusted};

/// Something that happened without a mail.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    /// When, by the system's clock: events are handed out in this order.
    pub(crate) at: SystemTime,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Sent(SendReport),
    Deferred(SendReport),
    Expired(SendReport),
    Refused(SendReport),
    Unconfirmed(SendReport),
    MailboxReset {
        before: u32,
        now: u32,
    },
    /// A message came the short way: its bytes, with what a server writes above.
    Letter(Vec<u8>),
}

/// An event of the journal as it stands there.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    /// What happened; a message is [another part](Self::letter), as it has to pass the checks.
    pub(crate) kind: Option<EventKind>,
    pub(crate) letter: Option<Received>,
    /// A stream has handed it out.
    pub(crate) offered: bool,
    stored: Stored,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    what: StoredWhat,
    offered: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum StoredWhat {
    Sent(StoredReport),
    Deferred(StoredReport),
    Expired(StoredReport),
    Refused(StoredReport),
    Unconfirmed(StoredReport),
    MailboxReset {
        before: u32,
        now: u32,
    },
    /// Each byte as the character of its number, which is shorter than numbers are.
    Letter {
        bytes: String,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredReport {
    message_id: String,
    key: Option<String>,
    recipients: Vec<StoredResult>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredResult {
    recipient: String,
    code: Option<u16>,
    enhanced: Option<(u8, u16, u16)>,
    text: String,
}

impl Journal {
    /// Adds an event to a change. Streams of the agent's events in this process hear of it when the change was made.
    #[expect(clippy::unnecessary_wraps, reason = "its callers build changes of steps that can fail")]
    pub(crate) fn note_event(
        &self,
        change: Change,
        agent: &AgentId,
        happened: &Happened,
    ) -> Result<Change, Error> {
        let since = happened.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stored = encode(&Stored { what: StoredWhat::from(&happened.what), offered: false });
        // Of what happens at the same time the number tells the order, and the print keeps two programs apart.
        let number = self.happened.fetch_add(1, Ordering::Relaxed);
        let rest = format!("{:020}-{number:010}-{}", since.as_nanos(), &fingerprint(&stored)[..8]);
        Ok(change.put(self.key(HAPPENED, agent, &rest), stored))
    }

    /// Returns the keys of all events that nobody acknowledged, in their order, and whether each was handed out.
    pub(crate) async fn happened(&self, agent: &AgentId) -> Result<Vec<(String, bool)>, Error> {
        let found = self.store.scan(&self.key(HAPPENED, agent, "")).await?;
        let read = |(key, bytes): (String, Vec<u8>)| {
            let offered = decode::<Stored>(&key, &bytes)?.offered;
            Ok((key, offered))
        };
        found.into_iter().map(read).collect()
    }

    /// Returns an event, if it is still there.
    pub(crate) async fn noted(&self, key: &str) -> Result<Option<Noted>, Error> {
        let Some(bytes) = self.store.get(key).await? else { return Ok(None) };
        let stored: Stored = decode(key, &bytes)?;
        let letter = stored.what.letter(key);
        let kind = stored.what.clone().into_kind(key)?;
        Ok(Some(Noted { kind, letter, offered: stored.offered, stored, bytes }))
    }

    /// Notes that an event, and the message that it is, is about to be handed out, unless another stream was faster.
    pub(crate) async fn offer_noted(
        &self,
        agent: &AgentId,
        key: &str,
        noted: &Noted,
        message: Option<&Seen>,
    ) -> Result<Committed, Error> {
        let offered = Stored { offered: true, ..noted.stored.clone() };
        let mut change = Change::new().expect(key, Some(noted.bytes.clone())).put(key, encode(&offered));
        if let Some(seen) = message {
            change = seen.offered(change);
        }
        self.commit_while_active(agent, change).await?.ok_or_else(|| retired("read", agent))
    }

    /// Makes the change that acknowledges an event if nobody did; `None` if somebody has.
    pub(crate) async fn noted_settled_once(&self, key: &str) -> Result<Option<Change>, Error> {
        let there = self.store.get(key).await?;
        Ok(there.map(|bytes| Change::new().expect(key, Some(bytes)).remove(key)))
    }

    pub(crate) async fn settle_noted(&self, key: &str) -> Result<(), Error> {
        self.write(Change::new().remove(key)).await
    }
}

impl From<&What> for StoredWhat {
    fn from(what: &What) -> Self {
        match what {
            What::Sent(report) => Self::Sent(report.into()),
            What::Deferred(report) => Self::Deferred(report.into()),
            What::Expired(report) => Self::Expired(report.into()),
            What::Refused(report) => Self::Refused(report.into()),
            What::Unconfirmed(report) => Self::Unconfirmed(report.into()),
            What::MailboxReset { before, now } => Self::MailboxReset { before: *before, now: *now },
            What::Letter(bytes) => {
                Self::Letter { bytes: bytes.iter().map(|byte| char::from(*byte)).collect() }
            }
        }
    }
}

impl From<&SendReport> for StoredReport {
    fn from(report: &SendReport) -> Self {
        let stored = |one: &RecipientResult| StoredResult {
            recipient: one.recipient.to_string(),
            code: one.code,
            enhanced: one.enhanced,
            text: one.text.clone().expose(),
        };
        Self {
            message_id: report.message_id.as_str().to_owned(),
            key: report.key.clone(),
            recipients: report.recipients.iter().map(stored).collect(),
        }
    }
}

impl StoredWhat {
    /// Returns the message, if it is one. Its number and its time of arrival stand in the key.
    fn letter(&self, key: &str) -> Option<Received> {
        let Self::Letter { bytes } = self else { return None };
        let mut parts = key.rsplit('/').next()?.split('-');
        let nanos: u64 = parts.next()?.parse().ok()?;
        let number: u32 = parts.next()?.parse().ok()?;
        let arrived = SystemTime::UNIX_EPOCH + Duration::from_secs(nanos / 1_000_000_000);
        let bytes: Vec<u8> = bytes.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
        Some(Received::parse(Uid::new(number.saturating_add(1))?, arrived, false, bytes))
    }

    fn into_kind(self, key: &str) -> Result<Option<EventKind>, Error> {
        Ok(Some(match self {
            Self::Letter { .. } => return Ok(None),
            Self::Sent(report) => EventKind::Sent(report.into_report(key)?),
            Self::Deferred(report) => EventKind::Deferred(report.into_report(key)?),
            Self::Expired(report) => EventKind::Expired(report.into_report(key)?),
            Self::Refused(report) => EventKind::Refused(report.into_report(key)?),
            Self::Unconfirmed(report) => EventKind::Unconfirmed(report.into_report(key)?),
            Self::MailboxReset { before, now } => EventKind::MailboxReset { before, now },
        }))
    }
}

impl StoredReport {
    fn into_report(self, key: &str) -> Result<SendReport, Error> {
        let damaged = |what: &str| {
            Error::new(ErrorKind::Unexpected, "read state", key)
                .with_detail(format!("the stored {what} is none"))
        };
        let message_id: MessageId = self.message_id.parse().map_err(|_| damaged("Message-ID"))?;
        let result = |StoredResult { recipient, code, enhanced, text }| {
            let recipient: Address = recipient.parse().map_err(|_| damaged("recipient"))?;
            Ok(RecipientResult {
                code,
                enhanced,
                text: Untrusted::new(text),
                ..RecipientResult::new(recipient)
            })
        };
        let recipients = self.recipients.into_iter().map(result).collect::<Result<_, Error>>()?;
        Ok(SendReport { key: self.key, ..SendReport::new(message_id, recipients) })
    }
}

pub(super) const HAPPENED: &str = "happened";
