use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mail_access::{Address, DomainName};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::plan::Goal;
use super::seen::Seen;
use super::step::Phase;
use super::zone::{self, Records};
use super::{Operator, Plan, Step, crew, undo};
use crate::backend::MailChange;
use crate::journal::Phase as AgentPhase;
use crate::locks::Locks;
use crate::{AgentId, Error, ErrorKind, password};

impl Operator {
    /// Does what a plan says.
    ///
    /// It looks first whether the plan still holds: whether planning now would give the same steps. Then it notes the
    /// plan in the state store and does the steps, phase by phase, several at once within a phase. After the first
    /// failure no step is begun any more. The new mailbox's password is stored before the mailbox is made, and a mailbox
    /// goes before its password.
    ///
    /// Safe to repeat: an apply that failed, was dropped or died with the program is finished by the next call with the
    /// same plan, by [`resume`](Self::resume), or by a new plan. An empty plan costs nothing. What others changed in between
    /// is not overwritten: then the rest of the plan is refused, and a new one is needed. A secret that was there before
    /// the plan is used, and goes only with the mailbox that it opens.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if the domain has changed since the plan was made, and
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the plan itself has, where it was stored: nothing was done; else what
    /// the backends say: a part of it may have been done.
    pub async fn apply(&self, plan: &Plan) -> Result<Applied, Error> {
        self.apply_with(plan, |_| {}).await
    }

    /// Does what [`apply`](Self::apply) does, and reports each step that is done.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn apply_with(
        &self,
        plan: &Plan,
        progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Applied, Error> {
        let _alone = Locks::of(&self.0.state, &plan.domain).acquire("operator").await;
        let ledger = Ledger::load(&self.0.state, &plan.domain).await?;
        if plan.is_empty() && ledger.applying.is_none() {
            return Ok(Applied { domain: plan.domain.clone(), steps: Vec::new() });
        }
        self.carry_out(plan, progress).await
    }

    /// Finishes an apply that was interrupted; `None` if there is none. One that is refused as
    /// [`Stale`](ErrorKind::Stale) is not resumed again: the next plan finds what it left.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn resume(&self, domain: &DomainName) -> Result<Option<Applied>, Error> {
        let _alone = Locks::of(&self.0.state, domain).acquire("operator").await;
        let ledger = Ledger::load(&self.0.state, domain).await?;
        let Some(plan) = &ledger.applying else { return Ok(None) };
        let done = self.carry_out(plan, |_| {}).await;
        if done.as_ref().is_err_and(|error| error.kind() == ErrorKind::Stale) {
            let given_up = Ledger { applying: None, ..ledger.clone() };
            ledger.replace(&self.0.state, domain, &given_up).await?;
        }
        done.map(Some)
    }

    async fn carry_out(
        &self,
        plan: &Plan,
        mut progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Applied, Error> {
        let domain = &plan.domain;
        self.check(plan)?;
        let seen = self.look(domain, &plan.goal).await?;
        let resuming = seen.ledger.applying.as_ref() == Some(plan);
        let zone_name = self.zone_of(domain).map(|(_, name)| name);
        let (mut steps, records) = plan.goal.steps(zone_name, &seen, resuming)?;
        still_holds(plan, &steps, &seen, resuming)?;
        let makes_mailboxes = steps.iter().any(|step| step.adds_mailbox().is_some());
        let length = if makes_mailboxes { self.0.admin.password_rules().await?.length } else { 0 };
        let kept = self.kept_secrets(&steps, &seen).await?;
        let begun = seen.ledger.begun(plan, &steps, &records.wanted, &kept);
        seen.ledger.replace(&self.0.state, domain, &begun).await?;

        let total = steps.len();
        let mut done = 0;
        let mut report = |step: &Step| {
            done += 1;
            progress(Progress { step, done, total });
        };
        let mut wanted = records.wanted;
        for phase in Phase::ALL {
            let of_phase: Vec<&Step> = steps.iter().filter(|step| step.phase() == phase).collect();
            if phase != Phase::Records {
                let seen = &seen;
                let work = of_phase.into_iter().map(|step| async move {
                    self.carry_out_step(domain, step, seen, length).await.map(|()| step)
                });
                crew::run(work, self.0.at_once, &mut report).await?;
            } else if !of_phase.is_empty() {
                let mut of_phase: Vec<Step> = of_phase.into_iter().cloned().collect();
                if let Some(known) = self.with_key(plan, &of_phase, &seen).await? {
                    of_phase = known.1;
                    wanted = known.0;
                }
                self.write_records(domain, &of_phase).await?;
                steps.iter().filter(|step| step.phase() == phase).for_each(&mut report);
                steps.retain(|step| step.phase() != phase);
                steps.extend(of_phase);
            }
        }
        steps.sort_by_key(Step::phase);
        begun.replace(&self.0.state, domain, &begun.finished(&steps, &seen, &plan.goal, wanted)).await?;
        tracing::info!(%domain, steps = steps.len(), "plan applied");
        Ok(Applied { domain: domain.clone(), steps })
    }

    /// Returns which of the mailboxes that are made have a secret that no plan made.
    async fn kept_secrets(&self, steps: &[Step], seen: &Seen) -> Result<BTreeSet<Address>, Error> {
        let made = steps.iter().filter_map(Step::adds_mailbox);
        let looks = made.filter(|address| !seen.ledger.adding.contains(*address)).map(|address| async move {
            self.0.secrets.get(address).await.map(|found| found.map(|_| address.clone()))
        });
        let mut kept = BTreeSet::new();
        crew::run(looks, self.0.at_once, |found| kept.extend(found)).await?;
        Ok(kept)
    }

    /// A plan that was stored may come back otherwise than it was made: then it does not say what it would do.
    fn check(&self, plan: &Plan) -> Result<(), Error> {
        let is_of_agent = |step: &Step| matches!(step, Step::Provision { .. } | Step::Retire { .. });
        if self.0.agents.is_none() && plan.steps.iter().any(is_of_agent) {
            return Err(Error::new(ErrorKind::InvalidInput, "apply plan", &plan.domain)
                .with_detail("it has agents, and no AgentMail was given")
                .with_fix("call agents on the builder"));
        }
        let is_sound = match &plan.goal {
            Goal::Spec { spec } => {
                let _same = self.goal(spec)?;
                spec.domain == plan.domain
            }
            Goal::Offboard { addresses } => addresses.iter().all(|one| *one.domain() == plan.domain),
            Goal::Undo { steps, .. } => {
                let (mut steps, _) = undo::inverse(&plan.domain, steps);
                steps.sort_by_key(Step::phase);
                steps == plan.steps
            }
        };
        if is_sound {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidInput, "apply plan", &plan.domain)
            .with_detail("its steps are not those of its goal: it was changed after it was made")
            .with_fix("plan anew and apply that"))
    }

    async fn carry_out_step(
        &self,
        domain: &DomainName,
        step: &Step,
        seen: &Seen,
        length: usize,
    ) -> Result<(), Error> {
        match step {
            Step::ForgetSecret { address } => self.0.secrets.remove(address).await,
            Step::Provision { agent, .. } => self.provision(agent, seen).await,
            Step::Retire { agent, .. } => match &self.0.agents {
                Some(agents) => agents.retire(agent).await,
                None => Ok(()),
            },
            Step::Record { .. } | Step::KeyRecord { .. } => Ok(()),
            Step::Mail { change, .. } => match &**change {
                MailChange::AddMailbox { mailbox } => {
                    self.add_mailbox(domain, change, &mailbox.address, length).await
                }
                MailChange::RemoveMailbox { address } => {
                    self.0.admin.change(domain, change, None).await?;
                    self.0.secrets.remove(address).await
                }
                MailChange::SetRelay { relay: Some(relay), .. } => {
                    self.0.admin.change(domain, change, Some(self.relay_password(relay)?)).await
                }
                _ => self.0.admin.change(domain, change, None).await,
            },
        }
    }

    /// The password is stored before the mailbox gets it: a crash in between loses nothing.
    async fn add_mailbox(
        &self,
        domain: &DomainName,
        change: &MailChange,
        address: &Address,
        length: usize,
    ) -> Result<(), Error> {
        let stored = self.0.secrets.get(address).await?;
        let is_new = stored.is_none();
        let mut secret = stored.unwrap_or_else(|| password::generate_of(length));
        if is_new {
            self.0.secrets.put(address, &secret).await?;
        }
        let mut made = self.0.admin.change(domain, change, Some(&secret)).await;
        // Another process that finishes the same plan may have stored another one: the stored one counts.
        while made.is_ok()
            && let Some(stored) = self.0.secrets.get(address).await?
            && stored.expose_secret() != secret.expose_secret()
        {
            made = self.0.admin.change(domain, change, Some(&stored)).await;
            secret = stored;
        }
        if is_new && made.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            // It belongs to somebody else: nothing of ours is there, so nothing is left behind.
            self.0.secrets.remove(address).await?;
        }
        made
    }

    async fn provision(&self, agent: &AgentId, seen: &Seen) -> Result<(), Error> {
        let Some(agents) = &self.0.agents else { return Ok(()) };
        let phase = seen.agents.get(agent).and_then(|agent| agent.phase);
        if phase == Some(AgentPhase::Active) {
            return agents.restore(agent).await;
        }
        agents.provision(agent).await.map(drop)
    }

    /// Returns the wanted records and the steps that write them, where they had to wait for the key.
    async fn with_key(
        &self,
        plan: &Plan,
        steps: &[Step],
        seen: &Seen,
    ) -> Result<Option<(Vec<crate::backend::RrSet>, Vec<Step>)>, Error> {
        let waits = steps.iter().any(|step| matches!(step, Step::KeyRecord { .. }));
        let (Goal::Spec { spec }, Some((_, name)), Some(zone)) =
            (&plan.goal, self.zone_of(&plan.domain), &seen.zone)
        else {
            return Ok(None);
        };
        if !waits {
            return Ok(None);
        }
        let key = self.0.admin.survey(&plan.domain).await?.and_then(|served| served.dkim);
        let key = key.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "apply plan", &plan.domain)
                .with_detail("the mail system has no DKIM key for it, though one was made")
        })?;
        let records =
            Records::of(&zone::published(spec, seen), Some(&key), name, zone, &seen.ledger.records)?;
        let steps = records.steps(zone).collect();
        Ok(Some((records.wanted, steps)))
    }

    async fn write_records(&self, domain: &DomainName, steps: &[Step]) -> Result<(), Error> {
        let Some((provider, name)) = self.zone_of(domain) else {
            return Err(Error::new(ErrorKind::InvalidInput, "apply plan", domain)
                .with_detail("the plan has records, and no zone of the domain was given"));
        };
        provider.replace(name, &zone::writes(steps)).await
    }
}

/// Refuses a plan that is not what would be planned now. Of one whose apply was interrupted a part may be left, and what it
/// is about has to be as before, done, or half done.
fn still_holds(plan: &Plan, now: &[Step], seen: &Seen, resuming: bool) -> Result<(), Error> {
    let stale = |subject: String, detail: &str| {
        Err(Error::new(ErrorKind::Stale, "apply plan", subject).with_detail(detail))
    };
    if now.is_empty() || matches!(plan.goal, Goal::Undo { .. }) {
        return Ok(());
    }
    if resuming {
        let planned: BTreeMap<String, &Step> = plan.steps.iter().map(|step| (step.subject(), step)).collect();
        let is_left =
            |step: &&Step| planned.get(&step.subject()).is_some_and(|planned| seen.is_as_left(planned, step));
        let mut left = now.iter().filter(|step| !matches!(step, Step::ForgetSecret { .. }));
        return match left.find(|step| !is_left(step)) {
            Some(step) => stale(step.subject(), "it has changed while the apply was interrupted"),
            None => Ok(()),
        };
    }
    if plan.steps == now {
        return Ok(());
    }
    if let Some(step) = now.iter().find(|step| !plan.steps.contains(step)) {
        return stale(step.subject(), "it has changed since the plan was made");
    }
    match plan.steps.iter().find(|step| !now.contains(step)) {
        Some(step) => stale(step.subject(), "it has changed since the plan was made"),
        None => Ok(()),
    }
}

/// What was done in one run of [`Operator::apply`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Applied {
    /// The domain.
    pub domain: DomainName,
    /// The steps that were done. What an interrupted run did before is not among them.
    pub steps: Vec<Step>,
}

/// Shows one line for each step.
impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.steps.len() {
            0 => write!(f, "{}: nothing was to be done", self.domain)?,
            1 => write!(f, "{}: 1 step done", self.domain)?,
            count => write!(f, "{}: {count} steps done", self.domain)?,
        }
        self.steps.iter().try_for_each(|step| write!(f, "\n{step}"))
    }
}

/// A step that was done, for a progress bar.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The step.
    pub step: &'a Step,
    /// How many are done, this one included.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}
