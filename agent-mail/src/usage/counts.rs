use std::ops::AddAssign;

use serde::Serialize;

use super::{Reputation, ReputationLimits};
use crate::journal::{Outcome, Stage};
use crate::{EventKind, RecipientState};

/// What was sent and received.
///
/// Messages are counted once, when they are accepted for the first recipient and when they are first handed out;
/// recipients once for each message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// Messages that the mail system has taken charge of for somebody.
    pub sent: u64,
    /// Their size in bytes, each once.
    pub bytes_sent: u64,
    /// Messages handed out as received.
    pub received: u64,
    /// Their size in bytes.
    pub bytes_received: u64,
    /// Recipients that the mail system has accepted.
    pub accepted: u64,
    /// Recipients that it refused.
    pub refused: u64,
    /// Recipients that had to wait: refused for now, or reported as delayed.
    pub deferred: u64,
    /// Recipients who weren't reached in the time that the message was given.
    pub expired: u64,
    /// Recipients of whom nobody knows whether the message was taken for them.
    pub unconfirmed: u64,
    /// Recipients that a delivery report says were not reached after all.
    pub bounced: u64,
    /// Recipients who complained.
    pub complained: u64,
}

impl Usage {
    /// Returns the share of accepted recipients that bounced, from 0 on; `None` if none was accepted.
    ///
    /// A report counts when it comes, so that in a short period it may be of an earlier message, and the share above 1.
    pub fn bounce_rate(&self) -> Option<f64> {
        rate(self.bounced, self.accepted)
    }

    /// Returns the share of accepted recipients who complained; as [`bounce_rate`](Self::bounce_rate).
    pub fn complaint_rate(&self) -> Option<f64> {
        rate(self.complained, self.accepted)
    }

    /// Judges the rates of bounces and complaints.
    pub fn reputation(&self, limits: &ReputationLimits) -> Reputation {
        limits.judge(self)
    }

    /// Tells whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns what an event adds when it is handed out for the first time. What the outbox tells was counted there.
    pub(crate) fn of_event(kind: &EventKind) -> Self {
        let mut usage = Self::default();
        match kind {
            EventKind::Received(message) => {
                usage.received = 1;
                usage.bytes_received = count(message.size());
            }
            EventKind::Bounced(report) => usage.bounced = count(report.recipients.len()),
            EventKind::Complaint(report) => usage.complained = count(report.recipients.len()),
            EventKind::Deferred(report) if report.report.is_some() => {
                usage.deferred = count(report.recipients.len());
            }
            _ => {}
        }
        usage
    }

    /// Returns what a step of a message on its way out adds, but for its size.
    pub(crate) fn of_step(before: Stage<'_>, after: Stage<'_>) -> Self {
        let (old, new) = (Self::reached(before), Self::reached(after));
        let step = |read: fn(&Self) -> u64| read(&new).saturating_sub(read(&old));
        Self {
            sent: u64::from(old.accepted == 0 && new.accepted > 0),
            accepted: step(|usage| usage.accepted),
            refused: step(|usage| usage.refused),
            deferred: deferred(before, after),
            expired: step(|usage| usage.expired),
            unconfirmed: step(|usage| usage.unconfirmed),
            ..Self::default()
        }
    }

    /// Returns how many recipients an entry has brought where, up to now.
    pub(crate) fn reached(stage: Stage<'_>) -> Self {
        let mut usage = Self::default();
        match (stage.queue, stage.outcome) {
            (Some(queue), _) => {
                for progress in &queue.progress {
                    match progress.state {
                        RecipientState::Accepted => usage.accepted += 1,
                        RecipientState::Refused => usage.refused += 1,
                        RecipientState::Expired => usage.expired += 1,
                        RecipientState::Unconfirmed => usage.unconfirmed += 1,
                        _ => {}
                    }
                }
            }
            (None, Outcome::Sent { accepted, refused }) => {
                usage.accepted = count(accepted.len());
                usage.refused = count(refused.len());
            }
            (None, Outcome::Open) => {}
        }
        usage
    }

    /// Returns what a submission adds that nobody noted, but for its size.
    pub(crate) fn of_submission(accepted: usize, refused: usize) -> Self {
        Self { sent: u64::from(accepted > 0), accepted: count(accepted), ..Self::refused(refused) }
    }

    pub(crate) fn refused(recipients: usize) -> Self {
        Self { refused: count(recipients), ..Self::default() }
    }

    /// Returns the form in which it is stored: new counts go to the end.
    pub(crate) fn to_numbers(self) -> [u64; 11] {
        [
            self.sent,
            self.bytes_sent,
            self.received,
            self.bytes_received,
            self.accepted,
            self.refused,
            self.deferred,
            self.expired,
            self.unconfirmed,
            self.bounced,
            self.complained,
        ]
    }

    pub(crate) fn from_numbers(numbers: &[u64]) -> Self {
        let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
        Self {
            sent: at(0),
            bytes_sent: at(1),
            received: at(2),
            bytes_received: at(3),
            accepted: at(4),
            refused: at(5),
            deferred: at(6),
            expired: at(7),
            unconfirmed: at(8),
            bounced: at(9),
            complained: at(10),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        let mut sum = self.to_numbers();
        for (own, more) in sum.iter_mut().zip(other.to_numbers()) {
            *own = own.saturating_add(more);
        }
        *self = Self::from_numbers(&sum);
    }
}

/// Returns how many recipients have to wait for the first time, as the event of it tells.
fn deferred(before: Stage<'_>, after: Stage<'_>) -> u64 {
    let (Some(from), Some(to)) = (before.queue, after.queue) else { return 0 };
    let first =
        from.progress.iter().zip(&to.progress).filter(|(from, to)| {
            to.state == RecipientState::Waiting && from.said.is_none() && to.said.is_some()
        });
    count(first.count())
}

/// Counts are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn rate(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

fn count(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_is_read_again_and_sums_up(
            one in prop::array::uniform11(0..1_u64 << 50),
            two in prop::array::uniform11(0..1_u64 << 50),
        ) {
            let mut sum = Usage::from_numbers(&one);
            prop_assert_eq!(sum.to_numbers(), one);
            sum += Usage::from_numbers(&two);
            for (n, number) in sum.to_numbers().into_iter().enumerate() {
                prop_assert_eq!(number, one[n] + two[n]);
            }
            prop_assert_eq!(Usage::from_numbers(&one[..3]).received, one[2], "of an older release");
        }
    }
}
