use std::fmt::Debug;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::SecretString;

use crate::Error;

/// Keeps the passwords of the agents' mailboxes, each byte for byte, those of addresses that differ in more than the case
/// of letters apart from each other.
///
/// No error and no `Debug` shows a secret. Where it can't be known whether a change was made, as when a server's answer is
/// lost, it is [`Interrupted`](crate::ErrorKind::Interrupted), and the change can be repeated. A store that can only be
/// read answers [`Unsupported`](crate::ErrorKind::Unsupported) to a change that would make a difference.
#[async_trait]
pub trait SecretStore: Debug + Send + Sync + 'static {
    /// Returns the password of an address, `None` if there is none.
    ///
    /// # Contract
    /// - A store that can't be read is an error and never `None`.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) or [`Unexpected`](crate::ErrorKind::Unexpected) if the store
    /// can't be read.
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error>;

    /// Stores the password of an address in place of any other.
    ///
    /// # Contract
    /// - After `Ok` a durable store keeps it through a crash; before, the old one is whole or the new one is.
    /// - It is safe to repeat. A dropped call leaves the old one or the new one.
    /// - A store that several programs write may notice that another one has stored or removed a secret since this one
    ///   last looked: then it is [`NotReady`](crate::ErrorKind::NotReady), what the other one stored stays, and the next
    ///   call stores its own.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store can't be written; the old one is kept.
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if it may not be; else as the contract says.
    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error>;

    /// Forgets the password of an address.
    ///
    /// # Contract
    /// - If there is none, nothing is done: safe to repeat.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store can't be written; the secret is still there.
    async fn remove(&self, address: &Address) -> Result<(), Error>;
}
