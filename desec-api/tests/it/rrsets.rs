use desec_api::{
    DomainName, Error, HttpError, HttpResponse, Method, RecordType, RrSet, RrSetPatch, SubName, Ttl,
};

use crate::recording::{Exchange, Script, recording};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn patch(subname: &str, rtype: RecordType, records: &[&str]) -> RrSetPatch {
    let records = records.iter().map(|record| (*record).to_owned());
    RrSetPatch::new(subname.parse().unwrap(), rtype).with_ttl(Ttl::new(3600).unwrap()).with_records(records)
}

/// As many patches as a recorded request had items.
fn stand_ins(exchange: &Exchange) -> Vec<RrSetPatch> {
    let items = exchange.sent.as_array().map_or(1, Vec::len);
    (0..items).map(|n| patch(&format!("n{n}"), RecordType::A, &["192.0.2.1"])).collect()
}

async fn replay(exchange: &Exchange) -> Result<Vec<RrSet>, Error> {
    let script = Script::new([exchange.response()]);
    let domain = exchange.path.split('/').nth(4).unwrap();
    let result = script.client().patch_rrsets(&name(domain), &exchange.patches()).await;
    assert_eq!(script.seen(), [(Method::Patch, exchange.path.clone(), exchange.sent.clone())]);
    result
}

async fn refusal(exchange: &Exchange) -> Error {
    let script = Script::new([exchange.response()]);
    script.client().patch_rrsets(&name("x.example"), &stand_ins(exchange)).await.unwrap_err()
}

#[tokio::test]
async fn recorded_bulk_writes_are_sent_and_decoded() {
    let mut done = 0;
    for file in ["rrsets_bulk_patch", "cname_bulk", "roundtrip"] {
        for exchange in recording(file) {
            let writes = exchange.method == "PATCH" && exchange.status == 200;
            // Nothing is sent for an empty array.
            if !writes || exchange.sent == serde_json::json!([]) {
                continue;
            }
            let sets = replay(&exchange).await.unwrap();
            assert_eq!(sets.len(), exchange.body.as_array().unwrap().len());
            let patches = exchange.patches();
            let wanted = patches.iter().filter(|patch| !patch.is_deletion());
            let wanted: Vec<_> = wanted.map(|patch| (patch.subname(), patch.rtype())).collect();
            let answered: Vec<_> = sets.iter().map(|set| (&set.subname, &set.rtype)).collect();
            assert_eq!(answered, wanted, "in the order of the request");
            done += 1;
        }
    }
    assert_eq!(done, 10);
}

#[tokio::test]
async fn refusals_name_the_item() {
    let recorded = recording("rrsets_bulk_patch");
    let Error::Invalid { problem, .. } = refusal(&recorded[9]).await else { panic!("refused") };
    let entries: Vec<_> =
        problem.entries.iter().map(|e| (e.item, e.path.as_str(), e.message.as_str())).collect();
    assert_eq!(
        entries,
        [
            (Some(1), "records", "This field is required."),
            (Some(1), "type", "The A2 RR set type is currently unsupported."),
            (Some(2), "type", "You cannot tinker with the SOA RR set. It is managed automatically."),
            (Some(3), "", "Data for TXT records must be given using quotation marks."),
        ]
    );
    let late = refusal(&recording("cname_bulk")[5]).await;
    assert_eq!(
        late.to_string(),
        "cannot write RRsets of x.example: the server refuses the request: \
         status 400: DNAME RRset cannot have multiple records."
    );
}

#[tokio::test]
async fn every_recorded_refusal_is_typed() {
    let mut kinds = Vec::new();
    let files = [
        "rrsets_bulk_patch",
        "rrsets_bulk_limits",
        "cname_bulk",
        "roundtrip",
        "conflict_race",
        "errors_transport",
    ];
    for exchange in files.iter().flat_map(|file| recording(file)) {
        if !["POST", "PUT", "PATCH"].contains(&exchange.method.as_str()) || exchange.status < 400 {
            continue;
        }
        let error = refusal(&exchange).await;
        assert!(!error.outcome_unknown(), "{error:?}");
        assert_eq!(error.is_retryable(), exchange.status == 409, "{error:?}");
        kinds.push(match &error {
            Error::Invalid { problem, .. } | Error::Conflict { problem, .. } => {
                assert!(!problem.entries.is_empty(), "{error:?}");
                assert_eq!(problem.status, exchange.status);
                problem.status
            }
            Error::NotFound { .. } => 404,
            Error::Unauthenticated { .. } => 401,
            other => panic!("{other:?}"),
        });
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, [400, 401, 404, 409, 413]);
}

#[tokio::test]
async fn a_failure_of_the_server_leaves_the_outcome_open() {
    let recorded = recording("errors_server");
    let failures = recorded.iter().filter(|exchange| exchange.method != "GET" && exchange.status >= 500);
    for exchange in failures {
        let error = refusal(exchange).await;
        assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
    }
    let lost = Script::of([Err(HttpError::lost("gone"))]).client();
    let error = lost.patch_rrsets(&name("x.example"), &[patch("a", RecordType::A, &["192.0.2.1"])]).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot tell whether it was possible to write RRsets of x.example: the answer was lost; \
         read again to find out"
    );
    let unreachable = Script::of([Err(HttpError::not_sent("no route"))]).client();
    let error =
        unreachable.patch_rrsets(&name("x.example"), &[patch("a", RecordType::A, &["192.0.2.1"])]).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }) && !error.outcome_unknown(), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_leaves_the_outcome_open() {
    for body in ["", "[]", "{}", "<html>", "[{\"subname\":\"b\"}]"] {
        let script = Script::new([HttpResponse::new(200).with_body(body.into())]);
        let result = script
            .client()
            .patch_rrsets(&name("x.example"), &[patch("a", RecordType::A, &["192.0.2.1"])])
            .await;
        assert!(result.unwrap_err().outcome_unknown(), "{body}");
    }
}

#[tokio::test]
async fn nothing_to_do_sends_nothing() {
    let script = Script::new([]);
    assert_eq!(script.client().patch_rrsets(&name("x.example"), &[]).await.unwrap(), []);
    assert_eq!(script.seen(), []);
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_sent() {
    let long = format!("{}.{}", "a".repeat(63), "b".repeat(63));
    let domain = name(&format!("{long}.{}", "c".repeat(60)));
    let a = |subname: &str| patch(subname, RecordType::A, &["192.0.2.1"]);
    let many: Vec<String> = (0..3_000).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let txt = |n: usize| patch(&format!("t{n}"), RecordType::Txt, &[&desec_api::txt(&"x".repeat(50_000))]);
    let managed = || RrSetPatch::delete(SubName::apex(), "SOA".parse().unwrap());
    let cases = [
        (vec![a("x"), a("y"), a("x")], "x A: it is given twice"),
        (vec![managed()], "@ SOA: the server manages this type itself"),
        (vec![patch("x", RecordType::Other("A".into()), &["192.0.2.1"])], "spelled"),
        (vec![a(&long)], "longer than 255"),
        (vec![patch("x", RecordType::A, &[" "])], "x A: records.0: it is empty"),
        (vec![patch("x", RecordType::Cname, &["a.", "b."])], "only one record"),
        (vec![patch("@", RecordType::Cname, &["a."])], "not possible at the apex"),
        (vec![patch("x", RecordType::Dnskey, &["256 3 13 aaaa"])], "at the apex only"),
        (vec![patch("x", RecordType::A, &many)], "larger than 64 KiB"),
        ((0..30).map(txt).collect(), "more than 1 MiB"),
    ];
    for (patches, reason) in cases {
        let script = Script::new([]);
        let error = script.client().patch_rrsets(&domain, &patches).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}, not {reason}");
        assert_eq!(script.seen(), []);
    }
    // Deletions of what cannot be there are none of the client's business.
    let script = Script::new([HttpResponse::new(200).with_body(b"[]".to_vec())]);
    let deletion = RrSetPatch::delete(SubName::apex(), RecordType::Cname);
    assert_eq!(script.client().patch_rrsets(&domain, &[deletion]).await.unwrap(), []);
}
