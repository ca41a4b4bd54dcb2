//! What is to be done, found by comparing what is wanted with what is there. Pure: nothing here talks to anyone.

use std::collections::BTreeSet;

use mail_access::{Address, DomainName};

use super::ledger::Made;
use super::plan::Goal;
use super::seen::{Seen, bare};
use super::zone::{Records, key_steps, published};
use super::{Step, undo, words};
use crate::backend::MailChange;
use crate::journal::Phase as AgentPhase;
use crate::spec::{AliasEntry, ForwardEntry, MailboxEntry, SpamPolicy};
use crate::{DomainSpec, Error, ErrorKind};

impl Goal {
    /// Returns the steps that lead from what is there to the goal, and the records that it wants.
    pub(super) fn steps(
        &self,
        zone: Option<&DomainName>,
        seen: &Seen,
        resuming: bool,
    ) -> Result<(Vec<Step>, Records), Error> {
        let (mut steps, records) = match self {
            Self::Spec { spec } => wanted(spec, zone, seen)?,
            Self::Offboard { addresses } => (offboarded(addresses, seen)?, Records::default()),
            Self::Undo { steps, .. } => (undo::steps(steps, seen, resuming)?, Records::default()),
        };
        let forgotten = forgotten_secrets(&steps, seen);
        steps.extend(forgotten);
        steps.sort_by_key(Step::phase);
        Ok((steps, records))
    }
}

/// Returns what a specification needs, in the order of its parts.
fn wanted(spec: &DomainSpec, zone: Option<&DomainName>, seen: &Seen) -> Result<(Vec<Step>, Records), Error> {
    no_contradiction(spec, seen)?;
    let (description, active, limits) = (spec.description.clone(), spec.active, spec.limits.clone());
    let domain = if seen.is_served() {
        MailChange::SetDomain { description, active, limits }
    } else {
        MailChange::AddDomain { description, active, limits }
    };
    let mut changes = vec![domain, MailChange::AddDkim { key: spec.dkim.clone() }];
    changes.extend(spec.alias_domains.iter().map(|name| MailChange::AddAliasDomain { name: name.clone() }));
    changes.extend(relay(spec, seen));
    changes.push(spam(spec, seen));
    for entry in &spec.mailboxes {
        mailbox(spec, entry, seen, &mut changes);
    }
    changes.extend(spec.aliases.iter().map(|alias| MailChange::SetAlias { alias: sorted_alias(alias) }));
    changes.extend(spec.forwards.iter().map(|one| MailChange::SetForward { forward: sorted_forward(one) }));
    if !spec.catch_all.is_empty() {
        changes.push(MailChange::SetCatchAll { targets: sorted(&spec.catch_all) });
    }
    let mut steps: Vec<Step> = changes.into_iter().filter_map(|change| seen.step(change)).collect();
    for id in spec.agents.iter().filter(|id| !seen.is_provisioned(id)) {
        if let Some(agent) = seen.agents.get(id) {
            // One that an interrupted plan began to make is that plan's.
            let is_made = seen.ledger.made.contains(&Made::Agent(id.clone()));
            let restores = agent.phase.is_some_and(|phase| phase == AgentPhase::Active || !is_made);
            steps.push(Step::Provision { agent: id.clone(), address: agent.address.clone(), restores });
        }
    }
    let mut records = Records::default();
    if let (Some(name), Some(zone)) = (zone, &seen.zone) {
        let key = seen.served().dkim.as_ref();
        let spec = published(spec, seen);
        records = Records::of(&spec, key, name, zone, &seen.ledger.records)?;
        steps.extend(records.steps(zone));
        if key.is_none() {
            steps.extend(key_steps(&spec, name, zone));
        }
    }
    if spec.prune {
        steps.extend(pruned(spec, seen));
    }
    Ok((steps, records))
}

fn mailbox(spec: &DomainSpec, entry: &MailboxEntry, seen: &Seen, changes: &mut Vec<MailChange>) {
    let present = seen.mailbox(&entry.address);
    // The relay is a change of its own, since it needs a password of its own.
    let relay = present.and_then(|present| present.relay.clone());
    let quota_mib = Some(entry.quota_mib.unwrap_or(spec.limits.default_quota_mib));
    let mailbox = MailboxEntry { quota_mib, relay, ..entry.clone() };
    changes.push(if present.is_some() {
        MailChange::SetMailbox { mailbox }
    } else {
        MailChange::AddMailbox { mailbox }
    });
    let address = Some(entry.address.clone());
    if let Some(relay) = &entry.relay {
        changes.push(MailChange::SetRelay { mailbox: address, relay: Some(bare(relay)) });
    } else if spec.prune && seen.ledger.made.contains(&Made::Relay(address.clone())) {
        changes.push(MailChange::SetRelay { mailbox: address, relay: None });
    }
}

fn relay(spec: &DomainSpec, seen: &Seen) -> Option<MailChange> {
    match &spec.relay {
        Some(relay) => Some(MailChange::SetRelay { mailbox: None, relay: Some(bare(relay)) }),
        None if spec.prune && seen.ledger.made.contains(&Made::Relay(None)) => {
            Some(MailChange::SetRelay { mailbox: None, relay: None })
        }
        None => None,
    }
}

/// Adds to what is there; what earlier plans added and nobody names any more goes with `prune`.
fn spam(spec: &DomainSpec, seen: &Seen) -> MailChange {
    let present = &seen.served().spam;
    let joined = |wanted: &[String], present: &[String], made: fn(String) -> Made| {
        let kept = present.iter().filter(|one| {
            !spec.prune || wanted.contains(one) || !seen.ledger.made.contains(&made((*one).clone()))
        });
        let all: BTreeSet<&String> = wanted.iter().chain(kept).collect();
        all.into_iter().cloned().collect::<Vec<_>>()
    };
    let policy = SpamPolicy {
        allow: joined(&spec.spam.allow, &present.allow, Made::Allowed),
        block: joined(&spec.spam.block, &present.block, Made::Blocked),
    };
    MailChange::SetSpamPolicy { policy }
}

/// Returns the removals of what plans made and the specification no longer names.
fn pruned(spec: &DomainSpec, seen: &Seen) -> Vec<Step> {
    let (served, made) = (seen.served(), &seen.ledger.made);
    let mut changes = Vec::new();
    for forward in &served.forwards {
        let named = spec.forwards.iter().any(|one| one.address == forward.address);
        if !named && made.contains(&Made::Forward(forward.address.clone())) {
            changes.push(MailChange::RemoveForward { address: forward.address.clone() });
        }
    }
    for alias in &served.aliases {
        let named = spec.aliases.iter().any(|one| one.address == alias.address);
        if !named && made.contains(&Made::Alias(alias.address.clone())) {
            changes.push(MailChange::RemoveAlias { address: alias.address.clone() });
        }
    }
    for name in served.alias_domains.iter().filter(|name| !spec.alias_domains.contains(name)) {
        if made.contains(&Made::AliasDomain(name.clone())) {
            changes.push(MailChange::RemoveAliasDomain { name: name.clone() });
        }
    }
    if spec.catch_all.is_empty() && made.contains(&Made::CatchAll) {
        changes.push(MailChange::SetCatchAll { targets: Vec::new() });
    }
    let named: BTreeSet<&Address> = spec.mailboxes.iter().map(|one| &one.address).collect();
    for mailbox in served.mailboxes.iter().filter(|one| one.by_plan && !named.contains(&one.address)) {
        changes.extend(removal(&mailbox.address));
    }
    // A forward goes once, be it by itself or with its mailbox.
    let mut known = BTreeSet::new();
    changes.retain(|change| known.insert(words::subject(change)));
    let mut steps: Vec<Step> = changes.into_iter().filter_map(|change| seen.step(change)).collect();
    for (id, agent) in &seen.agents {
        let known = agent.phase.is_some() && made.contains(&Made::Agent(id.clone()));
        if known && !spec.agents.contains(id) {
            steps.push(Step::Retire { agent: id.clone(), address: agent.address.clone() });
        }
    }
    steps
}

/// Returns the removals of what is named, and of what leads there.
fn offboarded(addresses: &[Address], seen: &Seen) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for address in addresses {
        let agent = seen.agent_at(address).filter(|id| seen.agents[*id].phase.is_some());
        if let Some(id) = agent {
            steps.push(Step::Retire { agent: id.clone(), address: address.clone() });
            continue;
        }
        match seen.mailbox(address) {
            Some(mailbox) if !mailbox.by_plan => {
                return Err(Error::new(ErrorKind::AlreadyExists, "plan offboarding", address)
                    .with_detail("the mailbox was not made by a plan")
                    .with_fix("remove it at the mail system if nobody needs it"));
            }
            None if seen.secrets.contains(address) => {
                steps.push(Step::ForgetSecret { address: address.clone() });
            }
            _ => {}
        }
        let alias = MailChange::RemoveAlias { address: address.clone() };
        let changes = removal(address).into_iter().chain([alias]);
        steps.extend(changes.filter_map(|change| seen.step(change)));
    }
    steps.extend(rerouted(addresses, seen));
    Ok(steps)
}

/// Returns the changes that remove a mailbox. Each part of it is one of its own, so that it can be undone.
fn removal(address: &Address) -> [MailChange; 3] {
    [
        MailChange::RemoveForward { address: address.clone() },
        MailChange::SetRelay { mailbox: Some(address.clone()), relay: None },
        MailChange::RemoveMailbox { address: address.clone() },
    ]
}

/// Returns the changes of aliases, forwards and the catch-all that lead to addresses that go. What would lead nowhere
/// is removed.
fn rerouted(gone: &[Address], seen: &Seen) -> Vec<Step> {
    let left = |targets: &[Address]| -> Option<Vec<Address>> {
        let left: Vec<Address> = targets.iter().filter(|one| !gone.contains(one)).cloned().collect();
        (left.len() < targets.len()).then_some(left)
    };
    let served = seen.served();
    let aliases = served.aliases.iter().filter(|alias| !gone.contains(&alias.address)).filter_map(|alias| {
        let (address, targets) = (alias.address.clone(), left(&alias.targets)?);
        Some(if targets.is_empty() {
            MailChange::RemoveAlias { address }
        } else {
            MailChange::SetAlias { alias: AliasEntry { address, targets } }
        })
    });
    let forwards = served.forwards.iter().filter(|one| !gone.contains(&one.address)).filter_map(|forward| {
        let (address, targets) = (forward.address.clone(), left(&forward.targets)?);
        Some(if targets.is_empty() {
            MailChange::RemoveForward { address }
        } else {
            MailChange::SetForward { forward: ForwardEntry { targets, ..forward.clone() } }
        })
    });
    let catch_all = left(&served.catch_all).map(|targets| MailChange::SetCatchAll { targets });
    aliases.chain(forwards).chain(catch_all).filter_map(|change| seen.step(change)).collect()
}

/// Returns the removal of secrets that an interrupted apply may have left without their mailbox.
fn forgotten_secrets(steps: &[Step], seen: &Seen) -> Vec<Step> {
    let is_added = |address: &Address| {
        steps.iter().any(|step| {
            matches!(step, Step::Mail { change, .. }
                if matches!(&**change, MailChange::AddMailbox { mailbox } if mailbox.address == *address))
        })
    };
    let ledger = &seen.ledger;
    // Whoever is made again after a removal gets a new password.
    let all = ledger.adding.iter().filter(|address| !is_added(address)).chain(&ledger.removing);
    let left: BTreeSet<&Address> = all.filter(|address| seen.mailbox(address).is_none()).collect();
    let known = |address: &Address| {
        steps.iter().any(|step| matches!(step, Step::ForgetSecret { address: other } if other == address))
    };
    let left = left.into_iter().filter(|address| !known(address));
    left.map(|address| Step::ForgetSecret { address: address.clone() }).collect()
}

/// Refuses what others have in the place of what is wanted.
fn no_contradiction(spec: &DomainSpec, seen: &Seen) -> Result<(), Error> {
    let taken = |address: &Address, found: &str| {
        Err(Error::new(ErrorKind::AlreadyExists, "plan", address)
            .with_detail(format!("the mail system has {found} there"))
            .with_fix("offboard that address first, or choose another"))
    };
    for entry in &spec.mailboxes {
        if seen.has_alias(&entry.address) {
            return taken(&entry.address, "an alias");
        }
        if seen.agent_at(&entry.address).is_some() {
            return taken(&entry.address, "an agent");
        }
    }
    for alias in &spec.aliases {
        if seen.mailbox(&alias.address).is_some() || seen.agent_at(&alias.address).is_some() {
            return taken(&alias.address, "a mailbox");
        }
    }
    for id in &spec.agents {
        if let Some(agent) = seen.agents.get(id)
            && seen.has_alias(&agent.address)
        {
            return taken(&agent.address, "an alias");
        }
    }
    Ok(())
}

fn sorted(addresses: &[Address]) -> Vec<Address> {
    let mut sorted = addresses.to_vec();
    sorted.sort();
    sorted
}

fn sorted_alias(alias: &AliasEntry) -> AliasEntry {
    AliasEntry { targets: sorted(&alias.targets), ..alias.clone() }
}

fn sorted_forward(forward: &ForwardEntry) -> ForwardEntry {
    ForwardEntry { targets: sorted(&forward.targets), ..forward.clone() }
}
