use std::error::Error as _;

use super::fake::{FakeFault, FakeState, FakeVault};
use super::*;

fn ada() -> Address {
    "ada@agents.example".parse().unwrap()
}

fn vault(fake: &FakeVault, login: VaultLogin) -> Vault {
    Vault::new("https://vault.example", login, Arc::new(fake.clone())).unwrap()
}

fn rooted(fake: &FakeVault) -> Vault {
    vault(fake, VaultLogin::token(fake.root_token()))
}

async fn got(vault: &Vault) -> Option<String> {
    vault.get(&ada()).await.unwrap().map(|secret| secret.expose_secret().to_owned())
}

fn count(fake: &FakeVault, end: &str) -> usize {
    fake.calls().iter().filter(|(_, path)| path.ends_with(end)).count()
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const PATH: &str = "mail/users/agents.example/ada";

#[tokio::test(start_paused = true)]
async fn no_mount_is_told_from_no_secret() {
    let fake = FakeVault::new();
    let vault = rooted(&fake);
    assert_eq!(got(&vault).await, None);
    vault.put(&ada(), &"one".into()).await.unwrap();
    fake.remove_engine("", "secret");
    for error in [
        vault.get(&ada()).await.map(drop),
        vault.put(&ada(), &"two".into()).await,
        vault.remove(&ada()).await,
        rooted(&fake).with_namespace("nowhere").unwrap().get(&ada()).await.map(drop),
    ] {
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unexpected, Some("404")), "{error}");
        assert!(error.fix().contains("mount"));
    }
    // A page of somebody else is no answer of Vault's.
    fake.add_engine("", "secret");
    fake.fail_call(0, FakeFault::Status(404));
    assert_eq!(vault.get(&ada()).await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_version_is_no_secret_and_the_next_one_follows_it() {
    let fake = FakeVault::new();
    let vault = rooted(&fake);
    vault.put(&ada(), &"one".into()).await.unwrap();
    let token = fake.root_token();
    let data = ["secret", "data", "mail", "users", "agents.example", "ada"];
    vault.door.call(Method::Delete, &data, Some(&token), None).await.unwrap();
    assert_eq!(got(&vault).await, None);
    vault.put(&ada(), &"two".into()).await.unwrap();
    assert_eq!(got(&vault).await.as_deref(), Some("two"));
    let destroy = ["secret", "destroy", "mail", "users", "agents.example", "ada"];
    vault.door.call(Method::Post, &destroy, Some(&token), Some(r#"{"versions":[2]}"#.into())).await.unwrap();
    assert_eq!(got(&vault).await, None);
    vault.remove(&ada()).await.unwrap();
    assert!(fake.paths("secret").is_empty(), "nothing of it is left");
    vault.put(&ada(), &"three".into()).await.unwrap();
    assert_eq!(fake.store("secret", PATH, "theirs"), 2);
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_one_is_told() {
    let fake = FakeVault::new();
    let (one, other) = (rooted(&fake), rooted(&fake));
    assert_eq!((got(&one).await, got(&other).await), (None, None));
    one.put(&ada(), &"one's".into()).await.unwrap();
    let error = other.put(&ada(), &"other's".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotReady);
    assert_eq!(got(&other).await.as_deref(), Some("one's"), "nothing was written over");
    // Now it knows, and means it.
    other.put(&ada(), &"other's".into()).await.unwrap();
    assert_eq!(one.put(&ada(), &"again".into()).await.unwrap_err().kind(), ErrorKind::NotReady);
    one.put(&ada(), &"again".into()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn wherever_a_call_fails_nothing_is_lost_and_the_next_call_finishes_it() {
    use FakeFault::{Hangs, LostAfter, LostBefore, NotSent, Status, StatusAfter};
    for fault in
        [NotSent, LostBefore, LostAfter, Hangs, Status(500), StatusAfter(502), Status(503), Status(412)]
    {
        for step in 0..6 {
            let fake = FakeVault::new();
            let (role, secret) = fake.add_role("", HOUR, HOUR);
            let vault = vault(&fake, VaultLogin::app_role(role, secret));
            fake.store("secret", PATH, "old");
            fake.fail_call(step, fault);
            let outcome = vault.put(&ada(), &"new".into()).await;
            fake.calm();
            let there = got(&rooted(&fake)).await.unwrap();
            match &outcome {
                Ok(()) => assert_eq!(there, "new", "{fault:?} {step}"),
                Err(error) => assert!(error.is_retryable(), "{fault:?} {step} {error}"),
            }
            vault.put(&ada(), &"new".into()).await.unwrap();
            assert_eq!(got(&vault).await.as_deref(), Some("new"), "{fault:?} {step}");
            fake.fail_call(step % 2, fault);
            if let Err(error) = vault.remove(&ada()).await {
                assert!(error.is_retryable(), "{fault:?} {step} {error}");
            }
            fake.calm();
            vault.remove(&ada()).await.unwrap();
            assert!(fake.paths("secret").is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_carried_out_and_not_answered_is_known_by_a_look() {
    let fake = FakeVault::new();
    let vault = rooted(&fake);
    assert_eq!(got(&vault).await, None);
    fake.fail_call(0, FakeFault::LostAfter);
    vault.put(&ada(), &"one".into()).await.unwrap();
    let writes = fake.calls().iter().filter(|(method, _)| *method == Method::Post).count();
    assert_eq!(writes, 1, "it is not written twice");
    vault.put(&ada(), &"two".into()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_serve_is_unavailable() {
    let fake = FakeVault::new();
    let vault = rooted(&fake);
    vault.put(&ada(), &"one".into()).await.unwrap();
    let states = [307, 429, 472, 473].map(FakeState::Standby);
    for state in [FakeState::Sealed].into_iter().chain(states) {
        fake.set_state(state);
        for outcome in [vault.get(&ada()).await.map(drop), vault.put(&ada(), &"x".into()).await] {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable, "{state:?}");
        }
        assert_eq!(vault.remove(&ada()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    fake.set_state(FakeState::Active);
    assert_eq!(got(&vault).await.as_deref(), Some("one"));
    fake.fail_call(0, FakeFault::Status(418));
    assert_eq!(vault.get(&ada()).await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_ends_at_the_deadline() {
    let fake = FakeVault::new();
    let vault = rooted(&fake).with_deadline(Duration::from_secs(2));
    let before = Instant::now();
    (0..9).for_each(|n| fake.fail_call(n, FakeFault::Hangs));
    assert_eq!(vault.get(&ada()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(before.elapsed() < Duration::from_secs(8), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_runs_out_and_then_replaced() {
    let fake = FakeVault::new();
    let (role, secret) = fake.add_role("", HOUR, HOUR * 5);
    let vault = vault(&fake, VaultLogin::app_role(role, secret));
    // For two days, a call every ten minutes: no call meets a token that has run out.
    for _ in 0..288 {
        got(&vault).await;
        tokio::time::sleep(MINUTE * 10).await;
    }
    assert_eq!(count(&fake, "/ada"), 288, "no call came twice");
    let (logins, renewals) = (count(&fake, "/login"), count(&fake, "renew-self"));
    assert!((9..=14).contains(&logins) && renewals < 100, "{logins} {renewals}");
    // After a long sleep there is nothing to renew.
    tokio::time::sleep(HOUR * 99).await;
    got(&vault).await;
    assert_eq!(count(&fake, "renew-self"), renewals);
}

#[tokio::test(start_paused = true)]
async fn a_given_token_is_kept_alive_while_nothing_is_asked() {
    let fake = FakeVault::new();
    let token = fake.add_token("", HOUR, HOUR * 1000);
    let vault = vault(&fake, VaultLogin::token(token));
    tokio::select! {
        () = vault.keep_token() => unreachable!("it never ends"),
        () = tokio::time::sleep(HOUR * 48) => {}
    }
    assert_eq!(got(&vault).await, None);
    assert!((48..=80).contains(&count(&fake, "renew-self")), "{}", count(&fake, "renew-self"));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_leads_to_one_login_for_all() {
    let fake = FakeVault::new();
    let (role, secret) = fake.add_role("", HOUR, HOUR);
    let vault = Arc::new(vault(&fake, VaultLogin::app_role(&role, secret)));
    got(&vault).await;
    fake.revoke_all();
    let calls = (0..50).map(|_| {
        let vault = vault.clone();
        tokio::spawn(async move { got(&vault).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), None);
    }
    assert_eq!(count(&fake, "/login"), 2);
    // What the policy forbids is asked once more, and not again and again.
    fake.allow_role("", &role, false);
    tokio::time::sleep(MINUTE).await;
    for _ in 0..50 {
        assert_eq!(vault.get(&ada()).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(count(&fake, "/login"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_refused_is_not_repeated_at_once() {
    let fake = FakeVault::new();
    let (role, _) = fake.add_role("", HOUR, HOUR);
    let vault = vault(&fake, VaultLogin::app_role(role, "canary-9".into()));
    for _ in 0..50 {
        let error = vault.get(&ada()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(fake.calls().len(), 1);
    tokio::time::sleep(MINUTE).await;
    vault.get(&ada()).await.unwrap_err();
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn mount_prefix_and_namespace_are_where_it_says() {
    let fake = FakeVault::new();
    fake.add_engine("team/mail", "kv/two");
    let (role, secret) = fake.add_role("team/mail", HOUR, HOUR);
    let vault = vault(&fake, VaultLogin::app_role(role, secret));
    let vault =
        vault.with_mount("kv/two").unwrap().with_prefix("a").unwrap().with_namespace("team/mail/").unwrap();
    let hostile: Address = "\"../../../sys\"@agents.example".parse().unwrap();
    vault.put(&hostile, &"one".into()).await.unwrap();
    let (_, path) = fake.calls().last().unwrap().clone();
    assert_eq!(path, "kv/two/data/a/agents.example/=22=2e=2e=2f=2e=2e=2f=2e=2e=2fsys=22");
    for bad in ["../x", "a//b", ""] {
        assert_eq!(rooted(&fake).with_mount(bad).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    for bad in
        ["http://vault.example", "https://a:b@vault.example", "vault.example", "https://v.example/?a=b"]
    {
        let made = Vault::new(bad, VaultLogin::token("x".into()), Arc::new(fake.clone()));
        assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_shows_in_an_error_or_a_url() {
    let fake = FakeVault::new();
    let (role, secret_id) = fake.add_role("", HOUR, HOUR);
    let login = VaultLogin::app_role(role, secret_id.clone());
    let mut shown = vec![format!("{login:?}")];
    let vault = vault(&fake, login);
    vault.put(&ada(), &"canary-password".into()).await.unwrap();
    shown.push(format!("{vault:?}"));
    let statuses = [400, 401, 403, 404, 405, 418, 429, 500, 503];
    for fault in statuses.map(FakeFault::Status).into_iter().chain([FakeFault::LostAfter, FakeFault::NotSent])
    {
        (0..9).for_each(|n| fake.fail_call(n, fault));
        for error in [vault.get(&ada()).await.map(drop), vault.put(&ada(), &"canary-two".into()).await] {
            let error = error.unwrap_err();
            shown.push(format!("{error} {error:?} {:?} {}", error.source(), error.fix()));
        }
        fake.calm();
    }
    shown.push(format!("{:?}", fake.calls()));
    let shown = shown.concat();
    for canary in ["canary", "hvs.", secret_id.expose_secret()] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

/// Vault tells of a quota by 429 and words; `Retry-After` comes only where the operator has switched it on.
#[test]
fn a_quota_is_told_from_a_node_on_standby() {
    let what = What { operation: "read secret", subject: &"ada" };
    let body = r#"{"errors":["request path \"secret/data/mail\": rate limit quota exceeded"]}"#;
    let quota = refusal(&what, &HttpResponse::new(429, body));
    assert_eq!((quota.kind(), quota.is_retryable()), (ErrorKind::RateLimited, true));
    assert_eq!(refusal(&what, &HttpResponse::new(429, "")).kind(), ErrorKind::Unavailable);
}

#[derive(Debug)]
struct EndlessLease;

#[async_trait]
impl HttpClient for EndlessLease {
    async fn send(&self, request: crate::http::HttpRequest) -> Result<HttpResponse, crate::http::HttpError> {
        let is_login = request.url.path().ends_with("/login");
        let auth = r#"{"auth":{"client_token":"t","lease_duration":18446744073709551615,"renewable":true}}"#;
        let none = HttpResponse::new(404, r#"{"errors":[]}"#);
        Ok(if is_login { HttpResponse::new(200, auth) } else { none })
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_longer_than_any_clock_counts_is_taken() {
    let login = VaultLogin::app_role("role", "secret".into());
    let vault = Vault::new("https://vault.example", login, Arc::new(EndlessLease)).unwrap();
    assert_eq!(got(&vault).await, None);
}
