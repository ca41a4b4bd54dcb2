//! Alerts of mailboxes that can't be read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Command, CommandError, Commands, MonitorOutcome, Reading};
use crate::health::{Alert, AlertSink, AlertState, Severity};
use crate::{AgentId, Error, ErrorKind};

/// Looks again and again whether the mailboxes can be read, and tells sinks of alerts when one can't, and when it can
/// again.
///
/// An alert begins when a mailbox could not be read at two looks in a row, and is told to each sink until that sink has
/// taken it or refuses it for good; so is its end. For a sink that can't be reached the newest 1000 are kept. It is named
/// `mailbox_unreadable`, with the agent as its instance. All is forgotten when the program ends.
#[derive(Debug)]
#[must_use]
pub struct MailboxWatch {
    commands: Commands,
    sinks: Vec<(Arc<dyn AlertSink>, Vec<Alert>)>,
    interval: Duration,
    broken: BTreeMap<AgentId, Broken>,
}

#[derive(Debug)]
struct Broken {
    since: SystemTime,
    looks: u32,
}

impl MailboxWatch {
    /// Watches the mailboxes that the commands may see, every five minutes.
    pub fn new(commands: Commands) -> Self {
        Self { commands, sinks: Vec::new(), interval: Duration::from_mins(5), broken: BTreeMap::new() }
    }

    /// Adds a sink.
    pub fn with_sink(mut self, sink: Arc<dyn AlertSink>) -> Self {
        self.sinks.push((sink, Vec::new()));
        self
    }

    /// Sets the time from one look to the next, at least a second.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_secs(1));
        self
    }

    /// Looks again and again, without end. An error that may pass is waited out.
    ///
    /// # Errors
    /// It returns only the error that ended it, one that no waiting mends.
    pub async fn run(mut self) -> Error {
        loop {
            match self.look().await {
                Ok(_) => {}
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "the mailboxes can't be watched now");
                }
                Err(error) => return error,
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    /// Looks once, and returns the alerts that begin and end with it.
    ///
    /// # Errors
    /// As [`Commands::execute`] of [`MonitorAll`](Command::MonitorAll), not of a single mailbox.
    pub async fn look(&mut self) -> Result<Vec<Alert>, Error> {
        let reading = Reading::new().with_limit(1);
        self.commands.rights.check(&Command::MonitorAll { reading: reading.clone() })?;
        let monitored = self.commands.monitor_all(&reading).await?;
        let now = self.commands.mail.system().chance.now();
        let mut changes = Vec::new();
        // A mailbox that is there no more is not broken either.
        let mut before = std::mem::take(&mut self.broken);
        for one in monitored {
            let MonitorOutcome::Error(error) = one.outcome else { continue };
            let broken = before.remove(&one.mailbox.agent).unwrap_or(Broken { since: now, looks: 0 });
            let broken = Broken { looks: broken.looks.saturating_add(1), ..broken };
            if broken.looks == LOOKS {
                changes.push(begin(&one.mailbox.agent, &error, broken.since));
            }
            self.broken.insert(one.mailbox.agent, broken);
        }
        let over = before.iter().filter(|(_, broken)| broken.looks >= LOOKS);
        changes.extend(over.map(|(agent, broken)| end(agent, broken.since)));
        for (_, waiting) in &mut self.sinks {
            waiting.extend(changes.iter().cloned());
            waiting.drain(..waiting.len().saturating_sub(MOST_WAITING));
        }
        self.tell().await;
        Ok(changes)
    }

    async fn tell(&mut self) {
        for (sink, waiting) in self.sinks.iter_mut().filter(|(_, waiting)| !waiting.is_empty()) {
            let told = tokio::time::timeout(DEADLINE, sink.deliver(waiting)).await;
            match told {
                Ok(Ok(())) => waiting.clear(),
                Ok(Err(error)) if !error.is_retryable() && error.kind() != ErrorKind::Interrupted => {
                    tracing::error!(?sink, %error, "alerts are lost: the sink refuses them");
                    waiting.clear();
                }
                Ok(Err(_)) | Err(_) => tracing::warn!(?sink, "alerts can't be told now"),
            }
        }
    }
}

fn begin(agent: &AgentId, error: &CommandError, since: SystemTime) -> Alert {
    let summary = format!("the mailbox can't be read: {}; {}", error.message, error.fix);
    alert(agent, AlertState::Firing, since, summary)
}

fn end(agent: &AgentId, since: SystemTime) -> Alert {
    alert(agent, AlertState::Resolved, since, "the mailbox can be read again, or is there no more".to_owned())
}

fn alert(agent: &AgentId, state: AlertState, since: SystemTime, summary: String) -> Alert {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (rule, instance) = (RULE.to_owned(), agent.to_string());
    let value = if state == AlertState::Firing { 1.0 } else { 0.0 };
    Alert { rule, instance, state, severity: Severity::Warning, value, summary, since }
}

const RULE: &str = "mailbox_unreadable";
/// One failed look may be chance.
const LOOKS: u32 = 2;
const MOST_WAITING: usize = 1_000;
const DEADLINE: Duration = Duration::from_secs(30);
