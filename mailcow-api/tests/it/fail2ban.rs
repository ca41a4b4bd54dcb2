//! Bans: recordings played back.

use mailcow_api::{BanAction, Error, Fail2ban, Network};
use serde_json::json;

use crate::replay;

const ALL: &str = "fail2ban/all.json";

fn network() -> [Network; 1] {
    ["198.51.100.7/32".parse().unwrap()]
}

async fn rules() -> Fail2ban {
    let mut rules = replay::one(ALL, 3, &[]).fail2ban().await.unwrap();
    rules.never = vec!["mailcow.test".to_owned(), "192.0.2.0/24".to_owned()];
    rules
}

#[tokio::test]
async fn the_rules_are_read() {
    let before = replay::one(ALL, 0, &[]).fail2ban().await.unwrap();
    assert_eq!(before, Fail2ban::default());
    let after = replay::one(ALL, 3, &[]).fail2ban().await.unwrap();
    assert_eq!((after.ban_time, after.max_ban_time, after.max_attempts), (86_400, 86_400, 5));
    assert_eq!((after.retry_window, after.netban_ipv4, after.netban_ipv6), (600, 24, 64));
    assert!(after.ban_time_increment && !after.manage_external && after.patterns.is_empty());
    assert_eq!(after.never, ["192.0.2.0/24", "mailcow.test"]);
    assert_eq!(after.always, ["10.100.6.5/32", "10.100.8.4/32"]);
    let last = replay::one(ALL, 7, &[]).fail2ban().await.unwrap();
    assert_eq!(last.always.last().unwrap(), "198.51.100.7/32");
}

#[tokio::test]
async fn all_rules_are_sent() {
    // In the second recording the items are an empty list.
    for at in [1, 2] {
        let client = replay::altered(ALL, at, |exchange| {
            exchange.body["items"] = "none".into();
            // The lists may be separated by commas or lines, flags left out are off.
            exchange.body["attr"]["blacklist"] = "10.100.6.5/32\n10.100.8.4/32".into();
            exchange.body["attr"]["manage_external"] = "0".into();
        });
        client.set_fail2ban(&rules().await).await.unwrap();
    }
    let refused = replay::client([]).set_fail2ban(&Fail2ban::default()).await;
    assert!(matches!(refused, Err(Error::InvalidInput { .. })), "mailcow would replace each 0");
}

#[tokio::test]
async fn networks_are_put_on_a_list_or_freed() {
    replay::one(ALL, 4, &[]).edit_bans(&network(), BanAction::Always).await.unwrap();
    replay::one(ALL, 6, &[]).edit_bans(&network(), BanAction::Unban).await.unwrap();
    assert!("bogus network".parse::<Network>().is_err(), "recorded as exchange 5, refused before it is sent");
    // A host name is taken by mailcow and no network here; the answer of exchange 5 is still understood.
    let client = replay::altered(ALL, 5, |exchange| exchange.body["items"] = json!(["198.51.100.7/32"]));
    let refused = client.edit_bans(&network(), BanAction::Never).await;
    assert_eq!(replay::code(refused), "network_host_invalid");
}

#[tokio::test]
async fn patterns_are_replaced_and_reset() {
    // Not recorded: the answers are those of the same route.
    let answered = |at: usize, body: serde_json::Value| {
        replay::altered(ALL, at, |exchange| exchange.body = json!({"items": "none", "attr": body}))
    };
    let patterns = ["a (<HOST>)".to_owned()];
    answered(4, json!({"action": "edit-regex", "regex": patterns}))
        .set_ban_patterns(&patterns)
        .await
        .unwrap();
    let client = replay::altered(ALL, 4, |exchange| {
        exchange.body = json!({"items": "none", "attr": {"action": "reset-regex"}});
        exchange.response.body = br#"{"type":"success","msg":"Task completed"}"#.to_vec();
    });
    client.reset_ban_patterns().await.unwrap();
    let client = replay::client([]);
    for bad in [vec![], vec![String::new()], vec!["a\nb".to_owned()]] {
        assert!(matches!(client.set_ban_patterns(&bad).await, Err(Error::InvalidInput { .. })), "{bad:?}");
    }
}

#[tokio::test]
async fn a_wrong_id_of_the_list_is_no_missing_route() {
    let client = replay::altered(ALL, 4, |exchange| {
        exchange.path = "/api/v1/edit/fail2ban/banlist".to_owned();
        exchange.body = json!({"items": ["old"], "attr": {}});
        exchange.response.status = 404;
        exchange.response.body = br#"{"type":"error","msg":"Cannot edit item"}"#.to_vec();
    });
    let error = client.renew_banlist_id("old").await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert_eq!(error.problem().unwrap().args(), ["Cannot edit item"]);
}
