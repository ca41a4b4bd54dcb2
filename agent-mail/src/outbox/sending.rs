use std::time::{Duration, SystemTime};

use mail_access::NewMessage;
use serde::{Deserialize, Serialize};

/// A message for the outbox, and how it is to be sent.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use agent_mail::{Guarantee, NewMessage, Sending};
///
/// let bob: agent_mail::Address = "bob@partner.example".parse()?;
/// let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
/// let sending = Sending::new(NewMessage::to(bob).with_subject("Invoice 7"))
///     .with_key("invoice/7")
///     .with_time(tomorrow)
///     .with_guarantee(Guarantee::AtMostOnce);
/// # let _ = sending;
/// # Ok::<(), agent_mail::mail_access::InvalidAddress>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sending {
    pub(super) message: NewMessage,
    pub(super) key: Option<String>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) expiry: Duration,
    pub(super) guarantee: Guarantee,
    pub(super) copy_to_sent: bool,
}

impl Sending {
    /// Begins with a message, to be sent at once and tried for 5 days (RFC 5321 section 4.5.4.1).
    pub fn new(message: NewMessage) -> Self {
        Self {
            message,
            key: None,
            not_before: None,
            expiry: EXPIRY,
            guarantee: Guarantee::AtLeastOnce,
            copy_to_sent: true,
        }
    }

    /// Sets the caller's name for this sending: the same message under the same key is the same sending, in this run of
    /// the program and in later ones. Only the message is compared; times and guarantee are those of the first call.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the time of day before which it is not sent.
    pub fn with_time(mut self, not_before: SystemTime) -> Self {
        self.not_before = Some(not_before);
        self
    }

    /// Sets for how long it is tried, from when it may be sent first; 5 days unless set.
    pub fn with_expiry(mut self, expiry: Duration) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets what is done when nobody can know whether it was sent; [`AtLeastOnce`](Guarantee::AtLeastOnce) unless set.
    pub fn with_guarantee(mut self, guarantee: Guarantee) -> Self {
        self.guarantee = guarantee;
        self
    }

    /// Sets whether a copy is put into the folder for sent mail (RFC 6154), where the system has a
    /// [message store](crate::AgentMailBuilder::message_store); it is unless set otherwise.
    pub fn with_copy_to_sent(mut self, wanted: bool) -> Self {
        self.copy_to_sent = wanted;
        self
    }

    /// Returns the message.
    pub fn message(&self) -> &NewMessage {
        &self.message
    }

    /// Returns the caller's name for it.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// What is done when the link was lost, or the program ended, while a message was being sent, and no look into the
/// mailboxes can tell whether it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// It is sent again, with the same Message-ID: it may come twice, and does not get lost.
    AtLeastOnce,
    /// It is not sent again: it may be lost, and does not come twice. It is found among the
    /// [unconfirmed](crate::AgentMailbox::unconfirmed) then.
    AtMostOnce,
}

const EXPIRY: Duration = Duration::from_hours(5 * 24);
