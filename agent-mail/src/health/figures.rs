//! What is measured of a mail system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::QueueId;
use crate::Error;

/// One figure: it is known, it could not be read, or the system has no such thing.
#[derive(Clone, Debug, Default)]
pub enum Figure<T> {
    /// The system has no such thing, or nobody measures it.
    #[default]
    Absent,
    /// What was measured.
    Known(T),
    /// It could not be read, and why.
    Unknown(Arc<Error>),
}

impl<T> Figure<T> {
    /// Returns the value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Returns why it could not be read.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Unknown(error) => Some(error),
            Self::Absent | Self::Known(_) => None,
        }
    }
}

impl<T> From<Result<T, Error>> for Figure<T> {
    fn from(result: Result<T, Error>) -> Self {
        result.map_or_else(|error| Self::Unknown(Arc::new(error)), Self::Known)
    }
}

impl<T> From<T> for Figure<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

/// The figures of a mail system at one time.
///
/// [`at`](Self::at) makes one in which nothing is measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Figures {
    /// When they were read.
    pub taken_at: SystemTime,
    /// The messages that wait to be delivered.
    pub queue: Figure<Queue>,
    /// The volume that holds all mail.
    pub disk: Figure<Disk>,
    /// The parts of the mail system.
    pub containers: Figure<Vec<Container>>,
    /// How many messages the quarantine holds.
    pub quarantine: Figure<u64>,
    /// How many logins were refused within the last hour.
    pub rejected_logins: Figure<u64>,
    /// How many hosts were banned within the last hour.
    pub bans: Figure<u64>,
    /// How many messages a sending limit refused within the last hour.
    pub rate_limit_hits: Figure<u64>,
    /// For how many whole days the certificate is still good; 0 if it is good no longer.
    pub certificate_days: Figure<u32>,
    /// How old the newest good backup is.
    pub backup_age: Figure<Duration>,
}

impl Figures {
    /// Begins figures of which none is measured.
    pub fn at(taken_at: SystemTime) -> Self {
        Self {
            taken_at,
            queue: Figure::Absent,
            disk: Figure::Absent,
            containers: Figure::Absent,
            quarantine: Figure::Absent,
            rejected_logins: Figure::Absent,
            bans: Figure::Absent,
            rate_limit_hits: Figure::Absent,
            certificate_days: Figure::Absent,
            backup_age: Figure::Absent,
        }
    }

    /// Makes figures none of which could be read, for one reason.
    pub(crate) fn unknown(taken_at: SystemTime, error: Error) -> Self {
        let error = Arc::new(error);
        Self {
            taken_at,
            queue: Figure::Unknown(error.clone()),
            disk: Figure::Unknown(error.clone()),
            containers: Figure::Unknown(error.clone()),
            quarantine: Figure::Unknown(error.clone()),
            rejected_logins: Figure::Unknown(error.clone()),
            bans: Figure::Unknown(error.clone()),
            rate_limit_hits: Figure::Unknown(error),
            certificate_days: Figure::Absent,
            backup_age: Figure::Absent,
        }
    }

    /// Returns the figures that could not be read, by name, with the reason.
    pub fn unknowns(&self) -> Vec<(&'static str, &Error)> {
        self.states().into_iter().filter_map(|(name, state)| Some((name, state?.err()?))).collect()
    }

    /// Tells of each figure that is measured whether it could be read.
    pub(super) fn states(&self) -> Vec<(&'static str, Option<Result<(), &Error>>)> {
        fn state<T>(figure: &Figure<T>) -> Option<Result<(), &Error>> {
            match figure {
                Figure::Absent => None,
                Figure::Known(_) => Some(Ok(())),
                Figure::Unknown(error) => Some(Err(error)),
            }
        }
        vec![
            ("queue", state(&self.queue)),
            ("disk", state(&self.disk)),
            ("containers", state(&self.containers)),
            ("quarantine", state(&self.quarantine)),
            ("rejected_logins", state(&self.rejected_logins)),
            ("bans", state(&self.bans)),
            ("rate_limit_hits", state(&self.rate_limit_hits)),
            ("certificate_days", state(&self.certificate_days)),
            ("backup_age", state(&self.backup_age)),
        ]
    }
}

/// The messages that wait to be delivered. Its `Debug` names nobody.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// The messages, the oldest first.
    pub messages: Vec<QueuedMail>,
}

impl Queue {
    /// Makes a queue of messages in any order.
    pub fn new(mut messages: Vec<QueuedMail>) -> Self {
        messages.sort_by(|a, b| (a.arrived, &a.id).cmp(&(b.arrived, &b.id)));
        Self { messages }
    }

    /// Counts the messages by the domain of their sender, `""` for bounces, which have none.
    pub fn by_sender_domain(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for message in &self.messages {
            *counts.entry(domain_of(&message.sender)).or_default() += 1;
        }
        counts
    }

    /// Counts the messages by the domain of their recipients; one to several domains counts for each of them.
    pub fn by_recipient_domain(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for message in &self.messages {
            let recipients = message.recipients.iter();
            let domains: BTreeSet<String> = recipients.map(|who| domain_of(&who.address)).collect();
            for domain in domains {
                *counts.entry(domain).or_default() += 1;
            }
        }
        counts
    }

    /// Returns for how long the oldest message has been waiting; 0 if none is.
    pub fn oldest(&self, now: SystemTime) -> Duration {
        let first = self.messages.first();
        first.map_or(Duration::ZERO, |message| now.duration_since(message.arrived).unwrap_or_default())
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("messages", &self.messages.len()).finish()
    }
}

/// A message that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedMail {
    /// Its id.
    pub id: QueueId,
    /// Which part of the queue it is in.
    pub state: QueueState,
    /// When it came.
    pub arrived: SystemTime,
    /// Its size in bytes.
    pub bytes: u64,
    /// The address of its sender, empty for a bounce.
    pub sender: String,
    /// Those who don't have it yet.
    pub recipients: Vec<QueuedRecipient>,
}

impl QueuedMail {
    /// Describes a message that was put off, without recipients and size.
    pub fn new(id: QueueId, arrived: SystemTime, sender: impl Into<String>) -> Self {
        let (state, sender) = (QueueState::Deferred, sender.into());
        Self { id, state, arrived, bytes: 0, sender, recipients: Vec::new() }
    }

    /// Adds a recipient and the reason why it doesn't have the message yet.
    pub fn with_recipient(mut self, address: impl Into<String>, reason: Option<&str>) -> Self {
        let (address, reason) = (address.into(), reason.map(str::to_owned));
        self.recipients.push(QueuedRecipient { address, reason });
        self
    }

    /// Sets which part of the queue it is in.
    pub fn with_state(mut self, state: QueueState) -> Self {
        self.state = state;
        self
    }
}

/// Who doesn't have a message yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedRecipient {
    /// The address.
    pub address: String,
    /// Why the last attempt failed, in the words of the mail system; `None` if there was none.
    pub reason: Option<String>,
}

/// The parts of a mail queue (Postfix `postqueue -j`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueState {
    /// It is being delivered.
    Active,
    /// An attempt failed, and there will be others.
    Deferred,
    /// Someone holds it back.
    Hold,
    /// It has just come.
    Incoming,
    /// Another one.
    Other(String),
}

impl From<&str> for QueueState {
    fn from(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "deferred" => Self::Deferred,
            "hold" => Self::Hold,
            "incoming" => Self::Incoming,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// The volume that holds all mail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disk {
    /// How much of it is used, in percent.
    pub used_percent: u8,
    /// How much there is and how much is used, in words, as `11G of 252G`.
    pub words: String,
}

impl Disk {
    /// Describes a volume by its use in percent.
    pub fn new(used_percent: u8, words: impl Into<String>) -> Self {
        Self { used_percent, words: words.into() }
    }
}

/// A part of the mail system.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Container {
    /// Its name, as `postfix-mailcow`.
    pub name: String,
    /// What it does, as `running`, or `missing` if it has to be there and isn't.
    pub state: String,
    /// Its image with the version.
    pub image: String,
    /// Since when it runs (RFC 3339).
    pub started: String,
}

impl Container {
    /// Describes a container by its name and what it does.
    pub fn new(name: impl Into<String>, state: impl Into<String>) -> Self {
        let (image, started) = (String::new(), String::new());
        Self { name: name.into(), state: state.into(), image, started }
    }

    /// Tells whether it runs.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}

fn domain_of(address: &str) -> String {
    address.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_message_counts_once_for_each_domain() {
        let to = |id: &str, time, sender: &str, recipients: &[&str]| {
            let mail = QueuedMail::new(id.parse().unwrap(), at(time), sender);
            recipients.iter().fold(mail, |mail, who| mail.with_recipient(*who, None))
        };
        let queue = Queue::new(vec![
            to("B2", 70, "ada@Shop.example", &["x@far.example", "y@FAR.example", "z@near.example"]),
            to("A1", 40, "", &["ada@shop.example"]),
        ]);
        assert_eq!(queue.messages[0].id.as_str(), "A1", "the oldest comes first");
        let counts = |map: BTreeMap<String, u64>| map.into_iter().collect::<Vec<_>>();
        assert_eq!(counts(queue.by_sender_domain()), [(String::new(), 1), ("shop.example".into(), 1)]);
        assert_eq!(
            counts(queue.by_recipient_domain()),
            [("far.example".into(), 1), ("near.example".into(), 1), ("shop.example".into(), 1)]
        );
        assert_eq!(queue.oldest(at(100)), Duration::from_mins(1));
        assert_eq!(queue.oldest(at(10)), Duration::ZERO, "a clock that runs late makes no negative age");
        assert_eq!(Queue::default().oldest(at(10)), Duration::ZERO);
        assert!(!format!("{queue:?}").contains("ada"));
    }

    #[test]
    fn what_could_not_be_read_is_told_from_what_is_not_there() {
        let mut figures = Figures::at(at(0));
        assert!(figures.unknowns().is_empty());
        figures.disk = Err(Error::new(ErrorKind::Unavailable, "read disk", "mail.example")).into();
        figures.quarantine = Ok(4).into();
        let unknowns: Vec<_> = figures.unknowns().iter().map(|(name, _)| *name).collect();
        assert_eq!(unknowns, ["disk"]);
        assert_eq!((figures.quarantine.known(), figures.disk.known()), (Some(&4), None));
    }
}
