//! Takes what a message costs out of the budgets of its agent, site, domain and fleet, all at once or not at all.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use mail_access::NewMessage;
use serde::{Deserialize, Serialize};

use super::Policy;
use super::budget::{Budget, Usage};
use super::pairs::{Answer, Pairs};
use crate::backend::{Change, Committed};
use crate::journal::{Owner, StoredPolicy, fingerprint};
use crate::{AgentMailbox, Error, ErrorKind, observe};

/// What a message takes out of the budgets, and counts against its correspondents if it is an answer.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    recipients: u32,
    answer: Option<Answer>,
}

impl Cost {
    pub(super) fn of(policy: &Policy, message: &NewMessage) -> Self {
        let is_answer = policy.auto_replies.is_some() && message.in_reply_to().is_some();
        let answer = is_answer.then(|| Answer::of(message));
        Self { answer, ..Self::of_recipients(message.recipients().count()) }
    }

    /// Counts for the budgets only.
    pub(crate) fn of_recipients(count: usize) -> Self {
        Self { recipients: u32::try_from(count.max(1)).unwrap_or(u32::MAX), answer: None }
    }

    /// Leaves the budgets to be charged when the message goes.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if there will never be room in them.
    pub(crate) fn without_budgets(self, mailbox: &AgentMailbox) -> Result<Self, Error> {
        let policy = mailbox.inner().system.system().policy.as_ref();
        let is_too_large = |layer: &Layer| {
            let budgets = policy.map_or(&[][..], |policy| policy.budgets_of(*layer));
            budgets.iter().any(|budget| budget.recipients < self.recipients)
        };
        match Layer::ALL.into_iter().find(is_too_large) {
            Some(layer) => {
                Err(observe::stopped("budget", mailbox.id(), Refusal::Never(layer).into_error(mailbox)))
            }
            None => Ok(Self { recipients: 0, ..self }),
        }
    }

    fn is_free(&self, policy: &Policy) -> bool {
        self.answer.is_none() && (self.recipients == 0 || policy.has_no_budgets())
    }
}

/// Makes a change together with what its messages cost: the one is not without the other. `None` if the agent is not
/// there; a conflict is one of the change itself, which comes before a refusal.
///
/// # Errors
/// [`RateLimited`](ErrorKind::RateLimited) with the time until there may be room; as [`Pairs::take`]; nothing was changed,
/// taken or counted then.
pub(crate) async fn commit(
    mailbox: &AgentMailbox,
    costs: &[Cost],
    change: Change,
) -> Result<Option<Committed>, Error> {
    let (system, journal) = (mailbox.inner().system.system(), &mailbox.inner().journal);
    let policy = system.policy.as_ref().filter(|policy| costs.iter().any(|cost| !cost.is_free(policy)));
    let Some(policy) = policy else { return journal.commit_while_active(mailbox.id(), change).await };
    // In this process they take turns, so that a crowd doesn't repeat its work; between systems the store decides.
    let _alone = system.locks.acquire("policy/budget").await;
    let mut seen = None;
    loop {
        let Change { expectations, writes } = match charge(mailbox, policy, costs).await {
            Ok(charged) => charged,
            // Who was faster may have made this very change, and have paid for it.
            Err(refusal) => {
                let alone = Change { expectations: change.expectations, writes: Vec::new() };
                return match Box::pin(journal.commit_while_active(mailbox.id(), alone)).await? {
                    Some(Committed::Done) => Err(refusal),
                    changed => Ok(changed),
                };
            }
        };
        // What was charged before is as it was: something else has changed.
        if seen.as_ref() == Some(&expectations) {
            return Ok(Some(Committed::Conflict));
        }
        let mut all = change.clone();
        all.expectations.extend_from_slice(&expectations);
        all.writes.extend(writes);
        match journal.commit_while_active(mailbox.id(), all).await? {
            Some(Committed::Conflict) => seen = Some(expectations),
            done => return Ok(done),
        }
    }
}

/// Makes the change that takes messages out of all budgets, and counts answers against their correspondents.
async fn charge(mailbox: &AgentMailbox, policy: &Policy, costs: &[Cost]) -> Result<Change, Error> {
    let now = mailbox.inner().system.system().chance.now();
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX / 2);
    let mut pairs = Pairs::default();
    if let Some(rules) = &policy.auto_replies {
        for answer in costs.iter().filter_map(|cost| cost.answer.as_ref()) {
            let taken = pairs.take(mailbox, rules, answer, now).await;
            taken.map_err(|error| observe::stopped("auto_replies", mailbox.id(), error))?;
        }
    }
    let mut ledger = Ledger::open(mailbox, policy).await?;
    for cost in costs.iter().filter(|cost| cost.recipients > 0) {
        if let Err(refusal) = ledger.take(policy, now, cost.recipients) {
            return Err(observe::stopped("budget", mailbox.id(), refusal.into_error(mailbox)));
        }
    }
    Ok(ledger.close(pairs.close(Change::new())))
}

/// Who has a budget, from the narrow to the wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Agent,
    Site,
    Domain,
    Fleet,
}

impl Layer {
    pub(super) const ALL: [Self; 4] = [Self::Agent, Self::Site, Self::Domain, Self::Fleet];

    fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Site => "site",
            Self::Domain => "domain",
            Self::Fleet => "fleet",
        }
    }
}

/// The records that a message is taken out of.
struct Ledger {
    own: StoredPolicy<BTreeMap<String, Member>>,
    shared: Vec<(Layer, StoredPolicy<Common>)>,
}

/// What one agent used of a budget, and when it was last counted among those who use it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Member {
    used: Usage,
    counted: u64,
}

/// What all of a layer used.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Common {
    #[serde(default)]
    ramp_began: Option<u64>,
    budgets: BTreeMap<String, Share>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Share {
    used: Usage,
    /// How many agents began to use it, by the time when they were counted.
    members: Usage,
}

#[derive(Debug, PartialEq)]
enum Refusal {
    /// It would be the first to be over.
    Over(Layer, Duration),
    /// There is room, which is kept for those who used less.
    Fair(Layer, Duration),
    /// It has more recipients than may ever be written to at once.
    Never(Layer),
}

impl Ledger {
    async fn open(mailbox: &AgentMailbox, policy: &Policy) -> Result<Self, Error> {
        let journal = &mailbox.inner().journal;
        let own = journal.stored_policy(journal.policy_key(Owner::Agent(mailbox.id()), USED)).await?;
        let mut shared = Vec::new();
        for layer in [Layer::Site, Layer::Domain, Layer::Fleet] {
            let is_ramp = layer == Layer::Domain && policy.ramp.is_some();
            if policy.budgets_of(layer).is_empty() && !is_ramp {
                continue;
            }
            let key = match layer {
                Layer::Site => {
                    let Some(site) = policy.site_of(mailbox.id()) else { continue };
                    let site = fingerprint(site.as_bytes());
                    journal.policy_key(Owner::Domain, &format!("site/{site}/{USED}"))
                }
                Layer::Fleet => journal.policy_key(Owner::Fleet, USED),
                _ => journal.policy_key(Owner::Domain, USED),
            };
            shared.push((layer, journal.stored_policy(key).await?));
        }
        Ok(Self { own, shared })
    }

    /// Takes the count out of all budgets, the narrowest first; after a refusal the ledger is not to be closed.
    fn take(&mut self, policy: &Policy, now: u64, count: u32) -> Result<(), Refusal> {
        for budget in policy.budgets_of(Layer::Agent) {
            let member = self.own.value.entry(format!("agent/{}", budget.label())).or_default();
            member.used.look(*budget, now);
            fits(&member.used, *budget, now, count).map_err(|wait| refused(Layer::Agent, wait))?;
            member.used.add(*budget, now, count);
        }
        for (layer, stored) in &mut self.shared {
            let common = &mut stored.value;
            for budget in policy.budgets_of(*layer) {
                let label = budget.label();
                let member = self.own.value.entry(format!("{}/{label}", layer.name())).or_default();
                common.budgets.entry(label).or_default().take(member, *layer, *budget, now, count)?;
            }
            if let (Layer::Domain, Some(ramp)) = (&layer, &policy.ramp) {
                let began = *common.ramp_began.get_or_insert(now);
                if let Some(budget) = ramp.at(now, began) {
                    let member = self.own.value.entry("ramp".to_owned()).or_default();
                    let share = common.budgets.entry("ramp".to_owned()).or_default();
                    share.take(member, *layer, budget, now, count)?;
                }
            }
        }
        Ok(())
    }

    fn close(self, change: Change) -> Change {
        let change = self.own.save(change);
        self.shared.into_iter().fold(change, |change, (_, stored)| stored.save(change))
    }
}

impl Share {
    /// The first half of a shared budget goes to whoever asks. Of the second half an agent gets only what keeps it within
    /// an equal share of the whole, where one share is always left for somebody who hasn't asked yet.
    fn take(
        &mut self,
        member: &mut Member,
        layer: Layer,
        budget: Budget,
        now: u64,
        count: u32,
    ) -> Result<(), Refusal> {
        self.used.look(budget, now);
        self.members.look(budget, now);
        member.used.look(budget, now);
        fits(&self.used, budget, now, count).map_err(|wait| refused(layer, wait))?;
        let (limit, count_now) = (u64::from(budget.recipients), u64::from(count));
        let window = u64::try_from(budget.window.as_millis()).unwrap_or(u64::MAX / 2);
        member.counted = member.counted.min(now);
        let is_new = member.counted == 0 || member.counted.saturating_add(window) <= now;
        let fair = limit / (self.members.used() + u64::from(is_new) + 1);
        let own = member.used.used();
        if own > 0 && self.used.used() + count_now > limit / 2 && own + count_now > fair {
            let by_own = member.used.until(budget, now, fair.saturating_sub(count_now));
            let by_all = self.used.until(budget, now, (limit / 2).saturating_sub(count_now));
            return Err(Refusal::Fair(layer, by_own.min(by_all)));
        }
        if is_new {
            self.members.add(budget, now, 1);
            member.counted = now;
        }
        self.used.add(budget, now, count);
        member.used.add(budget, now, count);
        Ok(())
    }
}

/// Says after which time there is room, or with `None` that there never is.
fn fits(used: &Usage, budget: Budget, now: u64, count: u32) -> Result<(), Option<Duration>> {
    if used.used() + u64::from(count) <= u64::from(budget.recipients) {
        return Ok(());
    }
    let room = budget.recipients.checked_sub(count);
    Err(room.map(|room| used.until(budget, now, room.into())))
}

fn refused(layer: Layer, wait: Option<Duration>) -> Refusal {
    wait.map_or(Refusal::Never(layer), |wait| Refusal::Over(layer, wait))
}

impl Refusal {
    fn into_error(self, mailbox: &AgentMailbox) -> Error {
        let error = |kind| Error::new(kind, "send", mailbox.id());
        match self {
            Self::Never(layer) => error(ErrorKind::PermissionDenied)
                .with_detail(format!(
                    "it has more recipients than the budget of the {} allows at once",
                    layer.name()
                ))
                .with_fix("write to fewer recipients at once"),
            Self::Over(layer, wait) => error(ErrorKind::RateLimited)
                .with_detail(format!("the budget of the {} is used up", layer.name()))
                .with_retry_after(Some(wait)),
            Self::Fair(layer, wait) => error(ErrorKind::RateLimited)
                .with_detail(format!(
                    "this agent has used its share of the budget of the {}; the rest is kept for others",
                    layer.name()
                ))
                .with_retry_after(Some(wait)),
        }
    }
}

const USED: &str = "used";
