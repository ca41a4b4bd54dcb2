//! The rules by which the agents of a system send and receive.

use std::fmt;
use std::sync::Arc;

use mail_access::DomainName;

use super::OutboundCheck;
use super::auto_reply::AutoReplies;
use super::budget::{Budget, Ramp};
use super::filters::{MaxBytes, MaxRecipients};
use super::lists::{Direction, Lists, Party};
use super::redaction::Redaction;
use super::spending::Layer;
use crate::{AgentId, DomainSpec, Error, ErrorKind};

/// The rules by which the agents of a system send and receive.
///
/// A message that an agent wants to send passes, in this order: the lists, the suppressed addresses, the filters in the
/// order in which they were added, the redaction; then the [checks](crate::AgentMailBuilder::outbound_check) of the
/// builder; and what one of those has changed passes the rules again. At the end it is counted: against the answers to one
/// correspondent and the budgets. A message under a key that was used before is not counted again.
///
/// It is counted in the change that writes it into the outbox, whether it waits there or is
/// [sent](crate::AgentMailbox::send) at once: what isn't written there for any reason takes nothing, and what is written
/// there stays counted, whatever becomes of it. What is [set for a later time](crate::Sending::with_time) is taken out of
/// the budgets when it is to go, and waits in the outbox until there is room.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::safety::{Budget, Direction, Policy, Redaction};
/// use agent_mail::{Embedded, ErrorKind, NewMessage};
///
/// let policy = Policy::new()
///     .allowing(Direction::Send, "agents.example".parse()?)
///     .with_agent_budget(Budget::per_hour(2))
///     .with_domain_budget(Budget::per_day(1_000))
///     .with_redaction(Redaction::new());
/// let mail = Embedded::new("agents.example".parse()?).system().policy(policy).build()?;
/// let ada = mail.provision(&"ada".parse()?).await?;
///
/// let outside = NewMessage::to("eve@outside.example".parse::<agent_mail::Address>()?);
/// assert_eq!(ada.send(outside).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
/// for _ in 0..2 {
///     ada.send(NewMessage::to(ada.address())).await?;
/// }
/// let third = ada.send(NewMessage::to(ada.address())).await.unwrap_err();
/// assert_eq!(third.kind(), ErrorKind::RateLimited);
/// assert!(third.retry_after().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Policy {
    pub(super) lists: Lists,
    pub(super) filters: Vec<Arc<dyn OutboundCheck>>,
    pub(super) redaction: Option<Redaction>,
    pub(super) auto_replies: Option<AutoReplies>,
    pub(super) ramp: Option<Ramp>,
    pub(super) answers_elsewhere: Vec<Party>,
    pub(super) answers_unverified: bool,
    budgets: [Vec<Budget>; 4],
    sites: Option<SiteOf>,
}

type SiteOf = Arc<dyn Fn(&AgentId) -> Option<String> + Send + Sync>;

impl Policy {
    /// Begins with the rule that every policy has: who bounced for good, complained or took themselves off gets no mail.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows a party in a direction. From then on only allowed ones are in this direction; of several rules about an
    /// address the narrowest counts, of two as narrow the one that blocks.
    ///
    /// Who wrote an inbound message is known only if the [own server](crate::AgentMailBuilder::trusted_server) vouches for
    /// it: with that set, only a verified author is allowed in.
    pub fn allowing(mut self, direction: Direction, party: Party) -> Self {
        self.lists.add(direction, true, party);
        self
    }

    /// Blocks a party in a direction. Inbound mail is blocked by what it says of itself, verified or not.
    pub fn blocking(mut self, direction: Direction, party: Party) -> Self {
        self.lists.add(direction, false, party);
        self
    }

    /// Limits each agent. Of several budgets all count.
    pub fn with_agent_budget(self, budget: Budget) -> Self {
        self.with_budget(Layer::Agent, budget)
    }

    /// Limits the agents of each [site](Self::with_sites) together. The first half of the budget goes to whoever asks; of
    /// the second half each agent gets only what keeps it within an equal share, where one share is left for somebody who
    /// hasn't sent yet: a storm of one agent takes half of it at most.
    pub fn with_site_budget(self, budget: Budget) -> Self {
        self.with_budget(Layer::Site, budget)
    }

    /// Limits the agents of the domain together, shared out as that of a [site](Self::with_site_budget).
    pub fn with_domain_budget(self, budget: Budget) -> Self {
        self.with_budget(Layer::Domain, budget)
    }

    /// Limits the agents of all domains that share the state store, shared out as that of a
    /// [site](Self::with_site_budget).
    pub fn with_fleet_budget(self, budget: Budget) -> Self {
        self.with_budget(Layer::Fleet, budget)
    }

    /// Says which site an agent belongs to, for the budget of sites; none unless set.
    pub fn with_sites(mut self, site: impl Fn(&AgentId) -> Option<String> + Send + Sync + 'static) -> Self {
        self.sites = Some(Arc::new(site));
        self
    }

    /// Limits the domain in its first days, beside its budgets and shared out as they are.
    pub fn with_ramp(mut self, ramp: Ramp) -> Self {
        self.ramp = Some(ramp);
        self
    }

    /// Keeps agents from answering each other and other machines without end; see [`AutoReplies`].
    pub fn with_auto_replies(mut self, rules: AutoReplies) -> Self {
        self.auto_replies = Some(rules);
        self
    }

    /// Adds a filter behind those that were added before.
    pub fn with_filter(mut self, filter: Arc<dyn OutboundCheck>) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds a filter that refuses messages of more bytes: their texts, files and names together, before encoding.
    pub fn with_max_bytes(self, bytes: usize) -> Self {
        self.with_filter(Arc::new(MaxBytes(bytes)))
    }

    /// Adds a filter that refuses messages to more recipients.
    pub fn with_max_recipients(self, recipients: usize) -> Self {
        self.with_filter(Arc::new(MaxRecipients(recipients)))
    }

    /// Looks for secrets in all that is sent, behind the filters: also for the agent's own password.
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Lets [`reply`](crate::AgentMailbox::reply) follow a Reply-To to this party, though it is of another domain than the
    /// author.
    pub fn allowing_reply_to(mut self, party: Party) -> Self {
        self.answers_elsewhere.push(party);
        self
    }

    /// Lets [`reply`](crate::AgentMailbox::reply) answer authors whom the
    /// [own server](crate::AgentMailBuilder::trusted_server) doesn't vouch for, at the address in From.
    pub fn answering_unverified(mut self) -> Self {
        self.answers_unverified = true;
        self
    }

    /// Returns the hourly limit on messages that a mail system may set on each agent's mailbox without stopping what the
    /// budgets allow; `None` without a budget for agents. New mailboxes get it, unless
    /// [`hourly_limit`](crate::AgentMailBuilder::hourly_limit) is set;
    /// [`mirror_limits`](crate::AgentMail::mirror_limits) sets it on those that are there.
    pub fn agent_hourly_limit(&self) -> Option<u32> {
        self.budgets_of(Layer::Agent).iter().map(|budget| budget.hourly()).min()
    }

    /// Returns the same for the domain.
    pub fn domain_hourly_limit(&self) -> Option<u32> {
        self.budgets_of(Layer::Domain).iter().map(|budget| budget.hourly()).min()
    }

    /// Writes the limits of this policy into what a domain is wanted to be, where it has none of its own, so that the
    /// [`Operator`](crate::Operator) sets them on the mail system.
    pub fn limit(&self, mut spec: DomainSpec) -> DomainSpec {
        spec.limits.hourly_limit = spec.limits.hourly_limit.or_else(|| self.domain_hourly_limit());
        spec
    }

    pub(super) fn budgets_of(&self, layer: Layer) -> &[Budget] {
        &self.budgets[layer as usize]
    }

    pub(super) fn has_no_budgets(&self) -> bool {
        self.ramp.is_none() && self.budgets.iter().all(Vec::is_empty)
    }

    pub(super) fn site_of(&self, agent: &AgentId) -> Option<String> {
        self.sites.as_ref()?(agent)
    }

    /// Finds what can't be meant.
    pub(crate) fn check(&self, domain: &DomainName) -> Result<(), Error> {
        let mut budgets = Layer::ALL.into_iter().flat_map(|layer| self.budgets_of(layer));
        let problem = budgets.find_map(|budget| budget.problem());
        let ramp = || self.ramp.as_ref().and_then(Ramp::problem);
        let answers = || self.auto_replies.as_ref().and_then(AutoReplies::problem);
        let site = || {
            let is_lost = !self.budgets_of(Layer::Site).is_empty() && self.sites.is_none();
            is_lost.then_some("a budget of sites needs with_sites, which says who belongs to which")
        };
        match problem.or_else(ramp).or_else(answers).or_else(site) {
            Some(problem) => Err(Error::new(ErrorKind::InvalidInput, "build", domain).with_detail(problem)),
            None => Ok(()),
        }
    }

    fn with_budget(mut self, layer: Layer, budget: Budget) -> Self {
        self.budgets[layer as usize].push(budget);
        self
    }
}

/// Shows the rules, without what the redaction looks for.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("budgets", &self.budgets)
            .field("ramp", &self.ramp)
            .field("auto_replies", &self.auto_replies)
            .field("filters", &self.filters)
            .field("redaction", &self.redaction)
            .finish_non_exhaustive()
    }
}
