//! What an operator does with mail that is held up.

use std::fmt;
use std::fmt::Debug;
use std::str::FromStr;
use std::time::SystemTime;

use async_trait::async_trait;

use super::Queue;
use crate::{Error, ErrorKind};

/// Works on the messages that wait to be delivered.
#[async_trait]
pub trait QueueControl: Debug + Send + Sync + 'static {
    /// Reads the messages that wait to be delivered.
    ///
    /// # Contract
    /// - It is the present state, and it reads only. A very long queue may be cut, at 10 000 messages or later.
    ///
    /// # Errors
    /// That the mail system can't be reached, or refuses.
    async fn queue(&self) -> Result<Queue, Error>;

    /// Treats messages of the queue.
    ///
    /// # Contract
    /// - After `Ok` each message is as the action says, or has left the queue. An id that is not there is fine, and so
    ///   is an empty list.
    /// - It is safe to repeat. A dropped call leaves each message treated or not.
    /// - A message that is held leaves by [`QueueAction::Release`] and [`QueueAction::Delete`] only.
    ///
    /// # Errors
    /// That the mail system can't be reached, or refuses.
    async fn treat(&self, action: &QueueAction) -> Result<(), Error>;
}

/// Works on the messages that the spam filter holds back.
#[async_trait]
pub trait QuarantineControl: Debug + Send + Sync + 'static {
    /// Reads the messages of the quarantine, the oldest first.
    ///
    /// # Contract
    /// - It is the present state, all of it, and it reads only.
    ///
    /// # Errors
    /// That the mail system can't be reached, or refuses.
    async fn quarantined(&self) -> Result<Vec<Quarantined>, Error>;

    /// Treats one message of the quarantine.
    ///
    /// # Contract
    /// - [`Treated::Now`]: it is as the action says and no longer in the quarantine.
    /// - [`Treated::NotThere`]: there is no such message; nothing was done. A repeated call ends so, and nothing is
    ///   delivered twice by it.
    /// - [`Interrupted`](ErrorKind::Interrupted): the message is still there and may have been delivered or learned.
    ///
    /// # Errors
    /// As the contract says; else that the mail system can't be reached, or refuses.
    async fn judge(&self, id: QuarantineId, judgement: Judgement) -> Result<Treated, Error>;
}

/// What is done with messages of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueAction {
    /// Tries to deliver all of them now, but for those that are held.
    Flush,
    /// Tries to deliver these now.
    Deliver(Vec<QueueId>),
    /// Keeps these back until they are released.
    Hold(Vec<QueueId>),
    /// Lets those go on that are held.
    Release(Vec<QueueId>),
    /// Removes these for good; their senders are not told.
    Delete(Vec<QueueId>),
}

/// What is done with a message of the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Judgement {
    /// It is delivered.
    Release,
    /// The filter learns that it is no spam, and it is delivered.
    Ham,
    /// The filter learns that it is spam, and it is removed.
    Spam,
    /// It is removed.
    Delete,
}

/// What became of a message of the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Treated {
    /// It was treated by this call.
    Now,
    /// It was not there.
    NotThere,
}

/// A message of the quarantine. Its `Debug` names nobody.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Quarantined {
    /// Its id.
    pub id: QuarantineId,
    /// When it came.
    pub arrived: SystemTime,
    /// The address of its sender.
    pub sender: String,
    /// The address of its recipient.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// How much it looks like spam.
    pub score: f64,
    /// Whether a virus was found in it.
    pub has_virus: bool,
}

impl Quarantined {
    /// Describes a message without a subject.
    pub fn new(id: QuarantineId, arrived: SystemTime, sender: &str, recipient: &str, score: f64) -> Self {
        let (sender, recipient) = (sender.to_owned(), recipient.to_owned());
        Self { id, arrived, sender, recipient, subject: String::new(), score, has_virus: false }
    }
}

impl Debug for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantined")
            .field("id", &self.id)
            .field("score", &self.score)
            .finish_non_exhaustive()
    }
}

/// The id of a message in the queue: letters and digits, as Postfix makes them.
///
/// ```
/// use agent_mail::health::QueueId;
///
/// assert_eq!("4fGx2k5zBQz1N".parse::<QueueId>()?.as_str(), "4fGx2k5zBQz1N");
/// assert!("ALL".parse::<QueueId>().is_err(), "Postfix takes it for the whole queue");
/// # Ok::<(), agent_mail::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(String);

impl QueueId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_id || text.eq_ignore_ascii_case("all") {
            return Err(Error::new(ErrorKind::InvalidInput, "name message", "queue id")
                .with_detail("the id of a queued message is 1 to 64 letters and digits, and not ALL"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a message in the quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuarantineId(u64);

impl QuarantineId {
    /// Makes an id of its number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for QuarantineId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "name message", "quarantine id")
                .with_detail("the id of a quarantined message is a number")
        })
    }
}

impl fmt::Display for QuarantineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
