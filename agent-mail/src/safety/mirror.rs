//! The mail system's own limits, as a second wall behind the budgets.

use crate::{AgentMail, Error};

impl AgentMail {
    /// Sets the hourly limit of the policy (or of the builder) on the mailboxes of all agents that are there, so that the
    /// mail system stops what gets past this program. New mailboxes have it from the start. Returns how many there are.
    ///
    /// Safe to repeat. The limit is the widest that the [`Policy`](crate::safety::Policy) may need: it never stops what a
    /// budget allows. The domain's is set by the [`Operator`](crate::Operator): see
    /// [`Policy::limit`](crate::safety::Policy::limit). A dropped call leaves some mailboxes with the limit.
    ///
    /// # Errors
    /// What the backends say; those before the one that failed have the limit.
    pub async fn mirror_limits(&self) -> Result<usize, Error> {
        let mut count = 0;
        for agent in self.agents().await? {
            count += usize::from(self.renew_mailbox(&agent.id).await?);
        }
        Ok(count)
    }
}
