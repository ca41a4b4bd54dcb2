use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

use crate::{Address, DomainName, FolderName, Login, MailAccess, MessageStore, Uid};

/// A mail system under test, and what its administrator and its other users do to it.
///
/// Each mailbox and domain that it makes is a new one, so that the cases don't meet, not even on a server that is
/// shared. A method that fails for another reason than [`Missing`] panics.
#[async_trait]
pub trait Harness: Debug + Send + Sync + 'static {
    /// Returns the implementation to be tested; its size limit and domains are those of the system.
    fn access(&self) -> Arc<dyn MailAccess>;

    /// Returns the same implementation, if it reads and changes mailboxes as a whole.
    ///
    /// # Errors
    /// [`Missing`] if it doesn't.
    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing>;

    /// Returns the size in bytes up to which the system takes a message.
    fn size_limit(&self) -> usize;

    /// Returns how many recipients of a message the system accepts; a case sends to a few more.
    ///
    /// # Errors
    /// [`Missing`] if there is no limit, or one too high to be met in a test.
    fn recipients_limit(&self) -> Result<usize, Missing>;

    /// Makes an empty mailbox without a quota that may send to all the others.
    async fn mailbox(&self) -> Login;

    /// Makes an empty mailbox that is the catch-all of the domain returned with it.
    ///
    /// # Errors
    /// [`Missing`] if the system can't have one.
    async fn catch_all(&self) -> Result<(Login, DomainName), Missing>;

    /// Makes an address that the system refuses as a recipient, of a full mailbox for example.
    ///
    /// # Errors
    /// [`Missing`] if the system accepts everything and reports later.
    async fn refused_recipient(&self) -> Result<Address, Missing>;

    /// Makes an address that the system accepts as a recipient and then can't deliver to, such as an alias whose target
    /// is gone.
    ///
    /// # Errors
    /// [`Missing`] if the system knows all of that at once.
    async fn failing_recipient(&self) -> Result<Address, Missing>;

    /// Makes an empty mailbox with a quota of so many MiB.
    ///
    /// # Errors
    /// [`Missing`] if the system has no quotas.
    async fn small_mailbox(&self, mib: u32) -> Result<Login, Missing>;

    /// Cuts the link of this login's next submission after the message and before its answer, once the system has
    /// taken it or before.
    ///
    /// # Errors
    /// [`Missing`] if there is no way to do it.
    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing>;

    /// Cuts the link of this login's next copy to a folder, whose name no other folder has, once the system has made it
    /// or before.
    ///
    /// # Errors
    /// [`Missing`] if there is no way to do it.
    async fn interrupt_copy(&self, login: &Login, to: &FolderName, taken: bool) -> Result<(), Missing>;

    /// Has this login's next message arrive so that the system lists it and can't give it out, or only its header.
    ///
    /// # Errors
    /// [`Missing`] if there is no way to do it.
    async fn break_next(&self, login: &Login, with_header: bool) -> Result<(), Missing>;

    /// Removes messages from a mailbox for good, behind the back of the implementation.
    ///
    /// # Errors
    /// [`Missing`] if there is no way to do it.
    async fn expunge(&self, login: &Login, uids: &[Uid]) -> Result<(), Missing>;

    /// Gives a mailbox another UIDVALIDITY and keeps its messages.
    ///
    /// # Errors
    /// [`Missing`] if there is no way to do it.
    async fn renumber(&self, login: &Login) -> Result<(), Missing>;
}

/// What a harness can't do, and why: a case that needs it is ignored, with this as the reason.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Missing(pub String);
