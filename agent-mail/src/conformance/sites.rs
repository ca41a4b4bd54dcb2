use std::sync::Arc;

use super::{Case, cases};
use crate::backend::Committed;
use crate::sites::{SiteState, SiteStatus, SiteStore, Slug};

/// The cases of [`SiteStore`]; each needs a store that knows the sites `one` and `two` and has no state of them.
pub const SITES_CASES: &[Case<Arc<dyn SiteStore>>] = cases! {
    a_site_that_never_had_mail_has_no_state
    a_replacement_is_seen_by_every_later_call
    a_state_that_is_not_the_one_seen_stays
    every_field_comes_back_as_it_was_written
    sites_do_not_touch_each_other
    of_many_callers_who_saw_the_same_one_is_done
};

type Store = Arc<dyn SiteStore>;

async fn a_site_that_never_had_mail_has_no_state(store: Store) {
    assert_eq!(read(&store, "one").await, None);
}

async fn a_replacement_is_seen_by_every_later_call(store: Store) {
    let (first, second) = (state(SiteStatus::Pending), state(SiteStatus::Ready));
    assert_eq!(replace(&store, "one", None, &first).await, Committed::Done);
    assert_eq!(read(&store, "one").await, Some(first.clone()));
    assert_eq!(replace(&store, "one", Some(&first), &second).await, Committed::Done);
    assert_eq!(read(&store, "one").await, Some(second.clone()));
    assert_eq!(replace(&store, "one", Some(&second), &second).await, Committed::Done);
}

async fn a_state_that_is_not_the_one_seen_stays(store: Store) {
    let (first, second) = (state(SiteStatus::Pending), state(SiteStatus::Ready));
    assert_eq!(replace(&store, "one", Some(&first), &second).await, Committed::Conflict);
    assert_eq!(read(&store, "one").await, None);
    assert_eq!(replace(&store, "one", None, &first).await, Committed::Done);
    assert_eq!(replace(&store, "one", None, &second).await, Committed::Conflict);
    assert_eq!(replace(&store, "one", Some(&second), &second).await, Committed::Conflict);
    assert_eq!(read(&store, "one").await, Some(first));
}

async fn every_field_comes_back_as_it_was_written(store: Store) {
    let mut seen = None;
    for status in [SiteStatus::Pending, SiteStatus::Ready, SiteStatus::Failed, SiteStatus::Disabled] {
        for (enabled, error) in [(true, None), (false, Some("it was full: \u{fc}\"'{}\\<>&"))] {
            let mut next = state(status);
            next.enabled = enabled;
            next.last_error = error.map(ToOwned::to_owned);
            assert_eq!(replace(&store, "one", seen.as_ref(), &next).await, Committed::Done);
            assert_eq!(read(&store, "one").await.as_ref(), Some(&next));
            seen = Some(next);
        }
    }
}

async fn sites_do_not_touch_each_other(store: Store) {
    assert_eq!(replace(&store, "one", None, &state(SiteStatus::Ready)).await, Committed::Done);
    assert_eq!(read(&store, "two").await, None);
    assert_eq!(replace(&store, "two", None, &state(SiteStatus::Failed)).await, Committed::Done);
    assert_eq!(read(&store, "one").await, Some(state(SiteStatus::Ready)));
}

async fn of_many_callers_who_saw_the_same_one_is_done(store: Store) {
    let racers: Vec<_> = (0..8)
        .map(|racer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut next = state(SiteStatus::Pending);
                next.last_error = Some(format!("racer {racer}"));
                replace(&store, "one", None, &next).await
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += u32::from(racer.await.expect("it doesn't panic") == Committed::Done);
    }
    assert_eq!(winners, 1);
}

fn state(status: SiteStatus) -> SiteState {
    let mut state = SiteState::new("mailcow", "one.mail.example".parse().expect("it is a name"));
    state.status = status;
    state
}

fn slug(name: &str) -> Slug {
    name.parse().expect("it is a slug")
}

async fn read(store: &Store, site: &str) -> Option<SiteState> {
    store.read(&slug(site)).await.expect("it can be read")
}

async fn replace(store: &Store, site: &str, seen: Option<&SiteState>, next: &SiteState) -> Committed {
    store.replace(&slug(site), seen, next).await.expect("it can be written")
}
