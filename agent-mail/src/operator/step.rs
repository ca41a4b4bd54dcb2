use std::fmt;

use mail_access::Address;
use serde::{Deserialize, Serialize};

use super::words::{self, list};
use crate::AgentId;
use crate::backend::{MailChange, RrSet};

/// One step of a plan. It holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Step {
    /// Forgets a password whose mailbox an interrupted apply has removed or never made.
    ForgetSecret {
        /// The address.
        address: Address,
    },
    /// Changes the mail system. A mailbox that is made gets the password that the secret store has for it, or a new one
    /// that is stored first; one that is removed takes its password along.
    Mail {
        /// The change.
        change: Box<MailChange>,
        /// What undoes it; `None` if nothing can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Box<MailChange>>,
    },
    /// Gives an agent its mailbox.
    Provision {
        /// The agent.
        agent: AgentId,
        /// Its address.
        address: Address,
        /// Whether the agent was there before and has lost its mailbox only. It is no plan's own: undoing the plan leaves
        /// it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        restores: bool,
    },
    /// Removes an agent with its mailbox, its mail and its password.
    Retire {
        /// The agent.
        agent: AgentId,
        /// Its address.
        address: Address,
    },
    /// Writes an RRset, or removes it. All records of a plan go in one write.
    Record {
        /// What is in the zone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<RrSet>,
        /// What takes its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<RrSet>,
    },
    /// Writes the record of a signing key that this plan makes: its text is known when the key is.
    KeyRecord {
        /// The name below the zone, where the key's selector is the one asked for.
        name: String,
        /// What is in the zone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<RrSet>,
    },
}

impl Step {
    pub(super) fn mail(change: MailChange, undo: Option<MailChange>) -> Self {
        Self::Mail { change: Box::new(change), undo: undo.map(Box::new) }
    }

    /// Returns what it is about, `mailbox ada@shop.example`: no two steps of a plan are about the same.
    pub fn subject(&self) -> String {
        match self {
            Self::ForgetSecret { address } => format!("secret of {address}"),
            Self::Mail { change, .. } => words::subject(change),
            Self::Provision { agent, .. } | Self::Retire { agent, .. } => format!("agent {agent}"),
            Self::Record { old, new } => match new.as_ref().or(old.as_ref()) {
                Some(set) => record_subject(&set.name, &set.rtype),
                None => "record".to_owned(),
            },
            Self::KeyRecord { name, .. } => record_subject(name, "TXT"),
        }
    }

    /// Returns the address of the mailbox that it makes, if it does.
    pub(crate) fn adds_mailbox(&self) -> Option<&Address> {
        match self {
            Self::Mail { change, .. } => match &**change {
                MailChange::AddMailbox { mailbox } => Some(&mailbox.address),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns whether something is added, changed or removed.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::ForgetSecret { .. } | Self::Retire { .. } | Self::Record { new: None, .. } => {
                StepKind::Remove
            }
            Self::Provision { .. } | Self::Record { old: None, .. } | Self::KeyRecord { old: None, .. } => {
                StepKind::Add
            }
            Self::Record { .. } | Self::KeyRecord { .. } => StepKind::Change,
            Self::Mail { change, undo } => words::kind(change, undo.as_deref()),
        }
    }

    /// Returns the phase it belongs to. Steps of one phase don't depend on each other.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::ForgetSecret { .. } => Phase::Secrets,
            Self::Provision { .. } => Phase::Mailboxes,
            Self::Record { .. } | Self::KeyRecord { .. } => Phase::Records,
            Self::Retire { .. } => Phase::MailboxRemovals,
            Self::Mail { change, .. } => match &**change {
                MailChange::AddDomain { .. } | MailChange::SetDomain { .. } => Phase::Domain,
                MailChange::AddDkim { .. } => Phase::Key,
                MailChange::SetAlias { .. }
                | MailChange::SetForward { .. }
                | MailChange::SetCatchAll { .. }
                | MailChange::SetPassword { .. }
                | MailChange::SetRelay { mailbox: Some(_), .. } => Phase::Routes,
                MailChange::RemoveAlias { .. }
                | MailChange::RemoveForward { .. }
                | MailChange::RemoveAliasDomain { .. } => Phase::RouteRemovals,
                MailChange::RemoveMailbox { .. } => Phase::MailboxRemovals,
                MailChange::RemoveDomain => Phase::DomainRemoval,
                MailChange::AddMailbox { .. }
                | MailChange::SetMailbox { .. }
                | MailChange::AddAliasDomain { .. }
                | MailChange::SetRelay { mailbox: None, .. }
                | MailChange::SetSpamPolicy { .. } => Phase::Mailboxes,
            },
        }
    }
}

/// Shows it in one line that begins with `+`, `~` or `-`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.subject())?;
        match self {
            Self::ForgetSecret { .. } => f.write_str(", left behind by an interrupted apply"),
            Self::Mail { change, undo } => words::detail(f, change, undo.as_deref()),
            Self::Provision { address, .. } => write!(f, ", mailbox {address} with its own password"),
            Self::Retire { address, .. } => write!(f, ", with mailbox {address}, its mail and its password"),
            Self::Record { old, new } => match (old, new) {
                (Some(old), Some(new)) if old.records == new.records => {
                    write!(f, ": TTL {} -> {} s", old.ttl, new.ttl)
                }
                (Some(old), Some(new)) => write!(f, ": {} -> {}", list(&old.records), list(&new.records)),
                (_, Some(only)) | (Some(only), None) if !only.records.is_empty() => {
                    write!(f, ": {}", list(&only.records))
                }
                _ => Ok(()),
            },
            Self::KeyRecord { .. } => f.write_str(": the key, after it is made"),
        }
    }
}

/// What a step does to its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// It was not there.
    Add,
    /// It was there and becomes another.
    Change,
    /// It goes.
    Remove,
}

/// Shows `+`, `~` or `-`.
impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Change => "~",
            Self::Remove => "-",
        })
    }
}

/// The order of the steps: what comes later may need what was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Secrets,
    Domain,
    Key,
    Mailboxes,
    Routes,
    Records,
    RouteRemovals,
    MailboxRemovals,
    DomainRemoval,
}

impl Phase {
    pub(super) const ALL: [Self; 9] = [
        Self::Secrets,
        Self::Domain,
        Self::Key,
        Self::Mailboxes,
        Self::Routes,
        Self::Records,
        Self::RouteRemovals,
        Self::MailboxRemovals,
        Self::DomainRemoval,
    ];
}

fn record_subject(name: &str, rtype: &str) -> String {
    format!("record {} {rtype}", if name.is_empty() { "@" } else { name })
}
