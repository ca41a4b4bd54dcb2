use std::fmt::Debug;

use async_trait::async_trait;

use super::Event;
use super::pace::back_off;
use crate::{AgentMailbox, Effects, Error, ErrorKind};

/// Handles the events of a mailbox, one after the other; see [`AgentMailbox::serve`].
#[async_trait]
pub trait EventHandler: Debug + Send + Sync + 'static {
    /// Handles one event, and says what is to last of it.
    ///
    /// # Contract
    /// - The effects are written together with the acknowledgement: once for each event, whatever becomes of the
    ///   program. What the handler does besides may be done again when the event comes again.
    /// - It is called again for an event that was not acknowledged: after an error, a crash or a dropped call.
    ///   [`Event::is_redelivery`] tells it.
    /// - The next event is handed to it when this one is acknowledged, never before.
    ///
    /// # Errors
    /// If it can't handle the event: nothing is written. After an error that [may pass](Error::is_retryable) the same
    /// event comes again after a pause, any other ends the serving.
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error>;
}

impl AgentMailbox {
    /// Hands the events of this mailbox to a handler, without end, and commits what lasts of each together with its
    /// acknowledgement.
    ///
    /// - One event is handled at a time and in order. While a handler is slow nothing is read but the batch that was
    ///   begun: what waits does so in the mailbox.
    /// - A handler's error that [may pass](Error::is_retryable) is waited out: the event comes again, marked, after
    ///   [`retry_after`](Error::retry_after) or a growing pause up to a minute with jitter. Later events of the mailbox
    ///   wait for it, as their order counts for more than their speed; a handler that gives an event up says so by
    ///   `Ok`, with a note perhaps.
    /// - Any other error of the handler ends the serving and is returned: its event, and all behind it, come again to
    ///   the next call.
    /// - When the state can't be written the effects are kept and tried again, without another call of the handler.
    ///
    /// It may be dropped at any point: what was not acknowledged comes again.
    ///
    /// # Errors
    /// It returns only the error that ended it, the handler's or the stream's; see [`Events`](crate::Events).
    pub async fn serve(&self, handler: &dyn EventHandler) -> Error {
        let mut events = self.events();
        loop {
            let event = match events.next().await {
                Some(Ok(event)) => event,
                Some(Err(error)) => return error,
                None => return Error::new(ErrorKind::Interrupted, "serve", self.id()),
            };
            if let Err(error) = self.handle(handler, event).await {
                return error;
            }
        }
    }

    /// Handles one event until it is acknowledged.
    async fn handle(&self, handler: &dyn EventHandler, mut event: Event) -> Result<(), Error> {
        let mut failures = 0;
        let effects = loop {
            match handler.handle(self, &event).await {
                Ok(effects) => break effects,
                Err(error) => self.wait_out(error, &mut failures).await?,
            }
            event = event.again();
        };
        let mut failures = 0;
        loop {
            match event.ack_with(effects.clone()).await {
                // Another stream had it too and was faster.
                Err(error) if error.kind() == ErrorKind::Stale => return Ok(()),
                Err(error) => self.wait_out(error, &mut failures).await?,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Waits after an error that may pass; returns any other.
    async fn wait_out(&self, error: Error, failures: &mut u32) -> Result<(), Error> {
        if !error.is_retryable() {
            return Err(error);
        }
        let chance = &*self.inner().system.system().chance;
        let pause = error.retry_after().unwrap_or_else(|| back_off(chance, *failures));
        tracing::warn!(agent = %self.id(), %error, ?pause, "an event will be handled again");
        *failures += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
