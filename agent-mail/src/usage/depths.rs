use crate::{AgentMail, Error, observe};

/// How much waits in the boxes of the agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Depths {
    /// Messages in the outboxes, for the courier.
    pub outbox: usize,
    /// Events that were handed out, or are ready to be without a look at the mailbox, and are not acknowledged.
    pub unacknowledged: usize,
}

impl AgentMail {
    /// Counts what waits in the boxes of all agents, and with the feature `metrics` records it as
    /// [gauges](crate::observe::Meter::OutboxOpen).
    ///
    /// It reads one record for each message and event that waits, and looks at each agent once.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn depths(&self) -> Result<Depths, Error> {
        let journal = &self.system().journal;
        let outbox = journal.due().await?.len();
        let mut unacknowledged = 0;
        for agent in self.records().await? {
            unacknowledged += journal.unacknowledged(&agent.id).await?;
        }
        observe::outbox_open(self.domain(), outbox);
        observe::unacknowledged(self.domain(), unacknowledged);
        Ok(Depths { outbox, unacknowledged })
    }
}
