//! A whole mail system in memory.

mod access;
mod administration;
mod builder;
mod call;
mod delivery;
mod departed;
mod error;
mod fault;
mod folder;
mod folders;
mod history;
mod judge;
mod mail;
mod mailbox;
mod marks;
mod occasion;
mod outside;
mod passwords;
mod pending;
mod policy;
mod reader;
mod report;
mod search;
mod snapshot;
mod state;
mod store;
mod verdict;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

pub use self::administration::HostedMailbox;
pub use self::builder::PostOfficeBuilder;
pub use self::departed::Departed;
pub use self::error::PostOfficeError;
pub use self::fault::{Fault, FaultRule, Refusal};
use self::mailbox::Mailbox;
pub use self::occasion::Occasion;
pub use self::outside::FromOutside;
pub use self::policy::{Foreign, Policy, Treatment};
pub use self::snapshot::PostOfficeSnapshot;
use self::state::{Entry, Forward, Name, State};
pub use self::verdict::{Verdict, Verdicts};
use crate::{Address, Arrivals, DomainName, FolderName, Uid};

/// A mail system in memory that behaves as the Postfix and Dovecot of a Mailcow: [`MailAccess`](crate::MailAccess) and
/// [`MessageStore`](crate::MessageStore) without a server, for tests, simulations and programs whose agents write to
/// each other only.
///
/// It has the domains, mailboxes, aliases and forwards that its administrator gives it. What is submitted is delivered
/// before the call returns. `ada+tag@` leads to `ada@` if it is no mailbox or alias itself. Names compare without regard
/// to case. Above each message stands what Postfix and Dovecot write there, with `Authentication-Results` of the
/// office's host on top of the sender's own words.
///
/// A [`Policy`] sets the limits and what becomes of mail that can't be delivered. Without one a recipient that doesn't
/// exist, here or in a domain that isn't hosted here, is accepted and then reported to the sender's inbox (RFC 3464),
/// as happens across the Internet, and a full mailbox is refused with 552 5.2.2. A [`Fault`] brings the troubles of
/// networks and servers, for as many calls as a test wants.
///
/// Clones are handles of the same office. One lock guards it, which is held for no longer than it takes to file or
/// to find messages; decoding is done without it.
///
/// # Costs
/// An empty mailbox takes about 300 bytes, and as much again while somebody waits for its mail; the wait does no
/// work until a message arrives. Folders beside the INBOX take 1.3 KiB from their first use on. A message is held once
/// for all its recipients; each copy takes 0.9 KiB beside it, the first one in a folder 2 KiB, until
/// [`expunge`](Self::expunge) or [`remove_mailbox`](Self::remove_mailbox).
/// The time of a submission grows with its size and with the number of recipients, that of a fetch with what it
/// gives out, and both but logarithmically with the messages that are there. A search looks at each message of the
/// folder, and decodes those that it searches for text.
///
/// ```
/// use std::time::Duration;
///
/// use mail_access::{Address, Arrival, Login, MailAccess, NewMessage, Position, PostOffice, Selection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let ada: Address = "ada@agents.example".parse()?;
/// let bob: Address = "bob@agents.example".parse()?;
/// office.add_mailbox(&ada, "analytical".into(), 0)?;
/// office.add_mailbox(&bob, "difference".into(), 1024)?;
///
/// let message = NewMessage::to(bob.clone()).with_subject("Engines").seal(&ada.clone().into())?;
/// office.submit(&Login::new(ada, "analytical".into()), &message).await?;
///
/// let bob = Login::new(bob, "difference".into());
/// let inbox = office.fetch(&bob, &Selection::Unseen, 10).await?;
/// assert_eq!(inbox.messages[0].subject(), "Engines");
/// let read = Position { uid_validity: inbox.uid_validity, uid: inbox.messages[0].uid().get() };
/// assert_eq!(office.wait(&bob, read, Duration::from_millis(1)).await?, Arrival::TimedOut);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostOffice {
    office: Arc<Office>,
}

impl PostOffice {
    /// Opens an office without any domain, with the defaults of [`PostOffice::builder`].
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins an office with settings of its own.
    pub fn builder() -> PostOfficeBuilder {
        PostOfficeBuilder::new()
    }

    /// Hosts a domain from now on. Adding it again changes nothing; if it was another name of a domain, it is one of its
    /// own now.
    pub fn add_domain(&self, domain: DomainName) {
        let mut state = self.state();
        state.alias_domains.remove(&domain);
        state.domains.entry(domain).or_default();
    }

    /// Tells whether the domain is hosted here. Other names of a domain don't count.
    pub fn has_domain(&self, domain: &DomainName) -> bool {
        self.state().domains.contains_key(domain)
    }

    /// Adds an empty mailbox with a quota in MiB, 0 for none as at Mailcow, and a new UIDVALIDITY.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`], or [`PostOfficeError::AddressExists`] if it is a mailbox or alias already.
    pub fn add_mailbox(
        &self,
        address: &Address,
        password: SecretString,
        quota_mib: u64,
    ) -> Result<(), PostOfficeError> {
        let now = (self.office.settings.clock)();
        let mut state = self.state();
        let uid_validity = state.next_uid_validity(now);
        state.add(address, Entry::Mailbox(Mailbox::new(password, quota_mib, uid_validity)))
    }

    /// Removes a mailbox with all it holds. Waits for it end with
    /// [`Error::Authentication`](crate::Error::Authentication).
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn remove_mailbox(&self, address: &Address) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        state.mailbox(address)?.ring();
        let removed = state.addresses.remove(&Name::of(address));
        state.forwards.remove(&Name::of(address));
        state.rate_limits.remove(&Name::of(address));
        // Freeing a big mailbox takes long; the others needn't wait for it.
        drop(state);
        drop(removed);
        Ok(())
    }

    /// Tells whether there is a mailbox of this name. Aliases don't count.
    pub fn has_mailbox(&self, address: &Address) -> bool {
        self.state().mailbox(address).is_ok()
    }

    /// Lets an address lead to others, here or elsewhere, which may be aliases themselves.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`], [`PostOfficeError::NoTarget`], or [`PostOfficeError::AddressExists`] if it
    /// is a mailbox or alias already.
    pub fn add_alias(&self, alias: &Address, targets: Vec<Address>) -> Result<(), PostOfficeError> {
        if targets.is_empty() {
            return Err(PostOfficeError::NoTarget);
        }
        self.state().add(alias, Entry::Alias(targets))
    }

    /// Removes an alias.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownAlias`].
    pub fn remove_alias(&self, alias: &Address) -> Result<(), PostOfficeError> {
        let (mut state, name) = (self.state(), Name::of(alias));
        if !matches!(state.addresses.get(&name), Some(Entry::Alias(_))) {
            return Err(PostOfficeError::UnknownAlias(alias.clone()));
        }
        state.addresses.remove(&name);
        Ok(())
    }

    /// Lets the mail of a mailbox go on to others from now on, and stay there as well if it keeps a copy. Without others
    /// it stays as it did before.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn set_forward(
        &self,
        address: &Address,
        targets: Vec<Address>,
        keeps_copy: bool,
    ) -> Result<(), PostOfficeError> {
        let (mut state, name) = (self.state(), Name::of(address));
        state.mailbox(address)?;
        if targets.is_empty() {
            state.forwards.remove(&name);
        } else {
            state.forwards.insert(name, Forward { targets, keeps_copy });
        }
        Ok(())
    }

    /// Lets all addresses of a domain that are no mailbox or alias lead to others: the alias `@domain` of Mailcow.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`], [`PostOfficeError::NoTarget`], [`PostOfficeError::CatchAllExists`].
    pub fn add_catch_all(&self, domain: &DomainName, targets: Vec<Address>) -> Result<(), PostOfficeError> {
        if targets.is_empty() {
            return Err(PostOfficeError::NoTarget);
        }
        match self.state().domains.get_mut(domain) {
            None => Err(PostOfficeError::UnknownDomain(domain.clone())),
            Some(present) if !present.catch_all.is_empty() => {
                Err(PostOfficeError::CatchAllExists(domain.clone()))
            }
            Some(present) => {
                present.catch_all = targets;
                Ok(())
            }
        }
    }

    /// Removes a domain's catch-all. If it has none, nothing is changed.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`].
    pub fn remove_catch_all(&self, domain: &DomainName) -> Result<(), PostOfficeError> {
        match self.state().domains.get_mut(domain) {
            None => Err(PostOfficeError::UnknownDomain(domain.clone())),
            Some(present) => {
                present.catch_all.clear();
                Ok(())
            }
        }
    }

    /// Removes messages of the INBOX for good, as their owner would with another mail program. UIDs that are not there change
    /// nothing.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn expunge(&self, address: &Address, uids: &[Uid]) -> Result<(), PostOfficeError> {
        self.state().mailbox(address)?.expunge(&FolderName::inbox(), uids);
        Ok(())
    }

    /// Numbers the INBOX's messages from 1 again under a new UIDVALIDITY, as happens when a server is restored from
    /// a backup. Their flags are kept. It takes time in proportion to the messages.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn reset_uid_validity(&self, address: &Address) -> Result<(), PostOfficeError> {
        let now = (self.office.settings.clock)();
        let mut state = self.state();
        let uid_validity = state.next_uid_validity(now);
        state.mailbox(address)?.renumber(&FolderName::inbox(), uid_validity);
        state.listeners.ring(|| Name::of(address).to_string());
        Ok(())
    }

    /// Lets the next call of this login that the fault fits fail; several are met in the order they were called for.
    /// [`add_fault`](Self::add_fault) says more exactly which calls.
    pub fn fail_next(&self, login: &Address, fault: Fault) {
        self.add_fault(FaultRule::new(fault).with_login(login));
    }

    /// Lets the calls fail that the rule meets. Of several rules that meet a submission the first one for the whole of
    /// it takes effect, and for each recipient the first one of his.
    pub fn add_fault(&self, rule: FaultRule) {
        let mut state = self.state();
        state.faults.push(rule);
        // A wait that is under way may be one of them.
        state.ring_all();
    }

    /// Forgets all faults that were not met yet. What is late already stays so.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Returns what the office takes and what it does with the rest.
    pub fn policy(&self) -> Policy {
        self.state().policy.clone()
    }

    /// Changes what the office takes, from the next call on.
    pub fn set_policy(&self, policy: Policy) {
        self.state().policy = policy;
    }

    /// Sets what `Authentication-Results` say of messages with this address in From. Without it, and without
    /// [verdicts for its domain](Self::set_verdicts_for_domain), a message that was submitted passes all checks but
    /// DMARC where From is of another domain than the sender; of what was [received](Self::receive) nothing is known.
    pub fn set_verdicts_for_sender(&self, from: &Address, verdicts: Verdicts) {
        self.state().verdicts_of_senders.insert(Name::of(from), verdicts);
    }

    /// Sets what `Authentication-Results` say of messages with an address of this domain in From.
    pub fn set_verdicts_for_domain(&self, from: DomainName, verdicts: Verdicts) {
        self.state().verdicts_of_domains.insert(from, verdicts);
    }

    /// Begins to say in which mailboxes mail comes in.
    pub fn arrivals(&self) -> Arrivals {
        let mut state = self.state();
        let state = &mut *state;
        let holding = state.addresses.iter().filter_map(|(name, entry)| match entry {
            Entry::Mailbox(mailbox) if mailbox.inbox.len() > 0 => Some(name.to_string()),
            _ => None,
        });
        Arrivals::of_office(self.clone(), state.listeners.listen(holding))
    }

    /// Delivers what is due, and returns when the next message is.
    pub(crate) fn next_due(&self) -> Option<tokio::time::Instant> {
        self.state().pending.next_due()
    }

    /// Takes out the messages that left for domains not hosted here, see [`Foreign::Kept`].
    pub fn take_departed(&self) -> Vec<Departed> {
        std::mem::take(&mut self.state().departed)
    }

    fn open(settings: PostOfficeBuilder) -> Self {
        let submitted = Arc::new(AtomicU64::new(0));
        let state = State::new(&settings, Arc::clone(&submitted));
        Self { office: Arc::new(Office { settings, submitted, state: Mutex::new(state) }) }
    }

    /// Locks the state, and delivers what is due first.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.office.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.pending.is_empty() {
            state.deliver_due((self.office.settings.clock)());
        }
        state
    }
}

impl Default for PostOffice {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows counts, nobody's address or mail.
impl fmt::Debug for PostOffice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let mailboxes = || {
            state.addresses.values().filter_map(|entry| match entry {
                Entry::Mailbox(mailbox) => Some(mailbox),
                Entry::Alias(_) => None,
            })
        };
        f.debug_struct("PostOffice")
            .field("domains", &state.domains.len())
            .field("mailboxes", &mailboxes().count())
            .field("messages", &mailboxes().map(Mailbox::len).sum::<usize>())
            .finish_non_exhaustive()
    }
}

struct Office {
    settings: PostOfficeBuilder,
    submitted: Arc<AtomicU64>,
    state: Mutex<State>,
}

const SUBMIT: &str = "submit";
const CHECK_SUBMISSION: &str = "check_submission";
const FETCH: &str = "fetch";
const MARK_SEEN: &str = "mark_seen";
const WAIT: &str = "wait";

#[cfg(test)]
mod tests;
