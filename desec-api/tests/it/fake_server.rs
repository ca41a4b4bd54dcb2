//! The fake over real HTTP: headers that the client never sends, and some recorded exchanges.

use desec_api::{FakeDesec, Ttl};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::fake_recorded::recording;

/// Sends a recorded request with the headers it had, and returns status and body of the answer.
async fn send(uri: &str, token: &str, request: &Value) -> (u64, Value) {
    let address = uri.strip_prefix("http://").unwrap().strip_suffix("/api/v1").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: desec.io\r\nConnection: close\r\n");
    for (name, value) in request["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap().replace("REDACTED", token);
        head.extend([name, ": ", &value, "\r\n"]);
    }
    head.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", &body]);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| json!(body)))
}

#[tokio::test]
async fn recorded_requests_are_refused_alike_over_http() {
    let fake = FakeDesec::new();
    for name in ["example.com", "dev.example.com"] {
        fake.add_domain(&name.parse().unwrap(), Ttl::new(3600).unwrap());
    }
    let (server, token) = (fake.serve().await, fake.token());
    let cases = [
        // No content type, and pages instead of JSON.
        ("rrsets_create", [60, 61].as_slice()),
        ("rrsets_create", &[2, 7, 12, 14, 36, 49, 55, 57]),
        ("rrsets_bulk_post", &[2, 10]),
        ("rrsets_bulk_patch", &[5, 7, 10]),
        ("domains_create", &[3, 4, 5, 10, 14, 15, 18, 22]),
        ("tokens_create", &[7, 10, 11, 15, 21]),
        ("zonefile", &[1, 2, 3]),
        ("register", &[8]),
        ("login", &[2, 4, 5, 7]),
    ];
    for (name, places) in cases {
        let exchanges = recording(name);
        for place in places {
            let exchange = &exchanges[*place];
            let (status, body) = send(&server.uri(), token.expose_secret(), &exchange["request"]).await;
            let wanted = &exchange["response"];
            assert_eq!(
                (status, &body),
                (wanted["status"].as_u64().unwrap(), &wanted["body"]),
                "{name}[{place}]"
            );
        }
    }
}

#[tokio::test]
async fn what_is_written_over_http_is_there() {
    let fake = FakeDesec::new();
    fake.add_domain(&"example.com".parse().unwrap(), Ttl::new(3600).unwrap());
    let (server, token) = (fake.serve().await, fake.token());
    let written = &recording("rrsets_create")[0];
    let (status, _) = send(&server.uri(), token.expose_secret(), &written["request"]).await;
    assert_eq!(status, 201);
    let (status, found) =
        send(&server.uri(), token.expose_secret(), &recording("rrset_get")[0]["request"]).await;
    assert_eq!((status, &found["name"]), (200, &json!("www.example.com.")));
    assert!(
        fake.zone(&"example.com".parse().unwrap()).unwrap().iter().any(|set| set.subname.as_str() == "www")
    );
}
