use mail_access::Address;

use super::RecipientState;
use super::queued::result;
use crate::journal::{OutboxRecord, Progress, What};
use crate::{RecipientResult, SendReport};

/// Returns what a step of an entry means to its sender, each once: who was reached, who has to wait for the first time,
/// and whom it will never reach.
pub(super) fn happened(before: &OutboxRecord, after: &OutboxRecord) -> Vec<What> {
    let (Some(from), Some(to)) = (&before.queue, &after.queue) else { return Vec::new() };
    let steps = || after.recipients.iter().zip(from.progress.iter().zip(&to.progress));
    let report = |fits: fn(&Progress, &Progress) -> bool| {
        let fitting = steps().filter(|(_, (before, after))| fits(before, after));
        let results: Vec<RecipientResult> =
            fitting.map(|(who, (_, after)): (&Address, _)| result(who, after.said.as_ref())).collect();
        (!results.is_empty()).then(|| SendReport {
            key: after.key.clone(),
            ..SendReport::new(after.message_id.clone(), results)
        })
    };
    let sent = report(|before, after| came_to(before, after, RecipientState::Accepted)).map(What::Sent);
    let deferred = report(|before, after| {
        after.state == RecipientState::Waiting && before.said.is_none() && after.said.is_some()
    });
    let expired = report(|before, after| came_to(before, after, RecipientState::Expired)).map(What::Expired);
    let refused = report(|before, after| came_to(before, after, RecipientState::Refused)).map(What::Refused);
    let unconfirmed =
        report(|before, after| came_to(before, after, RecipientState::Unconfirmed)).map(What::Unconfirmed);
    [sent, deferred.map(What::Deferred), expired, refused, unconfirmed].into_iter().flatten().collect()
}

fn came_to(before: &Progress, after: &Progress, state: RecipientState) -> bool {
    before.state != state && after.state == state
}
