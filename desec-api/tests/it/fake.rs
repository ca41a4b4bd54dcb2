//! The fake against what the real server was recorded to answer.

use desec_api::{
    DomainName, Error, FakeDesec, Fault, HttpRequest, HttpResponse, Method, RecordType, RrSetPatch, SubName,
    Ttl,
};
use serde_json::{Value, json};

use crate::{
    canonical::normalisations,
    recording::{Exchange, recording},
};

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

fn put(fake: &FakeDesec, domain: &str, subname: &str, rtype: &RecordType, record: &str) {
    fake.put(&name(domain), &subname.parse().unwrap(), rtype, ttl(), &[record.into()]);
}

fn send(fake: &FakeDesec, method: Method, path: &str, body: &Value) -> HttpResponse {
    let url = format!("https://desec.io{path}").parse().unwrap();
    let request = HttpRequest::new(method, url).with_authorization("Token token-of-the-fake-account".into());
    fake.handle(&if body.is_null() { request } else { request.with_json(body.to_string().into_bytes()) })
}

/// What an answer says, without the moment and the order that differ each time.
fn essence(value: &Value) -> Value {
    let Some(list) = value.as_array() else { return value.clone() };
    if !list.iter().any(|set| set.get("touched").is_some()) {
        return value.clone();
    }
    let set = |set: &Value| {
        let mut records: Vec<&str> =
            set["records"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        records.sort_unstable();
        json!([set["subname"], set["type"], set["ttl"], set["name"], set["domain"], records])
    };
    let mut sets: Vec<String> = list.iter().map(|value| set(value).to_string()).collect();
    sets.sort_unstable();
    json!(sets)
}

fn compare(fake: &FakeDesec, exchange: &Exchange) {
    let ours = send(fake, Method::Patch, &exchange.path, &exchange.sent);
    let body: Value = serde_json::from_slice(ours.body()).unwrap();
    let asked = &exchange.sent;
    assert_eq!(ours.status(), exchange.status, "{asked} -> {body}");
    assert_eq!(essence(&body), essence(&exchange.body), "{asked}");
}

#[test]
fn bulk_writes_answer_as_recorded() {
    let fake = fake("dev.example.com");
    put(&fake, "dev.example.com", "", &RecordType::A, "192.0.2.11");
    put(&fake, "dev.example.com", "api", &RecordType::A, "192.0.2.21");
    put(&fake, "dev.example.com", "www", &RecordType::Cname, "dev.example.com.");
    let exchanges = recording("rrsets_bulk_patch");
    for (n, exchange) in exchanges.iter().enumerate() {
        // Without credentials, and malformed JSON: the words of another parser.
        if n != 11 && n != 12 {
            compare(&fake, exchange);
        }
    }
}

#[test]
fn cname_swaps_answer_as_recorded() {
    let fake = fake("example.com");
    put(&fake, "example.com", "c1", &RecordType::A, "192.0.2.1");
    put(&fake, "example.com", "c1", &RecordType::Aaaa, "2001:db8::1");
    for exchange in recording("cname_bulk") {
        compare(&fake, &exchange);
    }
}

#[test]
fn records_of_dyndns_keep_their_ttl() {
    let fake = fake("example.com");
    let dyn_ttl = Ttl::new(60).unwrap();
    fake.put(&name("example.com"), &"dyn".parse().unwrap(), &RecordType::A, dyn_ttl, &["192.0.2.40".into()]);
    let exchanges = recording("roundtrip");
    exchanges
        .iter()
        .filter(|exchange| exchange.method == "PATCH")
        .for_each(|exchange| compare(&fake, exchange));
    let raised = json!([{"subname": "new", "type": "A", "ttl": 60, "records": ["192.0.2.1"]}]);
    let refused = send(&fake, Method::Patch, &exchanges[3].path, &raised);
    assert_eq!(serde_json::from_slice::<Value>(refused.body()).unwrap(), exchanges[3].body);
}

#[test]
fn name_servers_below_dedyn_are_fixed() {
    compare(&fake("alice-dyn.dedyn.io"), &recording("rrsets_bulk_limits")[2]);
}

#[test]
fn contents_are_stored_and_refused_as_recorded() {
    let fake = fake("norm.example");
    for exchange in normalisations() {
        let ours = send(&fake, Method::Patch, &exchange.path, &json!([exchange.sent]));
        let body: Value = serde_json::from_slice(ours.body()).unwrap();
        if exchange.status == 201 {
            assert_eq!(essence(&body), essence(&json!([exchange.body])));
        } else {
            // The real server shows the name in this one as it decoded it.
            let decoded = exchange.sent["records"][0].as_str().unwrap().contains("\\046");
            assert!(decoded || body[0] == exchange.body, "{} -> {body}", exchange.sent);
            assert_eq!(ours.status(), 400);
        }
    }
}

#[test]
fn single_creations_are_refused_as_recorded() {
    let fake = fake("example.com");
    let path = "/api/v1/domains/example.com/rrsets/";
    let refusals = [
        json!({"subname": "@", "type": "MX", "ttl": 3600, "records": ["10 mail.example.com."]}),
        json!({"subname": "x", "type": "A", "ttl": 86_401, "records": ["192.0.2.1"]}),
        json!({"subname": "x", "type": "a", "ttl": 3600, "records": ["192.0.2.1"]}),
        json!({"subname": "x", "type": "A", "ttl": 3600, "records": ["192.0.2.1", {}, 5]}),
        json!({"subname": "x", "type": "MX", "ttl": 3600, "records": ["10 A.example.", "10 a.example."]}),
    ];
    let expected = [
        json!({"subname": ["Subname can only use (lowercase) a-z, 0-9, ., -, and _, may start with a '*.', or just be '*'. Components may not exceed 63 characters."]}),
        json!({"ttl": ["Ensure this value is less than or equal to 86400."]}),
        json!({"type": ["Invalid value (not uppercase): a", "Type must be uppercase alphanumeric and start with a letter."]}),
        json!({"records": [{}, ["Must be a string."], ["Must be a string."]]}),
        json!({"non_field_errors": ["Duplicate: records must be semantically unique"]}),
    ];
    for (item, error) in refusals.iter().zip(expected) {
        let ours = send(&fake, Method::Patch, path, &json!([item]));
        assert_eq!(serde_json::from_slice::<Value>(ours.body()).unwrap(), json!([error]), "{item}");
    }
}

#[test]
fn other_requests_answer_as_recorded() {
    let fake = fake("example.com");
    let compare = |exchange: &Exchange, ours: &HttpResponse| {
        assert_eq!(ours.status(), exchange.status, "{}", exchange.path);
        let real = exchange.response();
        for header in ["location", "www-authenticate", "content-type"] {
            assert_eq!(ours.header(header), real.header(header), "{}", exchange.path);
        }
        if exchange.status == 401 || exchange.status == 404 && exchange.body.is_object() {
            assert_eq!(serde_json::from_slice::<Value>(ours.body()).unwrap(), exchange.body);
        }
    };
    let gets = recording("domains_get");
    for n in [0, 2, 3, 4, 6] {
        compare(&gets[n], &send(&fake, Method::Get, &gets[n].path, &Value::Null));
    }
    let anonymous =
        HttpRequest::new(Method::Get, format!("https://desec.io{}", gets[5].path).parse().unwrap());
    compare(&gets[5], &fake.handle(&anonymous));
    let foreign = &recording("rrsets_list")[11];
    compare(foreign, &send(&fake, Method::Get, &foreign.path, &Value::Null));
    let unknown = &recording("errors_transport")[0];
    compare(unknown, &send(&fake, Method::Get, &unknown.path, &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn faults_happen_once_and_leave_what_they_say() {
    let (fake, domain) = (fake("example.com"), name("example.com"));
    let client = fake.client().unwrap();
    let cases = [
        (Fault::FailsStored, true),
        (Fault::FailsUnstored, false),
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
        seen[..5],
        [500, 200, 500, 200]
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
