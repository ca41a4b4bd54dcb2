use std::fmt;

use mail_access::Address;
use serde::{Deserialize, Serialize};

use super::MailList;
use crate::operator::{Applied, Operator, Plan, Progress, Step};
use crate::{DomainSpec, Error, ErrorKind};

/// Brings lists of mailboxes into being, by plan, and takes single mailboxes back.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::sync::Arc;
/// use agent_mail::mail_list::{MailList, Roster};
/// use agent_mail::{DomainSpec, Embedded, Operator};
///
/// let world = Arc::new(Embedded::new("shops.example".parse()?));
/// let operator = Operator::builder(world.clone()).dns(world, "shops.example".parse()?).build()?;
/// let template = DomainSpec::new("shops.example".parse()?, "mail.shops.example".parse()?);
/// let roster = Roster::new(operator, template)?;
/// let list: MailList = "domains: [{name: blue.shops.example, users: [ada, bob]}]".parse()?;
///
/// let plan = roster.plan(&list).await?; // reads only
/// assert_eq!(plan.users_added(), 2);
/// roster.apply(&plan).await?;
/// assert!(roster.plan(&list).await?.is_empty());
///
/// let gone = roster.offboard(&"bob@blue.shops.example".parse()?).await?; // the mailbox, its mail and its password
/// assert_eq!(gone.steps.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Roster {
    operator: Operator,
    template: DomainSpec,
}

impl Roster {
    /// Makes a roster whose domains all are as `template` says, but for their names and mailboxes.
    ///
    /// A mailbox that a list does not name any more stays: removing is for [`offboard`](Self::offboard), by name.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the template contradicts itself, names anybody, or removes what it
    /// doesn't name.
    pub fn new(operator: Operator, template: DomainSpec) -> Result<Self, Error> {
        template.check()?;
        let DomainSpec { agents, mailboxes, aliases, forwards, catch_all, alias_domains, prune, .. } =
            &template;
        let named = mailboxes.len() + aliases.len() + forwards.len() + catch_all.len() + alias_domains.len();
        if named + agents.len() > 0 || *prune {
            return Err(Error::new(ErrorKind::InvalidInput, "build", "roster").with_detail(
                "a template for all domains may name no agents, mailboxes, aliases, forwards and other domains, \
                 and remove none",
            ));
        }
        Ok(Self { operator, template })
    }

    /// Finds what has to be done so that all is as the list says. It reads only: the list has been checked as a whole,
    /// and here all of its domains are before the first is changed.
    ///
    /// # Errors
    /// As [`Operator::plan`], of the first domain that can't be planned.
    pub async fn plan(&self, list: &MailList) -> Result<RosterPlan, Error> {
        let mut plans = Vec::with_capacity(list.domains().len());
        for domain in list.domains() {
            plans.push(self.operator.plan(&domain.spec(&self.template)).await?);
        }
        Ok(RosterPlan { plans })
    }

    /// Does what a plan says, one domain after the other. Passwords are random, fulfil the mail system's rules, are
    /// stored before their mailboxes are made, and have to be changed at the first login to the web interface.
    ///
    /// Safe to repeat: what failed, was dropped or died with the program is finished by the next plan.
    ///
    /// # Errors
    /// As [`Operator::apply`], of the first domain that failed; those before it are done.
    pub async fn apply(&self, plan: &RosterPlan) -> Result<Vec<Applied>, Error> {
        self.apply_with(plan, |_| {}).await
    }

    /// Does what [`apply`](Self::apply) does, and reports each step that is done, counted over all domains.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn apply_with(
        &self,
        plan: &RosterPlan,
        mut progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Vec<Applied>, Error> {
        let total = plan.steps().count();
        let mut before = 0;
        let mut applied = Vec::with_capacity(plan.plans.len());
        for plan in &plan.plans {
            let report = |one: Progress<'_>| progress(Progress { done: before + one.done, total, ..one });
            applied.push(self.operator.apply_with(plan, report).await?);
            before += plan.steps().len();
        }
        Ok(applied)
    }

    /// Removes a mailbox that a plan made, its mail and its password, and what leads to it.
    ///
    /// Safe to repeat: the mailbox goes first, and a password that was left behind by a crash goes with the next call.
    ///
    /// # Errors
    /// As [`Operator::plan_offboard`] and [`Operator::apply`].
    pub async fn offboard(&self, address: &Address) -> Result<Applied, Error> {
        let plan = self.operator.plan_offboard(address.domain(), std::slice::from_ref(address)).await?;
        self.operator.apply(&plan).await
    }
}

/// What has to be done to the domains of a list; nothing of it has been done.
///
/// `Display` is the dry run. It is plain data without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RosterPlan {
    plans: Vec<Plan>,
}

impl RosterPlan {
    /// Returns the plans of the domains, in the order of the list.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Returns the steps of all domains.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.plans.iter().flat_map(Plan::steps)
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.plans.iter().all(Plan::is_empty)
    }

    /// Returns how many mailboxes are made.
    pub fn users_added(&self) -> usize {
        self.plans.iter().flat_map(Plan::steps).filter(|step| step.adds_mailbox().is_some()).count()
    }
}

/// Shows the plan of each domain.
impl fmt::Display for RosterPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, plan) in self.plans.iter().enumerate() {
            let gap = if n == 0 { "" } else { "\n" };
            write!(f, "{gap}{plan}")?;
        }
        Ok(())
    }
}
