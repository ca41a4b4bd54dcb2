use std::time::SystemTime;

use mail_access::{Address, MessageId};
use serde::{Deserialize, Serialize};

use crate::journal::{OutboxRecord, Outcome, Said, time};
use crate::{RecipientResult, Untrusted};

/// A message in the outbox, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queued {
    /// The identity by which answers and delivery reports name the message.
    pub message_id: MessageId,
    /// The caller's name for it.
    pub key: Option<String>,
    /// When it was put there, to the second.
    pub created: SystemTime,
    /// It is not sent before.
    pub not_before: SystemTime,
    /// It is not tried after, but for once when a [stop](crate::AgentMail::stop_sending) kept it waiting.
    pub expires: SystemTime,
    /// Who is to get it, and what is known of each.
    pub recipients: Vec<QueuedRecipient>,
    pub(super) name: String,
}

/// A recipient of a message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedRecipient {
    /// How far it is.
    pub state: RecipientState,
    /// Who it is, and what the mail system said last.
    pub result: RecipientResult,
}

/// How far a message is for one of its recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecipientState {
    /// It is known not to have been sent, and will be.
    Waiting,
    /// It is being sent, or it is not known whether it was: that is still being found out.
    Unknown,
    /// The mail system has taken it.
    Accepted,
    /// The mail system refused it for good.
    Refused,
    /// It was not taken in its time, or nobody tried in that time.
    Expired,
    /// It was taken back before it was sent.
    Canceled,
    /// Nobody knows whether it was sent, and it isn't tried any more.
    Unconfirmed,
}

impl RecipientState {
    /// Tells whether something is still to be done.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Unknown)
    }

    /// Tells whether the message was sent or may have been.
    pub fn may_be_sent(self) -> bool {
        matches!(self, Self::Accepted | Self::Unknown | Self::Unconfirmed)
    }
}

impl Queued {
    /// Tells whether nothing is left to be done for any recipient.
    pub fn is_over(&self) -> bool {
        self.recipients.iter().all(|recipient| !recipient.state.is_open())
    }

    /// Returns the recipients that are in this state.
    pub fn in_state(&self, state: RecipientState) -> impl Iterator<Item = &Address> {
        let fitting = self.recipients.iter().filter(move |recipient| recipient.state == state);
        fitting.map(|recipient| &recipient.result.recipient)
    }

    pub(super) fn of(record: &OutboxRecord) -> Self {
        let progress = |n: usize, who: &Address| match (&record.queue, &record.outcome) {
            (Some(queue), _) => {
                let progress = &queue.progress[n];
                (progress.state, progress.said.clone())
            }
            (None, Outcome::Open) => (RecipientState::Unknown, None),
            (None, Outcome::Sent { refused, .. }) => {
                let said = refused.iter().find(|(refused, ..)| *refused == who.to_string());
                said.map_or((RecipientState::Accepted, None), |(_, code, text)| {
                    let said = Said { code: Some(*code), enhanced: None, text: text.clone() };
                    (RecipientState::Refused, Some(said))
                })
            }
        };
        let recipients = record.recipients.iter().enumerate().map(|(n, who)| {
            let (state, said) = progress(n, who);
            QueuedRecipient { state, result: result(who, said.as_ref()) }
        });
        let at = |at: Option<u64>| at.map_or(record.created, time);
        Self {
            message_id: record.message_id.clone(),
            key: record.key.clone(),
            created: record.created,
            not_before: at(record.queue.as_ref().map(|queue| queue.from)),
            expires: at(record.queue.as_ref().map(|queue| queue.until)),
            recipients: recipients.collect(),
            name: record.name.clone(),
        }
    }
}

pub(super) fn result(recipient: &Address, said: Option<&Said>) -> RecipientResult {
    let mut result = RecipientResult::new(recipient.clone());
    if let Some(said) = said {
        result.code = said.code.filter(|code| *code > 0);
        result.enhanced = said.enhanced;
        result.text = Untrusted::new(said.text.clone());
    }
    result
}
