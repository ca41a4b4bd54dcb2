//! What of the figures can be watched and exported, and under which names.

use serde::{Deserialize, Serialize};

use super::Figures;

/// A measure that a [`Rule`](super::Rule) watches. Its names in metrics stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Messages in the queue, for each domain that they come from.
    QueueBySender,
    /// Messages in the queue, for each domain that they go to.
    QueueByRecipient,
    /// For how many seconds the oldest message of the queue has been waiting.
    QueueOldestSeconds,
    /// How much of the volume of the mail is used, in percent.
    DiskUsedPercent,
    /// Whether a container runs: 1 or 0, for each container.
    ContainerRunning,
    /// Messages in the quarantine.
    QuarantineMessages,
    /// Logins that were refused within the last hour.
    RejectedLogins,
    /// Hosts that were banned within the last hour.
    Bans,
    /// Messages that a sending limit refused within the last hour.
    RateLimitHits,
    /// For how many days the certificate is still good.
    CertificateDays,
    /// How many seconds old the newest good backup is.
    BackupAgeSeconds,
    /// Whether a figure could be read: 1 or 0, for each figure that is measured.
    FigureKnown,
}

/// A value of a measure, for one domain, container or figure; the name is empty where there is only one.
pub(super) type Sample = (String, f64);

impl Measure {
    /// All measures, in the order of the exporter.
    pub const ALL: [Self; 12] = [
        Self::QueueBySender,
        Self::QueueByRecipient,
        Self::QueueOldestSeconds,
        Self::DiskUsedPercent,
        Self::ContainerRunning,
        Self::QuarantineMessages,
        Self::RejectedLogins,
        Self::Bans,
        Self::RateLimitHits,
        Self::CertificateDays,
        Self::BackupAgeSeconds,
        Self::FigureKnown,
    ];

    /// Returns the name of its metric.
    pub fn metric(self) -> &'static str {
        match self {
            Self::QueueBySender => "agent_mail_queue_messages_by_sender_domain",
            Self::QueueByRecipient => "agent_mail_queue_messages_by_recipient_domain",
            Self::QueueOldestSeconds => "agent_mail_queue_oldest_seconds",
            Self::DiskUsedPercent => "agent_mail_disk_used_percent",
            Self::ContainerRunning => "agent_mail_container_running",
            Self::QuarantineMessages => "agent_mail_quarantine_messages",
            Self::RejectedLogins => "agent_mail_rejected_logins_last_hour",
            Self::Bans => "agent_mail_bans_last_hour",
            Self::RateLimitHits => "agent_mail_rate_limit_hits_last_hour",
            Self::CertificateDays => "agent_mail_certificate_days",
            Self::BackupAgeSeconds => "agent_mail_backup_age_seconds",
            Self::FigureKnown => "agent_mail_figure_known",
        }
    }

    /// Returns the label that tells its samples apart, if there can be several.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::QueueBySender | Self::QueueByRecipient => Some("domain"),
            Self::ContainerRunning => Some("container"),
            Self::FigureKnown => Some("figure"),
            _ => None,
        }
    }

    /// Returns what it measures, in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::QueueBySender => "Messages in the mail queue by the domain of their sender.",
            Self::QueueByRecipient => "Messages in the mail queue by the domain of their recipients.",
            Self::QueueOldestSeconds => "Seconds that the oldest message of the mail queue has been waiting.",
            Self::DiskUsedPercent => "Use of the volume that holds all mail, in percent.",
            Self::ContainerRunning => "Whether a container of the mail system runs.",
            Self::QuarantineMessages => "Messages in the quarantine.",
            Self::RejectedLogins => "Logins that were refused within the last hour.",
            Self::Bans => "Hosts that were banned within the last hour.",
            Self::RateLimitHits => "Messages that a sending limit refused within the last hour.",
            Self::CertificateDays => "Days for which the certificate of the mail host is still good.",
            Self::BackupAgeSeconds => "Age of the newest good backup in seconds.",
            Self::FigureKnown => "Whether a figure of the mail system could be read.",
        }
    }

    /// Returns its samples; `None` if they could not be read.
    pub(super) fn samples(self, figures: &Figures) -> Option<Vec<Sample>> {
        let one = |value: f64| vec![(String::new(), value)];
        match self {
            Self::QueueBySender => several(&figures.queue, |queue| counts(queue.by_sender_domain())),
            Self::QueueByRecipient => several(&figures.queue, |queue| counts(queue.by_recipient_domain())),
            Self::QueueOldestSeconds => {
                several(&figures.queue, |queue| one(queue.oldest(figures.taken_at).as_secs_f64()))
            }
            Self::DiskUsedPercent => several(&figures.disk, |disk| one(disk.used_percent.into())),
            Self::ContainerRunning => several(&figures.containers, |containers| {
                let running = |is_running| if is_running { 1.0 } else { 0.0 };
                containers.iter().map(|c| (c.name.clone(), running(c.is_running()))).collect()
            }),
            Self::QuarantineMessages => several(&figures.quarantine, |count| one(float(*count))),
            Self::RejectedLogins => several(&figures.rejected_logins, |count| one(float(*count))),
            Self::Bans => several(&figures.bans, |count| one(float(*count))),
            Self::RateLimitHits => several(&figures.rate_limit_hits, |count| one(float(*count))),
            Self::CertificateDays => several(&figures.certificate_days, |days| one((*days).into())),
            Self::BackupAgeSeconds => several(&figures.backup_age, |age| one(age.as_secs_f64())),
            Self::FigureKnown => {
                let states = figures.states().into_iter();
                let known = states.filter_map(|(name, state)| {
                    Some((name.to_owned(), if state?.is_ok() { 1.0 } else { 0.0 }))
                });
                Some(known.collect())
            }
        }
    }
}

fn several<T>(figure: &super::Figure<T>, read: impl Fn(&T) -> Vec<Sample>) -> Option<Vec<Sample>> {
    match figure {
        super::Figure::Absent => Some(Vec::new()),
        super::Figure::Known(value) => Some(read(value)),
        super::Figure::Unknown(_) => None,
    }
}

fn counts(counts: impl IntoIterator<Item = (String, u64)>) -> Vec<Sample> {
    counts.into_iter().map(|(name, count)| (name, float(count))).collect()
}

/// Counts of messages are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(count: u64) -> f64 {
    count as f64
}
