use std::fmt::Debug;

use async_trait::async_trait;
use mail_access::{Address, DomainName};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::DkimKey;
use crate::Error;
use crate::spec::{AliasEntry, DkimOptions, DomainLimits, ForwardEntry, MailboxEntry, Relay, SpamPolicy};

/// Administers the domains of a mail system: what the operator of a domain may do, where a
/// [`Provisioner`](super::Provisioner) may only give agents their mailboxes.
#[async_trait]
pub trait MailAdmin: Debug + Send + Sync + 'static {
    /// Reads all that the mail system has of a domain; `None` if it doesn't serve it.
    ///
    /// # Contract
    /// - It is the present state, all of it, agents' mailboxes included: what is not in the answer is not there.
    /// - The name of an alias domain is not served: `None`.
    /// - It reads only.
    ///
    /// # Errors
    /// That the mail system can't be reached, or refuses.
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error>;

    /// Makes one change to a domain.
    ///
    /// # Contract
    /// - After `Ok` a [`survey`](Self::survey) shows what the change says, and nothing else has changed.
    /// - It is safe to repeat: what is so already stays, and removing what is not there is fine. A call that was
    ///   dropped or interrupted is finished by the next one.
    /// - `secret` is the password that the change needs: of the mailbox for [`MailChange::AddMailbox`] and
    ///   [`MailChange::SetPassword`], of the relay's login for [`MailChange::SetRelay`] with a relay. Without one these
    ///   are [`InvalidInput`](crate::ErrorKind::InvalidInput); others ignore it.
    /// - [`MailChange::AddMailbox`] marks the mailbox as made by a plan. One that is there without the mark, or an alias
    ///   in its place, is [`AlreadyExists`](crate::ErrorKind::AlreadyExists) and left untouched; one with the mark gets
    ///   the password and what the change says.
    /// - A mailbox's relay has a login of its own, so only [`MailChange::SetRelay`] sets one: a mailbox entry that names a
    ///   relay leaves it as it is, and one without takes it away.
    /// - Everything but [`MailChange::AddDomain`] is [`NotFound`](crate::ErrorKind::NotFound) in a domain that is not
    ///   served; removing what can't be there is fine.
    ///
    /// # Errors
    /// As the contract says; else the mail system's refusal, or that it can't be reached.
    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error>;

    /// Returns what a password needs to be taken.
    ///
    /// # Errors
    /// That the mail system can't be reached, or refuses.
    async fn password_rules(&self) -> Result<PasswordRules, Error>;
}

/// A domain as the mail system has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedDomain {
    /// What people read beside its name.
    pub description: String,
    /// Whether mail is taken and logins work.
    pub active: bool,
    /// What it may hold and send.
    pub limits: DomainLimits,
    /// The key that its mail is signed with.
    pub dkim: Option<DkimKey>,
    /// All mailboxes, ordered by address.
    pub mailboxes: Vec<ServedMailbox>,
    /// The addresses that are no mailbox and lead elsewhere, ordered by address.
    pub aliases: Vec<AliasEntry>,
    /// The addresses of aliases that are switched off, ordered: they lead nowhere until a [`MailChange::SetAlias`].
    pub aliases_off: Vec<Address>,
    /// The mailboxes whose mail goes on, ordered by address: of these only what a [`MailChange::SetForward`] made.
    pub forwards: Vec<ForwardEntry>,
    /// Who gets the mail of all addresses that don't exist.
    pub catch_all: Vec<Address>,
    /// Whether there is a catch-all that is switched off: nobody gets that mail until a [`MailChange::SetCatchAll`].
    pub catch_all_off: bool,
    /// Other names of the domain, ordered.
    pub alias_domains: Vec<DomainName>,
    /// The host through which mail leaves; `spf_include` is not known to a mail system.
    pub relay: Option<Relay>,
    /// Whose mail is always taken and whose never, each ordered.
    pub spam: SpamPolicy,
}

impl ServedDomain {
    /// Describes a domain with nothing in it.
    pub fn new(limits: DomainLimits) -> Self {
        Self {
            description: String::new(),
            active: true,
            limits,
            dkim: None,
            mailboxes: Vec::new(),
            aliases: Vec::new(),
            aliases_off: Vec::new(),
            forwards: Vec::new(),
            catch_all: Vec::new(),
            catch_all_off: false,
            alias_domains: Vec::new(),
            relay: None,
            spam: SpamPolicy::default(),
        }
    }
}

/// A mailbox as the mail system has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedMailbox {
    /// The address.
    pub address: Address,
    /// The name that people read.
    pub name: String,
    /// How much it may hold in MiB; 0 sets no limit.
    pub quota_mib: u32,
    /// How many messages it may send in an hour, by a limit of its own.
    pub hourly_limit: Option<u32>,
    /// Whether it takes mail and its login works.
    pub active: bool,
    /// The host through which its mail leaves, if not the domain's.
    pub relay: Option<Relay>,
    /// Whether a plan made it ([`MailChange::AddMailbox`]).
    pub by_plan: bool,
}

impl ServedMailbox {
    /// Describes a mailbox that takes mail.
    pub fn new(address: Address, quota_mib: u32) -> Self {
        Self {
            address,
            name: String::new(),
            quota_mib,
            hourly_limit: None,
            active: true,
            relay: None,
            by_plan: false,
        }
    }
}

/// One change to a domain on a mail system. It holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum MailChange {
    /// Serves the domain, without a key. One that is served gets the description, limits and state.
    AddDomain {
        /// What people read beside its name.
        description: String,
        /// Whether mail is taken.
        active: bool,
        /// What it may hold and send.
        limits: DomainLimits,
    },
    /// Sets what [`MailChange::AddDomain`] sets, on a domain that is served.
    SetDomain {
        /// What people read beside its name.
        description: String,
        /// Whether mail is taken.
        active: bool,
        /// What it may hold and send.
        limits: DomainLimits,
    },
    /// Stops serving the domain; [`Rejected`](crate::ErrorKind::Rejected) while it has mailboxes, aliases, a catch-all or
    /// other names. Its key, relay and spam policy go with it.
    RemoveDomain,
    /// Makes a signing key if there is none; one that is there stays, whatever its selector.
    AddDkim {
        /// Which key.
        key: DkimOptions,
    },
    /// Makes a mailbox with the password given.
    AddMailbox {
        /// Which mailbox.
        mailbox: MailboxEntry,
    },
    /// Sets name, quota, limit and state of a mailbox that is there; not its password.
    SetMailbox {
        /// Which mailbox, and what it has to be.
        mailbox: MailboxEntry,
    },
    /// Sets the password of a mailbox that is there.
    SetPassword {
        /// The mailbox.
        address: Address,
        /// Whether it has to be changed at the first login to the web interface.
        must_change: bool,
    },
    /// Removes a mailbox and all its mail; aliases and the catch-all lead to it no longer, and those that led only there
    /// go with it. One without the mark of a plan stays, and the answer is
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    RemoveMailbox {
        /// The mailbox.
        address: Address,
    },
    /// Makes an alias, or gives it these targets.
    SetAlias {
        /// Which alias.
        alias: AliasEntry,
    },
    /// Removes an alias.
    RemoveAlias {
        /// The alias.
        address: Address,
    },
    /// Sends a mailbox's mail on, in place of any such change before.
    SetForward {
        /// Which forward.
        forward: ForwardEntry,
    },
    /// Ends the sending on of a mailbox's mail.
    RemoveForward {
        /// The mailbox.
        address: Address,
    },
    /// Sets who gets the mail of addresses that don't exist; nobody if empty.
    SetCatchAll {
        /// Who.
        targets: Vec<Address>,
    },
    /// Adds another name of the domain, which signs with the domain's key.
    AddAliasDomain {
        /// The name.
        name: DomainName,
    },
    /// Removes another name of the domain.
    RemoveAliasDomain {
        /// The name.
        name: DomainName,
    },
    /// Sets the host through which the domain's mail leaves, or none; or that of one mailbox.
    SetRelay {
        /// The mailbox, or `None` for the domain.
        mailbox: Option<Address>,
        /// The relay.
        relay: Option<Relay>,
    },
    /// Sets whose mail is always taken and whose never, in place of all entries there.
    SetSpamPolicy {
        /// The policy.
        policy: SpamPolicy,
    },
}

/// What a mail system asks of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
// Each is a rule of its own.
#[expect(clippy::struct_excessive_bools)]
pub struct PasswordRules {
    /// The fewest characters.
    pub length: usize,
    /// Whether it needs a letter.
    pub letters: bool,
    /// Whether it needs a character that is neither letter nor digit.
    pub special: bool,
    /// Whether it needs capital and small letters.
    pub both_cases: bool,
    /// Whether it needs a digit.
    pub digits: bool,
}

impl PasswordRules {
    /// Asks for a length only.
    pub fn of_length(length: usize) -> Self {
        Self { length, letters: false, special: false, both_cases: false, digits: false }
    }
}
