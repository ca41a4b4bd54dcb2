//! The fake as a server: its health, who may call it, bans and races.

use std::{sync::Arc, time::Duration};

use mailcow_api::{
    Client, Error, FakeHealth, FakeMailcow, Fault, HttpError, HttpRequest, Method, Mib, NewDomain,
    NewMailbox, ProblemKind, RetryPolicy,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    fake::{TIMES, add_mailbox, answers_as_recorded, post, send},
    replay::{self, code},
};

/// A client that asks only once, so that each answer is seen.
fn with_key(mailcow: &FakeMailcow, key: SecretString) -> Client {
    let builder = Client::builder("https://mail.example.com", key).http_client(Arc::new(mailcow.clone()));
    builder.retries(RetryPolicy::none()).build().unwrap()
}

/// Asks something small and returns what is wrong with the key.
async fn fault(client: Client) -> Option<ProblemKind> {
    match client.version().await {
        Err(Error::Unauthenticated { kind, .. }) => Some(kind),
        _ => None,
    }
}

#[tokio::test]
async fn an_ill_server_answers_every_call_as_recorded() {
    let (mailcow, exchanges) = (FakeMailcow::new(), replay::load("server/backend-down.json"));
    let states = [FakeHealth::DatabaseDown, FakeHealth::Starting, FakeHealth::DockerApiDown];
    for (health, recorded) in states.into_iter().zip(&exchanges) {
        mailcow.set_health(health);
        for (method, path) in
            [(recorded.method, recorded.path.as_str()), (Method::Post, "/api/v1/add/domain")]
        {
            let answer = send(&mailcow, &mailcow.api_key(), method, path, &json!({"domain": "a.example"}));
            assert_eq!(answer.status, recorded.response.status, "{health:?}");
            assert_eq!(answer.content_type, recorded.response.content_type, "{health:?}");
            if answer.status == 500 {
                assert_eq!(answer.body, recorded.response.body, "{health:?}");
            }
        }
        assert!(mailcow.client().version().await.unwrap_err().is_retryable());
    }
    mailcow.set_health(FakeHealth::Unreachable);
    assert!(matches!(mailcow.client().version().await, Err(Error::Unavailable { .. })));
    mailcow.set_health(FakeHealth::Well);
    mailcow.client().version().await.unwrap();
    assert!(mailcow.client().domains().await.unwrap().is_empty());
}

#[tokio::test]
async fn ten_wrong_keys_ban_the_caller_until_the_ban_is_lifted() {
    let mailcow = FakeMailcow::new();
    for _ in 0..10 {
        let wrong = with_key(&mailcow, "WRONG".into());
        assert!(matches!(wrong.version().await, Err(Error::Unauthenticated { .. })));
    }
    let seen = mailcow.calls().len();
    assert!(matches!(mailcow.client().version().await, Err(Error::Unavailable { .. })));
    assert_eq!(mailcow.calls().len(), seen);
    mailcow.call_from("192.0.2.8".parse().unwrap());
    mailcow.client().version().await.unwrap();
    mailcow.call_from("127.0.0.1".parse().unwrap());
    mailcow.lift_bans();
    mailcow.client().version().await.unwrap();
}

#[tokio::test]
async fn keys_are_good_only_from_addresses_that_are_allowed() {
    let (mailcow, recorded) = (FakeMailcow::new(), &replay::load("server/auth.json")[8]);
    mailcow.set_allow_from("192.0.2.0/24, 2001:db8::1\nnonsense");
    let answer = send(&mailcow, &mailcow.api_key(), recorded.method, &recorded.path, &Value::Null);
    assert_eq!(
        (answer.status, &answer.content_type),
        (recorded.response.status, &recorded.response.content_type)
    );
    let said = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["msg"].clone();
    assert_eq!(said(&answer.body), said(&recorded.response.body));
    assert_eq!(fault(mailcow.client()).await, Some(ProblemKind::AddressNotAllowed));
    assert_eq!(
        fault(with_key(&mailcow, mailcow.read_only_key())).await,
        Some(ProblemKind::AddressNotAllowed)
    );
    mailcow.call_from("192.0.2.200".parse().unwrap());
    mailcow.client().version().await.unwrap();
    mailcow.call_from("127.0.0.1".parse().unwrap());
    mailcow.set_allow_from("");
    mailcow.client().version().await.unwrap();
}

#[test]
fn a_read_only_key_writes_nowhere() {
    let mailcow = FakeMailcow::new();
    let key = mailcow.read_only_key();
    for category in ["alias", "bcc", "domain", "filter", "mailbox", "resource", "sso/domain-admin", "syncjob"]
    {
        for action in ["add", "edit", "delete"] {
            let answer =
                send(&mailcow, &key, Method::Post, &format!("/api/v1/{action}/{category}"), &json!({}));
            assert_eq!(answer.status, 403, "{action}/{category}");
        }
    }
}

#[tokio::test]
async fn the_loser_of_a_race_gets_an_empty_answer() {
    let mailcow = FakeMailcow::new();
    let domain = json!({"domain": "race.example.com", "defquota": 10, "maxquota": 10, "quota": 100});
    post(&mailcow, "/api/v1/add/domain", &domain);
    let exchanges = replay::load("mailboxes/race.json");
    mailcow.lose_next("add/mailbox", exchanges[0].body.clone());
    answers_as_recorded(&mailcow, "mailboxes/race.json", [0, 7, 8], &["created", "modified", "attributes"]);
    let theirs = json!({"local_part": "late", "domain": "race.example.com", "name": "theirs", "quota": 10,
        "password": "Fake-Passw0rd-123", "password2": "Fake-Passw0rd-123"});
    mailcow.lose_next("add/mailbox", theirs);
    let ours =
        NewMailbox::new("late@race.example.com".parse().unwrap(), "Our-Passw0rd-1".into(), Mib::new(10));
    let client = mailcow.client();
    assert!(client.add_mailbox(&ours).await.unwrap_err().outcome_unknown());
    assert_eq!(client.get_mailbox(ours.address()).await.unwrap().unwrap().name, "theirs");
    assert_eq!(code(client.add_mailbox(&ours).await), "object_exists");
}

#[tokio::test]
async fn pages_of_a_proxy_leave_open_or_rule_out_what_was_done() {
    let mailcow = FakeMailcow::new();
    let (client, domain) = (mailcow.client(), NewDomain::new("a.example".parse().unwrap()));
    mailcow.fail_next("add/domain", Fault::NotDone502);
    mailcow.fail_next("add/domain", Fault::DoneBut502);
    assert!(client.add_domain(&domain).await.unwrap_err().outcome_unknown());
    assert!(client.get_domain(domain.name()).await.unwrap().is_none());
    assert!(client.add_domain(&domain).await.unwrap_err().outcome_unknown());
    assert!(client.get_domain(domain.name()).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn answers_are_held_back_on_the_clock_of_tokio() {
    let mailcow = FakeMailcow::new();
    let (client, domain) = (mailcow.client(), NewDomain::new("a.example".parse().unwrap()));
    mailcow.set_delay(Duration::from_secs(5));
    mailcow.fail_next("get/status/version", Fault::Slow(Duration::from_secs(2)));
    let start = tokio::time::Instant::now();
    client.version().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 7);
    mailcow.set_delay(Duration::ZERO);
    mailcow.fail_next("add/domain", Fault::Slow(Duration::from_hours(1)));
    assert!(client.add_domain(&domain).await.unwrap_err().outcome_unknown());
    assert!(client.get_domain(domain.name()).await.unwrap().is_some());
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [1], TIMES);
}

/// Each create, and the list in which what it made stands.
const CREATES: [(&str, &str, &str); 12] = [
    ("add/alias", r#"{"address": "x@a.example", "goto": "y@b.example"}"#, "get/alias/all"),
    (
        "add/alias-domain",
        r#"{"alias_domain": "b.example", "target_domain": "a.example"}"#,
        "get/alias-domain/all",
    ),
    (
        "add/app-passwd",
        r#"{"username": "m@a.example", "app_name": "x", "app_passwd": "Passw0rd", "app_passwd2": "Passw0rd"}"#,
        "get/app-passwd/all/m@a.example",
    ),
    ("add/bcc", r#"{"local_dest": "a.example", "bcc_dest": "x@b.example", "type": "rcpt"}"#, "get/bcc/all"),
    (
        "add/domain-admin",
        r#"{"username": "boss", "password": "Passw0rd", "password2": "Passw0rd", "domains": ["a.example"]}"#,
        "get/domain-admin/all",
    ),
    (
        "add/filter",
        r#"{"username": "m@a.example", "filter_type": "prefilter", "script_desc": "x", "script_data": "keep;"}"#,
        "get/filters/all",
    ),
    ("add/relayhost", r#"{"hostname": "relay.example"}"#, "get/relayhost/all"),
    ("add/resource", r#"{"description": "Car", "domain": "a.example", "kind": "thing"}"#, "get/resource/all"),
    (
        "add/syncjob",
        r#"{"username": "m@a.example", "host1": "h.example", "port1": 993, "user1": "u", "enc1": "SSL"}"#,
        "get/syncjobs/all/no_log",
    ),
    (
        "add/time_limited_alias",
        r#"{"username": "m@a.example", "domain": "a.example"}"#,
        "get/time_limited_aliases/m@a.example",
    ),
    ("add/tls-policy-map", r#"{"dest": "b.example", "policy": "encrypt"}"#, "get/tls-policy-map/all"),
    ("add/transport", r#"{"destination": "b.example", "nexthop": "relay.example"}"#, "get/transport/all"),
];

#[test]
fn a_create_whose_answer_is_lost_has_made_one_object() {
    let mailcow = FakeMailcow::new();
    post(&mailcow, "/api/v1/add/domain", &json!({"domain": "a.example"}));
    add_mailbox(&mailcow, "m", "a.example");
    for (create, body, list) in CREATES {
        let url = format!("https://mail.example.com/api/v1/{create}").parse().unwrap();
        let request = HttpRequest::new(Method::Post, url, mailcow.api_key()).with_body(body.into());
        mailcow.fail_next(create, Fault::DoneButLost);
        assert!(matches!(mailcow.handle(&request), Err(HttpError::Lost(_))), "{create}");
        let shown = send(&mailcow, &mailcow.api_key(), Method::Get, &format!("/api/v1/{list}"), &Value::Null);
        let shown: Value = serde_json::from_slice(&shown.body).unwrap();
        assert_eq!(shown.as_array().map(Vec::len), Some(1), "{create}: {shown}");
    }
}

#[tokio::test]
async fn answers_are_held_back_over_http_too() {
    let mailcow = FakeMailcow::new();
    let server = mailcow.serve().await;
    let client =
        Client::builder(&server.uri(), mailcow.api_key()).retries(RetryPolicy::none()).build().unwrap();
    mailcow.fail_next("get/status/version", Fault::Slow(Duration::from_millis(40)));
    let start = std::time::Instant::now();
    client.version().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(40));
    mailcow.set_health(FakeHealth::DockerApiDown);
    assert!(client.domains().await.unwrap_err().is_retryable());
}
