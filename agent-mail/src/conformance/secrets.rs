use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use mail_access::Address;
use secrecy::{ExposeSecret, SecretString};

use super::{Case, cases};
use crate::ErrorKind;
use crate::backend::SecretStore;

/// The cases of [`SecretStore`]. One that is not listed here is dead code, and the compiler says so.
pub const SECRETS_CASES: &[Case<Arc<dyn SecretStore>>] = cases! {
    a_secret_is_kept_for_its_address_only
    a_secret_takes_the_place_of_another
    removing_is_safe_to_repeat
    secrets_come_back_byte_for_byte
    no_address_is_taken_for_another
    calls_at_the_same_time_stay_apart
    a_dropped_change_leaves_the_old_or_the_new
    debug_shows_no_secret
};

type Store = Arc<dyn SecretStore>;

async fn a_secret_is_kept_for_its_address_only(store: Store) {
    assert_eq!(get(&store, "ada@agents.example").await, None);
    put(&store, "ada@agents.example", "one").await;
    assert_eq!(get(&store, "ada@agents.example").await.as_deref(), Some("one"));
    for other in ["ad@agents.example", "ada@agents.example.org", "ada+x@agents.example"] {
        assert_eq!(get(&store, other).await, None, "{other}");
    }
}

async fn a_secret_takes_the_place_of_another(store: Store) {
    put(&store, "ada@agents.example", "a long one to begin with").await;
    put(&store, "ada@agents.example", "short").await;
    put(&store, "ada@agents.example", "short").await;
    assert_eq!(get(&store, "ada@agents.example").await.as_deref(), Some("short"));
}

async fn removing_is_safe_to_repeat(store: Store) {
    put(&store, "ada@agents.example", "one").await;
    put(&store, "bob@agents.example", "two").await;
    for _ in 0..2 {
        store.remove(&address("ada@agents.example")).await.expect("it can be removed");
        assert_eq!(get(&store, "ada@agents.example").await, None);
    }
    assert_eq!(get(&store, "bob@agents.example").await.as_deref(), Some("two"));
}

async fn secrets_come_back_byte_for_byte(store: Store) {
    for secret in ["", " blanks \t", "line\r\nline\n", "gr\u{fc}\u{df}e \u{1f511}", "\"quotes' \\ $(x)"] {
        put(&store, "ada@agents.example", secret).await;
        assert_eq!(get(&store, "ada@agents.example").await.as_deref(), Some(secret));
    }
    let long = "0123456789abcdef".repeat(4096);
    put(&store, "ada@agents.example", &long).await;
    assert!(get(&store, "ada@agents.example").await == Some(long), "64 KiB are fine too");
}

async fn no_address_is_taken_for_another(store: Store) {
    let addresses = [
        "ada@agents.example",
        "ada@sub.agents.example",
        "\"../ada\"@agents.example",
        "\"..\"@agents.example",
        "a/da@agents.example",
        "a=2fda@agents.example",
        "a%2fda@agents.example",
        "a_2fda@agents.example",
        "\"next ada\"@agents.example",
        "gr\u{fc}n@agents.example",
    ];
    for address in addresses {
        put(&store, address, address).await;
    }
    for address in addresses {
        assert_eq!(get(&store, address).await.as_deref(), Some(address));
    }
    for (at, address) in addresses.into_iter().enumerate() {
        store.remove(&self::address(address)).await.expect("it can be removed");
        for (other_at, other) in addresses.into_iter().enumerate() {
            assert_eq!(get(&store, other).await.is_some(), other_at > at, "{other} after {address}");
        }
    }
}

async fn calls_at_the_same_time_stay_apart(store: Store) {
    let calls: Vec<_> = (0..24)
        .map(|n| {
            let (store, name) = (store.clone(), format!("a{n}@agents.example"));
            tokio::spawn(async move {
                put(&store, &name, &name).await;
                assert_eq!(get(&store, &name).await, Some(name));
            })
        })
        .collect();
    for call in calls {
        call.await.expect("none is disturbed by another");
    }
    for n in 0..24 {
        let name = format!("a{n}@agents.example");
        assert_eq!(get(&store, &name).await, Some(name));
    }
}

async fn a_dropped_change_leaves_the_old_or_the_new(store: Store) {
    let ada = address("ada@agents.example");
    for polls in 0..6 {
        put(&store, "ada@agents.example", "old").await;
        let new = SecretString::from("new");
        let mut change = store.put(&ada, &new);
        for _ in 0..polls {
            let polled = poll_fn(|context| Poll::Ready(change.as_mut().poll(context))).await;
            if polled.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(change);
        let found = get(&store, "ada@agents.example").await;
        assert!(matches!(found.as_deref(), Some("old" | "new")), "{found:?}");
        // What was dropped may still arrive, and a store may notice it; then the change is made again.
        while let Err(error) = store.put(&ada, &SecretString::from("newer")).await {
            assert!(error.kind() == ErrorKind::NotReady, "{error}");
        }
        assert_eq!(get(&store, "ada@agents.example").await.as_deref(), Some("newer"));
    }
}

async fn debug_shows_no_secret(store: Store) {
    put(&store, "ada@agents.example", "canary-8815").await;
    assert!(!format!("{store:?}").contains("canary-8815"));
}

async fn get(store: &Store, who: &str) -> Option<String> {
    let secret = store.get(&address(who)).await.expect("it can be read");
    secret.map(|secret| secret.expose_secret().to_owned())
}

async fn put(store: &Store, who: &str, secret: &str) {
    store.put(&address(who), &SecretString::from(secret)).await.expect("it can be written");
}

fn address(text: &str) -> Address {
    text.parse().expect("it is an address")
}
