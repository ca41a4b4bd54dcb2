use std::fmt;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Serialize};

use super::ledger::Claims;
use super::{Cost, Step, undo};
use crate::DomainSpec;
use crate::backend::DnsBudget;
use crate::journal::{encode, fingerprint};

/// What has to be done to a domain, in order; nothing of it has been done.
///
/// `Display` is the dry run: the cost, then one line for each step. It is plain data without secrets and can be stored,
/// reviewed and applied later; if the domain has changed until then, [`apply`](super::Operator::apply) refuses it.
/// Its cost and its [`losses`](Self::losses) are worked out anew from its steps whenever it is read, whatever was stored;
/// what the zone's provider allows a day is as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Plan {
    pub(super) domain: DomainName,
    pub(super) goal: Goal,
    pub(super) steps: Vec<Step>,
    #[serde(skip_serializing_if = "Claims::is_empty")]
    pub(super) claims: Claims,
    pub(super) cost: Cost,
    pub(super) losses: Vec<String>,
}

impl Plan {
    pub(super) fn new(
        domain: DomainName,
        goal: Goal,
        mut steps: Vec<Step>,
        claims: Claims,
        budget: Option<DnsBudget>,
    ) -> Self {
        steps.sort_by_key(Step::phase);
        let cost = Cost::of(&steps, budget);
        let losses = match &goal {
            Goal::Undo { steps, .. } => undo::inverse(&domain, steps).1,
            Goal::Spec { .. } | Goal::Offboard { .. } => Vec::new(),
        };
        Self { domain, goal, steps, claims, cost, losses }
    }

    /// Returns the domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Returns the steps in the order in which they are done; those that don't depend on each other are done at once.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns what it costs.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Returns what this plan can't bring back or takes away for good, one sentence each: of an
    /// [inverse](Self::inverse) also what stays behind.
    pub fn losses(&self) -> &[String] {
        &self.losses
    }

    /// Names the plan by its content (SHA-256, 128 bits of it in hex): two plans with the same steps for the same goal
    /// have the same. Whoever approves a plan can so tell later whether it is still that one.
    pub fn fingerprint(&self) -> String {
        fingerprint(&encode(&(&self.domain, &self.goal, &self.steps)))
    }

    /// Returns the plan that undoes this one once it is applied: each step backwards, in the opposite order.
    ///
    /// Mail that a step removed does not come back, and a signing key that was made stays:
    /// [`losses`](Self::losses) of the inverse names each of these. What was an earlier plan's own is so again, and a later
    /// plan may remove it.
    pub fn inverse(&self) -> Self {
        let (steps, _) = undo::inverse(&self.domain, &self.steps);
        let goal = Goal::Undo { steps: self.steps.clone(), claims: self.claims.clone() };
        let claims = self.claims.after(&self.steps);
        Self::new(self.domain.clone(), goal, steps, claims, self.cost.dns_budget)
    }
}

/// Shows the domain, the cost, one line for each step and what is lost.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.steps.len() {
            0 => write!(f, "{}: nothing to do", self.domain)?,
            1 => write!(f, "{}: 1 step, {}", self.domain, self.cost)?,
            count => write!(f, "{}: {count} steps, {}", self.domain, self.cost)?,
        }
        for step in &self.steps {
            write!(f, "\n{step}")?;
        }
        for loss in &self.losses {
            write!(f, "\n! {loss}")?;
        }
        Ok(())
    }
}

/// What a plan was made for. With it the steps can be found anew, when a part of them has been done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "goal", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Goal {
    Spec {
        spec: Box<DomainSpec>,
    },
    Offboard {
        addresses: Vec<Address>,
    },
    Undo {
        steps: Vec<Step>,
        #[serde(default, skip_serializing_if = "Claims::is_empty")]
        claims: Claims,
    },
}

/// A plan as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    domain: DomainName,
    goal: Goal,
    steps: Vec<Step>,
    #[serde(default)]
    claims: Claims,
    cost: Cost,
    #[serde(rename = "losses")]
    _losses: Vec<String>,
}

impl From<Stored> for Plan {
    fn from(stored: Stored) -> Self {
        let Stored { domain, goal, steps, claims, cost, .. } = stored;
        Self::new(domain, goal, steps, claims, cost.dns_budget)
    }
}
