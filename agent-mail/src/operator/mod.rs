//! The operator's half: what a domain is wanted to be becomes a plan, and a plan is applied.

mod apply;
mod builder;
mod cost;
mod crew;
mod drift;
mod goal;
mod ledger;
mod plan;
mod seen;
mod step;
mod switch_off;
mod undo;
mod words;
mod zone;

use std::fmt;
use std::sync::Arc;

use mail_access::{Address, DomainName};
use secrecy::SecretString;

pub use apply::{Applied, Progress};
pub use builder::OperatorBuilder;
pub use cost::Cost;
pub use drift::Drift;
pub use plan::Plan;
pub use step::{Step, StepKind};

use crate::backend::{DnsProvider, MailAdmin, MailChange, SecretStore, StateStore};
use crate::journal::AgentRecord;
use crate::spec::Relay;
use crate::{AgentMail, DomainSpec, Error, ErrorKind, Way};
use builder::RelayPassword;
use ledger::Ledger;
use plan::Goal;
use seen::{Seen, SeenAgent};

/// Brings mail domains into the state that a [`DomainSpec`] describes, and keeps them there: over a mail system, the
/// zones of its domains, and the stores of secrets and state.
///
/// Cheap to clone; the clones are one operator.
#[derive(Clone)]
pub struct Operator(Arc<Inner>);

struct Inner {
    admin: Arc<dyn MailAdmin>,
    zones: Vec<(Arc<dyn DnsProvider>, DomainName)>,
    secrets: Arc<dyn SecretStore>,
    state: Arc<dyn StateStore>,
    agents: Option<AgentMail>,
    relays: Vec<RelayPassword>,
    at_once: usize,
}

impl Operator {
    /// Begins an operator over a mail system.
    pub fn builder(admin: Arc<dyn MailAdmin>) -> OperatorBuilder {
        OperatorBuilder::new(admin)
    }

    /// Finds what has to be done so that a domain is as specified. It reads only.
    ///
    /// Right after the plan was applied, the next one is empty. What an interrupted apply has left is part of it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a specification that contradicts itself
    /// ([`DomainSpec::check`]), lies in none of the zones, names agents that aren't this operator's, or a relay whose
    /// password is not known: nothing was sent; [`AlreadyExists`](ErrorKind::AlreadyExists) if others have something in
    /// the place of what is wanted; else what the backends say.
    pub async fn plan(&self, spec: &DomainSpec) -> Result<Plan, Error> {
        let goal = self.goal(spec)?;
        let seen = self.look(&spec.domain, &goal).await?;
        self.plan_for(&spec.domain, goal, &seen)
    }

    /// Finds what has to be done to remove addresses: mailboxes that a plan made, with their mail and their passwords,
    /// agents, aliases, and what leads to them. It reads only. An address that is not there needs nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for an address outside the domain;
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) for a mailbox that no plan made; else what the backends say.
    pub async fn plan_offboard(&self, domain: &DomainName, addresses: &[Address]) -> Result<Plan, Error> {
        if let Some(other) = addresses.iter().find(|address| address.domain() != domain) {
            return Err(Error::new(ErrorKind::InvalidInput, "plan offboarding", other)
                .with_detail(format!("it has to be an address of {domain}")));
        }
        let mut addresses = addresses.to_vec();
        addresses.sort();
        addresses.dedup();
        let goal = Goal::Offboard { addresses };
        let seen = self.look(domain, &goal).await?;
        self.plan_for(domain, goal, &seen)
    }

    /// Finds what of a domain is not as specified. It reads only.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn drift(&self, spec: &DomainSpec) -> Result<Drift, Error> {
        let goal = self.goal(spec)?;
        let seen = self.look(&spec.domain, &goal).await?;
        let plan = self.plan_for(&spec.domain, goal, &seen)?;
        Ok(Drift::new(spec, &seen, plan.steps))
    }

    fn goal(&self, spec: &DomainSpec) -> Result<Goal, Error> {
        spec.check()?;
        let invalid =
            |detail: String| Error::new(ErrorKind::InvalidInput, "plan", &spec.domain).with_detail(detail);
        if !self.0.zones.is_empty() && self.zone_of(&spec.domain).is_none() {
            let zones: Vec<String> = self.0.zones.iter().map(|(_, zone)| zone.to_string()).collect();
            return Err(invalid(format!("it lies in none of the zones: {}", zones.join(", "))));
        }
        match &self.0.agents {
            None if !spec.agents.is_empty() => {
                return Err(invalid("it has agents, and no AgentMail was given".to_owned())
                    .with_fix("call agents on the builder"));
            }
            Some(agents) if !spec.agents.is_empty() && *agents.domain() != spec.domain => {
                return Err(invalid(format!("its agents would live in {}", agents.domain())));
            }
            _ => {}
        }
        Ok(Goal::Spec { spec: Box::new(spec.clone()) })
    }

    /// Reads all that a plan for the goal depends on.
    async fn look(&self, domain: &DomainName, goal: &Goal) -> Result<Seen, Error> {
        let zone = async {
            match (self.zone_of(domain), goal) {
                (None, _) | (_, Goal::Offboard { .. }) => Ok(None),
                (Some((provider, name)), _) => provider.zone(name).await.map(Some),
            }
        };
        let ledger = Ledger::load(&self.0.state, domain);
        let (served, zone, ledger) = tokio::try_join!(self.0.admin.survey(domain), zone, ledger)?;
        let mut seen = Seen::new(served, ledger);
        seen.zone = zone;
        if let Some(agents) = self.0.agents.as_ref().filter(|agents| agents.domain() == domain) {
            seen.has_agents = true;
            for record in agents.records().await? {
                let AgentRecord { id, address, phase, way, .. } = record;
                seen.agents.insert(id, SeenAgent { address, phase: Some(phase), way });
            }
            if let Goal::Spec { spec } = goal {
                for id in &spec.agents {
                    let address = agents.address_of(id)?;
                    seen.agents.entry(id.clone()).or_insert(SeenAgent {
                        address,
                        phase: None,
                        way: Way::Mailbox,
                    });
                }
            }
        }
        if let Goal::Offboard { addresses } = goal {
            for address in addresses {
                if self.0.secrets.get(address).await?.is_some() {
                    seen.secrets.insert(address.clone());
                }
            }
        }
        Ok(seen)
    }

    fn plan_for(&self, domain: &DomainName, goal: Goal, seen: &Seen) -> Result<Plan, Error> {
        let zone = self.zone_of(domain).map(|(_, name)| name);
        let (steps, records) = goal.steps(zone, seen, false)?;
        for step in &steps {
            if let Step::Mail { change, .. } = step
                && let MailChange::SetRelay { relay: Some(relay), .. } = &**change
            {
                self.relay_password(relay)?;
            }
        }
        let claims = seen.ledger.claims(&steps, &records.wanted);
        let budget = seen.zone.as_ref().and_then(|zone| zone.budget);
        Ok(Plan::new(domain.clone(), goal, steps, claims, budget))
    }

    fn zone_of(&self, domain: &DomainName) -> Option<&(Arc<dyn DnsProvider>, DomainName)> {
        let zones = self.0.zones.iter().filter(|(_, zone)| domain.is_within(zone));
        zones.max_by_key(|(_, zone)| zone.as_str().len())
    }

    fn relay_password(&self, relay: &Relay) -> Result<&SecretString, Error> {
        let known = self.0.relays.iter().find(|known| known.user == relay.user && known.host == relay.host);
        known.map(|known| &known.password).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "plan", format!("relay {}", relay.host))
                .with_detail(format!("the password of {:?} is not known", relay.user))
                .with_fix("call relay_password on the builder")
        })
    }

    fn assemble(builder: OperatorBuilder) -> Self {
        let OperatorBuilder { admin, zones, secrets, state, agents, relays, at_once } = builder;
        Self(Arc::new(Inner { admin, zones, secrets, state, agents, relays, at_once }))
    }
}

/// Shows the zones.
impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zones: Vec<_> = self.0.zones.iter().map(|(_, zone)| zone).collect();
        f.debug_struct("Operator").field("zones", &zones).finish_non_exhaustive()
    }
}
