//! What an operator measures, in memory: a test or a demonstration says how the mail system is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;
use mail_access::{Outgoing, PostOffice};

use super::lock;
use crate::health::{
    Container, Disk, Figure, Figures, HealthSource, Judgement, QuarantineControl, QuarantineId, Quarantined,
    Queue, QueueAction, QueueControl, QueueState, QueuedMail, Treated,
};
use crate::{Error, ErrorKind};

/// The figures, the queue and the quarantine of a world in memory, as they were set: at the start nothing is measured
/// but an empty queue and an empty quarantine. Clones are one.
///
/// A message of the queue that is tried again leaves it. One that is released from the quarantine arrives in the
/// [post office](crate::Embedded::post_office).
#[derive(Clone)]
pub struct Vitals(Arc<Inner>);

struct Inner {
    post_office: PostOffice,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    disk: Figure<Disk>,
    containers: Figure<Vec<Container>>,
    rejected_logins: Figure<u64>,
    bans: Figure<u64>,
    rate_limit_hits: Figure<u64>,
    queue: Vec<QueuedMail>,
    quarantine: BTreeMap<QuarantineId, (Quarantined, Outgoing)>,
    next: u64,
}

impl Vitals {
    pub(super) fn new(post_office: PostOffice) -> Self {
        Self(Arc::new(Inner { post_office, state: Mutex::default() }))
    }

    /// Sets how full the volume of the mail is; an error makes the figure unknown.
    pub fn set_disk(&self, disk: impl Into<Figure<Disk>>) {
        lock(&self.0.state).disk = disk.into();
    }

    /// Sets what the containers do.
    pub fn set_containers(&self, containers: impl Into<Figure<Vec<Container>>>) {
        lock(&self.0.state).containers = containers.into();
    }

    /// Sets how many logins were refused within the last hour.
    pub fn set_rejected_logins(&self, count: impl Into<Figure<u64>>) {
        lock(&self.0.state).rejected_logins = count.into();
    }

    /// Sets how many hosts were banned within the last hour.
    pub fn set_bans(&self, count: impl Into<Figure<u64>>) {
        lock(&self.0.state).bans = count.into();
    }

    /// Sets how many messages a sending limit refused within the last hour.
    pub fn set_rate_limit_hits(&self, count: impl Into<Figure<u64>>) {
        lock(&self.0.state).rate_limit_hits = count.into();
    }

    /// Puts a message into the queue.
    pub fn put_in_queue(&self, message: QueuedMail) {
        lock(&self.0.state).queue.push(message);
    }

    /// Puts a message from outside into the quarantine, and returns its id.
    pub fn quarantine(&self, message: Outgoing, score: f64) -> QuarantineId {
        let mut state = lock(&self.0.state);
        state.next += 1;
        let id = QuarantineId::new(state.next);
        let to = message.recipients().first().map(ToString::to_string).unwrap_or_default();
        let shown = Quarantined::new(id, SystemTime::now(), &message.sender().to_string(), &to, score);
        state.quarantine.insert(id, (shown, message));
        id
    }
}

#[async_trait]
impl HealthSource for Vitals {
    async fn figures(&self) -> Figures {
        let state = lock(&self.0.state);
        let mut figures = Figures::at(SystemTime::now());
        figures.queue = Figure::Known(Queue::new(state.queue.clone()));
        figures.disk = state.disk.clone();
        figures.containers = state.containers.clone();
        figures.quarantine = Figure::Known(state.quarantine.len() as u64);
        figures.rejected_logins = state.rejected_logins.clone();
        figures.bans = state.bans.clone();
        figures.rate_limit_hits = state.rate_limit_hits.clone();
        figures
    }
}

#[async_trait]
impl QueueControl for Vitals {
    async fn queue(&self) -> Result<Queue, Error> {
        Ok(Queue::new(lock(&self.0.state).queue.clone()))
    }

    async fn treat(&self, action: &QueueAction) -> Result<(), Error> {
        let queue = &mut lock(&self.0.state).queue;
        let is_held = |mail: &QueuedMail| mail.state == QueueState::Hold;
        match action {
            QueueAction::Flush => queue.retain(is_held),
            QueueAction::Deliver(ids) => queue.retain(|mail| is_held(mail) || !ids.contains(&mail.id)),
            QueueAction::Hold(ids) => {
                let meant = queue.iter_mut().filter(|mail| ids.contains(&mail.id));
                meant.for_each(|mail| mail.state = QueueState::Hold);
            }
            QueueAction::Release(ids) => {
                let meant = queue.iter_mut().filter(|mail| ids.contains(&mail.id) && is_held(mail));
                meant.for_each(|mail| mail.state = QueueState::Deferred);
            }
            QueueAction::Delete(ids) => queue.retain(|mail| !ids.contains(&mail.id)),
        }
        Ok(())
    }
}

#[async_trait]
impl QuarantineControl for Vitals {
    async fn quarantined(&self) -> Result<Vec<Quarantined>, Error> {
        Ok(lock(&self.0.state).quarantine.values().map(|(shown, _)| shown.clone()).collect())
    }

    async fn judge(&self, id: QuarantineId, judgement: Judgement) -> Result<Treated, Error> {
        // It is taken out before it is delivered, so that two calls at the same time deliver it once.
        let Some((shown, message)) = lock(&self.0.state).quarantine.remove(&id) else {
            return Ok(Treated::NotThere);
        };
        if matches!(judgement, Judgement::Spam | Judgement::Delete) {
            return Ok(Treated::Now);
        }
        match self.0.post_office.receive(&message).await {
            Ok(_) => Ok(Treated::Now),
            Err(source) => {
                lock(&self.0.state).quarantine.insert(id, (shown, message));
                Err(Error::new(ErrorKind::Rejected, "judge message", id).with_source(source))
            }
        }
    }
}

/// Shows counts, nobody's address.
impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0.state);
        f.debug_struct("Vitals")
            .field("queue", &state.queue.len())
            .field("quarantine", &state.quarantine.len())
            .finish_non_exhaustive()
    }
}
