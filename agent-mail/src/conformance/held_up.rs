use std::sync::Arc;

use super::{Case, cases};
use crate::health::{
    Judgement, QuarantineControl, QuarantineId, QueueAction, QueueControl, QueueId, QueueState, Treated,
};

/// A mail system with an empty queue and an empty quarantine, into which messages can be put.
pub trait HeldUpHarness: Send + Sync + 'static {
    /// Returns who works on the queue.
    fn queue(&self) -> Arc<dyn QueueControl>;

    /// Returns who works on the quarantine.
    fn quarantine(&self) -> Arc<dyn QuarantineControl>;

    /// Puts a message into the queue that could not be delivered yet; the next try delivers it.
    fn put_in_queue(&self, id: &QueueId);

    /// Puts a message into the quarantine that can be delivered.
    fn put_in_quarantine(&self) -> QuarantineId;
}

/// The cases of [`QueueControl`]. One that is not listed here is dead code, and the compiler says so.
pub const QUEUE_CASES: &[Case<Arc<dyn HeldUpHarness>>] = cases! {
    the_queue_is_read_as_it_is
    what_is_tried_again_leaves_or_waits_on
    a_held_message_leaves_by_release_or_deletion_only
    a_deleted_message_is_gone
    an_id_that_is_not_there_and_an_empty_list_are_fine
    what_is_not_named_stays_as_it_is
    treating_is_safe_to_repeat
};

/// The cases of [`QuarantineControl`].
pub const QUARANTINE_CASES: &[Case<Arc<dyn HeldUpHarness>>] = cases! {
    the_quarantine_is_read_the_oldest_first
    a_judged_message_is_no_longer_there
    a_message_that_is_not_there_is_not_judged
    others_stay_in_the_quarantine
};

type Subject = Arc<dyn HeldUpHarness>;

async fn the_queue_is_read_as_it_is(subject: Subject) {
    assert_eq!(queue(&subject).await, []);
    put(&subject, ["A1", "B2"]);
    assert_eq!(shown(&subject).await, "A1 B2");
    assert_eq!(shown(&subject).await, "A1 B2", "reading changes nothing");
}

async fn what_is_tried_again_leaves_or_waits_on(subject: Subject) {
    put(&subject, ["A1", "B2", "C3"]);
    treat(&subject, QueueAction::Deliver(ids(["B2"]))).await;
    assert_eq!(shown(&subject).await, "A1 C3");
    treat(&subject, QueueAction::Flush).await;
    assert_eq!(shown(&subject).await, "");
}

async fn a_held_message_leaves_by_release_or_deletion_only(subject: Subject) {
    put(&subject, ["A1", "B2"]);
    treat(&subject, QueueAction::Hold(ids(["A1", "B2"]))).await;
    assert!(queue(&subject).await.iter().all(|(_, state)| *state == QueueState::Hold));
    treat(&subject, QueueAction::Flush).await;
    treat(&subject, QueueAction::Deliver(ids(["A1"]))).await;
    assert_eq!(shown(&subject).await, "A1 B2");
    treat(&subject, QueueAction::Release(ids(["A1"]))).await;
    assert!(queue(&subject).await.iter().all(|(id, state)| id != "A1" || *state != QueueState::Hold));
    treat(&subject, QueueAction::Flush).await;
    assert_eq!(shown(&subject).await, "B2");
    treat(&subject, QueueAction::Delete(ids(["B2"]))).await;
    assert_eq!(shown(&subject).await, "");
}

async fn a_deleted_message_is_gone(subject: Subject) {
    put(&subject, ["A1", "B2", "C3"]);
    treat(&subject, QueueAction::Delete(ids(["A1", "C3"]))).await;
    assert_eq!(shown(&subject).await, "B2");
}

async fn an_id_that_is_not_there_and_an_empty_list_are_fine(subject: Subject) {
    let kinds = [QueueAction::Deliver, QueueAction::Hold, QueueAction::Release, QueueAction::Delete];
    treat(&subject, QueueAction::Flush).await;
    for kind in kinds {
        treat(&subject, kind(ids(["A1"]))).await;
    }
    put(&subject, ["A1"]);
    for kind in kinds {
        treat(&subject, kind(Vec::new())).await;
        treat(&subject, kind(ids(["B2"]))).await;
        assert_eq!(shown(&subject).await, "A1");
    }
}

async fn what_is_not_named_stays_as_it_is(subject: Subject) {
    put(&subject, ["A1", "B2"]);
    let before = queue(&subject).await;
    treat(&subject, QueueAction::Hold(ids(["A1"]))).await;
    assert_eq!(queue(&subject).await[1], before[1]);
    treat(&subject, QueueAction::Release(ids(["B2"]))).await;
    assert_eq!(queue(&subject).await[0].1, QueueState::Hold);
    treat(&subject, QueueAction::Delete(ids(["A1"]))).await;
    assert_eq!(queue(&subject).await, before[1..]);
}

async fn treating_is_safe_to_repeat(subject: Subject) {
    put(&subject, ["A1", "B2", "C3"]);
    for action in [
        QueueAction::Hold(ids(["A1"])),
        QueueAction::Deliver(ids(["A1", "B2"])),
        QueueAction::Flush,
        QueueAction::Release(ids(["A1"])),
        QueueAction::Delete(ids(["A1"])),
    ] {
        treat(&subject, action.clone()).await;
        let once = queue(&subject).await;
        treat(&subject, action.clone()).await;
        assert_eq!(queue(&subject).await, once, "{action:?}");
    }
}

async fn the_quarantine_is_read_the_oldest_first(subject: Subject) {
    assert_eq!(quarantined(&subject).await, []);
    let put: Vec<_> = (0..3).map(|_| subject.put_in_quarantine()).collect();
    assert_eq!(quarantined(&subject).await, put);
    assert_eq!(quarantined(&subject).await, put, "reading changes nothing");
}

async fn a_judged_message_is_no_longer_there(subject: Subject) {
    for judgement in JUDGEMENTS {
        let id = subject.put_in_quarantine();
        assert_eq!(judge(&subject, id, judgement).await, Treated::Now, "{judgement:?}");
        assert_eq!(quarantined(&subject).await, [], "{judgement:?}");
    }
}

async fn a_message_that_is_not_there_is_not_judged(subject: Subject) {
    for judgement in JUDGEMENTS {
        assert_eq!(judge(&subject, QuarantineId::new(4711), judgement).await, Treated::NotThere);
        let id = subject.put_in_quarantine();
        judge(&subject, id, judgement).await;
        assert_eq!(judge(&subject, id, judgement).await, Treated::NotThere, "a repeated {judgement:?}");
    }
}

async fn others_stay_in_the_quarantine(subject: Subject) {
    let other = subject.put_in_quarantine();
    for judgement in JUDGEMENTS {
        let id = subject.put_in_quarantine();
        judge(&subject, id, judgement).await;
        assert_eq!(quarantined(&subject).await, [other], "{judgement:?}");
    }
}

fn put<const N: usize>(subject: &Subject, names: [&str; N]) {
    for id in ids(names) {
        subject.put_in_queue(&id);
    }
}

fn ids<const N: usize>(names: [&str; N]) -> Vec<QueueId> {
    names.iter().map(|name| name.parse().expect("it is an id")).collect()
}

async fn queue(subject: &Subject) -> Vec<(String, QueueState)> {
    let queue = subject.queue().queue().await.expect("the queue is read");
    let mut messages: Vec<_> =
        queue.messages.into_iter().map(|mail| (mail.id.as_str().to_owned(), mail.state)).collect();
    messages.sort_by(|one, other| one.0.cmp(&other.0));
    messages
}

async fn shown(subject: &Subject) -> String {
    let names: Vec<_> = queue(subject).await.into_iter().map(|(id, _)| id).collect();
    names.join(" ")
}

async fn treat(subject: &Subject, action: QueueAction) {
    subject.queue().treat(&action).await.unwrap_or_else(|error| panic!("{action:?}: {error}"));
}

async fn quarantined(subject: &Subject) -> Vec<QuarantineId> {
    let messages = subject.quarantine().quarantined().await.expect("the quarantine is read");
    messages.iter().map(|message| message.id).collect()
}

async fn judge(subject: &Subject, id: QuarantineId, judgement: Judgement) -> Treated {
    let judged = subject.quarantine().judge(id, judgement).await;
    judged.unwrap_or_else(|error| panic!("{judgement:?}: {error}"))
}

const JUDGEMENTS: [Judgement; 4] = [Judgement::Release, Judgement::Ham, Judgement::Spam, Judgement::Delete];
