//! How much the agents send and receive, and how it is taken: counted in the state store, with what is counted.

mod counts;
mod depths;
mod period;
mod report;
mod reputation;

pub use self::counts::Usage;
pub use self::depths::Depths;
pub use self::period::Period;
pub(crate) use self::period::hour;
pub use self::report::UsageReport;
pub use self::reputation::{Reputation, ReputationLimits};

use crate::{AgentMail, AgentMailbox, Error};

impl AgentMail {
    /// Reports what the agents have sent and received in a period, each and together.
    ///
    /// It is counted in the same commit as what is counted, and so exactly, through crashes. An agent's counts are kept
    /// for 400 days, by the hour for the last 7 days and by the day (UTC) before, in about 100 bytes each, and go when
    /// it is retired; the total is of the agents that are there.
    ///
    /// What [`live_events`](AgentMailbox::live_events) and [`fetch_unseen`](AgentMailbox::fetch_unseen) hand out is not
    /// counted, as nothing is written then.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use std::time::Duration;
    ///
    /// use agent_mail::{AgentMail, NewMessage, Period};
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// ada.send(NewMessage::to(ada.contact()).with_text("Hello.")).await?;
    ///
    /// let report = mail.usage(Period::last(Duration::from_hours(24))).await?;
    /// assert_eq!((report.total.sent, report.total.accepted), (1, 1));
    /// println!("{report}"); // a table; `to_json` is for programs
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn usage(&self, period: Period) -> Result<UsageReport, Error> {
        let system = self.system();
        let (from, to) = period.bounds(system.chance.now());
        let agents = system.journal.usages(from, to).await?;
        Ok(UsageReport::new(from, to, agents))
    }
}

impl AgentMailbox {
    /// Returns what this agent has sent and received in a period; see [`AgentMail::usage`].
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the agent was retired; or if the state can't be read.
    pub async fn usage(&self, period: Period) -> Result<Usage, Error> {
        let (journal, now) = (&self.inner().journal, self.inner().system.system().chance.now());
        let (from, to) = period.bounds(now);
        let usage = journal.usage(self.id(), from, to).await?;
        journal.still(self.id()).await?;
        Ok(usage)
    }
}
