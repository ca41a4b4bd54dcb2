use desec_api::{DomainName, Error, HttpError, HttpResponse, Method, Missing, NewDomain};
use serde_json::{Value, json};

use crate::recording::{Exchange, Script, recording};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_domain_is_read() {
    let exchange = &recording("domains_get")[0];
    let script = Script::new([exchange.response()]);
    let domain = script.client().domain(&name("example.com")).await.unwrap();
    assert_eq!(script.seen(), [(Method::Get, exchange.path.clone(), exchange.sent.clone())]);
    assert_eq!(domain.name, name("example.com"));
    assert_eq!(domain.minimum_ttl.seconds(), 3600);
    assert_eq!(domain.created.as_str(), "2026-11-20T08:32:04.621214Z");
    assert_eq!(domain.published, domain.touched);
    let [key] = &domain.keys[..] else { panic!("one key: {:?}", domain.keys) };
    assert_eq!((key.flags, key.keytype.as_deref(), key.managed, key.ds.len()), (257, Some("csk"), true, 2));
}

#[tokio::test]
async fn foreign_and_missing_domains_are_not_found() {
    for exchange in recording("domains_get").iter().filter(|exchange| exchange.status == 404) {
        let error =
            Script::new([exchange.response()]).client().domain(&name("bob1.example")).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { missing: Missing::Domain, .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "cannot read the domain bob1.example: there is no such domain in this account"
        );
        assert!(!error.is_retryable() && !error.outcome_unknown());
    }
}

#[tokio::test]
async fn a_refused_token_is_told() {
    for file in ["domains_get", "auth_header", "rrsets_list"] {
        for exchange in recording(file).iter().filter(|exchange| exchange.status == 401) {
            let error =
                Script::new([exchange.response()]).client().domain(&name("x.example")).await.unwrap_err();
            assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn redirects_are_errors() {
    let mut redirects = recording("domains_get");
    redirects.extend(recording("errors_transport"));
    redirects.retain(|exchange| exchange.status == 301);
    assert_eq!(redirects.len(), 2);
    for exchange in redirects {
        let error = Script::new([exchange.response()]).client().domain(&name("x.example")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the domain x.example: the server redirects to another path; check the base URL"
        );
    }
}

#[tokio::test]
async fn failures_of_the_server_leave_a_read_repeatable() {
    let failures = recording("errors_server");
    for exchange in failures.iter().filter(|exchange| exchange.status >= 500) {
        let error = Script::new([exchange.response()]).client().domain(&name("x.example")).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.is_retryable() && !error.outcome_unknown());
    }
}

#[tokio::test]
async fn foreign_pages_are_unexpected() {
    let pages = recording("errors_transport");
    for status in [404, 405, 414] {
        let page = pages.iter().find(|exchange| exchange.status == status).unwrap();
        let error = Script::new([page.response()]).client().domain(&name("x.example")).await.unwrap_err();
        assert!(matches!(error, Error::Other { .. }), "{error:?}");
        assert!(error.to_string().ends_with("check the base URL"), "{error}");
    }
    let portal = desec_api::HttpResponse::new(200).with_body(b"<html>please log in</html>".to_vec());
    let error = Script::new([portal]).client().domain(&name("x.example")).await.unwrap_err();
    assert!(matches!(error, Error::Other { .. }), "{error:?}");
    assert!(!error.to_string().contains("log in"));
}

#[tokio::test]
async fn missing_permissions_are_told() {
    for exchange in recording("rrsets_list").iter().chain(&recording("errors_transport")) {
        if exchange.status == 403 {
            let error =
                Script::new([exchange.response()]).client().domain(&name("x.example")).await.unwrap_err();
            let Error::Forbidden { problem, .. } = &error else { panic!("{error:?}") };
            assert_eq!(problem.entries[0].message, exchange.body["detail"].as_str().unwrap());
        }
    }
}

/// A domain that is there, one that is not, its creation, a name that is taken.
fn answers() -> [Exchange; 4] {
    let (get, create) = (recording("domains_get"), recording("domains_create"));
    [get[0].clone(), get[3].clone(), create[0].clone(), create[5].clone()]
}

fn example() -> NewDomain {
    NewDomain::new(name("example.com")).with_zonefile("www 3600 IN A 192.0.2.1\n")
}

#[tokio::test]
async fn a_domain_that_is_there_is_ensured_by_reading_it() {
    let [there, ..] = answers();
    let script = Script::new([there.response()]);
    let ensured = script.client().ensure_domain(&example()).await.unwrap();
    assert!(!ensured.created && ensured.domain.keys.len() == 1);
    assert_eq!(script.seen(), [(Method::Get, "/api/v1/domains/example.com/".into(), Value::Null)]);
}

#[tokio::test]
async fn a_missing_domain_is_ensured_by_creating_it() {
    let [_, missing, created, _] = answers();
    let script = Script::new([missing.response(), created.response()]);
    let ensured = script.client().ensure_domain(&example()).await.unwrap();
    assert!(ensured.created && ensured.domain.published.is_none());
    let body = json!({"name": "example.com", "zonefile": "www 3600 IN A 192.0.2.1\n"});
    assert_eq!(script.seen()[1], (Method::Post, "/api/v1/domains/".into(), body));
}

#[tokio::test]
async fn two_that_ensure_the_same_domain_both_succeed() {
    let [there, missing, _, taken] = answers();
    let conflict = recording("conflict_race")[0].response();
    for late in [taken.response(), conflict] {
        let script = Script::new([missing.response(), late, there.response()]);
        let ensured = script.client().ensure_domain(&example()).await.unwrap();
        assert!(!ensured.created, "the other one created it");
        assert_eq!(script.calls(), 3);
    }
}

#[tokio::test]
async fn a_foreign_domain_is_told() {
    let [_, missing, _, taken] = answers();
    let script = Script::new([missing.response(), taken.response(), missing.response()]);
    let error = script.client().ensure_domain(&example()).await.unwrap_err();
    assert!(matches!(error, Error::Taken { .. }), "{error:?}");
    assert!(error.already_exists() && !error.is_retryable() && !error.outcome_unknown());
    assert_eq!(
        error.to_string(),
        "cannot create the domain example.com: the name is taken by another account; choose another one"
    );
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let [there, missing, ..] = answers();
    let failed = recording("errors_server")[2].response();
    let read = |then: &Exchange| Ok(then.response());
    for lost in [|| Err(HttpError::lost("gone")), || Ok(HttpResponse::new(504))] {
        let script = Script::of([read(&missing), lost(), read(&there)]);
        let ensured = script.client().ensure_domain(&example()).await.unwrap();
        assert!(ensured.created, "nobody else is known to have done it");
    }
    // It may still be at work in the background, so a domain that is not there says nothing.
    let script = Script::of([read(&missing), Ok(failed), read(&missing)]);
    let error = script.client().ensure_domain(&example()).await.unwrap_err();
    assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
    // The creation alone is not to be repeated.
    let script = Script::of([Err(HttpError::lost("gone"))]);
    let error = script.client().create_domain(&example()).await.unwrap_err();
    assert!(error.outcome_unknown() && !error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn what_stands_against_a_domain_is_told() {
    let [_, missing, ..] = answers();
    let recorded = recording("domains_create");
    for (n, ending) in
        [(24, "may be used from this address"), (25, "additional domains.)"), (7, "disallowed by policy.")]
    {
        let script = Script::new([missing.response(), recorded[n].response()]);
        let error = script.client().ensure_domain(&example()).await.unwrap_err();
        assert!(error.to_string().ends_with(ending), "{error}");
        assert!(!error.already_exists(), "{error:?}");
    }
    let script = Script::new([recorded[24].response()]);
    let error = script.client().ensure_domain(&example()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }) && script.calls() == 1, "{error:?}");
}

#[tokio::test]
async fn names_are_looked_up_as_the_server_spells_them() {
    let spellings = [
        ("WWW.Example.com.", "www.example.com"),
        ("*.example.com", "*.example.com"),
        ("_acme-challenge.Dev.example.com", "_acme-challenge.dev.example.com"),
    ];
    for (given, sent) in spellings {
        let script = Script::new([HttpResponse::new(200).with_body(b"[]".to_vec())]);
        assert_eq!(script.client().domain_owning(given).await.unwrap(), None);
        assert_eq!(script.seen()[0].1, format!("/api/v1/domains/?owns_qname={sent}"));
    }
    let long = vec!["a".repeat(63); 4].join(".");
    for bad in ["", ".", "a..b", "a b", "b\u{fc}cher.example", "x.example&cursor=", &long, "a\0b"] {
        let script = Script::new([]);
        let error = script.client().domain_owning(bad).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{bad:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_zone_file_is_text_or_an_error() {
    let recorded = recording("zonefile");
    let script = Script::new([recorded[0].response()]);
    let text = script.client().export_zonefile(&name("example.org")).await.unwrap();
    assert!(text.starts_with("; Zonefile for example.org exported"));
    let error = Script::new([recorded[1].response()]).client().export_zonefile(&name("x.example")).await;
    assert!(matches!(error, Err(Error::NotFound { missing: Missing::Domain, .. })), "{error:?}");
    let zone = |kind: &str, body: &[u8]| {
        HttpResponse::new(200).with_header("Content-Type", kind).with_body(body.to_vec())
    };
    for page in [zone("text/html", b"<html>log in</html>"), zone("text/dns", b"\xff"), HttpResponse::new(200)]
    {
        let error = Script::new([page]).client().export_zonefile(&name("x.example")).await.unwrap_err();
        assert!(matches!(error, Error::Other { .. }) && !error.to_string().contains("log in"), "{error:?}");
    }
    let huge = NewDomain::new(name("x.example")).with_zonefile("; \n".repeat(400_000));
    let error = Script::new([]).client().create_domain(&huge).await.unwrap_err();
    assert!(error.to_string().contains("more than 1 MiB"), "{error}");
}
