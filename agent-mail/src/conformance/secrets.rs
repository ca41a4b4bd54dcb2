use std::sync::Arc;

use mail_access::Address;
use secrecy::{ExposeSecret, SecretString};

use super::{Case, cases};
use crate::backend::SecretStore;

/// The cases of [`SecretStore`]. One that is not listed here is dead code, and the compiler says so.
pub const SECRETS_CASES: &[Case<Arc<dyn SecretStore>>] = cases! {
    a_secret_is_kept_for_its_address_only
    a_secret_takes_the_place_of_another
    removing_is_safe_to_repeat
    secrets_come_back_byte_for_byte
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
