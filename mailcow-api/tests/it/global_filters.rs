//! Global sieve scripts: recordings played back.

use mailcow_api::{Error, FilterKind};
use serde_json::json;

use crate::replay;

const EMPTY: &str = "server/get-empty-collections.json";

#[tokio::test]
async fn both_or_one_are_read() {
    let both = replay::one(EMPTY, 30, &[]).global_filters().await.unwrap();
    assert!(both.before.starts_with("# global_sieve_before script"), "{}", both.before);
    assert!(both.after.starts_with("# global_sieve_after script"), "{}", both.after);
    // The routes of one script answer with a bare JSON string.
    for (kind, name, script) in
        [(FilterKind::Before, "prefilter", &both.before), (FilterKind::After, "postfilter", &both.after)]
    {
        let client = replay::altered(EMPTY, 30, |exchange| {
            exchange.path = format!("/api/v1/get/global_filters/{name}");
            exchange.response.body = json!(script).to_string().into();
        });
        assert_eq!(client.global_filter(&kind).await.unwrap(), *script);
    }
}

#[tokio::test]
async fn a_script_that_waits_for_a_restart_is_partly_done() {
    // Not recorded, because it needs dovecot: the answers are those of mailcow's source.
    let answered = |first: serde_json::Value| {
        replay::altered("filters/all.json", 0, |exchange| {
            exchange.path = "/api/v1/add/global-filter".to_owned();
            exchange.body = json!({"filter_type": "prefilter", "script_data": "keep;\n"});
            let written = json!({"type": "success", "log": [], "msg": "global_filter_written"});
            exchange.response.body = json!([first, written]).to_string().into();
        })
    };
    let client = answered(json!({"type": "success", "log": [], "msg": "dovecot_restart_success"}));
    client.set_global_filter(&FilterKind::Before, "keep;\n").await.unwrap();
    let client = answered(json!({"type": "warning", "log": [], "msg": "dovecot_restart_failed"}));
    let error = client.set_global_filter(&FilterKind::Before, "keep;\n").await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_script_is_not_sent() {
    let client = replay::client([]);
    let odd = FilterKind::Other("x".to_owned());
    assert!(matches!(client.set_global_filter(&odd, "keep;").await, Err(Error::InvalidInput { .. })));
    assert!(matches!(client.global_filter(&odd).await, Err(Error::InvalidInput { .. })));
    let blank = client.set_global_filter(&FilterKind::After, " ").await;
    assert!(matches!(blank, Err(Error::InvalidInput { .. })));
}
