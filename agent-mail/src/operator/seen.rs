//! What is there: the mail system, the zone, the agents and what is remembered, read at one time.

use std::collections::{BTreeMap, BTreeSet};

use mail_access::Address;
use serde_json::{Map, Value};

use super::Step;
use super::ledger::Ledger;
use crate::backend::{MailChange, ServedDomain, ServedMailbox, Zone};
use crate::journal::Phase as AgentPhase;
use crate::spec::{DomainLimits, MailboxEntry, Relay};
use crate::{AgentId, Way};

#[derive(Debug)]
pub(super) struct Seen {
    served: Option<ServedDomain>,
    /// Stands for a domain that is not served.
    nothing: ServedDomain,
    pub(super) zone: Option<Zone>,
    /// The agents that are known, and those that the goal names.
    pub(super) agents: BTreeMap<AgentId, SeenAgent>,
    /// Whether those that are known were read.
    pub(super) has_agents: bool,
    /// Of the addresses that the goal names: those with a secret.
    pub(super) secrets: BTreeSet<Address>,
    pub(super) ledger: Ledger,
}

#[derive(Clone, Debug)]
pub(super) struct SeenAgent {
    pub(super) address: Address,
    /// `None` if nothing is known of it.
    pub(super) phase: Option<AgentPhase>,
    pub(super) way: Way,
}

impl Seen {
    pub(super) fn new(served: Option<ServedDomain>, ledger: Ledger) -> Self {
        let sorted = |mut served: ServedDomain| {
            served.mailboxes.sort_by(|one, other| one.address.cmp(&other.address));
            served.aliases.sort_by(|one, other| one.address.cmp(&other.address));
            served.forwards.sort_by(|one, other| one.address.cmp(&other.address));
            for alias in &mut served.aliases {
                alias.targets.sort();
            }
            for forward in &mut served.forwards {
                forward.targets.sort();
            }
            served.catch_all.sort();
            served.spam.allow.sort();
            served.spam.block.sort();
            served.relay = served.relay.map(|relay| bare(&relay));
            for mailbox in &mut served.mailboxes {
                mailbox.relay = mailbox.relay.as_ref().map(bare);
            }
            served
        };
        Self {
            served: served.map(sorted),
            nothing: ServedDomain::new(DomainLimits::default()),
            zone: None,
            agents: BTreeMap::new(),
            has_agents: false,
            secrets: BTreeSet::new(),
            ledger,
        }
    }

    pub(super) fn is_served(&self) -> bool {
        self.served.is_some()
    }

    /// Returns what the domain has; of one that is not served, nothing.
    pub(super) fn served(&self) -> &ServedDomain {
        self.served.as_ref().unwrap_or(&self.nothing)
    }

    pub(super) fn mailbox(&self, address: &Address) -> Option<&ServedMailbox> {
        let all = &self.served().mailboxes;
        all.binary_search_by(|one| one.address.cmp(address)).ok().map(|at| &all[at])
    }

    pub(super) fn has_alias(&self, address: &Address) -> bool {
        self.served().aliases.binary_search_by(|one| one.address.cmp(address)).is_ok()
    }

    /// Returns the agent that has the address.
    pub(super) fn agent_at(&self, address: &Address) -> Option<&AgentId> {
        self.agents.iter().find(|(_, agent)| agent.address == *address).map(|(id, _)| id)
    }

    /// Tells whether an agent has its mailbox, as its journal and the mail system say. On a hub it has none.
    pub(super) fn is_provisioned(&self, id: &AgentId) -> bool {
        let active = self.agents.get(id).filter(|agent| agent.phase == Some(AgentPhase::Active));
        active.is_some_and(|agent| agent.way == Way::Hub || self.mailbox(&agent.address).is_some())
    }

    /// Returns the step that makes the change, `None` if all is as it says.
    pub(super) fn step(&self, change: MailChange) -> Option<Step> {
        if self.holds(&change) {
            return None;
        }
        let undo = match (&change, self.present(&change)) {
            (MailChange::RemoveMailbox { .. }, Some(MailChange::SetMailbox { mailbox })) => {
                Some(MailChange::AddMailbox { mailbox })
            }
            (MailChange::RemoveDomain, Some(MailChange::SetDomain { description, active, limits })) => {
                Some(MailChange::AddDomain { description, active, limits })
            }
            // What others have switched off is theirs, and nobody remembers where it led.
            (MailChange::SetAlias { alias }, _) if self.served().aliases_off.contains(&alias.address) => None,
            (MailChange::SetCatchAll { .. }, _) if self.served().catch_all_off => None,
            (_, undo) => undo,
        };
        Some(Step::mail(change, undo))
    }

    /// Tells whether what the change is about is as the change says.
    pub(super) fn holds(&self, change: &MailChange) -> bool {
        match change {
            MailChange::AddDkim { .. } => self.served().dkim.is_some(),
            // Nobody can tell what a password is, so none is as it has to be.
            MailChange::SetPassword { .. } => false,
            _ => self.present(change).map(state) == Some(state(change.clone())),
        }
    }

    /// Tells whether what two changes are about is as the one says, as the other says, or as a call that was to lead from
    /// one to the other leaves it half way: each part of it as one of them says.
    pub(super) fn is_on_the_way(&self, from: &MailChange, to: &MailChange) -> bool {
        if self.holds(from) || self.holds(to) {
            return true;
        }
        match (from, to, self.present(to).map(state)) {
            (
                MailChange::SetSpamPolicy { policy: from },
                MailChange::SetSpamPolicy { policy: to },
                Some(MailChange::SetSpamPolicy { policy: found }),
            ) => {
                let is_mixed = |from: &[String], to: &[String], found: &[String]| {
                    found.iter().all(|one| from.contains(one) || to.contains(one))
                        && from.iter().all(|one| !to.contains(one) || found.contains(one))
                };
                is_mixed(&from.allow, &to.allow, &found.allow)
                    && is_mixed(&from.block, &to.block, &found.block)
            }
            (from, to, Some(found)) => {
                let value = |change: MailChange| serde_json::to_value(change).unwrap_or_default();
                let (from, to) = (value(state(from.clone())), value(state(to.clone())));
                is_mixed(&value(found), &from, &to)
            }
            (_, _, None) => false,
        }
    }

    /// Tells whether what is there is as an interrupted apply leaves it, of which `now` is what is still to be done for
    /// the planned step.
    pub(super) fn is_as_left(&self, planned: &Step, now: &Step) -> bool {
        match (planned, now) {
            (Step::Mail { change, undo: Some(before) }, Step::Mail { .. }) => {
                self.is_on_the_way(before, change)
            }
            // Records are written all or none.
            (
                Step::Record { old: before, .. } | Step::KeyRecord { old: before, .. },
                Step::Record { old: found, .. } | Step::KeyRecord { old: found, .. },
            ) => before == found,
            _ => true,
        }
    }

    /// Returns the change that says what is there now.
    fn present(&self, change: &MailChange) -> Option<MailChange> {
        let served = self.served();
        let mailbox = |address: &Address| match self.mailbox(address) {
            Some(mailbox) => MailChange::SetMailbox { mailbox: entry(mailbox) },
            None => MailChange::RemoveMailbox { address: address.clone() },
        };
        Some(match change {
            MailChange::AddDomain { .. } | MailChange::SetDomain { .. } | MailChange::RemoveDomain => {
                match &self.served {
                    None => MailChange::RemoveDomain,
                    Some(served) => MailChange::SetDomain {
                        description: served.description.clone(),
                        active: served.active,
                        limits: served.limits.clone(),
                    },
                }
            }
            MailChange::AddDkim { .. } | MailChange::SetPassword { .. } => return None,
            MailChange::AddMailbox { mailbox: entry } | MailChange::SetMailbox { mailbox: entry } => {
                mailbox(&entry.address)
            }
            MailChange::RemoveMailbox { address } => mailbox(address),
            MailChange::SetAlias { alias } => self.alias(&alias.address),
            MailChange::RemoveAlias { address } => self.alias(address),
            MailChange::SetForward { forward } => self.forward(&forward.address),
            MailChange::RemoveForward { address } => self.forward(address),
            MailChange::SetCatchAll { .. } => MailChange::SetCatchAll { targets: served.catch_all.clone() },
            MailChange::AddAliasDomain { name } | MailChange::RemoveAliasDomain { name } => {
                let name = name.clone();
                if served.alias_domains.contains(&name) {
                    MailChange::AddAliasDomain { name }
                } else {
                    MailChange::RemoveAliasDomain { name }
                }
            }
            MailChange::SetRelay { mailbox: None, .. } => {
                MailChange::SetRelay { mailbox: None, relay: served.relay.clone() }
            }
            MailChange::SetRelay { mailbox: Some(address), .. } => MailChange::SetRelay {
                mailbox: Some(address.clone()),
                relay: self.mailbox(address).and_then(|mailbox| mailbox.relay.clone()),
            },
            MailChange::SetSpamPolicy { .. } => MailChange::SetSpamPolicy { policy: served.spam.clone() },
        })
    }

    fn alias(&self, address: &Address) -> MailChange {
        let all = &self.served().aliases;
        match all.binary_search_by(|one| one.address.cmp(address)) {
            Ok(at) => MailChange::SetAlias { alias: all[at].clone() },
            Err(_) => MailChange::RemoveAlias { address: address.clone() },
        }
    }

    fn forward(&self, address: &Address) -> MailChange {
        let all = &self.served().forwards;
        match all.binary_search_by(|one| one.address.cmp(address)) {
            Ok(at) => MailChange::SetForward { forward: all[at].clone() },
            Err(_) => MailChange::RemoveForward { address: address.clone() },
        }
    }
}

/// Returns the change that says the same of what is there already. Relays are changes of their own.
fn state(change: MailChange) -> MailChange {
    match change {
        MailChange::AddDomain { description, active, limits } => {
            MailChange::SetDomain { description, active, limits }
        }
        MailChange::AddMailbox { mailbox } | MailChange::SetMailbox { mailbox } => MailChange::SetMailbox {
            mailbox: MailboxEntry { must_change_password: false, relay: None, ..mailbox },
        },
        other => other,
    }
}

/// Tells whether each part of something is as in one of two others. Lists are one part.
fn is_mixed(found: &Value, one: &Value, other: &Value) -> bool {
    if found == one || found == other {
        return true;
    }
    let (Value::Object(found), Value::Object(one), Value::Object(other)) = (found, one, other) else {
        return false;
    };
    let part = |of: &Map<String, Value>, name: &String| of.get(name).cloned().unwrap_or_default();
    let mut names = found.keys().chain(one.keys()).chain(other.keys());
    names.all(|name| is_mixed(&part(found, name), &part(one, name), &part(other, name)))
}

/// Returns a relay as a mail system knows it.
pub(super) fn bare(relay: &Relay) -> Relay {
    Relay { spf_include: None, ..relay.clone() }
}

fn entry(served: &ServedMailbox) -> MailboxEntry {
    MailboxEntry {
        address: served.address.clone(),
        name: served.name.clone(),
        quota_mib: Some(served.quota_mib),
        hourly_limit: served.hourly_limit,
        active: served.active,
        must_change_password: false,
        relay: served.relay.clone(),
    }
}
