//! The fake against the recordings: the same requests in the same order are answered alike.

use mailcow_api::{FakeMailcow, HttpRequest, HttpResponse, Method};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::replay::{self, Exchange};

/// Sends a request as it is, with no client in between.
pub(crate) fn send(
    mailcow: &FakeMailcow,
    key: &SecretString,
    method: Method,
    path: &str,
    body: &Value,
) -> HttpResponse {
    let url = format!("https://mail.example.com{path}").parse().unwrap();
    let mut request = HttpRequest::new(method, url, key.clone());
    if method == Method::Post {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        request = request.with_body(body.into());
    }
    mailcow.handle(&request).unwrap()
}

pub(crate) fn post(mailcow: &FakeMailcow, path: &str, body: &Value) {
    let answer = send(mailcow, &mailcow.api_key(), Method::Post, path, body);
    assert!(!String::from_utf8_lossy(&answer.body).contains("danger"), "{path} {body}");
}

/// Plays the requests of a fixture and compares the answers, down to `ignored` fields of objects.
pub(crate) fn answers_as_recorded(
    mailcow: &FakeMailcow,
    fixture: &str,
    at: impl IntoIterator<Item = usize>,
    ignored: &[&str],
) {
    let exchanges = replay::load(fixture);
    for at in at {
        let Exchange { method, path, body, response, .. } = &exchanges[at];
        let answer = send(mailcow, &mailcow.api_key(), *method, path, body);
        assert_eq!(answer.status, response.status, "{fixture} {at}");
        assert_eq!(essence(&answer, ignored), essence(response, ignored), "{fixture} {at}");
    }
}

/// What counts in an answer: of entries type and message, of objects all but the `ignored` fields.
fn essence(answer: &HttpResponse, ignored: &[&str]) -> Value {
    let Ok(body) = serde_json::from_slice(&answer.body) else {
        return json!(String::from_utf8_lossy(&answer.body));
    };
    strip(body, ignored)
}

fn strip(body: Value, ignored: &[&str]) -> Value {
    match body {
        Value::Array(items) => items.into_iter().map(|item| strip(item, ignored)).collect(),
        Value::Object(mut fields) => {
            fields.retain(|name, _| name != "log" && !ignored.contains(&name.as_str()));
            Value::Object(fields)
        }
        scalar => scalar,
    }
}

pub(crate) const TIMES: &[&str] = &["created", "modified"];

/// The domains of the recordings, as they were when the mailboxes were recorded.
pub(crate) fn with_domains() -> FakeMailcow {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "domains/add.json", 0..=14, TIMES);
    let small = json!({
        "domain": "xn--bcher-kva.example", "mailboxes": 5, "defquota": 10, "maxquota": 10, "quota": 100,
    });
    post(&mailcow, "/api/v1/add/domain", &small);
    mailcow
}

pub(crate) fn add_mailbox(mailcow: &FakeMailcow, local_part: &str, domain: &str) {
    let mailbox = json!({
        "local_part": local_part, "domain": domain, "name": "", "quota": 10,
        "password": "Fake-Passw0rd-123", "password2": "Fake-Passw0rd-123",
    });
    post(mailcow, "/api/v1/add/mailbox", &mailbox);
}

pub(crate) fn with_mailboxes() -> FakeMailcow {
    let mailcow = with_domains();
    for name in ["s0", "s1", "s2", "s3"] {
        add_mailbox(&mailcow, name, "xn--bcher-kva.example");
    }
    answers_as_recorded(&mailcow, "mailboxes/add.json", (0..=13).chain([16, 17, 19, 20, 22, 23]), TIMES);
    mailcow
}

#[test]
fn domains() {
    let mailcow = with_domains();
    // The name in its readable form is left out: the fake shows the ASCII form.
    answers_as_recorded(&mailcow, "domains/get.json", [0, 1, 2], TIMES);
    add_mailbox(&mailcow, "agent", "agents.example.com");
    post(&mailcow, "/api/v1/add/domain", &json!({"domain": "tpl.example.com"}));
    answers_as_recorded(&mailcow, "domains/delete.json", 0..=3, TIMES);
    answers_as_recorded(&mailcow, "server/get-nonexistent.json", [0, 1, 2, 3, 17, 18, 22], TIMES);
}

#[test]
fn mailboxes() {
    let mailcow = with_mailboxes();
    let ignored = &["created", "modified", "attributes"];
    answers_as_recorded(&mailcow, "mailboxes/get.json", [0, 1, 3, 4, 5], ignored);
    answers_as_recorded(&mailcow, "mailboxes/edit.json", (0..=12).chain([17]), ignored);
    for name in ["del1", "del2"] {
        add_mailbox(&mailcow, name, "agents.example.com");
    }
    // The fifth body is a bare JSON text, which the recording does not tell from a raw one.
    answers_as_recorded(&mailcow, "mailboxes/delete.json", [0, 1, 2, 5], ignored);
    post(&mailcow, "/api/v1/delete/mailbox", &json!("\"strtag@agents.example.com\""));
}

#[test]
fn app_passwords() {
    let mailcow = with_mailboxes();
    answers_as_recorded(&mailcow, "app_passwords/all.json", 0..=14, &["created", "modified", "password"]);
}

#[test]
fn dkim() {
    let mailcow = with_domains();
    answers_as_recorded(&mailcow, "dkim/all.json", (0..=7).chain(12..=14), TIMES);
}

#[test]
fn rate_limits() {
    let mailcow = with_mailboxes();
    add_mailbox(&mailcow, "agent-0003", "agents.example.com");
    answers_as_recorded(&mailcow, "rate_limits/all.json", (0..=5).chain(7..=11).chain([13]), TIMES);
}

#[test]
fn keys() {
    let mailcow = FakeMailcow::new();
    let exchanges = replay::load("server/auth.json");
    let with_key = |key: SecretString, at: usize| {
        let Exchange { method, path, body, response, .. } = &exchanges[at];
        let answer = send(&mailcow, &key, *method, path, body);
        assert_eq!((answer.status, &answer.content_type), (response.status, &response.content_type), "{at}");
        assert_eq!(essence(&answer, &[]), essence(response, &[]), "{at}");
    };
    for at in 0..=5 {
        with_key("".into(), at);
    }
    with_key("UNKNOWN".into(), 6);
    for at in 1..=3 {
        let Exchange { method, path, body, response, .. } =
            &replay::load("server/auth-read-only-key.json")[at];
        let answer = send(&mailcow, &mailcow.read_only_key(), *method, path, body);
        assert_eq!((answer.status, essence(&answer, &[])), (response.status, essence(response, &[])), "{at}");
    }
}

#[test]
fn protocol() {
    let mailcow = FakeMailcow::new();
    answers_as_recorded(&mailcow, "server/protocol-errors.json", [0, 1, 7, 10, 11, 12, 13, 14, 17], TIMES);
    answers_as_recorded(&mailcow, "server/status.json", [2], TIMES);
}
