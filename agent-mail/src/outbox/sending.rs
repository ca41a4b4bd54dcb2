use std::time::{Duration, SystemTime};

use mail_access::NewMessage;
use serde::{Deserialize, Serialize};

use crate::journal::{QueueRecord, millis, time};

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
    /// What it is the consequence of, so that a check that holds it does so once.
    pub(super) cause: Option<String>,
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
            cause: None,
        }
    }

    /// Sets the caller's name for this sending: the same message under the same key is the same sending, in this run of
    /// the program and in later ones. Only the message is compared; times and guarantee are those of the first call.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the time of day before which it is not sent.
    ///
    /// A time to come is when it is taken out of the [budgets](crate::safety::Budget), too: where they have no room then, it
    /// waits for it.
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

    /// Says what it is the consequence of.
    pub(crate) fn caused_by(mut self, cause: String) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Begins with a message and how it was to be sent.
    pub(crate) fn wished(message: NewMessage, wish: &Wish) -> Self {
        Self {
            key: wish.key.clone(),
            not_before: wish.not_before.map(time),
            expiry: wish.expiry.map_or(EXPIRY, Duration::from_millis),
            guarantee: wish.guarantee,
            copy_to_sent: wish.copy_to_sent,
            ..Self::new(message)
        }
    }

    /// Returns how it is to be sent.
    pub(crate) fn wish(&self) -> Wish {
        Wish {
            key: self.key.clone(),
            not_before: self.not_before.map(millis),
            expiry: Some(self.expiry.as_millis().try_into().unwrap_or(u64::MAX)),
            guarantee: self.guarantee,
            copy_to_sent: self.copy_to_sent,
        }
    }
}

/// How a message is to be sent, to be stored while it waits. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(crate) key: Option<String>,
    not_before: Option<u64>,
    expiry: Option<u64>,
    guarantee: Guarantee,
    copy_to_sent: bool,
}

impl Wish {
    /// Wishes for what is left of an entry of the outbox.
    pub(super) fn going_on(key: Option<String>, queue: &QueueRecord, now: u64) -> Self {
        Self {
            key,
            not_before: None,
            expiry: Some(queue.until.saturating_sub(now).max(1_000)),
            guarantee: queue.guarantee,
            copy_to_sent: queue.copy,
        }
    }

    /// Wishes for nothing but to be sent once under a key.
    pub(super) fn under(key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            key: None,
            not_before: None,
            expiry: None,
            guarantee: Guarantee::AtLeastOnce,
            copy_to_sent: true,
        }
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
