//! What happened to an agent's mailbox without a mail: `happened/<agent>/<time>-<number>-<fingerprint>`, each until it
//! is acknowledged.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use mail_access::{Address, MessageId};
use serde::{Deserialize, Serialize};

use super::{Journal, decode, encode, fingerprint};
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
    MailboxReset { before: u32, now: u32 },
}

/// An event of the journal as it stands there.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) kind: EventKind,
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
    MailboxReset { before: u32, now: u32 },
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
        let kind = stored.what.clone().into_kind(key)?;
        Ok(Some(Noted { kind, offered: stored.offered, stored, bytes }))
    }

    /// Notes that an event is about to be handed out, unless another stream was faster.
    pub(crate) async fn offer_noted(&self, key: &str, noted: &Noted) -> Result<Committed, Error> {
        let offered = Stored { offered: true, ..noted.stored.clone() };
        let change = Change::new().expect(key, Some(noted.bytes.clone())).put(key, encode(&offered));
        self.store.commit(change).await
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
    fn into_kind(self, key: &str) -> Result<EventKind, Error> {
        Ok(match self {
            Self::Sent(report) => EventKind::Sent(report.into_report(key)?),
            Self::Deferred(report) => EventKind::Deferred(report.into_report(key)?),
            Self::Expired(report) => EventKind::Expired(report.into_report(key)?),
            Self::Refused(report) => EventKind::Refused(report.into_report(key)?),
            Self::Unconfirmed(report) => EventKind::Unconfirmed(report.into_report(key)?),
            Self::MailboxReset { before, now } => EventKind::MailboxReset { before, now },
        })
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
