use std::fmt;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Serialize};

use super::seen::Seen;
use super::{Step, StepKind};
use crate::DomainSpec;

/// What of a domain is not as its specification says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Drift {
    /// The domain.
    pub domain: DomainName,
    /// What differs. Each is a step that would repair it.
    pub differences: Vec<Step>,
    /// The mailboxes, aliases and alias domains that are there and that the specification doesn't name, in words.
    pub beside: Vec<String>,
}

impl Drift {
    pub(super) fn new(spec: &DomainSpec, seen: &Seen, differences: Vec<Step>) -> Self {
        let served = seen.served();
        let agents: Vec<_> = spec.agents.iter().filter_map(|id| seen.agents.get(id)).collect();
        let named = |address: &Address| {
            spec.mailboxes.iter().any(|one| one.address == *address)
                || agents.iter().any(|agent| agent.address == *address)
        };
        let mailboxes = served.mailboxes.iter().map(|one| &one.address).filter(|one| !named(one));
        let aliases = served.aliases.iter().map(|one| &one.address);
        let aliases = aliases.filter(|address| !spec.aliases.iter().any(|one| one.address == **address));
        let others = served.alias_domains.iter().filter(|name| !spec.alias_domains.contains(name));
        let beside = mailboxes.map(|address| format!("mailbox {address}"));
        let beside = beside.chain(aliases.map(|address| format!("alias {address}")));
        let beside = beside.chain(others.map(|name| format!("alias domain {name}"))).collect();
        Self { domain: spec.domain.clone(), differences, beside }
    }

    /// Returns whether all is as the specification says; what is there beside it is no difference.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Shows one line for each difference: what is missing, differs or is left over.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.differences.len() {
            0 => write!(f, "{}: as specified", self.domain)?,
            1 => write!(f, "{}: 1 difference", self.domain)?,
            count => write!(f, "{}: {count} differences", self.domain)?,
        }
        for step in &self.differences {
            let word = match step.kind() {
                StepKind::Add => "missing",
                StepKind::Change => "differs",
                StepKind::Remove => "left over",
            };
            let line = step.to_string();
            write!(f, "\n{word}: {}", line.get(2..).unwrap_or_default())?;
        }
        for thing in &self.beside {
            write!(f, "\nbeside: {thing}")?;
        }
        Ok(())
    }
}
