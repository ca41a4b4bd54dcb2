//! Bringing policies to the wanted ones, request by request.

use desec_api::{Error, HttpError, HttpResponse, Method, NewPolicy, RecordType, SubName, TokenId};
use serde_json::{Value, json};

use crate::recording::{Script, recording};

fn token() -> TokenId {
    "54fcbbfe-f029-4280-943b-e6db8f4574c6".parse().unwrap()
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status)
        .with_header("content-type", "application/json")
        .with_body(body.to_string().into_bytes())
}

// A policy as the server would answer it.
fn stored(n: usize, domain: Option<&str>, subname: Option<&str>, rtype: Option<&str>, write: bool) -> Value {
    let id = format!("00000000-0000-4000-8000-{n:012}");
    json!({"id": id, "domain": domain, "subname": subname, "type": rtype, "perm_write": write})
}

fn acme() -> NewPolicy {
    let (domain, subname) = ("example.com".parse().unwrap(), "_acme-challenge".parse().unwrap());
    NewPolicy::new(Some(domain), Some(subname), Some(RecordType::Txt), true)
}

#[tokio::test]
async fn a_new_token_gets_its_default_policy_first_and_a_second_run_writes_nothing() {
    let default = stored(1, None, None, None, false);
    let allowed = stored(2, Some("example.com"), Some("_acme-challenge"), Some("TXT"), true);
    let script = Script::new([
        answer(200, &json!([])),
        answer(201, &default),
        answer(201, &allowed),
        answer(200, &json!([allowed.clone(), default.clone()])),
    ]);
    let (client, wanted) = (script.client(), [acme(), NewPolicy::default_policy(false)]);
    let now = client.ensure_policies(&token(), &wanted).await.unwrap();
    assert_eq!(
        now.iter().map(|policy| policy.id.as_str()).collect::<Vec<_>>(),
        [&allowed["id"], &default["id"]]
    );
    assert_eq!(client.ensure_policies(&token(), &wanted).await.unwrap(), now);

    let path = format!("/api/v1/auth/tokens/{}/policies/rrsets/", token());
    let sent = |policy: &Value| {
        let mut policy = policy.clone();
        policy.as_object_mut().unwrap().remove("id");
        (Method::Post, path.clone(), policy)
    };
    let read = (Method::Get, path.clone(), Value::Null);
    assert_eq!(script.seen(), [read.clone(), sent(&default), sent(&allowed), read]);
}

#[tokio::test]
async fn policies_that_are_not_wanted_go_and_the_default_goes_last() {
    let recorded = &recording("policies_list")[0];
    let count = recorded.body.as_array().unwrap().len();
    let mut answers = vec![recorded.response()];
    answers.extend((0..count).map(|_| HttpResponse::new(204)));
    let script = Script::new(answers);
    assert_eq!(script.client().ensure_policies(&token(), &[]).await.unwrap(), []);
    let seen = script.seen();
    assert!(seen[1..].iter().all(|(method, _, _)| *method == Method::Delete));
    let last = recorded
        .body
        .as_array()
        .unwrap()
        .iter()
        .find(|policy| policy["domain"].is_null() && policy["subname"].is_null());
    assert!(seen[count].1.ends_with(&format!("/{}/", last.unwrap()["id"].as_str().unwrap())));
}

#[tokio::test]
async fn a_change_of_mind_is_one_patch() {
    let before = json!([stored(1, None, None, None, true), stored(2, None, Some(""), None, true)]);
    let script = Script::new([answer(200, &before), answer(200, &stored(1, None, None, None, false))]);
    let apex = NewPolicy::new(None, Some(SubName::apex()), None, true);
    let wanted = [NewPolicy::default_policy(false), apex];
    let now = script.client().ensure_policies(&token(), &wanted).await.unwrap();
    assert_eq!(now.iter().map(|policy| policy.perm_write).collect::<Vec<_>>(), [false, true]);
    let (method, path, body) = &script.seen()[1];
    assert_eq!((*method, body), (Method::Patch, &json!({"perm_write": false})));
    assert!(path.ends_with("/policies/rrsets/00000000-0000-4000-8000-000000000001/"), "{path}");
}

#[tokio::test]
async fn a_failure_in_between_may_be_repeated() {
    let conflict = recording("policies_create")[2].response();
    let lost = || Err(HttpError::lost("cut"));
    for failure in [Ok(conflict), lost()] {
        let script = Script::of([Ok(answer(200, &json!([]))), failure]);
        let error = script.client().ensure_policies(&token(), &[NewPolicy::default_policy(true)]).await;
        let error = error.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert!(matches!(error, Error::Conflict { .. } | Error::Unknown { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn policies_that_the_server_cannot_accept_are_not_sent() {
    let script = Script::new([]);
    let client = script.client();
    assert!(matches!(client.ensure_policies(&token(), &[acme()]).await, Err(Error::InvalidInput { .. })));
    let odd = NewPolicy::new(None, None, Some(RecordType::Other("a b".into())), true);
    assert!(matches!(client.create_policy(&token(), &odd).await, Err(Error::InvalidInput { .. })));
    assert_eq!(script.calls(), 0);
}
