use std::fmt;

use serde::{Deserialize, Serialize};

use super::Step;
use crate::backend::{DnsBudget, MailChange};

/// What a plan costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cost {
    /// About how many calls to the mail system its steps take, as Mailcow needs them. The look that comes before them is
    /// no part of it: nine or ten reads.
    pub mail_calls: usize,
    /// How many secrets are stored or removed.
    pub secrets: usize,
    /// How many writes to the zone: one or none.
    pub dns_writes: usize,
    /// How many the provider allows, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_budget: Option<DnsBudget>,
}

impl Cost {
    pub(super) fn of(steps: &[Step], dns_budget: Option<DnsBudget>) -> Self {
        let mut cost = Self { dns_budget, ..Self::default() };
        for step in steps {
            match step {
                Step::ForgetSecret { .. } => cost.secrets += 1,
                Step::Mail { change, .. } => {
                    cost.mail_calls += calls(change);
                    let has_secret =
                        matches!(**change, MailChange::AddMailbox { .. } | MailChange::RemoveMailbox { .. });
                    cost.secrets += usize::from(has_secret);
                }
                Step::Provision { .. } => {
                    cost.mail_calls += PROVISION;
                    cost.secrets += 1;
                }
                Step::Retire { .. } => {
                    cost.mail_calls += RETIRE;
                    cost.secrets += 1;
                }
                Step::Record { .. } | Step::KeyRecord { .. } => cost.dns_writes = 1,
            }
        }
        if steps.iter().any(|step| matches!(step, Step::KeyRecord { .. })) {
            cost.mail_calls += SURVEY;
        }
        cost
    }
}

/// Shows `3 Mailcow calls, 1 of 300 DNS writes today`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{} Mailcow call{}, ", self.mail_calls, plural(self.mail_calls))?;
        match self.dns_budget {
            Some(budget) => {
                write!(f, "{} of {} DNS writes today", self.dns_writes, budget.limit)?;
                if budget.used > 0 {
                    write!(f, " ({} used)", budget.used)?;
                }
            }
            None => write!(f, "{} DNS write{}", self.dns_writes, plural(self.dns_writes))?,
        }
        match self.secrets {
            0 => Ok(()),
            secrets => write!(f, ", {secrets} secret{}", plural(secrets)),
        }
    }
}

/// Returns what a change takes at Mailcow, as its adapter was counted: reads to look, writes, and reads that confirm.
fn calls(change: &MailChange) -> usize {
    match change {
        MailChange::RemoveForward { .. }
        | MailChange::RemoveAlias { .. }
        | MailChange::SetMailbox { .. }
        | MailChange::SetPassword { .. } => 2,
        MailChange::AddDomain { .. }
        | MailChange::RemoveMailbox { .. }
        | MailChange::RemoveAliasDomain { .. } => 3,
        MailChange::SetCatchAll { targets } if targets.is_empty() => 3,
        MailChange::AddMailbox { .. } | MailChange::SetDomain { .. } => 4,
        MailChange::AddDkim { .. }
        | MailChange::SetForward { .. }
        | MailChange::SetCatchAll { .. }
        | MailChange::SetSpamPolicy { .. } => 5,
        MailChange::SetAlias { .. } => 6,
        MailChange::RemoveDomain => 7,
        MailChange::AddAliasDomain { .. } | MailChange::SetRelay { relay: None, .. } => 8,
        MailChange::SetRelay { relay: Some(_), .. } => 13,
    }
}

/// Four reads and two writes.
const PROVISION: usize = 6;
const RETIRE: usize = 2;
/// The key is read once it is made.
const SURVEY: usize = 9;
