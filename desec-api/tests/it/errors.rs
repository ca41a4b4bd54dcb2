//! What errors say, and what they advise.

use std::{error::Error as _, time::Duration};

use desec_api::{
    Client, DomainName, Error, HttpError, HttpResponse, NewDomain, ProblemFormat, RecordType, SubName,
};

use crate::recording::{Script, recording};

fn domain() -> DomainName {
    "x.example".parse().unwrap()
}

/// Returns what becomes of an answer to a read and to two writes, the second of which cannot be repeated.
async fn failures(answer: impl Fn() -> Result<HttpResponse, HttpError>) -> [Error; 3] {
    let client = || Script::of([answer()]).builder().max_wait(Duration::ZERO).build().unwrap();
    [
        client().rrset(&domain(), &SubName::apex(), &RecordType::Mx).await.unwrap_err(),
        client().delete_rrset(&domain(), &SubName::apex(), &RecordType::Mx).await.unwrap_err(),
        client().create_domain(&NewDomain::new(domain())).await.unwrap_err(),
    ]
}

/// Returns all that is shown: the error and its causes.
fn chain(error: &Error) -> Vec<String> {
    let mut shown = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        shown.push(cause.to_string());
        source = cause.source();
    }
    shown
}

fn recorded(file: &'static str, n: usize) -> impl Fn() -> Result<HttpResponse, HttpError> {
    move || Ok(recording(file)[n].response())
}

#[tokio::test]
async fn every_kind_of_error_reads_well() {
    let rrset = "cannot read the RRset x.example. MX";
    let cases = [
        (
            failures(recorded("domains_get", 5)).await,
            format!(
                "{rrset}: the server refuses the token; check that one is given, exists, has not expired and may \
                 be used from this address"
            ),
        ),
        (
            failures(recorded("policies_effect", 4)).await,
            format!(
                "{rrset}: a policy of the token does not allow it; check the token's policies \
                 (status 403: Insufficient token permissions.)"
            ),
        ),
        (
            failures(recorded("domains_create", 25)).await,
            format!(
                "{rrset}: the account has as many domains as it may; delete one or ask for a higher limit \
                 (status 403: Domain limit exceeded. Please contact support to create additional domains.)"
            ),
        ),
        (failures(recorded("rrset_get", 7)).await, format!("{rrset}: there is no such RRset in the domain")),
        (
            failures(recorded("rrset_delete", 4)).await,
            format!("{rrset}: there is no such domain in this account"),
        ),
        (
            failures(recorded("rrset_patch", 5)).await,
            format!(
                "{rrset}: the server refuses the request: \
                 status 400: ttl: Ensure this value is greater than or equal to 3600."
            ),
        ),
        (
            failures(recorded("throttle_reads", 0)).await,
            format!(
                "{rrset}: its turn within the rate limits of reads comes too late; try again in 54 seconds"
            ),
        ),
        (
            failures(recorded("errors_transport", 0)).await,
            format!(
                "{rrset}: the server gives an unexpected answer (status 404: Not Found); check the base URL"
            ),
        ),
        (
            failures(recorded("errors_server", 9)).await,
            format!("{rrset}: the server failed (status 504: 504 Gateway Time-out); try again later"),
        ),
    ];
    for ([read, ..], text) in &cases {
        assert_eq!(chain(read), [text.as_str()]);
    }
    let [.., (failed, _)] = &cases;
    assert_eq!(
        failed[1].to_string(),
        "cannot tell whether it was possible to delete the RRset x.example. MX: the server failed \
         (status 504: 504 Gateway Time-out); read again to find out"
    );
    let [_, _, conflict] = failures(recorded("conflict_race", 0)).await;
    let text = conflict.to_string();
    assert!(
        text.starts_with("cannot create the domain x.example: it conflicts with what is there (status 409: ")
    );
}

#[tokio::test]
async fn a_cause_is_shown_once() {
    let lost =
        failures(|| Err(HttpError::lost("the link broke").with_source(std::io::Error::other("reset")))).await;
    assert_eq!(
        chain(&lost[0]),
        [
            "cannot read the RRset x.example. MX: the answer was lost; try again later",
            "the link broke",
            "reset"
        ]
    );
    let [_, write, _] = failures(|| Err(HttpError::not_sent("no route"))).await;
    assert_eq!(
        chain(&write),
        ["cannot delete the RRset x.example. MX: the server cannot be reached; try again later", "no route"]
    );
}

#[tokio::test]
async fn the_advice_to_repeat_is_safe() {
    // Whether a read, a repeatable write and a creation may be repeated, and whether they may have happened.
    let cases = [
        (recorded("domains_get", 5), [false; 3], [false; 3]),
        (recorded("rrset_patch", 5), [false; 3], [false; 3]),
        (recorded("rrset_get", 7), [false; 3], [false; 3]),
        (recorded("errors_transport", 0), [false; 3], [false; 3]),
        (recorded("conflict_race", 0), [true, true, false], [false; 3]),
        (recorded("throttle_writes", 3), [true; 3], [false; 3]),
        (recorded("throttle_nginx", 0), [true; 3], [false; 3]),
        (recorded("errors_server", 0), [true, true, false], [false, true, true]),
    ];
    for (answer, retryable, unknown) in cases {
        let errors = failures(answer).await;
        assert_eq!(errors.each_ref().map(Error::is_retryable), retryable, "{errors:?}");
        assert_eq!(errors.each_ref().map(Error::outcome_unknown), unknown, "{errors:?}");
    }
    let waits =
        [("throttle_writes", 4, Some(52)), ("throttle_daily", 1, Some(86_400)), ("throttle_nginx", 0, None)];
    for (file, n, seconds) in waits {
        for error in failures(recorded(file, n)).await {
            assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_answers_of_dyndns_are_messages() {
    let mut lists = 0;
    for exchange in recording("dyndns_errors").iter().filter(|exchange| exchange.status == 400) {
        let answer = || Ok(exchange.response());
        let [Error::Invalid { problem, .. }, ..] = failures(answer).await else { panic!("refused") };
        assert_eq!(problem.format, ProblemFormat::Text);
        let text = exchange.body.as_str().unwrap();
        for entry in &problem.entries {
            assert_eq!((entry.item, entry.path.as_str()), (None, ""));
            let markup =
                ["- ", "non_field_errors", "  ", "''"].into_iter().find(|mark| entry.message.contains(mark));
            assert_eq!(markup, None, "{entry:?} of {text}");
        }
        if text.starts_with("- ") {
            lists += 1;
            let scalars = text.lines().filter(|line| line.contains("- ") && !line.ends_with(':'));
            assert_eq!(problem.entries.len(), scalars.count(), "{text}");
        }
    }
    assert!(lists >= 5, "{lists}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let script = Script::new([]);
    let client = Client::anonymous().http_client(script.clone()).build().unwrap();
    let error = client.create_domain(&NewDomain::new(domain())).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    assert_eq!(script.calls(), 0);
}
