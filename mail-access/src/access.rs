//! The seam between a program and its mail system.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Address, Error, Login, MessageId, Outgoing, Position, Received, Status, Uid};

/// A mail system: takes messages for delivery and gives out what arrived in a mailbox's INBOX.
///
/// [`PostOffice`](crate::PostOffice) holds one in memory; `SmtpImap` reaches real servers. Each method checks the
/// login: a wrong one is [`Error::Authentication`], whatever else was asked. All of them may be called at the same
/// time, for one mailbox too, and each ends by itself: a server that is silent is an error after the deadline.
#[async_trait]
pub trait MailAccess: Debug + Send + Sync + 'static {
    /// Hands one message over for delivery to all its recipients.
    ///
    /// # Contract
    /// - `Ok` means that the system has taken charge of the message for each *accepted* recipient: from then on it
    ///   delivers it or reports to the sender's inbox why it couldn't (RFC 3464).
    /// - One refused recipient doesn't keep the message from the others: it stands in [`Submission::refused`].
    ///   If all are refused, or the message itself is, the answer is [`Error::Refused`], or
    ///   [`Error::RecipientsRefused`] with each one's status, and nothing was sent. With
    ///   [all or nothing](Outgoing::with_all_or_nothing) one refused recipient is enough for that.
    /// - What arrives is the message byte for byte; what the system has to say stands above it. Only fields that no
    ///   recipient may see are taken out (Bcc), a last line that has no end gets one, and a line over 998 bytes may be
    ///   broken by CR LF and a blank.
    /// - Recipients over the system's limit are refused for now, and the others get the message.
    /// - Reports come as the message [asks for them](Outgoing::with_reports), or, if it says nothing, of failures.
    /// - The envelope's sender has to be the login's own address, or one that the system lets it send as, such as an
    ///   alias or a catch-all that leads to it; another is refused.
    /// - A message over the system's size limit is refused.
    /// - [`Error::Interrupted`] says that the message may or may not have been taken. Every other error says that
    ///   it was not.
    /// - Submitting the same message again delivers it again, with the same Message-ID, unless the system is set up
    ///   to drop copies, as Mailcow's is.
    /// - A dropped call leaves the message taken or not taken, never half of it, and disturbs no other call. It may be
    ///   taken after the drop: a system may carry to its end what it has begun. Whoever has to know looks for the
    ///   Message-ID.
    ///
    /// # Errors
    /// As the contract says.
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error>;

    /// Logs in for submission and hands nothing over, as for a password that is new.
    ///
    /// # Contract
    /// - `Ok` means that the system let this login in during the call. Connections that were logged in before prove
    ///   nothing.
    /// - Nothing is sent and nothing is changed, so that it is safe to repeat, and a dropped call leaves nothing behind.
    /// - What the login may send, and as whom, is not asked.
    ///
    /// # Errors
    /// [`Error::Authentication`], [`Error::Unavailable`], [`Error::Refused`], [`Error::Protocol`]; a lost link is
    /// [`Error::Unavailable`] here, as nothing can have happened.
    async fn check_submission(&self, login: &Login) -> Result<(), Error>;

    /// Reads messages of the INBOX, whole and in the order of their UIDs, without marking them.
    ///
    /// # Contract
    /// - At most `limit` messages are given out, those with the lowest UIDs; [`Batch::more`] tells whether there are
    ///   others that match. A limit of 0 counts as 1.
    /// - [`Selection::After`] with a position of another UIDVALIDITY begins at the first message: the caller sees by
    ///   [`Batch::uid_validity`] that the numbering is new.
    /// - [`Selection::Uids`] leaves out UIDs that are no longer there. With another UIDVALIDITY it is
    ///   [`Error::Renumbered`].
    /// - A message that the system lists and can't give out, whatever is tried, doesn't keep the others back: it is given
    ///   out by its header or by its UID alone, and marked ([`Limit::Withheld`](crate::Limit::Withheld)). A system that
    ///   is out of order is an error; one that ends the connection at the same message each time may after some calls
    ///   be found to withhold it.
    /// - An error is never an empty batch: `Ok` without messages means that the mailbox was read and holds none.
    /// - Nothing is changed, so that it is safe to repeat, and a dropped call leaves nothing behind.
    ///
    /// Worked example: INBOX holds UIDs 3, 5 and 9 with UIDVALIDITY 7.
    ///
    /// | selection | limit | UIDs in the batch | more |
    /// |---|---|---|---|
    /// | `After(7, 3)` | 10 | 5 9 | no |
    /// | `After(7, 0)` | 2 | 3 5 | yes |
    /// | `After(6, 9)` | 10 | 3 5 9 | no |
    /// | `Uids(7, [4, 5])` | 10 | 5 | no |
    ///
    /// # Errors
    /// [`Error::Authentication`], [`Error::Unavailable`], [`Error::Renumbered`], [`Error::Refused`],
    /// [`Error::Protocol`]; a lost link is [`Error::Unavailable`] here, as nothing can have happened.
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error>;

    /// Marks messages of the INBOX as seen.
    ///
    /// # Contract
    /// - All of them are marked in one go. UIDs that are no longer there, or marked already, change nothing.
    /// - With another UIDVALIDITY it is [`Error::Renumbered`] and nothing is marked. No UIDs: nothing is done.
    /// - It is safe to repeat. A dropped call leaves each message marked or not.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch), but a link lost on the way is [`Error::Interrupted`].
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error>;

    /// Waits until the INBOX holds a message behind a position.
    ///
    /// # Contract
    /// - It is [`Arrival::New`] at once if there is such a message already: nothing that comes between a fetch and
    ///   this call is missed. A position of another UIDVALIDITY is [`Arrival::New`] at once as well.
    /// - After `at_most` it is [`Arrival::TimedOut`].
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch). A lost link ends the wait with [`Error::Unavailable`]: the caller decides
    /// when to come back.
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error>;

    /// Reads the messages of the INBOX behind a position of which a [`wait`](Self::wait) has told.
    ///
    /// A system that knows at the end of a wait what has come spares itself another look; the others look.
    ///
    /// # Contract
    /// - It is as [`fetch`](Self::fetch) with [`Selection::After`], but what came since the wait told of something may be
    ///   missing, and not be counted by [`Batch::more`]. The next wait behind the last message tells of it at once.
    ///
    /// # Errors
    /// As for [`fetch`](Self::fetch).
    async fn fetch_arrived(&self, login: &Login, after: Position, limit: usize) -> Result<Batch, Error> {
        self.fetch(login, &Selection::After(Some(after)), limit).await
    }
}

/// What the mail system did with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission {
    /// The recipients it took charge for, at least one.
    pub accepted: Vec<Address>,
    /// The recipients it refused, and its reason.
    pub refused: Vec<(Address, Status)>,
    /// Its last word, which often names the queue entry.
    pub status: Status,
}

impl Submission {
    /// Makes an answer of its parts.
    pub fn new(accepted: Vec<Address>, refused: Vec<(Address, Status)>, status: Status) -> Self {
        Self { accepted, refused, status }
    }
}

/// Which messages of an INBOX are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// Those behind a position; all of them without one.
    After(Option<Position>),
    /// Those with these UIDs in this UIDVALIDITY.
    Uids(u32, Vec<Uid>),
    /// Those that nobody marked as seen.
    Unseen,
    /// Those with this Message-ID.
    MessageId(MessageId),
}

/// Messages as they were read in one go.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch {
    /// The mailbox's UIDVALIDITY at the time.
    pub uid_validity: u32,
    /// The messages, by ascending UID.
    pub messages: Vec<Received>,
    /// Tells whether the limit left matching messages out.
    pub more: bool,
}

impl Batch {
    /// Makes a batch of its parts.
    pub fn new(uid_validity: u32, messages: Vec<Received>, more: bool) -> Self {
        Self { uid_validity, messages, more }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// There is something to fetch.
    New,
    /// The time is over and nothing came.
    TimedOut,
}
