//! Which agents a fleet has, and whose turn it is. An agent without news is an entry of about 80 bytes here, and nothing
//! else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{FleetHealth, Health};
use crate::{AgentId, Error, Way};

#[derive(Default)]
pub(super) struct Roll {
    slots: BTreeMap<AgentId, Slot>,
    /// Those with news, in the order in which they get their turns.
    ready: VecDeque<AgentId>,
    /// Those that failed, by when they are tried again.
    retries: BTreeSet<(Instant, AgentId)>,
    /// Those whose mailboxes nobody waits for and no doorbell tells of.
    unwatched: VecDeque<AgentId>,
    /// Those whose mailboxes somebody waits for now.
    watching: BTreeSet<AgentId>,
    /// A doorbell tells of the mailboxes.
    has_doorbell: bool,
    pub(super) all_paused: bool,
    /// Until when what is in hand may be finished.
    pub(super) stopping: Option<Instant>,
    /// Whose handlers didn't end by then.
    pub(super) broken_off: Vec<AgentId>,
}

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other, and there are many slots"
)]
struct Slot {
    standing: Standing,
    way: Way,
    paused: bool,
    /// Something came while it could have no turn.
    rang: bool,
    /// It is among the unwatched.
    queued: bool,
    /// What an earlier run handed out was handed out again.
    resumed: bool,
    trouble: Option<Box<Trouble>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Idle,
    Ready,
    Busy,
}

struct Trouble {
    error: Arc<Error>,
    since: SystemTime,
    failures: u32,
    next: Option<(Instant, SystemTime)>,
}

/// How a turn ended.
pub(super) enum Outcome {
    /// There is nothing more now.
    Dry,
    /// There may be more.
    More,
    /// It is tried again after the pause, if there is one.
    Failed(Error, Option<Duration>, SystemTime),
}

impl Roll {
    pub(super) fn new(has_doorbell: bool, all_paused: bool) -> Self {
        Self { has_doorbell, all_paused, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes all agents in at the start.
    pub(super) fn fill(&mut self, agents: impl Iterator<Item = (AgentId, Way)>) {
        self.slots = agents.map(|(id, way)| (id, Slot { way, ..Slot::default() })).collect();
        self.ring_watched();
    }

    /// Lets the mailboxes be waited for from now on, and looked into for what came untold.
    pub(super) fn lose_doorbell(&mut self) {
        self.has_doorbell = false;
        self.ring_watched();
    }

    fn ring_watched(&mut self) {
        let each: Vec<_> = self.slots.keys().filter(|id| self.is_watched(id)).cloned().collect();
        for id in &each {
            self.ring(id);
        }
    }

    /// Takes an agent in, or another way of one that is there.
    pub(super) fn enrol(&mut self, id: &AgentId, way: Way) {
        self.slots.entry(id.clone()).or_default().way = way;
        if self.is_watched(id) {
            self.ring(id);
        }
    }

    pub(super) fn strike(&mut self, id: &AgentId) {
        if let Some(slot) = self.slots.remove(id)
            && let Some((at, _)) = slot.trouble.and_then(|trouble| trouble.next)
        {
            self.retries.remove(&(at, id.clone()));
        }
    }

    /// Notes that there is news of an agent; false if it isn't one of the fleet.
    pub(super) fn ring(&mut self, id: &AgentId) -> bool {
        let all_paused = self.all_paused;
        let Some(slot) = self.slots.get_mut(id) else { return false };
        if slot.standing == Standing::Idle && slot.trouble.is_none() && !slot.paused && !all_paused {
            slot.standing = Standing::Ready;
            self.ready.push_back(id.clone());
        } else {
            slot.rang = true;
        }
        true
    }

    /// Gives the next agent its turn, and tells whether what was handed out before is to come again.
    pub(super) fn take(&mut self) -> Option<(AgentId, bool)> {
        if self.stopping.is_some() || self.all_paused {
            return None;
        }
        while let Some(id) = self.ready.pop_front() {
            let Some(slot) = self.slots.get_mut(&id).filter(|slot| slot.standing == Standing::Ready) else {
                continue;
            };
            if slot.paused {
                (slot.standing, slot.rang) = (Standing::Idle, true);
                continue;
            }
            (slot.standing, slot.rang) = (Standing::Busy, false);
            return Some((id, !std::mem::replace(&mut slot.resumed, true)));
        }
        None
    }

    /// Tells whether a turn has to end before its time.
    pub(super) fn holds(&self, id: &AgentId) -> bool {
        let is_paused = || self.slots.get(id).is_none_or(|slot| slot.paused);
        self.stopping.is_some() || self.all_paused || is_paused()
    }

    pub(super) fn end(&mut self, id: &AgentId, outcome: Outcome) {
        let Some(slot) = self.slots.get_mut(id).filter(|slot| slot.standing == Standing::Busy) else {
            return;
        };
        slot.standing = Standing::Idle;
        match outcome {
            Outcome::Dry => {
                slot.trouble = None;
                if std::mem::take(&mut slot.rang) {
                    self.ring(id);
                } else {
                    self.unwatch(id);
                }
            }
            Outcome::More => {
                slot.trouble = None;
                self.ring(id);
            }
            Outcome::Failed(error, pause, now) => {
                slot.resumed = false;
                let before = slot.trouble.take();
                let at = pause.map(|pause| (Instant::now() + pause, now + pause));
                let failures = before.as_ref().map_or(0, |trouble| trouble.failures);
                slot.trouble = Some(Box::new(Trouble {
                    error: Arc::new(error),
                    since: before.map_or(now, |trouble| trouble.since),
                    failures: failures.saturating_add(1),
                    next: at,
                }));
                slot.rang = true;
                self.retries.extend(at.map(|(at, _)| (at, id.clone())));
            }
        }
    }

    /// Ends the watch of an agent that failed.
    pub(super) fn fail(&mut self, id: &AgentId, outcome: Outcome) {
        self.watching.remove(id);
        if let Some(slot) = self.slots.get_mut(id).filter(|slot| slot.standing == Standing::Idle) {
            slot.standing = Standing::Busy;
            self.end(id, outcome);
        }
    }

    /// Ends a turn that was dropped: what it handed out comes again.
    pub(super) fn abandon(&mut self, id: &AgentId, is_served: bool) {
        if is_served && self.stopping.is_some() {
            self.broken_off.push(id.clone());
        }
        if let Some(slot) = self.slots.get_mut(id) {
            slot.resumed = false;
        }
        self.end(id, Outcome::More);
    }

    /// Lets everything that was handed out and not acknowledged come again, as who got it is gone.
    pub(super) fn again(&mut self) {
        let met: Vec<_> =
            self.slots.iter().filter(|(_, slot)| slot.resumed).map(|(id, _)| id.clone()).collect();
        self.slots.values_mut().for_each(|slot| slot.resumed = false);
        for id in &met {
            self.ring(id);
        }
    }

    /// How often an agent has failed in a row.
    pub(super) fn failures(&self, id: &AgentId) -> u32 {
        self.slots.get(id).and_then(|slot| slot.trouble.as_ref()).map_or(0, |trouble| trouble.failures)
    }

    /// Gives those a turn whose pause is over, and says when the next one is.
    pub(super) fn retry(&mut self, now: Instant) -> Option<Instant> {
        while let Some((at, id)) = self.retries.first().cloned() {
            if at > now {
                return Some(at);
            }
            self.retries.pop_first();
            self.try_now(&id);
        }
        None
    }

    fn try_now(&mut self, id: &AgentId) {
        let all_paused = self.all_paused;
        let Some(slot) = self.slots.get_mut(id) else { return };
        if slot.standing == Standing::Idle && !slot.paused && !all_paused {
            slot.standing = Standing::Ready;
            self.ready.push_back(id.clone());
        }
    }

    pub(super) fn pause(&mut self, id: &AgentId) {
        if let Some(slot) = self.slots.get_mut(id) {
            slot.paused = true;
        }
    }

    /// Ends a pause, and what no waiting mended.
    pub(super) fn resume(&mut self, id: &AgentId) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.paused = false;
        if self.all_paused {
            return;
        }
        if let Some((at, _)) = slot.trouble.as_mut().and_then(|trouble| trouble.next.take()) {
            self.retries.remove(&(at, id.clone()));
        }
        if slot.rang || slot.trouble.is_some() {
            self.try_now(id);
        }
    }

    pub(super) fn resume_all(&mut self) {
        self.all_paused = false;
        // Those that failed for good wait for a pause of their own to end.
        let may_go = |slot: &Slot| slot.trouble.as_ref().map_or(slot.rang, |trouble| trouble.next.is_some());
        let waiting = self.slots.iter().filter(|(_, slot)| !slot.paused && may_go(slot));
        let waiting: Vec<_> = waiting.map(|(id, _)| id.clone()).collect();
        for id in &waiting {
            self.try_now(id);
        }
    }

    /// Names the next agent whose mailbox is to be waited for: never one for which somebody waits already.
    pub(super) fn next_unwatched(&mut self) -> Option<AgentId> {
        while let Some(id) = self.unwatched.pop_front() {
            let is_watched = self.is_watched(&id);
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            slot.queued = false;
            // The end of a turn, or of the wait that is under way, brings it back.
            if is_watched && slot.standing == Standing::Idle && self.watching.insert(id.clone()) {
                return Some(id);
            }
        }
        None
    }

    /// Lets a mailbox be waited for in its turn, if it is one of those.
    fn unwatch(&mut self, id: &AgentId) {
        if self.is_watched(id)
            && let Some(slot) = self.slots.get_mut(id).filter(|slot| !slot.queued)
        {
            slot.queued = true;
            self.unwatched.push_back(id.clone());
        }
    }

    /// Ends the watch of an agent that found nothing.
    pub(super) fn watch_again(&mut self, id: &AgentId) {
        self.watching.remove(id);
        self.unwatch(id);
    }

    /// Ends the watch of an agent that found news.
    pub(super) fn watched(&mut self, id: &AgentId) {
        self.watching.remove(id);
        self.ring(id);
    }

    fn is_watched(&self, id: &AgentId) -> bool {
        !self.has_doorbell && self.slots.get(id).is_some_and(|slot| slot.way == Way::Mailbox)
    }

    pub(super) fn busy(&self) -> impl Iterator<Item = &AgentId> {
        self.slots.iter().filter(|(_, slot)| slot.standing == Standing::Busy).map(|(id, _)| id)
    }

    pub(super) fn health_of(&self, id: &AgentId) -> Option<Health> {
        self.slots.get(id).map(|slot| self.health(slot))
    }

    pub(super) fn health_of_all(&self) -> FleetHealth {
        let mut all = FleetHealth::default();
        for (id, slot) in &self.slots {
            match self.health(slot) {
                Health::Running => {
                    all.running += 1;
                    all.waiting += usize::from(slot.standing == Standing::Ready);
                }
                Health::Paused => all.paused += 1,
                Health::Stopped => all.stopped += 1,
                failing @ Health::Failing { .. } => all.failing.push((id.clone(), failing)),
            }
        }
        all
    }

    fn health(&self, slot: &Slot) -> Health {
        match &slot.trouble {
            _ if self.stopping.is_some() => Health::Stopped,
            _ if slot.paused || self.all_paused => Health::Paused,
            Some(trouble) => Health::Failing {
                error: Arc::clone(&trouble.error),
                since: trouble.since,
                next_try: trouble.next.map(|(_, time)| time),
            },
            None => Health::Running,
        }
    }
}
