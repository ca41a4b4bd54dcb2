use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{AgentId, Error, ErrorKind};

/// What stops the sending of an agent, or of all: who stopped it, each under a name of its own, and why.
///
/// It is asked before each submission, of the outbox and of a caller. It lives in memory: who wants it to outlast the
/// program closes it again at the start, before the courier runs.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<BTreeMap<(Option<AgentId>, &'static str), String>>);

impl Brake {
    /// Stops an agent, or with `None` all of them.
    pub(crate) fn close(&self, agent: Option<&AgentId>, by: &'static str, reason: impl Into<String>) {
        self.lock().insert((agent.cloned(), by), reason.into());
    }

    /// Takes back what the same hand closed. The courier's bell has to be rung afterwards.
    pub(crate) fn open(&self, agent: Option<&AgentId>, by: &'static str) {
        self.lock().remove(&(agent.cloned(), by));
    }

    /// Tells whether an agent may send now.
    ///
    /// # Errors
    /// [`NotReady`](ErrorKind::NotReady) with the reason if it may not.
    pub(crate) fn may_send(&self, agent: &AgentId) -> Result<(), Error> {
        let closed = self.lock();
        let mut reasons = closed.iter().filter(|((of, _), _)| of.as_ref().is_none_or(|of| of == agent));
        reasons.next().map_or(Ok(()), |(_, reason)| {
            Err(Error::new(ErrorKind::NotReady, "send", agent)
                .with_detail(format!("its sending is stopped: {reason}"))
                .with_fix("let it send again, or put the message into the outbox, where it waits"))
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Option<AgentId>, &'static str), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hand_opens_only_what_it_closed() {
        let (brake, ada, bob) = (Brake::default(), "ada".parse().unwrap(), "bob".parse().unwrap());
        brake.close(Some(&ada), "fleet", "paused");
        brake.close(None, "safety", "the switch is off");
        assert!(brake.may_send(&bob).unwrap_err().to_string().ends_with("the switch is off"));
        brake.open(None, "fleet");
        assert!(brake.may_send(&bob).is_err());
        brake.open(None, "safety");
        assert!(brake.may_send(&bob).is_ok());
        assert_eq!(brake.may_send(&ada).unwrap_err().kind(), ErrorKind::NotReady);
        brake.open(Some(&ada), "fleet");
        assert!(brake.may_send(&ada).is_ok());
    }
}
