//! The one task of a fleet: hears which agents have news, and waits for the mailboxes that no doorbell tells of.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, FuturesUnordered, StreamExt as _};
use mail_access::{Address, Arrival};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::roll::Outcome;
use crate::event::back_off;
use crate::journal::{AllBells, Phase};
use crate::mail::lift;
use crate::{AgentId, Error};

pub(super) struct Supervisor {
    pub(super) shared: Weak<Shared>,
    pub(super) doorbells: Vec<BoxStream<'static, Ring>>,
    pub(super) bells: Arc<AllBells>,
    /// How many mailboxes are waited for at a time.
    pub(super) watches: usize,
    /// How long at most a mailbox goes without a look, where there are more than that.
    pub(super) interval: Duration,
}

/// What a doorbell tells.
pub(super) enum Ring {
    /// There is mail for these.
    Mail(Vec<Address>),
    /// It tells of no mail any more.
    Ended,
}

impl Supervisor {
    pub(super) async fn run(self) {
        let Self { shared, doorbells, bells, watches, interval } = self;
        let Some(news) = shared.upgrade().map(|shared| Arc::clone(&shared.news)) else { return };
        let mut doorbells = stream::select_all(doorbells);
        let mut watching = FuturesUnordered::new();
        let mut unsure = Unsure::default();
        loop {
            let changed = news.notified();
            for id in unsure.due(Instant::now()) {
                let Some(shared) = shared.upgrade() else { return };
                rang(&shared, &id, &mut unsure).await;
            }
            let retry = {
                let Some(shared) = shared.upgrade() else { return };
                let mut roll = shared.roll();
                let retry = roll.retry(Instant::now());
                let each = u32::try_from(roll.len().div_ceil(watches)).unwrap_or(u32::MAX);
                let time = if each <= 1 { LONGEST_WAIT } else { interval / each };
                while watching.len() < watches
                    && let Some(id) = roll.next_unwatched()
                {
                    watching.push(watch(Weak::clone(&Arc::downgrade(&shared)), id, time));
                }
                drop(roll);
                shared.ring_consumers();
                retry
            };
            let next = retry.into_iter().chain(unsure.next).min();
            let pause = sleep_until(next.unwrap_or_else(|| Instant::now() + LONGEST_WAIT));
            tokio::select! {
                Some(ring) = doorbells.next(), if !doorbells.is_empty() => {
                    let Some(shared) = shared.upgrade() else { return };
                    match ring {
                        Ring::Mail(addresses) => {
                            for id in addresses.iter().filter_map(|address| shared.mail.system().rule.agent(address)) {
                                rang(&shared, &id, &mut unsure).await;
                            }
                        }
                        Ring::Ended => {
                            tracing::warn!("the doorbell has ended: the fleet waits for the mailboxes itself");
                            shared.roll().lose_doorbell();
                        }
                    }
                }
                agents = bells.next() => {
                    let Some(shared) = shared.upgrade() else { return };
                    for id in agents.iter().filter_map(|name| AgentId::decode(name)) {
                        rang(&shared, &id, &mut unsure).await;
                    }
                }
                Some((id, found)) = watching.next(), if !watching.is_empty() => {
                    let Some(shared) = shared.upgrade() else { return };
                    watched(&shared, &id, found);
                }
                () = pause => {}
                () = changed => {}
            }
        }
    }
}

/// Who rang while nobody could tell whether they are of the fleet.
#[derive(Default)]
struct Unsure {
    ids: BTreeSet<AgentId>,
    /// When the state is asked again.
    next: Option<Instant>,
}

impl Unsure {
    fn note(&mut self, id: &AgentId) {
        self.ids.insert(id.clone());
        self.next.get_or_insert_with(|| Instant::now() + ASKED_AGAIN);
    }

    fn due(&mut self, now: Instant) -> BTreeSet<AgentId> {
        match self.next.take_if(|next| *next <= now) {
            Some(_) => std::mem::take(&mut self.ids),
            None => BTreeSet::new(),
        }
    }
}

/// Notes news of an agent, which another system may have provisioned.
async fn rang(shared: &Shared, id: &AgentId, unsure: &mut Unsure) {
    if shared.roll().ring(id) {
        return;
    }
    match shared.mail.system().journal.agent(id).await {
        Ok(Some(record)) if record.phase == Phase::Active => {
            let mut roll = shared.roll();
            roll.enrol(id, record.way);
            roll.ring(id);
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(agent = %id, %error, "it is unknown whether the agent is one of the fleet; asked again");
            unsure.note(id);
        }
    }
}

/// Waits for the mail of one agent. It holds a connection, but not the fleet.
async fn watch(shared: Weak<Shared>, id: AgentId, at_most: Duration) -> (AgentId, Result<Arrival, Error>) {
    let Some(mail) = shared.upgrade().map(|shared| shared.mail.clone()) else {
        return (id, Ok(Arrival::TimedOut));
    };
    let arrival = async {
        let system = mail.system();
        let mailbox = mail.open(&id).await?;
        match system.journal.position(&id).await? {
            Some(after) => {
                let waited = mailbox.inner().login.wait(&*system.mail, after, at_most).await;
                waited.map_err(|source| lift(source, "wait", &id))
            }
            // It was never read; its turn makes the position.
            None => Ok(Arrival::New),
        }
    };
    let arrival = arrival.await;
    (id, arrival)
}

fn watched(shared: &Shared, id: &AgentId, found: Result<Arrival, Error>) {
    let mut roll = shared.roll();
    match found {
        Ok(Arrival::New) => roll.watched(id),
        Ok(Arrival::TimedOut) => roll.watch_again(id),
        Err(error) => {
            let chance = &*shared.mail.system().chance;
            let pause = error.retry_after().unwrap_or_else(|| back_off(chance, roll.failures(id)));
            let pause = error.is_retryable().then_some(pause);
            tracing::warn!(agent = %id, %error, ?pause, "the mailbox of an agent of the fleet can't be watched");
            roll.fail(id, Outcome::Failed(error, pause, chance.now()));
        }
    }
}

/// Within the half hour after which servers end a wait (RFC 2177).
const LONGEST_WAIT: Duration = Duration::from_mins(29);
/// Within what a state store that restarts is back.
const ASKED_AGAIN: Duration = Duration::from_secs(10);
