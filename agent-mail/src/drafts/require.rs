use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::safety::{Letter, OutboundCheck, Ruling};

/// A check that holds messages until somebody approves or rejects them, through [`Approvals`](crate::Approvals).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use agent_mail::{Embedded, ErrorKind, NewMessage, Overdue, RequireApproval};
///
/// let world = Embedded::new("agents.example".parse()?);
/// let outside = RequireApproval::when("it leaves the house", |letter| {
///     letter.message.recipients().any(|to| to.domain() != letter.sender.domain())
/// });
/// let outside = outside.with_time_out(Duration::from_secs(3600), Overdue::Reject);
/// let mail = world.system().outbound_check(Arc::new(outside)).build()?;
/// let ada = mail.provision(&"ada".parse()?).await?;
///
/// let to: agent_mail::Address = "bob@partner.example".parse()?;
/// let held = ada.send(NewMessage::to(to).with_text("An offer.")).await.unwrap_err();
/// assert_eq!(held.kind(), ErrorKind::Held);
///
/// let asked = mail.approvals().pending().await?.remove(0);
/// assert_eq!((Some(&*asked.id.to_string()), &*asked.reason), (held.code(), "it leaves the house"));
/// mail.approvals().reject(&asked, "Eve", "not at this price").await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequireApproval {
    reason: String,
    when: Box<dyn Fn(&Letter) -> bool + Send + Sync>,
    time_out: Option<(Duration, Overdue)>,
}

impl RequireApproval {
    /// Holds the messages for which the predicate is true, for this reason, by which the check is known in later runs of
    /// the program too.
    pub fn when(
        reason: impl Into<String>,
        predicate: impl Fn(&Letter) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { reason: reason.into(), when: Box::new(predicate), time_out: None }
    }

    /// Sets how long a message waits, and what happens then; it waits without end unless set.
    ///
    /// The time begins when the message is held and runs on while the program doesn't.
    pub fn with_time_out(mut self, after: Duration, then: Overdue) -> Self {
        self.time_out = Some((after, then));
        self
    }
}

#[async_trait]
impl OutboundCheck for RequireApproval {
    fn name(&self) -> &str {
        &self.reason
    }

    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        Ok(match (&self.time_out, (self.when)(letter)) {
            (_, false) => Ruling::Pass,
            (None, true) => Ruling::Hold(self.reason.clone()),
            (Some((after, then)), true) => {
                Ruling::HoldFor { reason: self.reason.clone(), at_most: *after, then: *then }
            }
        })
    }
}

/// Shows the reason and the time.
impl fmt::Debug for RequireApproval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireApproval")
            .field("reason", &self.reason)
            .field("time_out", &self.time_out)
            .finish_non_exhaustive()
    }
}

/// What happens when the time for a decision is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overdue {
    /// The message is sent, in its last revision.
    Send,
    /// It is rejected.
    Reject,
    /// It goes on waiting, and shows as [overdue](crate::Held::overdue).
    Keep,
}
