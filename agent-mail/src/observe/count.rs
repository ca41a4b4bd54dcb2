//! Counting what happened. Without the feature `metrics` nothing of it is left.
#![cfg_attr(not(feature = "metrics"), allow(unused_variables))]

use std::time::SystemTime;

use super::Operation;
#[cfg(feature = "metrics")]
use super::meter::Meter;
use super::operation::{own, with_current};
use crate::{AgentMailbox, DomainName, EventKind, MessageId, Usage};

/// Counts a step of a message on its way out, which was wanted at `since`.
pub(crate) fn counted(step: &Usage, since: SystemTime, now: SystemTime) {
    #[cfg(feature = "metrics")]
    {
        for (meter, count) in [
            (Meter::MessagesSent, step.sent),
            (Meter::RecipientsAccepted, step.accepted),
            (Meter::RecipientsRefused, step.refused),
            (Meter::RecipientsDeferred, step.deferred),
            (Meter::RecipientsExpired, step.expired),
            (Meter::RecipientsUnconfirmed, step.unconfirmed),
        ] {
            add(meter, count);
        }
        if step.sent > 0 {
            let taken = now.duration_since(since).unwrap_or_default();
            metrics::histogram!(Meter::SendToAcceptedSeconds.metric()).record(taken);
        }
    }
}

/// Names an event in the span of its hand-out, and counts it.
pub(crate) fn handed_out(mailbox: &AgentMailbox, kind: &EventKind, redelivery: bool) {
    with_current(|span| {
        span.record("kind", kind_name(kind)).record("redelivery", redelivery);
        let id = match kind {
            EventKind::Received(message) => {
                span.record("uid", message.uid().get());
                message.message_id().map(crate::Untrusted::expose)
            }
            EventKind::Sent(report)
            | EventKind::Deferred(report)
            | EventKind::Expired(report)
            | EventKind::Refused(report)
            | EventKind::Unconfirmed(report)
            | EventKind::Bounced(report)
            | EventKind::Complaint(report) => Some(&report.message_id),
            EventKind::MailboxReset { .. } => None,
        };
        if let Some(id) = id.and_then(|id| own(id, mailbox.address().domain())) {
            span.record("message_id", id);
        }
    });
    #[cfg(feature = "metrics")]
    if redelivery {
        add(Meter::Redeliveries, 1);
    } else {
        let first = Usage::of_event(kind);
        add(Meter::MessagesReceived, first.received);
        add(Meter::RecipientsBounced, first.bounced);
        add(Meter::RecipientsComplained, first.complained);
        add(Meter::RecipientsDeferred, first.deferred);
        if let EventKind::Received(message) = kind {
            let now = mailbox.inner().system.system().chance.now();
            let waited = now.duration_since(message.arrived()).unwrap_or_default();
            metrics::histogram!(Meter::AcceptedToEventSeconds.metric()).record(waited);
        }
    }
}

/// Names the message that the courier tries to get on with, and counts a try after the first.
pub(crate) fn attempted(id: &MessageId, failures: u32) {
    with_current(|span| {
        span.record("message_id", id.as_str());
    });
    if failures > 0 {
        retried(Operation::Attempt);
    }
}

/// Counts a try after the first.
pub(crate) fn retried(operation: Operation) {
    #[cfg(feature = "metrics")]
    metrics::counter!(Meter::Retries.metric(), "operation" => operation.name()).increment(1);
}

/// Tells how many messages are in the outboxes of a domain.
pub(crate) fn outbox_open(domain: &DomainName, count: usize) {
    #[cfg(feature = "metrics")]
    gauge(Meter::OutboxOpen, domain, count);
}

/// Tells how many events wait for their acknowledgement in a domain.
pub(crate) fn unacknowledged(domain: &DomainName, count: usize) {
    #[cfg(feature = "metrics")]
    gauge(Meter::EventsUnacknowledged, domain, count);
}

#[cfg(feature = "metrics")]
fn add(meter: Meter, count: u64) {
    if count > 0 {
        metrics::counter!(meter.metric()).increment(count);
    }
}

/// Counts of messages are far below 2^53.
#[cfg(feature = "metrics")]
#[allow(clippy::cast_precision_loss)]
fn gauge(meter: Meter, domain: &DomainName, count: usize) {
    metrics::gauge!(meter.metric(), "domain" => domain.as_str().to_owned()).set(count as f64);
}

fn kind_name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Received(_) => "received",
        EventKind::Sent(_) => "sent",
        EventKind::Deferred(_) => "deferred",
        EventKind::Expired(_) => "expired",
        EventKind::Refused(_) => "refused",
        EventKind::Unconfirmed(_) => "unconfirmed",
        EventKind::Bounced(_) => "bounced",
        EventKind::Complaint(_) => "complaint",
        EventKind::MailboxReset { .. } => "mailbox_reset",
    }
}
