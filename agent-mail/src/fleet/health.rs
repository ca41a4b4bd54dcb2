use std::sync::Arc;
use std::time::SystemTime;

use crate::{AgentId, Error};

/// How one agent of a fleet is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Health {
    /// Its events are handed out as they come.
    Running,
    /// Its mail waits until it is [resumed](super::Fleet::resume), as does what comes.
    Paused,
    /// Its mailbox can't be read, or its handler failed. The others go on.
    Failing {
        /// What went wrong at the last try.
        error: Arc<Error>,
        /// Since when it has gone wrong.
        since: SystemTime,
        /// When it is tried again; `None` where no waiting mends it, as a refused password:
        /// [`resume`](super::Fleet::resume) tries again then.
        next_try: Option<SystemTime>,
    },
    /// The fleet was stopped.
    Stopped,
}

/// How a fleet is as a whole.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FleetHealth {
    /// How many agents are running.
    pub running: usize,
    /// How many are paused.
    pub paused: usize,
    /// Which are failing, by name.
    pub failing: Vec<(AgentId, Health)>,
    /// How many are stopped.
    pub stopped: usize,
    /// How many of the running have events that wait for their turn.
    pub waiting: usize,
}

/// What was left when a fleet was stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// The agents whose handlers didn't end in time and were broken off. What they handled wasn't acknowledged.
    pub broken_off: Vec<AgentId>,
}
