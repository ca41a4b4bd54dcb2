use std::fmt::{self, Debug};
use std::str::FromStr;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use secrecy::SecretString;

use crate::Error;

/// Makes and removes mailboxes on a mail system.
#[async_trait]
pub trait Provisioner: Debug + Send + Sync + 'static {
    /// Sees to it that the mail system serves a domain.
    ///
    /// # Contract
    /// - Afterwards mailboxes can be made in the domain, and it has a DKIM key.
    /// - A domain that is there already is left as it is: safe to repeat, the second time writes nothing.
    /// - A dropped call leaves the domain there or not; the next call finishes it.
    ///
    /// # Errors
    /// The mail system's refusal, or that it can't be reached.
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error>;

    /// Returns the key that the mail system signs the domain's mail with (RFC 6376).
    ///
    /// # Contract
    /// - It is the key in use: what is published from it verifies what is sent.
    /// - It reads only.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the domain is not served or has no key.
    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error>;

    /// Sees to it that a mailbox is there and that its login works.
    ///
    /// # Contract
    /// - Afterwards the address with the password of `spec` opens the mailbox for submission and for reading.
    /// - A mailbox that carries the claim of `spec` is ours: it is kept with its mail, and its password becomes
    ///   that of `spec`, its limit on sending too if `spec` has one. So it is safe to repeat, and a call that was dropped or interrupted is finished by the
    ///   next one.
    /// - A mailbox or alias with another claim or none is
    ///   [`AlreadyExists`](crate::ErrorKind::AlreadyExists) and is left untouched. Nothing else is: the caller forgets
    ///   the agent on this answer.
    /// - In a domain that is not served it is [`NotFound`](crate::ErrorKind::NotFound).
    ///
    /// # Errors
    /// As the contract says; else the mail system's refusal, or that it can't be reached.
    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error>;

    /// Removes a mailbox and all its mail.
    ///
    /// # Contract
    /// - Only a mailbox that carries the claim is removed; one with another claim or none is left untouched, and the
    ///   answer is [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    /// - If there is none, nothing is done: safe to repeat.
    /// - A dropped call leaves it there or not.
    ///
    /// # Errors
    /// As the contract says; else the mail system's refusal, or that it can't be reached.
    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error>;
}

/// The mailbox that is wanted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MailboxSpec {
    /// The address, which is the login's name too.
    pub address: Address,
    /// The password for submission and reading.
    pub password: SecretString,
    /// The mark that says whose mailbox it is.
    pub claim: Claim,
    /// The name that the mail system shows for it.
    pub display_name: String,
    /// How much mail it may hold in MiB; 0 sets no limit.
    pub quota_mib: u32,
    /// How many messages it may send in an hour; `None` sets no limit of its own.
    pub hourly_limit: Option<u32>,
}

impl MailboxSpec {
    /// Describes a mailbox of 256 MiB without a name and without a limit of its own on sending.
    pub fn new(address: Address, password: SecretString, claim: Claim) -> Self {
        Self { address, password, claim, display_name: String::new(), quota_mib: 256, hourly_limit: None }
    }
}

/// The mark by which a mailbox is known to belong to one provisioning: 32 hex digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Claim(Box<str>);

impl Claim {
    /// Makes a new one of 128 random bits.
    ///
    /// # Panics
    /// If the operating system has no random numbers to give.
    pub fn generate() -> Self {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).expect("the operating system gives random numbers");
        Self::of_random(u128::from_be_bytes(random))
    }

    /// Makes one of 128 bits that the caller drew at random.
    pub fn of_random(random: u128) -> Self {
        Self(format!("{random:032x}").into_boxed_str())
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Claim {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Ok(Self(text.into()));
        }
        Err(Error::new(crate::ErrorKind::InvalidInput, "read claim", format!("{text:?}"))
            .with_detail("a claim has 32 hex digits in lower case"))
    }
}

impl Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The public half of a domain's signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimKey {
    /// The selector: the key is published at `<selector>._domainkey.<domain>`.
    pub selector: String,
    /// The record's text, `v=DKIM1;k=rsa;p=...`, in one piece.
    pub record: String,
}
