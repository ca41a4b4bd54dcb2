use std::fmt::Debug;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::SecretString;

use super::Claim;
use crate::Error;

/// Gives a mailbox further passwords beside the first, and takes all but one away: what a change of passwords without a
/// gap needs.
///
/// A password made here is known by a `label` of the caller's choice, 1 to 64 letters and digits.
#[async_trait]
pub trait LoginRotation: Debug + Send + Sync + 'static {
    /// Lets a further password open a mailbox for submission and for reading.
    ///
    /// # Contract
    /// - All passwords that worked before still work.
    /// - It is safe to repeat; a label that is there gets this password. A dropped call leaves it there or not.
    /// - A mailbox with another claim or none is [`AlreadyExists`](crate::ErrorKind::AlreadyExists), one that is not there
    ///   [`NotFound`](crate::ErrorKind::NotFound); nothing is changed.
    ///
    /// # Errors
    /// As the contract says; else the mail system's refusal, or that it can't be reached.
    async fn add_login(
        &self,
        address: &Address,
        claim: &Claim,
        label: &str,
        password: &SecretString,
    ) -> Result<(), Error>;

    /// Takes away every password that [`Provisioner::ensure_mailbox`](super::Provisioner::ensure_mailbox) or this trait
    /// made, but that of `label`.
    ///
    /// # Contract
    /// - The password of `label` works on; passwords that somebody else made are left untouched.
    /// - If there is no such label it is [`NotFound`](crate::ErrorKind::NotFound), and nothing is taken away.
    /// - It is safe to repeat. A dropped call leaves some of the others there.
    /// - Of claims it says what [`add_login`](Self::add_login) says.
    ///
    /// # Errors
    /// As the contract says; else the mail system's refusal, or that it can't be reached.
    async fn keep_only_login(&self, address: &Address, claim: &Claim, label: &str) -> Result<(), Error>;
}
