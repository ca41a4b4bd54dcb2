//! What an administrator changes later, and what he sees.

use std::time::Duration;

use super::mailbox::Mailbox;
use super::state::{Entry, Forward, Name, State};
use super::{PostOffice, PostOfficeError};
use crate::{Address, DomainName};

/// A mailbox as its administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostedMailbox {
    /// The address in lower case.
    pub address: Address,
    /// How much it may hold in MiB; 0 for no limit.
    pub quota_mib: u64,
    /// Whether it takes mail and its login works.
    pub active: bool,
    /// To whom its mail goes on; empty for nobody.
    pub forward_to: Vec<Address>,
    /// Whether mail that goes on stays as well.
    pub keeps_copy: bool,
}

impl PostOffice {
    /// Hosts a domain no longer. Removing one that isn't hosted changes nothing.
    ///
    /// # Errors
    /// [`PostOfficeError::DomainNotEmpty`] while it has mailboxes, aliases or other names.
    pub fn remove_domain(&self, domain: &DomainName) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        let is_used = state.addresses.keys().any(|name| name.is_within(domain));
        if is_used || state.alias_domains.values().any(|target| target == domain) {
            return Err(PostOfficeError::DomainNotEmpty(domain.clone()));
        }
        state.domains.remove(domain);
        Ok(())
    }

    /// Switches a domain off or on again. While it is off it takes no mail and none of its logins work; all that is in
    /// it stays.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`].
    pub fn set_domain_active(&self, domain: &DomainName, active: bool) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        let Some(hosted) = state.domains.get_mut(domain) else {
            return Err(PostOfficeError::UnknownDomain(domain.clone()));
        };
        hosted.is_off = !active;
        // Those who wait in it look whether they may.
        state.ring_all();
        Ok(())
    }

    /// Switches a mailbox off or on again. While it is off it takes no mail and its login doesn't work; what is in it
    /// stays.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn set_active(&self, address: &Address, active: bool) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        let mailbox = state.mailbox(address)?;
        mailbox.active = active;
        mailbox.ring();
        Ok(())
    }

    /// Sets a mailbox's quota in MiB, 0 for none. What is over it stays, and nothing comes in any more.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn set_quota(&self, address: &Address, quota_mib: u64) -> Result<(), PostOfficeError> {
        self.state().mailbox(address)?.set_quota(quota_mib);
        Ok(())
    }

    /// Sets how many messages a mailbox may submit in which time, in place of what its domain or the
    /// [policy](super::Policy::with_rate_limit) says; `None` lets that count again.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn set_rate_limit(
        &self,
        address: &Address,
        limit: Option<(u32, Duration)>,
    ) -> Result<(), PostOfficeError> {
        let (mut state, name) = (self.state(), Name::of(address));
        state.mailbox(address)?;
        match limit {
            Some(limit) => state.rate_limits.insert(name, limit),
            None => state.rate_limits.remove(&name),
        };
        Ok(())
    }

    /// Sets how many messages the mailboxes of a domain without a limit of their own may submit together in which time;
    /// `None` lets the [policy](super::Policy::with_rate_limit) count again.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`].
    pub fn set_domain_rate_limit(
        &self,
        domain: &DomainName,
        limit: Option<(u32, Duration)>,
    ) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        let unknown = || PostOfficeError::UnknownDomain(domain.clone());
        state.domains.get_mut(domain).ok_or_else(unknown)?.rate_limit = limit;
        Ok(())
    }

    /// Lets an address lead to others as [`add_alias`](Self::add_alias) does, in place of those that it leads to now.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`], [`PostOfficeError::NoTarget`], or [`PostOfficeError::AddressExists`] if it
    /// is a mailbox.
    pub fn set_alias(&self, alias: &Address, targets: Vec<Address>) -> Result<(), PostOfficeError> {
        if targets.is_empty() {
            return Err(PostOfficeError::NoTarget);
        }
        let mut state = self.state();
        match state.addresses.get_mut(&Name::of(alias)) {
            Some(Entry::Alias(present)) => {
                *present = targets;
                Ok(())
            }
            _ => state.add(alias, Entry::Alias(targets)),
        }
    }

    /// Lets all addresses of a domain that are nobody's lead to others, in place of those that they lead to now;
    /// nowhere without others.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`].
    pub fn set_catch_all(&self, domain: &DomainName, targets: Vec<Address>) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        let unknown = || PostOfficeError::UnknownDomain(domain.clone());
        state.domains.get_mut(domain).ok_or_else(unknown)?.catch_all = targets;
        Ok(())
    }

    /// Gives a domain another name: what is sent to `x@name` comes to `x@domain`, and `x@domain` may send as
    /// `x@name`. Logins have the domain's own name.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownDomain`], or [`PostOfficeError::DomainExists`] if the name is that of a domain or another
    /// name of another one.
    pub fn add_alias_domain(&self, name: DomainName, domain: &DomainName) -> Result<(), PostOfficeError> {
        let mut state = self.state();
        if !state.domains.contains_key(domain) {
            return Err(PostOfficeError::UnknownDomain(domain.clone()));
        }
        let is_other = state.alias_domains.get(&name).is_some_and(|target| target != domain);
        if is_other || state.domains.contains_key(&name) {
            return Err(PostOfficeError::DomainExists(name));
        }
        state.alias_domains.insert(name, domain.clone());
        Ok(())
    }

    /// Takes another name from a domain. If it has no such name, nothing is changed.
    pub fn remove_alias_domain(&self, name: &DomainName, domain: &DomainName) {
        let mut state = self.state();
        if state.alias_domains.get(name) == Some(domain) {
            state.alias_domains.remove(name);
        }
    }

    /// Returns a mailbox as its administrator sees it.
    pub fn hosted_mailbox(&self, address: &Address) -> Option<HostedMailbox> {
        let (state, name) = (self.state(), Name::of(address));
        let Some(Entry::Mailbox(mailbox)) = state.addresses.get(&name) else { return None };
        state.seen(&name, mailbox, address.domain())
    }

    /// Returns the mailboxes of a domain, ordered by address.
    pub fn mailboxes_of(&self, domain: &DomainName) -> Vec<HostedMailbox> {
        let state = self.state();
        let seen = |(name, entry): (&Name, &Entry)| match entry {
            Entry::Mailbox(mailbox) => state.seen(name, mailbox, domain),
            Entry::Alias(_) => None,
        };
        let mut mailboxes: Vec<_> = state.addresses.iter().filter_map(seen).collect();
        mailboxes.sort_by(|one, other| one.address.cmp(&other.address));
        mailboxes
    }

    /// Returns how many mailboxes a domain has, and how many MiB they may hold together, those without a limit left out.
    pub fn mailbox_usage(&self, domain: &DomainName) -> (usize, u64) {
        let state = self.state();
        let quota = |(name, entry): (&Name, &Entry)| match entry {
            Entry::Mailbox(mailbox) if name.is_within(domain) => Some(mailbox.quota_mib()),
            _ => None,
        };
        state.addresses.iter().filter_map(quota).fold((0, 0), |(count, sum), quota| (count + 1, sum + quota))
    }

    /// Returns the aliases of a domain and where they lead, ordered by address.
    pub fn aliases_of(&self, domain: &DomainName) -> Vec<(Address, Vec<Address>)> {
        let state = self.state();
        let seen = |(name, entry): (&Name, &Entry)| match entry {
            Entry::Alias(targets) => Some((name.within(domain)?, targets.clone())),
            Entry::Mailbox(_) => None,
        };
        let mut aliases: Vec<_> = state.addresses.iter().filter_map(seen).collect();
        aliases.sort();
        aliases
    }

    /// Returns where all addresses of a domain lead that are nobody's; nowhere if it is not hosted.
    pub fn catch_all_of(&self, domain: &DomainName) -> Vec<Address> {
        self.state().domains.get(domain).map(|hosted| hosted.catch_all.clone()).unwrap_or_default()
    }

    /// Returns the other names of a domain, ordered.
    pub fn alias_domains_of(&self, domain: &DomainName) -> Vec<DomainName> {
        let state = self.state();
        let is_its = |(_, target): &(&DomainName, &DomainName)| *target == domain;
        let mut names: Vec<_> =
            state.alias_domains.iter().filter(is_its).map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Returns the domain that this is another name of.
    pub fn alias_domain_target(&self, name: &DomainName) -> Option<DomainName> {
        self.state().alias_domains.get(name).cloned()
    }
}

impl State {
    fn seen(&self, name: &Name, mailbox: &Mailbox, domain: &DomainName) -> Option<HostedMailbox> {
        let (forward_to, keeps_copy) = match self.forwards.get(name) {
            Some(Forward { targets, keeps_copy }) => (targets.clone(), *keeps_copy),
            None => (Vec::new(), true),
        };
        let (address, quota_mib, active) = (name.within(domain)?, mailbox.quota_mib(), mailbox.active);
        Some(HostedMailbox { address, quota_mib, active, forward_to, keeps_copy })
    }
}
