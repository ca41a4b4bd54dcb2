//! What the office knows: domains, mailboxes, aliases, and where a recipient leads.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::departed::Departed;
use super::fault::FaultRule;
use super::mailbox::Mailbox;
use super::occasion::Weather;
use super::outside::Outside;
use super::pending::Queue;
use super::policy::Policy;
use super::verdict::Verdicts;
use super::{PostOfficeBuilder, PostOfficeError};
use crate::arrivals::Listeners;
use crate::{Address, DomainName, Error, Login, LoginKind, Status};

#[derive(Clone)]
pub(super) struct State {
    /// What the office calls itself.
    pub(super) host: DomainName,
    pub(super) domains: ByName<DomainName, Hosted>,
    /// Other names of domains, and the domains that they are names of.
    pub(super) alias_domains: ByName<DomainName, DomainName>,
    pub(super) addresses: ByName<Name, Entry>,
    /// Where the mail of mailboxes goes on to.
    pub(super) forwards: ByName<Name, Forward>,
    /// The rate limits of mailboxes with one of their own.
    pub(super) rate_limits: ByName<Name, RateLimit>,
    pub(super) policy: Policy,
    pub(super) faults: Vec<FaultRule>,
    pub(super) pending: Queue,
    pub(super) departed: Vec<Departed>,
    pub(super) verdicts_of_senders: ByName<Name, Verdicts>,
    pub(super) verdicts_of_domains: ByName<DomainName, Verdicts>,
    /// When each pair of sender and recipient was met first, for greylisting.
    pub(super) first_seen: ByName<(Name, Name), Instant>,
    /// Until when each login, and each domain whose logins share one, has used up its share of the rate limit.
    pub(super) paid_until: ByName<Name, Instant>,
    pub(super) listeners: Listeners,
    /// How many messages were taken, which numbers the next one.
    pub(super) submitted: Arc<AtomicU64>,
    pub(super) weather: Option<Weather>,
    pub(super) outside: Option<Outside>,
    last_uid_validity: u32,
}

impl State {
    pub(super) fn new(settings: &PostOfficeBuilder, submitted: Arc<AtomicU64>) -> Self {
        Self {
            host: settings.host.clone(),
            domains: ByName::default(),
            alias_domains: ByName::default(),
            addresses: ByName::default(),
            forwards: ByName::default(),
            rate_limits: ByName::default(),
            policy: settings.policy.clone(),
            faults: Vec::new(),
            pending: Queue::default(),
            departed: Vec::new(),
            verdicts_of_senders: ByName::default(),
            verdicts_of_domains: ByName::default(),
            first_seen: ByName::default(),
            paid_until: ByName::default(),
            submitted,
            weather: settings.weather.clone(),
            outside: settings.outside.clone(),
            listeners: Listeners::default(),
            last_uid_validity: 0,
        }
    }

    /// Moves all that is measured by Tokio's clock into the future.
    pub(super) fn shift(&mut self, by: Duration) {
        self.pending.shift(by);
        for instant in self.first_seen.values_mut().chain(self.paid_until.values_mut()) {
            *instant += by;
        }
    }

    pub(super) fn add(&mut self, address: &Address, entry: Entry) -> Result<(), PostOfficeError> {
        if !self.domains.contains_key(address.domain()) {
            return Err(PostOfficeError::UnknownDomain(address.domain().clone()));
        }
        let name = Name::of(address);
        if self.addresses.contains_key(&name) {
            return Err(PostOfficeError::AddressExists(address.clone()));
        }
        self.addresses.insert(name, entry);
        Ok(())
    }

    pub(super) fn mailbox(&mut self, address: &Address) -> Result<&mut Mailbox, PostOfficeError> {
        self.mailbox_named(&Name::of(address)).ok_or_else(|| PostOfficeError::UnknownMailbox(address.clone()))
    }

    pub(super) fn mailbox_named(&mut self, name: &Name) -> Option<&mut Mailbox> {
        match self.addresses.get_mut(name) {
            Some(Entry::Mailbox(mailbox)) => Some(mailbox),
            _ => None,
        }
    }

    /// Wakes everybody who waits, to look again.
    pub(super) fn ring_all(&self) {
        for entry in self.addresses.values() {
            if let Entry::Mailbox(mailbox) = entry {
                mailbox.ring();
            }
        }
    }

    /// Checks the login as each protocol does, which answers a refusal in its own words.
    pub(super) fn open(&mut self, login: &Login, operation: &'static str) -> Result<&mut Mailbox, Error> {
        let is_on = self.served(login.address().domain()).is_some();
        let opens = |mailbox: &Mailbox| {
            is_on
                && mailbox.active
                && login.kind() == LoginKind::Password
                && mailbox.opens_with(login.password())
        };
        match self.mailbox_named(&Name::of(login.address())) {
            Some(mailbox) if opens(mailbox) => Ok(mailbox),
            _ => Err(Error::Authentication {
                operation,
                login: login.address().clone(),
                status: if [super::SUBMIT, super::CHECK_SUBMISSION].contains(&operation) {
                    Status::new(535, Some((5, 7, 8)), "Error: authentication failed")
                } else {
                    Status::new(0, None, "[AUTHENTICATIONFAILED] Authentication failed.")
                },
                retry_after: None,
            }),
        }
    }

    /// The seconds of the clock as Dovecot takes them, so that another office of the same names, in a later run of
    /// the program, has other ones; counted on where the clock is too slow for that.
    pub(super) fn next_uid_validity(&mut self, now: SystemTime) -> u32 {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let by_clock = u32::try_from(seconds).unwrap_or(0);
        self.last_uid_validity = by_clock.max(self.last_uid_validity.checked_add(1).unwrap_or(1));
        self.last_uid_validity
    }

    /// Follows aliases, plus-addresses and catch-alls to all their ends, at least one and each once.
    pub(super) fn route(&self, recipient: &Address) -> Vec<End> {
        if let Some(name) = self.resident(recipient) {
            return vec![End::Mailbox(name)];
        }
        let mut ends = Vec::new();
        let recipient = self.home(recipient);
        let mut known = HashSet::from([Name::of(&recipient)]);
        let mut open = vec![recipient.clone()];
        while let Some(address) = open.pop() {
            let Some(Hosted { catch_all, .. }) = self.served(address.domain()) else {
                ends.push(End::UnknownDomain(address.into_owned()));
                continue;
            };
            let targets = match self.entry(&address) {
                Some((name, Entry::Mailbox(_))) => {
                    let forward = self.forwards.get(&name);
                    let stays = forward.is_none_or(|forward| forward.keeps_copy);
                    if stays && !ends.iter().any(|end| matches!(end, End::Mailbox(same) if *same == name)) {
                        ends.push(End::Mailbox(name));
                    }
                    match forward {
                        Some(forward) => &forward.targets,
                        None => continue,
                    }
                }
                Some((_, Entry::Alias(targets))) => targets,
                None if catch_all.is_empty() => {
                    ends.push(End::UnknownMailbox(address.into_owned()));
                    continue;
                }
                None => catch_all,
            };
            let targets = targets.iter().rev().map(|target| self.home(target));
            open.extend(targets.filter(|target| known.insert(Name::of(target))));
        }
        if ends.is_empty() {
            // The aliases lead in a circle.
            ends.push(End::UnknownMailbox(recipient.into_owned()));
        }
        ends
    }

    /// Returns the mailbox of most addresses: of just that name, with nothing that leads elsewhere.
    pub(super) fn resident(&self, address: &Address) -> Option<Name> {
        self.served(address.domain())?;
        let name = Name::of(address);
        let leads_elsewhere = |name| {
            (!self.alias_domains.is_empty() && self.alias_domains.contains_key(address.domain()))
                || (!self.forwards.is_empty() && self.forwards.contains_key(name))
        };
        let is_mailbox = matches!(self.active(&name), Some(Entry::Mailbox(_)));
        (is_mailbox && !leads_elsewhere(&name)).then_some(name)
    }

    /// Tells whether an address of a hosted domain is one at all, wherever it leads.
    pub(super) fn is_known(&self, address: &Address) -> bool {
        let address = self.home(address);
        let catches = |domain: &Hosted| !domain.catch_all.is_empty();
        self.entry(&address).is_some() || self.served(address.domain()).is_some_and(catches)
    }

    /// Tells whether an address of a hosted domain stands for others.
    pub(super) fn leads_elsewhere(&self, address: &Address) -> bool {
        match self.entry(&self.home(address)) {
            Some((name, entry)) => matches!(entry, Entry::Alias(_)) || self.forwards.contains_key(&name),
            None => self.is_known(address),
        }
    }

    /// Finds a domain that is hosted and not switched off.
    pub(super) fn served(&self, domain: &DomainName) -> Option<&Hosted> {
        self.domains.get(domain).filter(|hosted| !hosted.is_off)
    }

    /// Returns the address in the domain itself for one under another name of it.
    pub(super) fn home<'a>(&self, address: &'a Address) -> Cow<'a, Address> {
        let target = self.alias_domains.get(address.domain());
        // A name too long by the longer domain stays where it is, and is unknown there.
        let at_home = target.and_then(|target| Address::new(address.local_part(), target.clone()).ok());
        at_home.map_or(Cow::Borrowed(address), Cow::Owned)
    }

    /// Returns how many messages a login may submit in which time, and who shares that with it.
    pub(super) fn rate_limit(&self, login: &Address) -> Option<(Name, RateLimit)> {
        let (name, domain) = (Name::of(login), login.domain());
        if let Some(own) = self.rate_limits.get(&name) {
            return Some((name, *own));
        }
        match self.domains.get(domain).and_then(|hosted| hosted.rate_limit) {
            Some(shared) => Some((Name::new("", domain), shared)),
            None => self.policy.rate_limit.map(|each| (name, each)),
        }
    }

    /// Finds the address itself, or else the one before its plus sign.
    fn entry(&self, address: &Address) -> Option<(Name, &Entry)> {
        let name = Name::of(address);
        if let Some(entry) = self.active(&name) {
            return Some((name, entry));
        }
        let (base, _) = address.local_part().split_once('+').filter(|(base, _)| !base.is_empty())?;
        let base = Name::new(base, address.domain());
        self.active(&base).map(|entry| (base, entry))
    }

    /// Finds what is not switched off.
    fn active(&self, name: &Name) -> Option<&Entry> {
        let is_on = |entry: &&Entry| !matches!(entry, Entry::Mailbox(mailbox) if !mailbox.active);
        self.addresses.get(name).filter(is_on)
    }
}

/// What there is by address or domain. Each message looks up a dozen: with the standard library's hash that is a tenth of
/// all that it takes.
type ByName<K, V> = HashMap<K, V, RandomState>;

/// So many messages in such a time.
pub(super) type RateLimit = (u32, Duration);

/// A domain that is hosted here.
#[derive(Clone, Default)]
pub(super) struct Hosted {
    /// Where mail goes that is for nobody; empty for nowhere.
    pub(super) catch_all: Vec<Address>,
    pub(super) is_off: bool,
    /// What all mailboxes without a limit of their own share.
    pub(super) rate_limit: Option<RateLimit>,
}

/// What an address of a hosted domain is.
#[derive(Clone)]
pub(super) enum Entry {
    Mailbox(Mailbox),
    Alias(Vec<Address>),
}

/// Where a mailbox's mail goes on to.
#[derive(Clone)]
pub(super) struct Forward {
    pub(super) targets: Vec<Address>,
    pub(super) keeps_copy: bool,
}

/// Where a recipient leads.
pub(super) enum End {
    Mailbox(Name),
    UnknownMailbox(Address),
    UnknownDomain(Address),
}

/// An address in lower case, as names compare here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    local_part: Arc<str>,
    domain: DomainName,
}

impl Name {
    pub(super) fn of(address: &Address) -> Self {
        Self { local_part: address.local_part_in_lower_case(), domain: address.domain().clone() }
    }

    fn new(local_part: &str, domain: &DomainName) -> Self {
        Self { local_part: local_part.to_ascii_lowercase().into(), domain: domain.clone() }
    }

    pub(super) fn pieces(&self) -> [&str; 3] {
        [&self.local_part, "@", self.domain.as_str()]
    }

    /// Returns the address, if it is one of the domain.
    pub(super) fn within(&self, domain: &DomainName) -> Option<Address> {
        if self.is_within(domain) { Address::new(&self.local_part, self.domain.clone()).ok() } else { None }
    }

    pub(super) fn is_within(&self, domain: &DomainName) -> bool {
        self.domain == *domain
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}
