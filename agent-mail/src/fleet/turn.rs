//! The turn of one agent: some of its events, one after the other.

use std::sync::Arc;

use super::Shared;
use super::roll::Outcome;
use crate::event::{Reader, back_off};
use crate::{AgentId, Error, ErrorKind, Event, EventHandler};

pub(super) struct Turn {
    shared: Arc<Shared>,
    id: AgentId,
    reader: Option<Reader>,
    again: bool,
    left: usize,
    is_served: bool,
    is_over: bool,
}

impl Turn {
    /// Begins the next turn, if an agent has news.
    pub(super) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let (id, again) = shared.roll().take()?;
        Some(Self {
            shared: Arc::clone(shared),
            id,
            reader: None,
            again,
            left: TURN,
            is_served: false,
            is_over: false,
        })
    }

    /// Hands out the next event; `None` when the turn is over.
    pub(super) async fn next(&mut self) -> Option<Event> {
        if self.left == 0 || self.shared.roll().holds(&self.id) {
            self.end(Outcome::More);
            return None;
        }
        self.left -= 1;
        match self.read().await {
            Ok(Some(event)) => return Some(event),
            Ok(None) => self.end(Outcome::Dry),
            Err(error) => self.fail(error),
        }
        None
    }

    /// Hands the events of the turn to a handler.
    pub(super) async fn serve(mut self, handler: &dyn EventHandler) {
        // One that failed was not acknowledged, and comes again first.
        (self.again, self.is_served) = (true, true);
        while let Some(event) = self.next().await {
            let done = match handler.handle(event.mailbox(), &event).await {
                Ok(effects) => event.ack_with(effects).await,
                Err(error) => Err(error),
            };
            match done {
                // Another stream had it too and was faster.
                Err(error) if error.kind() == ErrorKind::Stale => {}
                Err(error) => return self.fail(error),
                Ok(()) => {}
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Event>, Error> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            empty => {
                let mailbox = self.shared.mail.open(&self.id).await?;
                empty.insert(Reader::in_passing(mailbox, self.again))
            }
        };
        reader.next_now().await
    }

    fn fail(&mut self, error: Error) {
        let chance = &*self.shared.mail.system().chance;
        let failures = self.shared.roll().failures(&self.id);
        let pause = error.retry_after().unwrap_or_else(|| back_off(chance, failures));
        let pause = error.is_retryable().then_some(pause);
        tracing::warn!(agent = %self.id, %error, ?pause, "an agent of the fleet fails");
        self.end(Outcome::Failed(error, pause, chance.now()));
    }

    fn end(&mut self, outcome: Outcome) {
        self.is_over = true;
        self.shared.roll().end(&self.id, outcome);
        self.shared.ring();
    }
}

/// A turn that is broken off hands out again what it had handed out.
impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.roll().abandon(&self.id, self.is_served);
            self.shared.ring();
        }
    }
}

/// Events of one agent before the next one gets its turn: as many as are read at a time.
const TURN: usize = 32;
