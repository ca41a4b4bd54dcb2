//! The fake beyond what was recorded: faults, its clock, its limits, and what it keeps.

use std::time::Duration;

use desec_api::{
    DomainName, Error, FakeDesec, Fault, HttpRequest, HttpResponse, Method, RecordType, RrSetPatch, SubName,
    Ttl,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::advance;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn ttl() -> Ttl {
    Ttl::new(3600).unwrap()
}

fn fake(domain: &str) -> FakeDesec {
    let fake = FakeDesec::new();
    fake.add_domain(&name(domain), ttl());
    fake
}

fn send(fake: &FakeDesec, token: &SecretString, method: Method, path: &str, body: &Value) -> HttpResponse {
    let url = format!("https://desec.io/api/v1{path}").parse().unwrap();
    let authorization = format!("Token {}", token.expose_secret());
    let request = HttpRequest::new(method, url).with_authorization(authorization.into());
    fake.handle(&if body.is_null() { request } else { request.with_json(body.to_string().into_bytes()) })
}

fn json(response: &HttpResponse) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn token(fake: &FakeDesec, settings: &Value) -> SecretString {
    let token = json(&send(fake, &fake.token(), Method::Post, "/auth/tokens/", settings));
    token["token"].as_str().unwrap().into()
}

#[tokio::test(start_paused = true)]
async fn faults_happen_once_and_leave_what_they_say() {
    let (fake, domain) = (fake("example.com"), name("example.com"));
    let client = fake.client().unwrap();
    let cases = [
        (Fault::FailsStored, true),
        (Fault::FailsUnstored, false),
        (Fault::GatewayTimeout { stored: true }, true),
        (Fault::GatewayTimeout { stored: false }, false),
        (Fault::AnswerLost, true),
        (Fault::Unreachable, false),
    ];
    for (n, (fault, stored)) in cases.into_iter().enumerate() {
        fake.inject(fault);
        let subname: SubName = format!("n{n}").parse().unwrap();
        let patch = RrSetPatch::new(subname.clone(), RecordType::A)
            .with_ttl(ttl())
            .with_records(["192.0.2.1".into()]);
        let patches = [patch];
        let error = client.patch_rrsets(&domain, &patches).await.unwrap_err();
        assert_eq!(error.outcome_unknown(), fault != Fault::Unreachable, "{fault:?}: {error:?}");
        let found = |fake: &FakeDesec| fake.zone(&domain).unwrap().iter().any(|set| set.subname == subname);
        assert_eq!(found(&fake), stored, "{fault:?}");
        assert!(error.is_retryable());
        client.patch_rrsets(&domain, &patches).await.unwrap();
        assert!(found(&fake), "repeating repairs {fault:?}");
    }
    let seen: Vec<_> = fake.calls().iter().map(|call| (call.method, call.status)).collect();
    assert_eq!(
        seen[..9],
        [500, 200, 500, 200, 504, 200, 504, 200]
            .map(|status| (Method::Patch, Some(status)))
            .into_iter()
            .chain([(Method::Patch, None)])
            .collect::<Vec<_>>()
    );
    assert_eq!(fake.calls()[0].path, "/api/v1/domains/example.com/rrsets/");
}

#[tokio::test]
async fn a_bad_item_leaves_everything_as_it_was() {
    let (fake, domain) = (fake("example.com"), name("example.com"));
    let before = fake.zone(&domain);
    let good = RrSetPatch::new("a".parse().unwrap(), RecordType::A)
        .with_ttl(ttl())
        .with_records(["192.0.2.1".into()]);
    let bad = RrSetPatch::new("b".parse().unwrap(), RecordType::A).with_ttl(Ttl::new(60).unwrap());
    let error = fake.client().unwrap().patch_rrsets(&domain, &[good, bad]).await.unwrap_err();
    let Error::Invalid { problem, .. } = error else { panic!("{error:?}") };
    assert!(problem.entries.iter().all(|entry| entry.item == Some(1)), "{problem:?}");
    assert_eq!(fake.zone(&domain), before);
}

#[tokio::test]
async fn another_token_is_refused() {
    let fake = fake("example.com");
    let builder = desec_api::Client::builder("another".into()).http_client(std::sync::Arc::new(fake));
    let error = builder.build().unwrap().domain(&name("example.com")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
}

#[test]
fn faults_wait_for_their_turn() {
    let fake = fake("example.com");
    fake.inject_after(2, Fault::FailsUnstored);
    fake.inject_after(1, Fault::Throttled { retry_after: Some(Duration::from_secs(7)) });
    fake.inject(Fault::ReadFails);
    fake.inject(Fault::Conflict);
    let status =
        |method| send(&fake, &fake.token(), method, "/domains/example.com/rrsets/", &json!([])).status();
    let write = || status(Method::Patch);
    assert_eq!([write(), status(Method::Get), write(), write()], [200, 200, 200, 500]);
    assert_eq!([status(Method::Get), status(Method::Get), write()], [200, 429, 200]);
    assert_eq!([write(), status(Method::Get), write(), write()], [200, 500, 409, 200]);
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_on_the_clock_of_tokio() {
    let fake = fake("example.com");
    let aged = token(&fake, &json!({ "max_age": "01:00:00" }));
    let used = token(&fake, &json!({ "max_unused_period": 60 }));
    let status = |token: &SecretString| send(&fake, token, Method::Get, "/domains/", &Value::Null).status();
    for _ in 0..59 {
        assert_eq!((status(&aged), status(&used)), (200, 200));
        advance(Duration::from_secs(59)).await;
    }
    advance(Duration::from_secs(59)).await;
    assert_eq!((status(&aged), status(&used)), (200, 401), "one was not used for 118 seconds");
    advance(Duration::from_secs(61)).await;
    assert_eq!(status(&aged), 401, "it is more than an hour old");
}

#[tokio::test]
async fn policies_bind_the_client_of_their_token() {
    let (fake, domain) = (fake("example.com"), name("example.com"));
    let created =
        json(&send(&fake, &fake.token(), Method::Post, "/auth/tokens/", &json!({ "auto_policy": true })));
    let path = format!("/auth/tokens/{}/policies/rrsets/", created["id"].as_str().unwrap());
    let allowed = json!({ "domain": "example.com", "subname": "_dmarc", "type": null, "perm_write": true });
    assert_eq!(send(&fake, &fake.token(), Method::Post, &path, &allowed).status(), 201);
    let client = fake.client_for(created["token"].as_str().unwrap().into()).unwrap();
    let set = |subname: &str| {
        let set = RrSetPatch::new(subname.parse().unwrap(), RecordType::Txt).with_ttl(ttl());
        set.with_records(["\"v=DMARC1; p=none\"".into()])
    };
    client.patch_rrsets(&domain, &[set("_dmarc")]).await.unwrap();
    let before = fake.zone(&domain);
    let error = client.patch_rrsets(&domain, &[set("_dmarc"), set("www")]).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    assert_eq!(fake.zone(&domain), before, "nothing of it was written");
}

#[tokio::test(start_paused = true)]
async fn only_what_the_real_server_counts_is_counted() {
    let fake = fake("example.com");
    fake.throttle(true);
    let (owner, other, gone) = (fake.token(), token(&fake, &json!({})), SecretString::from("gone"));
    let create =
        |token: &SecretString| send(&fake, token, Method::Post, "/domains/", &json!({ "name": "" })).status();
    let rrset = |token: &SecretString, domain: &str| {
        send(&fake, token, Method::Delete, &format!("/domains/{domain}/rrsets/www/A/"), &Value::Null).status()
    };
    for _ in 0..20 {
        // The web server in front wants no more than thirty a second.
        advance(Duration::from_millis(200)).await;
        assert_eq!(create(&gone), 401);
        assert_eq!(create(&other), 403);
        assert_eq!(rrset(&owner, "missing.example"), 404);
    }
    advance(Duration::from_secs(1)).await;
    for _ in 0..10 {
        assert_eq!(create(&owner), 400);
    }
    assert_eq!(create(&owner), 429);
    let deletions = [&owner, &other, &owner].map(|token| rrset(token, "example.com"));
    assert_eq!(deletions, [204, 204, 429], "all tokens share the buckets");
    advance(Duration::from_secs(1)).await;
    assert_eq!((create(&owner), rrset(&other, "example.com")), (400, 204));
}

#[test]
fn codes_are_in_the_mail_and_not_among_the_calls() {
    let fake = fake("example.com");
    fake.set_password(&"a long password".into());
    let body =
        json!({ "email": fake.email(), "password": "a long password", "new_email": "bob@example.com" });
    let path = "/auth/account/change-email/";
    assert_eq!(send(&fake, &fake.token(), Method::Post, path, &body).status(), 202);
    let mails = fake.mails();
    assert_eq!((mails[0].to.as_str(), mails[0].action), ("bob@example.com", "change-email"));
    let code = mails[0].code.expose_secret();
    let path = format!("/v/change-email/{code}/");
    assert_eq!(send(&fake, &fake.token(), Method::Post, &path, &json!({})).status(), 200);
    assert_eq!(fake.email(), "bob@example.com");
    let calls = fake.calls();
    assert_eq!(calls[1].path, "/api/v1/v/change-email/[REDACTED]/");
    assert!(!format!("{calls:?}{mails:?}").contains(code));
    fake.forget_calls();
    assert!(fake.calls().is_empty());
}

#[test]
fn a_second_factor_lets_login_tokens_in_again() {
    let fake = fake("example.com");
    fake.set_password(&"a long password".into());
    let body = json!({ "email": fake.email(), "password": "a long password" });
    let login = json(&send(&fake, &fake.token(), Method::Post, "/auth/login/", &body))["token"].clone();
    let login = SecretString::from(login.as_str().unwrap());
    assert_eq!(send(&fake, &login, Method::Post, "/auth/totp/", &json!({ "name": "phone" })).status(), 202);
    let code = fake.mails()[0].code.clone();
    let path = format!("/v/create-totp/{}/", code.expose_secret());
    let factor = json(&send(&fake, &login, Method::Post, &path, &json!({})));
    let domains = || send(&fake, &login, Method::Get, "/domains/", &Value::Null).status();
    assert_eq!(domains(), 403);
    let path = format!("/auth/totp/{}/verify/", factor["id"].as_str().unwrap());
    let code = json!({ "code": fake.totp_code() });
    assert_eq!(send(&fake, &login, Method::Post, &path, &code).status(), 200);
    assert_eq!(domains(), 200);
    assert_eq!(
        send(&fake, &login, Method::Delete, path.trim_end_matches("verify/"), &Value::Null).status(),
        204
    );
    assert_eq!(json(&send(&fake, &login, Method::Get, "/auth/totp/", &Value::Null)), json!([]));
}

#[test]
fn an_account_ends_with_its_last_domain_gone() {
    let fake = fake("example.com");
    fake.set_password(&"a long password".into());
    let body = json!({ "email": fake.email(), "password": "a long password" });
    let ask = |method, path: &str, body: &Value| send(&fake, &fake.token(), method, path, body).status();
    assert_eq!(ask(Method::Post, "/auth/account/delete/", &body), 409);
    assert_eq!(ask(Method::Delete, "/domains/example.com/", &Value::Null), 204);
    assert_eq!(ask(Method::Post, "/auth/account/delete/", &body), 202);
    let path = format!("/v/delete-account/{}/", fake.mails()[0].code.expose_secret());
    assert_eq!(ask(Method::Post, &path, &json!({})), 200);
    assert_eq!(ask(Method::Get, "/domains/", &Value::Null), 401);
}

#[test]
fn a_bulk_request_takes_as_long_as_it_has_items() {
    let fake = fake("example.com");
    let set =
        |n: usize| json!({ "subname": format!("h{n}"), "type": "A", "ttl": 3600, "records": ["192.0.2.1"] });
    let once = |items: &Value| {
        let start = std::time::Instant::now();
        let response = send(&fake, &fake.token(), Method::Patch, "/domains/example.com/rrsets/", items);
        assert_eq!(response.status(), 200);
        start.elapsed()
    };
    // The best of some, on a machine that has other things to do.
    let time = |count: usize| {
        let items: Value = (0..count).map(set).collect();
        (0..5).map(|_| once(&items)).min().unwrap()
    };
    let (many, few) = (time(5_000), time(500));
    assert!(many < few * 40, "ten times the items took {many:?}, not about ten times {few:?}");
}
