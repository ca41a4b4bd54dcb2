//! What the operator remembers of a domain: what its plans made, and the plan that is being applied.

use std::collections::BTreeSet;
use std::sync::Arc;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Serialize};

use super::plan::Goal;
use super::seen::Seen;
use super::{Plan, Step};
use crate::AgentId;
use crate::backend::{Change, Committed, MailChange, RrSet, StateStore};
use crate::journal::{decode, encode};
use crate::{Error, ErrorKind};

/// One record for each domain, so that each change of it is atomic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ledger {
    /// What plans made and a later one may remove; mailboxes carry a mark of their own.
    pub(super) made: BTreeSet<Made>,
    /// The mailboxes whose making was begun: their secrets may be there without them.
    pub(super) adding: BTreeSet<Address>,
    /// The mailboxes whose removal was begun: their secrets may be left.
    pub(super) removing: BTreeSet<Address>,
    /// The records that the last plan wanted, with those of an unfinished one.
    pub(super) records: Vec<RrSet>,
    /// The plan whose apply was begun and not finished.
    pub(super) applying: Option<Plan>,
}

/// What a plan made that was not there before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Made {
    Agent(AgentId),
    Alias(Address),
    AliasDomain(DomainName),
    Allowed(String),
    Blocked(String),
    CatchAll,
    Forward(Address),
    Relay(Option<Address>),
}

impl Ledger {
    pub(super) async fn load(state: &Arc<dyn StateStore>, domain: &DomainName) -> Result<Self, Error> {
        let key = key(domain);
        let stored = state.get(&key).await?;
        Ok(stored.map(|bytes| decode(&key, &bytes)).transpose()?.unwrap_or_default())
    }

    /// Writes it if nobody else has meanwhile.
    pub(super) async fn replace(
        &self,
        state: &Arc<dyn StateStore>,
        domain: &DomainName,
        next: &Self,
    ) -> Result<(), Error> {
        if self == next {
            return Ok(());
        }
        let key = key(domain);
        let found = state.get(&key).await?;
        let known: Self = found.as_deref().map(|bytes| decode(&key, bytes)).transpose()?.unwrap_or_default();
        let change = Change::new().expect(&key, found);
        let change =
            if *next == Self::default() { change.remove(&key) } else { change.put(&key, encode(next)) };
        if known == *self && state.commit(change).await? == Committed::Done {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotReady, "write state", domain)
            .with_detail("another process applies a plan to the domain"))
    }

    /// Notes what is going to be done.
    pub(super) fn begun(&self, plan: &Plan, steps: &[Step], wanted: &[RrSet]) -> Self {
        let mut next = Self { applying: Some(plan.clone()), ..self.clone() };
        for set in wanted {
            match next.records.iter_mut().find(|old| is_place(old, &set.name, &set.rtype)) {
                Some(old) => {
                    let new = set.records.iter().filter(|record| !old.records.contains(record));
                    let new: Vec<String> = new.cloned().collect();
                    old.records.extend(new);
                }
                None => next.records.push(set.clone()),
            }
        }
        for step in steps {
            next.made.extend(made_by(step));
            let Step::Mail { change, .. } = step else { continue };
            match &**change {
                MailChange::AddMailbox { mailbox } => drop(next.adding.insert(mailbox.address.clone())),
                MailChange::RemoveMailbox { address } => drop(next.removing.insert(address.clone())),
                _ => {}
            }
        }
        next
    }

    /// Notes that all of it was done. What was begun once and never made, or has gone since, is no plan's any more:
    /// somebody else may make it.
    pub(super) fn finished(&self, steps: &[Step], seen: &Seen, goal: &Goal, wanted: Vec<RrSet>) -> Self {
        let mut made: BTreeSet<Made> = self.made.iter().filter(|one| is_there(one, seen)).cloned().collect();
        made.extend(steps.iter().flat_map(made_by));
        for removed in steps.iter().flat_map(unmade) {
            made.remove(&removed);
        }
        let mut records = self.records.clone();
        match goal {
            Goal::Spec { .. } => records = wanted,
            Goal::Offboard { .. } => {}
            // What stands there again may be others': no later plan takes it away.
            Goal::Undo { .. } => records.retain(|set| {
                !steps.iter().any(|step| match step {
                    Step::Record { old, new } => {
                        let written = new.as_ref().or(old.as_ref());
                        written.is_some_and(|written| is_place(set, &written.name, &written.rtype))
                    }
                    _ => false,
                })
            }),
        }
        Self { made, records, ..Self::default() }
    }
}

fn made_by(step: &Step) -> Vec<Made> {
    match step {
        Step::Provision { agent, .. } => vec![Made::Agent(agent.clone())],
        Step::Mail { change, undo: Some(undo) } => match (&**change, &**undo) {
            (MailChange::SetAlias { .. }, MailChange::RemoveAlias { address }) => {
                vec![Made::Alias(address.clone())]
            }
            (MailChange::SetForward { .. }, MailChange::RemoveForward { address }) => {
                vec![Made::Forward(address.clone())]
            }
            (MailChange::AddAliasDomain { name }, _) => vec![Made::AliasDomain(name.clone())],
            (MailChange::SetCatchAll { .. }, MailChange::SetCatchAll { targets }) if targets.is_empty() => {
                vec![Made::CatchAll]
            }
            (MailChange::SetRelay { mailbox, .. }, MailChange::SetRelay { relay: None, .. }) => {
                vec![Made::Relay(mailbox.clone())]
            }
            (MailChange::SetSpamPolicy { policy }, MailChange::SetSpamPolicy { policy: was }) => {
                let allowed = policy.allow.iter().filter(|one| !was.allow.contains(one)).cloned();
                let blocked = policy.block.iter().filter(|one| !was.block.contains(one)).cloned();
                allowed.map(Made::Allowed).chain(blocked.map(Made::Blocked)).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn unmade(step: &Step) -> Vec<Made> {
    match step {
        Step::Retire { agent, .. } => vec![Made::Agent(agent.clone())],
        Step::Mail { change, undo } => match &**change {
            MailChange::RemoveAlias { address } => vec![Made::Alias(address.clone())],
            MailChange::RemoveForward { address } => vec![Made::Forward(address.clone())],
            MailChange::RemoveMailbox { address } => {
                vec![Made::Forward(address.clone()), Made::Relay(Some(address.clone()))]
            }
            MailChange::RemoveAliasDomain { name } => vec![Made::AliasDomain(name.clone())],
            MailChange::SetCatchAll { targets } if targets.is_empty() => vec![Made::CatchAll],
            MailChange::SetRelay { mailbox, relay: None } => vec![Made::Relay(mailbox.clone())],
            MailChange::SetSpamPolicy { policy } => match undo.as_deref() {
                Some(MailChange::SetSpamPolicy { policy: was }) => {
                    let allowed = was.allow.iter().filter(|one| !policy.allow.contains(one)).cloned();
                    let blocked = was.block.iter().filter(|one| !policy.block.contains(one)).cloned();
                    allowed.map(Made::Allowed).chain(blocked.map(Made::Blocked)).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Tells whether what a plan made was there when the domain was read.
fn is_there(made: &Made, seen: &Seen) -> bool {
    let served = seen.served();
    match made {
        // Agents are not always among what is read.
        Made::Agent(_) => true,
        Made::Alias(address) => seen.has_alias(address),
        Made::AliasDomain(name) => served.alias_domains.contains(name),
        Made::Allowed(sender) => served.spam.allow.contains(sender),
        Made::Blocked(sender) => served.spam.block.contains(sender),
        Made::CatchAll => !served.catch_all.is_empty(),
        Made::Forward(address) => served.forwards.iter().any(|one| one.address == *address),
        Made::Relay(None) => served.relay.is_some(),
        Made::Relay(Some(address)) => seen.mailbox(address).is_some_and(|mailbox| mailbox.relay.is_some()),
    }
}

fn is_place(set: &RrSet, name: &str, rtype: &str) -> bool {
    set.name == name && set.rtype == rtype
}

fn key(domain: &DomainName) -> String {
    format!("{domain}/operator")
}
