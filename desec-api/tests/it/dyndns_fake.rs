//! The fake against the recorded requests, sent as they were.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use desec_api::{DomainName, FakeDesec, HttpRequest, HttpResponse, Method, RecordType, RrSet, Ttl};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::recording::{Exchange, recording};

fn domain() -> DomainName {
    "alice-dyn.dedyn.io".parse().unwrap()
}

fn fake() -> FakeDesec {
    let (fake, ttl) = (FakeDesec::new(), Ttl::new(3600).unwrap());
    let other: DomainName = "example.com".parse().unwrap();
    for domain in [&domain(), &other] {
        fake.add_domain(domain, ttl);
    }
    let target = ["target.example.".to_owned()];
    fake.put(&other, &"alias".parse().unwrap(), &RecordType::Cname, ttl, &target);
    fake.block_address([203, 0, 113, 200].into());
    fake
}

/// Sends what was recorded, with the token of the fake where the right one was sent.
fn send(fake: &FakeDesec, exchange: &Exchange) -> HttpResponse {
    let address =
        exchange.note.split("as seen by the server: ").nth(1).map(|rest| rest.trim_end_matches(')'));
    if let Some(address) = address {
        fake.set_client_address(address.parse().unwrap());
    }
    let token = match &exchange.note {
        note if note.contains("wrong") => SecretString::from("wrong"),
        note if note.starts_with("scoped token") => scoped(fake),
        _ => fake.token(),
    };
    let token = token.expose_secret();
    let host = exchange.sent_header("Host").unwrap_or("desec.io");
    let url = format!("https://{host}{}", exchange.path.replace("TOKENREDACTED", token));
    let method = if exchange.method == "POST" { Method::Post } else { Method::Get };
    let mut request = HttpRequest::new(method, url.parse().unwrap());
    if let Some(header) = exchange.sent_header("Authorization") {
        let header = match header.strip_prefix("Basic base64(").and_then(|rest| rest.strip_suffix(')')) {
            Some(plain) => {
                let code = BASE64_STANDARD.encode(plain.replace("REDACTED", token));
                format!("Basic {code}")
            }
            None => header.replace("REDACTED", token),
        };
        request = request.with_authorization(header.into());
    }
    fake.handle(&request)
}

/// Returns a token that may write only the A records of the apex.
fn scoped(fake: &FakeDesec) -> SecretString {
    let post = |path: &str, body: Value| -> Value {
        let authorization = format!("Token {}", fake.token().expose_secret());
        let url = format!("https://desec.io/api/v1/auth/tokens/{path}");
        let request = HttpRequest::new(Method::Post, url.parse().unwrap());
        let request =
            request.with_authorization(authorization.into()).with_json(body.to_string().into_bytes());
        let answer = fake.handle(&request);
        assert_eq!(answer.status(), 201);
        serde_json::from_slice(answer.body()).unwrap()
    };
    let token = post("", json!({ "name": "dyndns" }));
    let policies = format!("{}/policies/rrsets/", token["id"].as_str().unwrap());
    post(&policies, json!({ "domain": null, "subname": null, "type": null, "perm_write": false }));
    post(&policies, json!({ "domain": domain(), "subname": "", "type": "A", "perm_write": true }));
    token["token"].as_str().unwrap().into()
}

fn raw(fake: &FakeDesec, query: &str) {
    let url = format!("https://update.dedyn.io/?hostname={}&{query}", domain());
    let authorization = format!("Token {}", fake.token().expose_secret());
    let request =
        HttpRequest::new(Method::Get, url.parse().unwrap()).with_authorization(authorization.into());
    assert_eq!(fake.handle(&request).body(), b"good", "{query}");
}

fn same(exchange: &Exchange, answer: &HttpResponse) {
    let shown = |answer: &HttpResponse| {
        let headers = ["content-type", "retry-after", "www-authenticate"]
            .map(|name| answer.header(name).map(|value| value.split(';').next().unwrap().to_owned()));
        let html = headers[0].as_deref() == Some("text/html");
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        (answer.status(), headers, if html { String::new() } else { text })
    };
    assert_eq!(shown(answer), shown(&exchange.response()), "{} {}", exchange.path, exchange.note);
}

/// Returns the addresses in a list of RRsets, which has no order.
fn addresses(sets: &[RrSet]) -> BTreeSet<(String, u32, BTreeSet<String>)> {
    let of = sets.iter().filter(|set| [RecordType::A, RecordType::Aaaa].contains(&set.rtype));
    of.map(|set| (set.rtype.to_string(), set.ttl.seconds(), set.records.iter().cloned().collect())).collect()
}

#[test]
fn recorded_updates_change_the_fake_as_they_changed_the_server() {
    let (fake, mut states) = (fake(), 0);
    for (n, exchange) in recording("dyndns_update").iter().enumerate() {
        // Two updates were not recorded, only what they left.
        match n {
            9 => raw(&fake, "myipv4=&myipv6=preserve"),
            13 => raw(&fake, "myipv4=198.51.100.0/28&myipv6=2001:db8:1:2::/64"),
            _ => {}
        }
        let Some((_, subname)) = exchange.path.split_once("/rrsets/?subname=") else {
            same(exchange, &send(&fake, exchange));
            continue;
        };
        let recorded: Vec<RrSet> = serde_json::from_value(exchange.body.clone()).unwrap();
        let mut zone = fake.zone(&domain()).unwrap();
        zone.retain(|set| set.subname.as_str() == subname);
        assert_eq!(addresses(&zone), addresses(&recorded), "{n}: {}", exchange.note);
        states += 1;
    }
    assert_eq!(states, 10);
}

#[test]
fn recorded_refusals_are_those_of_the_fake() {
    let fake = fake();
    for exchange in recording("dyndns_errors") {
        same(&exchange, &send(&fake, &exchange));
    }
    let auth = &recording("auth_header")[4];
    assert_eq!(auth.body, "badauth");
    let mut wrong = auth.clone();
    wrong.note = "wrong token".into();
    same(auth, &send(&fake, &wrong));
}

#[test]
fn a_refused_update_changes_nothing() {
    let fake = fake();
    let before = fake.zone(&domain()).unwrap();
    let refused = recording("dyndns_errors").into_iter().filter(|exchange| exchange.status != 200);
    let mut sent = 0;
    for exchange in refused {
        send(&fake, &exchange);
        sent += 1;
    }
    assert_eq!((sent, fake.zone(&domain()).unwrap()), (26, before));
}

#[tokio::test(start_paused = true)]
async fn the_fake_throttles_as_recorded() {
    let fake = fake();
    fake.throttle(true);
    raw(&fake, "myipv4=192.0.2.30&myipv6=preserve");
    for (n, exchange) in recording("dyndns_throttled").iter().enumerate() {
        // What the web server in front demands, and what the third answer tells.
        advance(Duration::from_millis(if n == 2 { 1_000 } else { 40 })).await;
        same(exchange, &send(&fake, exchange));
    }
}

#[tokio::test(start_paused = true)]
async fn the_fake_tells_addresses_as_recorded() {
    let fake = fake();
    fake.throttle(true);
    // One was asked before the recording.
    send(&fake, &recording("checkip")[0]);
    for exchange in recording("checkip") {
        same(&exchange, &send(&fake, &exchange));
    }
    advance(Duration::from_mins(1)).await;
    same(&recording("checkip")[0], &send(&fake, &recording("checkip")[0]));
}
