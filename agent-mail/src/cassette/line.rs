//! What stands on a cassette.

use std::time::{Duration, SystemTime};

use mail_access::{Address, Limit, Received, Selection, Status, Uid};
use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// One call and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) call: Call,
    /// What was sent, of a submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<Sent>,
    pub(super) answer: Answer,
}

/// A call, by all that tells it from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(super) enum Call {
    Submit { login: String, sender: String, recipients: Vec<String> },
    CheckSubmission { login: String },
    Fetch { login: String, selection: Chosen, limit: usize },
    MarkSeen { login: String, uid_validity: u32, uids: Vec<u32> },
    Wait { login: String, uid_validity: u32, uid: u32, at_most_ms: u64 },
    EnsureDomain { domain: String },
    Dkim { domain: String },
    EnsureMailbox { address: String },
    RemoveMailbox { address: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Chosen {
    All,
    After { uid_validity: u32, uid: u32 },
    Uids { uid_validity: u32, uids: Vec<u32> },
    Unseen,
    MessageId(String),
    Other(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) message_id: String,
    /// Each byte as the character of its number.
    pub(super) bytes: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Taken { accepted: Vec<String>, refused: Vec<(String, Words)>, words: Words },
    Batch { uid_validity: u32, messages: Vec<Mail>, more: bool },
    Done,
    New,
    TimedOut,
    Key { selector: String, record: String },
    Failed(Failure),
}

/// A server's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Words {
    pub(super) code: u16,
    pub(super) enhanced: Option<(u8, u16, u16)>,
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mail {
    uid: u32,
    arrived: u64,
    seen: bool,
    /// The whole size of one that the server could give out in part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withheld: Option<u64>,
    pub(super) bytes: String,
}

impl Call {
    pub(super) fn login(&self) -> Option<&str> {
        match self {
            Self::Submit { login, .. }
            | Self::CheckSubmission { login }
            | Self::Fetch { login, .. }
            | Self::MarkSeen { login, .. }
            | Self::Wait { login, .. } => Some(login),
            _ => None,
        }
    }
}

impl Chosen {
    pub(super) fn of(selection: &Selection) -> Self {
        match selection {
            Selection::After(None) => Self::All,
            Selection::After(Some(at)) => Self::After { uid_validity: at.uid_validity, uid: at.uid },
            Selection::Uids(uid_validity, uids) => {
                Self::Uids { uid_validity: *uid_validity, uids: uids.iter().map(|uid| uid.get()).collect() }
            }
            Selection::Unseen => Self::Unseen,
            Selection::MessageId(id) => Self::MessageId(id.as_str().to_owned()),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl Words {
    pub(super) fn of(status: &Status) -> Self {
        Self { code: status.code, enhanced: status.enhanced, text: status.text.clone() }
    }

    pub(super) fn status(&self) -> Status {
        Status::new(self.code, self.enhanced, &self.text)
    }
}

impl Mail {
    pub(super) fn of(message: &Received) -> Self {
        let since = message.internal_date().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            uid: message.uid().get(),
            arrived: since.map_or(0, |since| since.as_secs()),
            seen: message.is_seen(),
            withheld: (message.opaque() == Some(Limit::Withheld)).then(|| message.whole_size()),
            bytes: text_of(message.raw()),
        }
    }

    /// Makes the message again; `None` for a UID that no message has.
    pub(super) fn message(&self, bytes: Vec<u8>) -> Option<Received> {
        let uid = Uid::new(self.uid)?;
        let arrived = SystemTime::UNIX_EPOCH + Duration::from_secs(self.arrived);
        Some(match self.withheld {
            Some(size) => Received::withheld(uid, Some(arrived), self.seen, &bytes[..], size),
            None => Received::parse(uid, arrived, self.seen, bytes),
        })
    }
}

/// Writes each byte as the character of its number, which any JSON holds.
pub(super) fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Reads them back; a character that is no byte is left out.
pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

pub(super) fn texts(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(Address::to_string).collect()
}
