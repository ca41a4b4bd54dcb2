use std::fmt::Debug;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::SecretString;

use crate::Error;

/// Keeps the passwords of the agents' mailboxes.
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
    /// - It is safe to repeat.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the store can't be written; the old one is kept.
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
