//! How a mail system is: its figures, rules that make alerts of them, and what an operator does with mail that is held
//! up.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::sync::Arc;
//! use agent_mail::Embedded;
//! use agent_mail::health::{Disk, Health, HealthSource, LogSink, Monitor, Rules};
//!
//! let world = Embedded::new("agents.example".parse()?);
//! world.vitals().set_disk(Disk::new(97, "244G of 252G"));
//! let health = Health::new(Arc::new(world.vitals().clone())).with_certificate_days(|| async { Ok(30) });
//! assert_eq!(health.figures().await.certificate_days.known(), Some(&30));
//!
//! // A program spawns `monitor.run()`; this is one look.
//! let mut monitor = Monitor::new(Arc::new(health), Rules::default()).with_sink(Arc::new(LogSink::new()));
//! let look = monitor.look().await;
//! assert!(look.changes.is_empty(), "a disk has to be full for a minute");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alerts;
mod certificate;
mod control;
mod figures;
#[cfg(feature = "mailcow")]
mod mailcow;
mod measure;
#[cfg(feature = "metrics")]
mod metrics;
mod monitor;
mod prometheus;
mod rules;
mod sinks;
#[cfg(feature = "http")]
mod webhook;

use std::fmt;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

pub use alerts::{Alert, AlertState, Alerts};
pub use certificate::certificate_days;
pub use control::{
    Judgement, QuarantineControl, QuarantineId, Quarantined, QueueAction, QueueControl, QueueId, Treated,
};
pub use figures::{Container, Disk, Figure, Figures, Queue, QueueState, QueuedMail, QueuedRecipient};
pub use measure::Measure;
#[cfg(feature = "metrics")]
pub use metrics::HealthMetrics;
pub use monitor::{Look, Monitor};
pub use prometheus::rule_file;
pub use rules::{Limit, Rule, Rules, Severity};
pub use sinks::{AlertSink, LogSink, MailSink};
#[cfg(feature = "http")]
pub use webhook::WebhookSink;

use crate::{Error, ErrorKind};

/// Measures a mail system.
#[async_trait]
pub trait HealthSource: Debug + Send + Sync + 'static {
    /// Reads all figures.
    ///
    /// # Contract
    /// - It never fails as a whole: a figure that can't be read is [`Figure::Unknown`] with its error and hides none of
    ///   the others, one that this system doesn't have is [`Figure::Absent`].
    /// - It reads only, and ends by itself: a server that is silent makes figures unknown.
    async fn figures(&self) -> Figures;
}

type Measured<T> = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send>> + Send + Sync>;

/// The figures of a mail system, with those that others measure: its certificate and its backups.
#[derive(Clone)]
pub struct Health {
    source: Arc<dyn HealthSource>,
    certificate: Option<Measured<u32>>,
    backup: Option<Measured<Duration>>,
    deadline: Duration,
}

impl Health {
    /// Takes the figures of a source, and waits for 30 seconds at most.
    pub fn new(source: Arc<dyn HealthSource>) -> Self {
        Self { source, certificate: None, backup: None, deadline: Duration::from_secs(30) }
    }

    /// Adds how many whole days the certificate of the mail host is still good.
    pub fn with_certificate_days<F, R>(mut self, measure: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<u32, Error>> + Send + 'static,
    {
        self.certificate = Some(Arc::new(move || Box::pin(measure())));
        self
    }

    /// Adds how old the newest good backup is.
    pub fn with_backup_age<F, R>(mut self, measure: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Duration, Error>> + Send + 'static,
    {
        self.backup = Some(Arc::new(move || Box::pin(measure())));
        self
    }

    /// Sets how long it waits for the source and for each of the others; those that are late are unknown.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    async fn measured<T>(&self, measure: Option<&Measured<T>>, what: &'static str) -> Figure<T> {
        let Some(measure) = measure else { return Figure::Absent };
        let value = tokio::time::timeout(self.deadline, measure()).await;
        value.unwrap_or_else(|_| Err(late(what))).into()
    }
}

#[async_trait]
impl HealthSource for Health {
    async fn figures(&self) -> Figures {
        let (figures, certificate, backup) = tokio::join!(
            tokio::time::timeout(self.deadline, self.source.figures()),
            self.measured(self.certificate.as_ref(), "read certificate"),
            self.measured(self.backup.as_ref(), "read backups"),
        );
        let mut figures =
            figures.unwrap_or_else(|_| Figures::unknown(SystemTime::now(), late("read figures")));
        if self.certificate.is_some() {
            figures.certificate_days = certificate;
        }
        if self.backup.is_some() {
            figures.backup_age = backup;
        }
        figures
    }
}

impl Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("source", &self.source).finish_non_exhaustive()
    }
}

fn late(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation, "mail system").with_detail("there was no answer in time")
}

#[cfg(test)]
mod tests;
