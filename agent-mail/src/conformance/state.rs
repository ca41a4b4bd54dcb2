use std::sync::Arc;

use super::{Case, cases};
use crate::backend::{Change, Committed, StateStore};

/// The cases of [`StateStore`]. One that is not listed here is dead code, and the compiler says so.
pub const STATE_CASES: &[Case<Arc<dyn StateStore>>] = cases! {
    a_change_is_seen_by_every_later_call
    a_scan_gives_the_keys_with_the_prefix_in_the_order_of_their_bytes
    a_conflict_writes_nothing
    writes_are_made_in_their_order
    removing_what_is_not_there_is_fine
    the_worked_example_comes_out_as_written
    of_many_changes_that_expect_the_same_one_is_made
    of_many_changes_at_a_time_each_is_judged_by_those_before_it
    a_dropped_change_is_made_whole_or_not_at_all
};

type Store = Arc<dyn StateStore>;

async fn a_change_is_seen_by_every_later_call(store: Store) {
    assert_eq!(get(&store, "a").await, None);
    done(&store, Change::new().put("a", "1").put("b", vec![0, 255])).await;
    assert_eq!(get(&store, "a").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&store, "b").await.as_deref(), Some(&[0, 255][..]));
    done(&store, Change::new().put("a", "").remove("b")).await;
    assert_eq!((get(&store, "a").await, get(&store, "b").await), (Some(vec![]), None));
}

async fn a_scan_gives_the_keys_with_the_prefix_in_the_order_of_their_bytes(store: Store) {
    let keys = ["a", "a/", "a/2", "a/10", "a/B", "a/b/c", "a0", "b/1", "a/\u{fc}"];
    done(&store, keys.iter().fold(Change::new(), |change, key| change.put(*key, *key))).await;
    let found: Vec<String> = scan(&store, "a/").await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, ["a/", "a/10", "a/2", "a/B", "a/b/c", "a/\u{fc}"]);
    assert_eq!(scan(&store, "").await.len(), keys.len());
    assert_eq!(scan(&store, "c").await, []);
}

async fn a_conflict_writes_nothing(store: Store) {
    done(&store, Change::new().put("a", "1")).await;
    let conflicts = [
        Change::new().expect("a", None).put("b", "1"),
        Change::new().expect("a", Some(b"2".to_vec())).put("b", "1"),
        Change::new().expect("a", Some(b"1".to_vec())).expect("c", Some(vec![])).put("b", "1").remove("a"),
    ];
    for change in conflicts {
        assert_eq!(store.commit(change).await.expect("it can be written"), Committed::Conflict);
    }
    assert_eq!(scan(&store, "").await, [("a".to_owned(), b"1".to_vec())]);
}

async fn writes_are_made_in_their_order(store: Store) {
    done(
        &store,
        Change::new().put("a", "1").put("a", "2").remove("b").put("b", "3").put("c", "4").remove("c"),
    )
    .await;
    let all = scan(&store, "").await;
    assert_eq!(all, [("a".to_owned(), b"2".to_vec()), ("b".to_owned(), b"3".to_vec())]);
}

async fn removing_what_is_not_there_is_fine(store: Store) {
    done(&store, Change::new().remove("a")).await;
    done(&store, Change::new()).await;
}

async fn the_worked_example_comes_out_as_written(store: Store) {
    let one = || Some(b"1".to_vec());
    done(&store, Change::new().put("a", "1")).await;
    let refused = store.commit(Change::new().expect("a", None).put("a", "2")).await;
    assert_eq!(refused.expect("it can be written"), Committed::Conflict);
    done(&store, Change::new().expect("a", one()).put("a", "2").put("b", "1")).await;
    assert_eq!((get(&store, "a").await, get(&store, "b").await), (Some(b"2".to_vec()), one()));
    done(&store, Change::new().remove("a").remove("c")).await;
    assert_eq!(scan(&store, "").await.len(), 1);
}

async fn of_many_changes_that_expect_the_same_one_is_made(store: Store) {
    let racers: Vec<_> = (0..20_u8)
        .map(|racer| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(Change::new().expect("a", None).put("a", [racer])).await })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        let committed = racer.await.expect("it doesn't panic").expect("it can be written");
        winners += u32::from(committed == Committed::Done);
    }
    assert_eq!(winners, 1);
}

async fn of_many_changes_at_a_time_each_is_judged_by_those_before_it(store: Store) {
    let counters: Vec<_> = (0..20)
        .map(|counter| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    loop {
                        let count = get(&store, "count").await;
                        let next = count.as_ref().map_or(0, |count| count[0]) + 1;
                        let note = format!("note/{counter}/{next}");
                        let change = Change::new().expect("count", count).put("count", [next]).put(note, "");
                        if store.commit(change).await.expect("it can be written") == Committed::Done {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    for counter in counters {
        counter.await.expect("it doesn't panic");
    }
    assert_eq!(get(&store, "count").await.as_deref(), Some(&[100][..]), "none is lost");
    assert_eq!(scan(&store, "note/").await.len(), 100, "what was refused wrote nothing");
}

async fn a_dropped_change_is_made_whole_or_not_at_all(store: Store) {
    for round in 0..40_u32 {
        let change = Change::new().put(format!("a/{round}"), "").put(format!("b/{round}"), "");
        let mut call = std::pin::pin!(store.commit(change));
        for _ in 0..round % 4 {
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await;
            if polled.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // It may be made late, but each scan sees both halves or neither.
    for _ in 0..20 {
        let all = scan(&store, "").await;
        let of = |prefix: &'static str| {
            all.iter().filter_map(move |(key, _)| key.strip_prefix(prefix)).collect::<Vec<_>>()
        };
        assert_eq!(of("a/"), of("b/"));
        tokio::task::yield_now().await;
    }
}

async fn get(store: &Store, key: &str) -> Option<Vec<u8>> {
    store.get(key).await.expect("it can be read")
}

async fn scan(store: &Store, prefix: &str) -> Vec<(String, Vec<u8>)> {
    store.scan(prefix).await.expect("it can be read")
}

async fn done(store: &Store, change: Change) {
    assert_eq!(store.commit(change).await.expect("it can be written"), Committed::Done);
}
