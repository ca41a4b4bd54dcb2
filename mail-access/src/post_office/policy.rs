use std::time::Duration;

/// What a [`PostOffice`](crate::PostOffice) takes from whom, and what it does with the rest.
///
/// ```
/// use std::time::Duration;
///
/// use mail_access::{Policy, PostOffice, Treatment};
///
/// let office = PostOffice::builder().with_policy(Policy::like_postfix()).build();
/// let hourly = office.policy().with_rate_limit(100, Duration::from_secs(3600));
/// office.set_policy(hourly.with_unknown_recipients(Treatment::Reported));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(super) size_limit: usize,
    pub(super) recipients_limit: usize,
    pub(super) rate_limit: Option<(u32, Duration)>,
    pub(super) greylisting: Option<Duration>,
    pub(super) duplicate_filter: bool,
    pub(super) unknown_recipients: Treatment,
    pub(super) full_mailboxes: Treatment,
    pub(super) foreign_domains: Foreign,
}

impl Policy {
    /// What [`PostOffice::new`](crate::PostOffice::new) has: Mailcow's limits; who doesn't exist is reported, as
    /// across the Internet, and a full mailbox is refused.
    pub fn new() -> Self {
        Self {
            size_limit: SIZE_LIMIT,
            recipients_limit: RECIPIENTS_LIMIT,
            rate_limit: None,
            greylisting: None,
            duplicate_filter: false,
            unknown_recipients: Treatment::Reported,
            full_mailboxes: Treatment::Refused,
            foreign_domains: Foreign::Reported,
        }
    }

    /// What Postfix and Dovecot do with mail between their own mailboxes: who doesn't exist is refused, that a
    /// mailbox is full shows after the message was accepted and is reported.
    pub fn like_postfix() -> Self {
        Self::new()
            .with_unknown_recipients(Treatment::Refused)
            .with_full_mailboxes(Treatment::Reported)
            .with_foreign_domains(Foreign::Kept)
    }

    /// Sets the size in bytes up to which a message is taken; 104857600 (100 MiB) by default, as at Mailcow. A larger
    /// one is refused with 552 5.3.4.
    pub fn with_size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Sets how many recipients a message may have; 1000 by default, as at Postfix. Those behind them are refused with
    /// 452 4.5.3, and the others get it.
    pub fn with_recipients_limit(mut self, recipients: usize) -> Self {
        self.recipients_limit = recipients;
        self
    }

    /// Sets how many messages each login may submit in a time, as Mailcow's rate limits of mailboxes; without a limit
    /// by default. So many may come at once, and from then on one more for each part of the time that has passed. One
    /// too many is refused with 451 4.7.1. The time is Tokio's.
    pub fn with_rate_limit(mut self, messages: u32, time: Duration) -> Self {
        self.rate_limit = Some((messages, time));
        self
    }

    /// Puts off each pair of sender and recipient at its first message with 450 4.2.0, and takes it after this time,
    /// which is Tokio's. Not by default. The office remembers
    /// each pair as long as it lives.
    pub fn with_greylisting(mut self, pause: Duration) -> Self {
        self.greylisting = Some(pause);
        self
    }

    /// Accepts and loses a message whose Message-ID the mailbox holds already, without a word, as Mailcow's global
    /// filter does; not by default. Who writes to several addresses of one mailbox then arrives once.
    pub fn with_duplicate_filter(mut self, on: bool) -> Self {
        self.duplicate_filter = on;
        self
    }

    /// Sets what becomes of a recipient in a hosted domain who doesn't exist: refused with 550 5.1.1, or accepted and
    /// [reported](Treatment::Reported), the default. Who doesn't exist behind an alias is always reported.
    pub fn with_unknown_recipients(mut self, treatment: Treatment) -> Self {
        self.unknown_recipients = treatment;
        self
    }

    /// Sets what becomes of a recipient whose mailbox has no room: [refused](Treatment::Refused) with 552 5.2.2, the
    /// default, or accepted and reported.
    pub fn with_full_mailboxes(mut self, treatment: Treatment) -> Self {
        self.full_mailboxes = treatment;
        self
    }

    /// Sets what becomes of a recipient in a domain that isn't hosted here, [`Foreign::Reported`] by default.
    pub fn with_foreign_domains(mut self, foreign: Foreign) -> Self {
        self.foreign_domains = foreign;
        self
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

/// When a sender learns that a message can't be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// At once: the recipient is refused.
    Refused,
    /// Later: the recipient is accepted, and a report comes (RFC 3464).
    Reported,
}

/// What becomes of mail to domains that aren't hosted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Foreign {
    /// The recipient is refused with 554 5.7.1.
    Refused,
    /// The recipient is accepted and reported as unknown: there is no world outside.
    Reported,
    /// The message leaves for the world, where [`PostOffice::take_departed`](crate::PostOffice::take_departed) finds
    /// it.
    Kept,
}

/// Mailcow's `message_size_limit`.
const SIZE_LIMIT: usize = 104_857_600;
/// Postfix' `smtpd_recipient_limit`.
const RECIPIENTS_LIMIT: usize = 1_000;
