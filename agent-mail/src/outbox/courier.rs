use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};

use super::attempt::{After, attempt};
use super::bell::{Bell, Listener};
use super::lane::{Lane, Next, Try};
use crate::journal::millis;
use crate::{AgentId, AgentMail, Error, observe};

/// Sends what the agents of a system have in their outboxes: one for all of them.
///
/// - Each agent's mail goes one after the other, in the order in which it was put into the outbox. What has to wait for a
///   recipient, because he was refused for now or the outcome is unknown, holds back the agent's later mail to him, and
///   to nobody else. Mail for a set time takes its place in that order when the time has come.
/// - A recipient who is refused for now is tried again alone, with growing pauses up to an hour, each drawn at random
///   between a second and its limit, or after the pause that the server names; one who is refused for good is not. When
///   the mail system can't be reached or refuses the login, the agent's other mail waits too.
/// - What nobody knows the outcome of is looked for in the mailboxes: with the recipients who are agents here, among the
///   reports and answers that came in, and among the sent mail. Only then it is sent again, or not, as the
///   [`Guarantee`](crate::Guarantee) says.
/// - Messages that [wait for a decision](crate::Approvals) become what their check said when their time is over, up to a
///   second later.
/// - Each step is written down before and after. It may end at any point; the next courier goes on from there.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::{AgentMail, NewMessage, RecipientState, Sending};
///
/// let mail = AgentMail::embedded("agents.example")?;
/// let ada = mail.provision(&"ada".parse()?).await?;
/// let bob = mail.provision(&"bob".parse()?).await?;
/// let sending = Sending::new(NewMessage::to(bob.address()).with_text("Once.")).with_key("greeting");
/// ada.enqueue(sending.clone()).await?;
///
/// let courier = mail.courier();
/// tokio::select! {
///     () = courier.run(std::future::pending()) => {}
///     event = async { bob.events().next().await } => assert!(event.is_some()),
/// }
/// # Ok::<(), agent_mail::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Courier {
    system: AgentMail,
    at_once: usize,
}

impl AgentMail {
    /// Returns what sends the mail in the outboxes of the agents. The caller [runs](Courier::run) it.
    pub fn courier(&self) -> Courier {
        Courier { system: self.clone(), at_once: AT_ONCE }
    }
}

impl Courier {
    /// Sets for how many agents it sends at the same time, at least one; 8 unless set.
    #[must_use]
    pub fn with_at_once(mut self, agents: usize) -> Self {
        self.at_once = agents.max(1);
        self
    }

    /// Sends what is due, and waits for more, until `stop` ends; then it finishes what it has begun and returns.
    ///
    /// Of several couriers over the same records in this process one works and the others wait for it to end. While the
    /// state can't be read it goes on trying. A dropped call leaves what it was sending to be looked for by the next.
    ///
    /// It reads the list of what is queued when it starts and once in 5 minutes, and nothing of agents that have
    /// nothing in their outboxes; it keeps about 300 bytes for each queued message.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let _alone = tokio::select! {
            biased;
            alone = self.system.system().locks.acquire("courier") => alone,
            () = &mut stop => return,
        };
        let approvals = self.system.approvals();
        tokio::select! {
            biased;
            () = self.send(stop) => {}
            () = approvals.keep_time_always() => {}
        }
    }

    async fn send(&self, mut stop: impl Future<Output = ()> + Unpin) {
        let bell = Bell::listen(self.system.system().locks.clone());
        let mut rounds = Rounds::new(self.system.clone());
        let mut running = FuturesUnordered::new();
        let mut scan_at = Instant::now();
        loop {
            if Instant::now() >= scan_at {
                let scanned = tokio::select! {
                    biased;
                    scanned = rounds.scan() => scanned,
                    () = &mut stop => break,
                };
                scan_at = Instant::now() + rounds.pause_after(scanned, SCAN);
            }
            let heard = rounds.hear(&bell).await;
            if heard.is_err() {
                scan_at = scan_at.min(Instant::now() + rounds.pause_after(heard, SCAN));
            }
            while running.len() < self.at_once
                && let Some((agent, chosen)) = rounds.choose()
            {
                let system = self.system.clone();
                running.push(async move {
                    let after = attempt(&system, &agent, &chosen).await;
                    (agent, chosen.place, chosen.name, after)
                });
            }
            let wait = if running.len() < self.at_once { rounds.wait() } else { LOOK };
            tokio::select! {
                // In one order, so that a simulated world comes out the same twice.
                biased;
                () = &mut stop => break,
                Some((agent, place, name, after)) = running.next() => rounds.note(&agent, place, name, after),
                () = bell.rung() => {
                    if bell.resumed() {
                        rounds.resume();
                    }
                }
                () = sleep(wait) => {}
                () = sleep_until(scan_at) => {}
            }
        }
        while running.next().await.is_some() {}
    }
}

/// Whose turn it is.
struct Rounds {
    system: AgentMail,
    lanes: BTreeMap<AgentId, Lane>,
    wakes: BTreeSet<(u64, AgentId)>,
}

impl Rounds {
    fn new(system: AgentMail) -> Self {
        Self { system, lanes: BTreeMap::new(), wakes: BTreeSet::new() }
    }

    fn now(&self) -> u64 {
        millis(self.system.system().chance.now())
    }

    /// Reads all that is queued.
    async fn scan(&mut self) -> Result<(), Error> {
        let mut names: BTreeMap<AgentId, BTreeSet<String>> = BTreeMap::new();
        for (agent, name, due) in self.system.system().journal.due().await? {
            names.entry(agent.clone()).or_default().insert(name.clone());
            self.lanes.entry(agent).or_default().put(name, due);
        }
        let nothing = BTreeSet::new();
        observe::outbox_open(self.system.domain(), names.values().map(BTreeSet::len).sum());
        for (agent, lane) in &mut self.lanes {
            lane.retain(names.get(agent).unwrap_or(&nothing));
        }
        for agent in self.lanes.keys().cloned().collect::<Vec<_>>() {
            self.schedule(agent);
        }
        Ok(())
    }

    /// Learns what came into the outbox or was taken back.
    async fn hear(&mut self, bell: &Listener) -> Result<(), Error> {
        for (agent, name) in bell.news() {
            match self.system.system().journal.due_entry(&agent, &name).await? {
                Some(due) => self.lanes.entry(agent.clone()).or_default().put(name, due),
                None => {
                    if let Some(lane) = self.lanes.get_mut(&agent) {
                        lane.remove_named(&name);
                    }
                }
            }
            self.schedule(agent);
        }
        Ok(())
    }

    /// Returns how long to wait before the next look at all that is queued.
    fn pause_after(&self, done: Result<(), Error>, usual: Duration) -> Duration {
        done.map_or_else(
            |error| {
                tracing::warn!(%error, "the outbox can't be read; tried again");
                super::back_off(&*self.system.system().chance, 1).min(LOOK)
            },
            |()| usual,
        )
    }

    /// Takes the agent whose turn it is, and what of his mail.
    fn choose(&mut self) -> Option<(AgentId, Try)> {
        let now = self.now();
        while let Some((at, agent)) = self.wakes.first().cloned()
            && at <= now
        {
            self.wakes.remove(&(at, agent.clone()));
            let Some(lane) = self.lanes.get_mut(&agent) else { continue };
            lane.wake = None;
            match lane.next(now) {
                Next::Now(chosen) => {
                    lane.busy = true;
                    return Some((agent, chosen));
                }
                Next::At(_) | Next::Nothing => self.schedule(agent),
            }
        }
        None
    }

    fn note(&mut self, agent: &AgentId, place: u64, name: String, after: After) {
        let now = self.now();
        let Some(lane) = self.lanes.get_mut(agent) else { return };
        lane.busy = false;
        match after {
            After::Gone => lane.remove(place),
            After::Due(due) => {
                // What was approved meanwhile has another place.
                lane.remove(place);
                lane.put(name, due);
            }
            After::Rest(due) => {
                lane.rest = due.next;
                lane.put(name, due);
            }
            After::Failed { until } => lane.pause = until,
            After::Stopped => {
                lane.pause = now + u64::try_from(STOPPED_LOOK.as_millis()).unwrap_or(u64::MAX);
                lane.stopped = lane.pause;
            }
        }
        self.schedule(agent.clone());
    }

    /// Lets those look again whose sending was stopped.
    fn resume(&mut self) {
        let stopped = self.lanes.iter_mut().filter(|(_, lane)| lane.pause > 0 && lane.pause == lane.stopped);
        let agents: Vec<AgentId> = stopped
            .map(|(agent, lane)| {
                lane.pause = 0;
                agent.clone()
            })
            .collect();
        for agent in agents {
            self.schedule(agent);
        }
    }

    /// Returns how long nothing is due.
    fn wait(&self) -> Duration {
        // The time of day may jump: it is looked at now and then.
        self.wakes
            .first()
            .map_or(LOOK, |(at, _)| Duration::from_millis(at.saturating_sub(self.now())).min(LOOK))
    }

    fn schedule(&mut self, agent: AgentId) {
        let now = self.now();
        let Some(lane) = self.lanes.get_mut(&agent) else { return };
        if let Some(wake) = lane.wake.take() {
            self.wakes.remove(&(wake, agent.clone()));
        }
        if lane.busy {
            return;
        }
        let wake = match lane.next(now) {
            Next::Now(_) => now,
            Next::At(at) => at,
            Next::Nothing => {
                self.lanes.remove(&agent);
                return;
            }
        };
        lane.wake = Some(wake);
        self.wakes.insert((wake, agent));
    }
}

const AT_ONCE: usize = 8;
/// How often all that is queued is read again: what a call that was dropped has put there is found so.
const SCAN: Duration = Duration::from_mins(5);
/// How long it sleeps at most.
const LOOK: Duration = Duration::from_mins(1);
/// How often it looks whether sending may go on.
const STOPPED_LOOK: Duration = Duration::from_secs(10);
