//! What is sent for a plan, and what happens where something fails.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use desec_api::{
    Applied, Claim, Client, Desired, Error, FakeDesec, Fault, HttpClient, HttpError, HttpRequest,
    HttpResponse, Method, NewRrSet, Plan, RecordType, Ttl,
};
use serde_json::{Value, json};

use crate::{
    plan::{domain, fake, rtype, sub, wish},
    recording::Script,
};

fn ttl() -> Ttl {
    Ttl::new(3600).unwrap()
}

fn mail() -> Desired {
    wish(&[
        ("", "MX", 3600, &["10 mail.example.net."]),
        ("", "TXT", 3600, &["\"v=spf1 mx -all\""]),
        ("_dmarc", "TXT", 3600, &["\"v=DMARC1; p=reject\""]),
        ("autoconfig", "CNAME", 3600, &["mail.example.net."]),
    ])
}

/// Returns the requests since the last time, reads as `r` and writes as `w`.
fn sent(fake: &FakeDesec, seen: &mut usize) -> String {
    let calls = fake.calls();
    let new = calls[*seen..].iter();
    *seen = calls.len();
    new.map(|call| if call.method == Method::Get { 'r' } else { 'w' }).collect()
}

fn put(fake: &FakeDesec, subname: &str, of: &str, record: &str) {
    fake.put(&domain(), &sub(subname), &rtype(of), ttl(), &[record.into()]);
}

async fn planned(client: &Client, desired: &Desired) -> Plan {
    client.plan(&domain(), desired).await.unwrap()
}

#[tokio::test]
async fn the_first_time_is_two_requests_and_the_next_ones_one() {
    let (fake, mut seen) = (fake(&[]), 0);
    let client = fake.client().unwrap();
    let first = client.ensure(&domain(), &mail()).await.unwrap();
    assert_eq!(sent(&fake, &mut seen), "rw");
    assert_eq!((first.changes.len(), first.writes, first.was_in_doubt), (4, 1, false));
    let second = client.ensure(&domain(), &mail()).await.unwrap();
    assert_eq!(sent(&fake, &mut seen), "r");
    assert_eq!(second, Applied::default());
    assert!(planned(&client, &mail()).await.is_empty());
    assert_eq!(sent(&fake, &mut seen), "r");
}

#[tokio::test]
async fn a_plan_is_read_once_and_applied_by_a_read_and_a_write() {
    let (fake, mut seen) = (fake(&[]), 0);
    let client = fake.client().unwrap();
    let plan = planned(&client, &mail()).await;
    assert_eq!(sent(&fake, &mut seen), "r");
    let stored: Plan = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
    assert_eq!((plan.cost().used_today, stored.cost().used_today), (Some(0), None));
    assert_eq!(client.apply(&stored).await.unwrap().changes, plan.changes());
    assert_eq!(planned(&client, &mail()).await.cost().used_today, Some(1));
    assert_eq!(sent(&fake, &mut seen), "rwr");
    assert_eq!(client.apply(&plan).await.unwrap().writes, 0, "it is done already");
    assert_eq!(sent(&fake, &mut seen), "r");
    client.apply(&planned(&client, &mail()).await).await.unwrap();
    assert_eq!(sent(&fake, &mut seen), "r", "an empty plan sends nothing");
}

#[tokio::test]
async fn only_what_differs_is_sent() {
    let there = json!([
        {"subname": "", "type": "A", "ttl": 60, "records": ["192.0.2.1"], "created": "", "touched": ""},
        {"subname": "", "type": "MX", "ttl": 7200, "records": ["10 a.example."], "created": "", "touched": ""},
        {"subname": "x", "type": "A", "ttl": 3600, "records": ["192.0.2.1"], "created": "", "touched": ""},
    ]);
    let answer = |body: &Value| HttpResponse::new(200).with_body(body.to_string().into_bytes());
    let script = Script::new([answer(&there), answer(&there)]);
    let desired = wish(&[("", "A", 3600, &["192.0.2.2"]), ("", "MX", 3600, &["10 a.example."])]);
    let desired = desired.owning(Claim::RrSet(sub(""), RecordType::A)).owning(Claim::Name(sub("x")));
    script.client().ensure(&domain(), &desired).await.unwrap();
    let items = json!([
        {"subname": "", "type": "A", "records": ["192.0.2.2"]},
        {"subname": "", "type": "MX", "ttl": 3600},
        {"subname": "x", "type": "A", "records": []},
    ]);
    assert_eq!(script.seen()[1], (Method::Patch, "/api/v1/domains/example.com/rrsets/".into(), items));
}

#[tokio::test]
async fn a_plan_that_the_zone_has_left_behind_is_refused() {
    let desired = mail().owning(Claim::Name(sub("old")));
    let cases: [(&str, &str, &str, &str); 4] = [
        ("", "MX", "10 other.example.", "@ MX is new, 3600 10 other.example."),
        ("old", "A", "192.0.2.9", "old A is now 3600 192.0.2.9"),
        ("autoconfig", "A", "192.0.2.9", "autoconfig A is new, 3600 192.0.2.9"),
        ("_dmarc", "CNAME", "d.example.", "_dmarc CNAME is new, 3600 d.example."),
    ];
    for (subname, of, record, reason) in cases {
        let (fake, mut seen) = (fake(&[("old", "A", 3600, &["192.0.2.1"])]), 0);
        let client = fake.client().unwrap();
        let plan = planned(&client, &desired).await;
        put(&fake, subname, of, record);
        sent(&fake, &mut seen);
        let error = client.apply(&plan).await.unwrap_err();
        assert!(matches!(&error, Error::Stale { rrsets, .. } if rrsets.len() == 1), "{error:?}");
        let message = format!("cannot apply the plan for example.com: {reason}; plan again");
        assert_eq!(error.to_string(), message);
        assert!(!error.is_retryable() && !error.outcome_unknown());
        assert_eq!(sent(&fake, &mut seen), "r");
    }
    // What the plan does not touch may change, and what it deletes may be gone.
    let fake = fake(&[("old", "A", 3600, &["192.0.2.1"])]);
    let client = fake.client().unwrap();
    let plan = planned(&client, &desired).await;
    put(&fake, "www", "A", "192.0.2.9");
    fake.put(&domain(), &sub("old"), &RecordType::A, ttl(), &[]);
    assert_eq!(client.apply(&plan).await.unwrap().changes.len(), 4);
}

#[tokio::test]
async fn what_fails_is_read_and_decided() {
    let cases: [(&[Fault], &str, usize); 5] = [
        (&[Fault::FailsStored], "rwr", 1),
        (&[Fault::AnswerLost], "rwr", 1),
        (&[Fault::FailsUnstored], "rwrw", 2),
        (&[Fault::FailsUnstored, Fault::AnswerLost], "rwrwr", 2),
        (&[Fault::FailsUnstored, Fault::FailsUnstored, Fault::FailsStored], "rwrwrwr", 3),
    ];
    for (faults, requests, writes) in cases {
        for by_plan in [true, false] {
            let (fake, mut seen) = (fake(&[]), 0);
            let client = fake.client().unwrap();
            let plan = planned(&client, &mail()).await;
            sent(&fake, &mut seen);
            for fault in faults {
                fake.inject(*fault);
            }
            let applied = if by_plan {
                client.apply(&plan).await.unwrap()
            } else {
                client.ensure(&domain(), &mail()).await.unwrap()
            };
            assert_eq!(sent(&fake, &mut seen), requests, "{faults:?}");
            assert_eq!((applied.writes, applied.was_in_doubt), (writes, true));
            assert_eq!(applied.changes, plan.changes());
            assert!(planned(&client, &mail()).await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_server_that_keeps_failing_leaves_the_outcome_open() {
    let (fake, mut seen) = (fake(&[]), 0);
    let client = fake.client().unwrap();
    for _ in 0..3 {
        fake.inject(Fault::FailsUnstored);
    }
    let error = client.ensure(&domain(), &mail()).await.unwrap_err();
    assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
    assert_eq!(sent(&fake, &mut seen), "rwrwrwr");
    fake.inject(Fault::Unreachable);
    let error = client.ensure(&domain(), &mail()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(sent(&fake, &mut seen), "r");
}

#[tokio::test]
async fn a_read_that_fails_does_not_hide_a_write() {
    let empty = || Ok(HttpResponse::new(200).with_body(b"[]".to_vec()));
    let script = Script::of([empty(), Err(HttpError::lost("gone")), Err(HttpError::not_sent("no route"))]);
    let error = script.client().ensure(&domain(), &mail()).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(script.calls(), 3);
}

#[tokio::test]
async fn a_race_is_read_and_planned_again() {
    let conflict = json!({"detail": "Conflict: duplicate key value violates unique constraint"}).to_string();
    let page = |sets: &Value| HttpResponse::new(200).with_body(sets.to_string().into_bytes());
    let set = |record: &str| json!({"subname": "x", "type": "A", "ttl": 3600, "records": [record], "created": "", "touched": ""});
    let conflict = || HttpResponse::new(409).with_body(conflict.clone().into_bytes());
    let desired = wish(&[("x", "A", 3600, &["192.0.2.1"])]).owning(Claim::Name(sub("x")));

    let answers =
        [page(&json!([])), conflict(), page(&json!([set("192.0.2.9")])), page(&json!([set("192.0.2.1")]))];
    let script = Script::new(answers);
    let applied = script.client().ensure(&domain(), &desired).await.unwrap();
    assert_eq!((applied.writes, applied.was_in_doubt, applied.changes.len()), (2, false, 1));
    assert!(applied.changes[0].before.is_some(), "planned from what the other writer left");

    let plan = desired.plan(&domain(), &[]).unwrap();
    let script = Script::new([page(&json!([])), conflict(), page(&json!([set("192.0.2.9")]))]);
    let error = script.client().apply(&plan).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
}

#[tokio::test]
async fn bad_wishes_send_nothing() {
    let fake = fake(&[]);
    let client = fake.client().unwrap();
    for desired in [wish(&[("", "CNAME", 3600, &["c."])]), wish(&[("x", "MX", 3600, &["mail.example."])])] {
        let error = client.ensure(&domain(), &desired).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
        client.plan(&domain(), &desired).await.unwrap_err();
    }
    assert_eq!(fake.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn large_plans_go_in_several_requests_and_go_on_where_they_ended() {
    let (fake, mut seen) = (fake(&[]), 0);
    let client = fake.client().unwrap();
    let small =
        (0..990).map(|n| NewRrSet::new(sub(&format!("n{n}")), RecordType::A, ttl(), ["192.0.2.1".into()]));
    // The deletions of the swaps would be the last of one request, and their CNAMEs the first of the next one.
    let swapped: Vec<_> = (0..10).map(|n| sub(&format!("s{n}"))).collect();
    for subname in &swapped {
        put(&fake, subname.as_str(), "A", "192.0.2.1");
        put(&fake, subname.as_str(), "TXT", "\"1\"");
    }
    let cname = |subname: &_| NewRrSet::new(Clone::clone(subname), RecordType::Cname, ttl(), ["c.".into()]);
    let desired = Desired::new(small.chain(swapped.iter().map(cname)));
    let desired =
        swapped.iter().fold(desired, |desired, subname| desired.owning(Claim::Name(subname.clone())));
    let plan = planned(&client, &desired).await;
    assert_eq!((plan.changes().len(), plan.cost().writes), (1_020, 3));
    assert!(plan.to_string().ends_with("\n3 writes, 3 of 300 today"), "{}", plan.cost());
    sent(&fake, &mut seen);

    let cut = Cut { fake: fake.clone(), at: 2, writes: AtomicUsize::new(0) };
    let error =
        fake.client_builder().http_client(Arc::new(cut)).build().unwrap().apply(&plan).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(sent(&fake, &mut seen), "rw", "the first request got through");
    let applied = client.apply(&plan).await.unwrap();
    assert_eq!((sent(&fake, &mut seen).as_str(), applied.writes, applied.changes.len()), ("rrww", 2, 520));
    let again = planned(&client, &desired).await;
    assert!(again.is_empty(), "{again}");
    assert_eq!((sent(&fake, &mut seen).as_str(), again.cost().reads), ("rrr", 3));
}

#[tokio::test]
async fn requests_stay_below_a_mebibyte() {
    let fake = fake(&[]);
    let text = |n: usize| desec_api::txt(&format!("{n:05}{}", "\u{1}".repeat(12_000)));
    let sets = (0..40).map(|n| NewRrSet::new(sub(&format!("n{n}")), RecordType::Txt, ttl(), [text(n)]));
    let desired = Desired::new(sets);
    let client = fake.client_builder().unpaced().build().unwrap();
    let applied = client.ensure(&domain(), &desired).await.unwrap();
    assert_eq!((applied.changes.len(), applied.writes), (40, 3));
    assert!(planned(&client, &desired).await.is_empty());
}

/// A line to the fake that breaks before one of the writes.
#[derive(Debug)]
struct Cut {
    fake: FakeDesec,
    at: usize,
    writes: AtomicUsize,
}

#[async_trait]
impl HttpClient for Cut {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.method() != Method::Get && self.writes.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            return Err(HttpError::not_sent("no route"));
        }
        self.fake.send(request).await
    }
}
