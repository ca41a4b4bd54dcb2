/// What is measured of the agents' half, and under which name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Meter {
    /// How long an operation took.
    OperationSeconds,
    /// How long it took until a message was accepted for the first of its recipients.
    SendToAcceptedSeconds,
    /// How long it took from the arrival of a message until its event was handed out.
    AcceptedToEventSeconds,
    /// Messages that were accepted for somebody.
    MessagesSent,
    /// Messages that were handed out for the first time.
    MessagesReceived,
    /// Recipients that the mail system has accepted.
    RecipientsAccepted,
    /// Recipients that the mail system refused.
    RecipientsRefused,
    /// Recipients that have to wait.
    RecipientsDeferred,
    /// Recipients who weren't reached in the time that a message was given.
    RecipientsExpired,
    /// Recipients of whom nobody knows whether a message was taken for them.
    RecipientsUnconfirmed,
    /// Recipients that a delivery report says were not reached.
    RecipientsBounced,
    /// Recipients who complained.
    RecipientsComplained,
    /// Tries after the first.
    Retries,
    /// Events that were handed out again.
    Redeliveries,
    /// Messages that a check didn't let pass.
    ChecksStopped,
    /// Messages in the outboxes.
    OutboxOpen,
    /// Events that wait for their acknowledgement.
    EventsUnacknowledged,
}

/// How a meter is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MeterKind {
    /// It only grows.
    Counter,
    /// It has a value at each moment.
    Gauge,
    /// It has many values, of which the distribution counts.
    Histogram,
}

impl Meter {
    /// All meters.
    pub const ALL: [Self; 17] = [
        Self::OperationSeconds,
        Self::SendToAcceptedSeconds,
        Self::AcceptedToEventSeconds,
        Self::MessagesSent,
        Self::MessagesReceived,
        Self::RecipientsAccepted,
        Self::RecipientsRefused,
        Self::RecipientsDeferred,
        Self::RecipientsExpired,
        Self::RecipientsUnconfirmed,
        Self::RecipientsBounced,
        Self::RecipientsComplained,
        Self::Retries,
        Self::Redeliveries,
        Self::ChecksStopped,
        Self::OutboxOpen,
        Self::EventsUnacknowledged,
    ];

    /// Returns the name of its metric.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::OperationSeconds => "agent_mail_operation_seconds",
            Self::SendToAcceptedSeconds => "agent_mail_send_to_accepted_seconds",
            Self::AcceptedToEventSeconds => "agent_mail_accepted_to_event_seconds",
            Self::MessagesSent => "agent_mail_messages_sent_total",
            Self::MessagesReceived => "agent_mail_messages_received_total",
            Self::RecipientsAccepted => "agent_mail_recipients_accepted_total",
            Self::RecipientsRefused => "agent_mail_recipients_refused_total",
            Self::RecipientsDeferred => "agent_mail_recipients_deferred_total",
            Self::RecipientsExpired => "agent_mail_recipients_expired_total",
            Self::RecipientsUnconfirmed => "agent_mail_recipients_unconfirmed_total",
            Self::RecipientsBounced => "agent_mail_recipients_bounced_total",
            Self::RecipientsComplained => "agent_mail_recipients_complained_total",
            Self::Retries => "agent_mail_retries_total",
            Self::Redeliveries => "agent_mail_redeliveries_total",
            Self::ChecksStopped => "agent_mail_checks_stopped_total",
            Self::OutboxOpen => "agent_mail_outbox_open",
            Self::EventsUnacknowledged => "agent_mail_events_unacknowledged",
        }
    }

    /// Returns how it is read.
    pub const fn kind(self) -> MeterKind {
        match self {
            Self::OperationSeconds | Self::SendToAcceptedSeconds | Self::AcceptedToEventSeconds => {
                MeterKind::Histogram
            }
            Self::OutboxOpen | Self::EventsUnacknowledged => MeterKind::Gauge,
            _ => MeterKind::Counter,
        }
    }

    /// Returns the labels that tell its values apart.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::OperationSeconds => &["operation", "outcome"],
            Self::Retries => &["operation"],
            Self::ChecksStopped => &["check", "ruling"],
            Self::OutboxOpen | Self::EventsUnacknowledged => &["domain"],
            _ => &[],
        }
    }

    /// Returns what it measures, in a few words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::OperationSeconds => "Seconds that an operation of the agents' half took.",
            Self::SendToAcceptedSeconds => "Seconds until a message was accepted for its first recipient.",
            Self::AcceptedToEventSeconds => "Seconds from the arrival of a message to its first event.",
            Self::MessagesSent => "Messages that were accepted for somebody.",
            Self::MessagesReceived => "Messages that were handed out for the first time.",
            Self::RecipientsAccepted => "Recipients that the mail system has accepted.",
            Self::RecipientsRefused => "Recipients that the mail system refused.",
            Self::RecipientsDeferred => "Recipients that have to wait.",
            Self::RecipientsExpired => "Recipients who weren't reached in time.",
            Self::RecipientsUnconfirmed => "Recipients of whom nobody knows whether they were reached.",
            Self::RecipientsBounced => "Recipients that a delivery report says were not reached.",
            Self::RecipientsComplained => "Recipients who complained.",
            Self::Retries => "Tries after the first.",
            Self::Redeliveries => "Events that were handed out again.",
            Self::ChecksStopped => "Messages that a check didn't let pass.",
            Self::OutboxOpen => "Messages in the outboxes.",
            Self::EventsUnacknowledged => "Events that wait for their acknowledgement.",
        }
    }

    /// Describes all meters to the recorder of this process (feature `metrics`). Do so once, when it is installed.
    #[cfg(feature = "metrics")]
    pub fn describe_all() {
        for meter in Self::ALL {
            match meter.kind() {
                MeterKind::Counter => metrics::describe_counter!(meter.metric(), meter.describe()),
                MeterKind::Gauge => metrics::describe_gauge!(meter.metric(), meter.describe()),
                MeterKind::Histogram => {
                    metrics::describe_histogram!(meter.metric(), metrics::Unit::Seconds, meter.describe());
                }
            }
        }
    }
}

/// How long an operation takes.
#[cfg(feature = "metrics")]
#[derive(Debug)]
pub(super) struct Timer {
    operation: super::Operation,
    begun: tokio::time::Instant,
}

#[cfg(feature = "metrics")]
impl Timer {
    pub(super) fn start(operation: super::Operation) -> Self {
        Self { operation, begun: tokio::time::Instant::now() }
    }

    pub(super) fn stop(&self, outcome: &'static str) {
        let labels = [("operation", self.operation.name()), ("outcome", outcome)];
        metrics::histogram!(Meter::OperationSeconds.metric(), &labels).record(self.begun.elapsed());
    }
}
