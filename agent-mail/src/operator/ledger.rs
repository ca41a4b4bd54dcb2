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
    /// The mailboxes whose making was begun without a secret: one may be there now without them.
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

    /// Returns what plans claim of an RRset.
    pub(super) fn record(&self, name: &str, rtype: &str) -> Option<&RrSet> {
        self.records.iter().find(|set| is_place(set, name, rtype))
    }

    /// Returns what is claimed of that which a plan with these steps changes the claim of.
    pub(super) fn claims(&self, steps: &[Step], wanted: &[RrSet]) -> Claims {
        let touched = touched(steps);
        let made = self.made.iter().filter(|one| touched.contains(one)).cloned().collect();
        let none = |name: &str, rtype: &str| RrSet::new(name, rtype, 0, Vec::new());
        let gone = self.records.iter().filter(|set| !wanted.contains(set)).cloned();
        let new = wanted.iter().filter(|set| self.record(&set.name, &set.rtype).is_none());
        let keys = steps.iter().filter_map(|step| match step {
            Step::KeyRecord { name, .. } if self.record(name, "TXT").is_none() => Some(none(name, "TXT")),
            _ => None,
        });
        let records = gone.chain(new.map(|set| none(&set.name, &set.rtype))).chain(keys).collect();
        Claims { made, records }
    }

    /// Notes what is going to be done. Of the mailboxes that are made, `kept` are those whose secrets are there already.
    pub(super) fn begun(
        &self,
        plan: &Plan,
        steps: &[Step],
        wanted: &[RrSet],
        kept: &BTreeSet<Address>,
    ) -> Self {
        let mut next = Self { applying: Some(plan.clone()), ..self.clone() };
        let (wanted, own) = match &plan.goal {
            // What comes back is claimed by no more than it was.
            Goal::Undo { steps, claims } => (claims.restored(steps), Some(&claims.made)),
            Goal::Spec { .. } | Goal::Offboard { .. } => (wanted.iter().collect(), None),
        };
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
            let made = made_by(step).into_iter();
            next.made.extend(made.filter(|one| own.is_none_or(|own| own.contains(one))));
            let Step::Mail { change, .. } = step else { continue };
            match &**change {
                MailChange::AddMailbox { mailbox } if !kept.contains(&mailbox.address) => {
                    next.adding.insert(mailbox.address.clone());
                }
                MailChange::RemoveMailbox { address } => {
                    next.removing.insert(address.clone());
                }
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
            // What stands there again is claimed as it was before: the rest may be others', and no later plan takes it.
            Goal::Undo { steps: undone, claims } => {
                let touched = touched(undone);
                made.retain(|one| !touched.contains(one));
                made.extend(claims.made.iter().filter(|one| touched.contains(one)).cloned());
                let is_undone = |set: &RrSet| {
                    undone.iter().any(|step| match step {
                        Step::Record { old, new } => {
                            let written = new.as_ref().or(old.as_ref());
                            written.is_some_and(|written| is_place(set, &written.name, &written.rtype))
                        }
                        Step::KeyRecord { name, .. } => is_place(set, name, "TXT"),
                        _ => false,
                    }) || claims.records.iter().any(|other| is_place(set, &other.name, &other.rtype))
                };
                records.retain(|set| !is_undone(set));
                records.extend(claims.restored(undone).into_iter().cloned());
            }
        }
        Self { made, records, ..Self::default() }
    }
}

/// What plans had claimed before of that which a plan changes the claim of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Claims {
    made: BTreeSet<Made>,
    /// One without records where nothing was claimed.
    records: Vec<RrSet>,
}

impl Claims {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the records that are claimed again when steps are undone: where one of them took records away. So a plan
    /// that was changed where it was stored claims nothing anywhere else.
    fn restored(&self, undone: &[Step]) -> Vec<&RrSet> {
        let is_brought_back = |set: &&RrSet| {
            undone.iter().any(|step| match step {
                Step::Record { old: Some(old), .. } => is_place(set, &old.name, &old.rtype),
                Step::KeyRecord { name, old: Some(_) } => is_place(set, name, "TXT"),
                _ => false,
            })
        };
        let claimed = self.records.iter().filter(|set| !set.records.is_empty());
        claimed.filter(is_brought_back).collect()
    }

    /// Returns what is claimed once the steps are done. What of records is, nobody knows before, so it is nothing.
    pub(super) fn after(&self, steps: &[Step]) -> Self {
        let mut made = self.made.clone();
        made.extend(steps.iter().flat_map(made_by));
        for removed in steps.iter().flat_map(unmade) {
            made.remove(&removed);
        }
        Self { made, records: Vec::new() }
    }
}

fn touched(steps: &[Step]) -> BTreeSet<Made> {
    steps.iter().flat_map(|step| made_by(step).into_iter().chain(unmade(step))).collect()
}

fn made_by(step: &Step) -> Vec<Made> {
    match step {
        Step::Provision { agent, restores: false, .. } => vec![Made::Agent(agent.clone())],
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
        Made::Agent(id) => !seen.has_agents || seen.agents.get(id).is_some_and(|agent| agent.phase.is_some()),
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
