//! Where alerts go.

use std::fmt;
use std::fmt::{Debug, Write as _};

use async_trait::async_trait;
use mail_access::{Address, AutoSubmitted, NewMessage};

use super::{Alert, AlertState, Severity};
use crate::journal::fingerprint;
use crate::{AgentMailbox, Error, ErrorKind};

/// Tells someone of alerts.
#[async_trait]
pub trait AlertSink: Debug + Send + Sync + 'static {
    /// Tells of the alerts that began or ended with one look; there is at least one.
    ///
    /// # Contract
    /// - `Ok` means that all of them were told.
    /// - After an error that [may be repeated](Error::is_retryable), after
    ///   [`Interrupted`](crate::ErrorKind::Interrupted) and after the monitor's deadline the same alerts come again,
    ///   in the same call: a sink tells those that it has told already by [`Alert::id`]. After any other error they
    ///   don't come again.
    /// - A dropped call leaves them told or not.
    ///
    /// # Errors
    /// As the contract says.
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error>;
}

/// Writes alerts into the log, by `tracing`: critical ones as errors, others as warnings, ends as infos.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink(());

impl LogSink {
    /// Makes a sink.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl AlertSink for LogSink {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        for alert in alerts {
            let (rule, instance, summary) = (&alert.rule, &alert.instance, &alert.summary);
            match (alert.state, alert.severity) {
                (AlertState::Resolved, _) => tracing::info!(rule, instance, summary, "mail alert ends"),
                (AlertState::Firing, Severity::Critical) => {
                    tracing::error!(rule, instance, summary, "mail alert");
                }
                (AlertState::Firing, Severity::Warning) => {
                    tracing::warn!(rule, instance, summary, "mail alert");
                }
            }
        }
        Ok(())
    }
}

/// Sends alerts by mail, from an agent's mailbox: one message for those of one look, and none twice. What no mail can
/// hold, such as a NUL in the name of what an alert is about, is a blank in it.
#[derive(Clone)]
pub struct MailSink {
    mailbox: AgentMailbox,
    to: Vec<Address>,
}

impl MailSink {
    /// Sends to these addresses.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is none.
    pub fn new(mailbox: AgentMailbox, to: Vec<Address>) -> Result<Self, Error> {
        if to.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "send alerts", mailbox.address())
                .with_detail("there is nobody to send them to")
                .with_fix("name at least one recipient"));
        }
        Ok(Self { mailbox, to })
    }
}

#[async_trait]
impl AlertSink for MailSink {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        let (first, others) = self
            .to
            .split_first()
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "send alerts", self.mailbox.address()))?;
        let message = others
            .iter()
            .fold(NewMessage::to(first.clone()), |message, to| message.with_to(to.clone()))
            .with_subject(plain(&subject(alerts), |_| false))
            .with_text(plain(&text(alerts), |c| c == '\n'))
            .with_auto_submitted(AutoSubmitted::Generated);
        let ids: Vec<String> = alerts.iter().map(Alert::id).collect();
        let key = format!("alerts {}", fingerprint(ids.concat().as_bytes()));
        self.mailbox.send_once(&key, message).await.map(drop)
    }
}

impl Debug for MailSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSink").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

fn subject(alerts: &[Alert]) -> String {
    if let [alert] = alerts {
        let about: String = alert.instance.chars().take(LONGEST_ABOUT).collect();
        let about = if about.is_empty() { about } else { format!(" ({about})") };
        return format!("[{}] {}{about}", word(alert), alert.rule);
    }
    let firing = alerts.iter().filter(|alert| alert.state == AlertState::Firing).count();
    format!("[mail] {firing} alerts, {} resolved", alerts.len() - firing)
}

fn text(alerts: &[Alert]) -> String {
    alerts.iter().fold(String::new(), |mut text, alert| {
        let _ = writeln!(text, "{}: {}\n  {}\n", word(alert), alert.rule, alert.summary);
        text
    })
}

/// Makes blanks of control characters: names come from the mail system, and an alert is no place to refuse one.
fn plain(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if c.is_control() && !is_kept(c) { ' ' } else { c }).collect()
}

fn word(alert: &Alert) -> &'static str {
    match alert.state {
        AlertState::Firing => alert.severity.as_str(),
        AlertState::Resolved => "resolved",
    }
}

/// Characters of a subject; all of it stands in the text.
const LONGEST_ABOUT: usize = 100;
