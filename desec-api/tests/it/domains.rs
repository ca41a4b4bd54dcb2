use desec_api::{DomainName, Error, Method, Missing};

use crate::recording::{Script, recording};

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
