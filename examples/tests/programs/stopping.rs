//! The services among the examples stop when they are told to: at once, with what they have begun, and without an error.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use mailcow_api::FakeMailcow;
use secrecy::ExposeSecret;

use crate::program::Running;

/// Asks over HTTP, and returns the status line.
fn get(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

/// Terminates a service that answers, and sees it end well.
fn ends_well(service: Running, url: &str) {
    assert_eq!(get(url), "HTTP/1.1 200 OK");
    service.terminate();
    let (said, status) = service.end(LIMIT);
    assert!(status.success(), "{status}");
    assert!(said.ends_with("stopped"), "{said}");
}

#[test]
fn the_controller_of_sites_ends_by_sigterm() {
    let vars = [("SITES_TOKEN", "a-token-of-16-characters"), ("SITES_LISTEN", "127.0.0.1:0")];
    let mut service = Running::start("site_controller", &[], &vars);
    let base = service.line_after("serving on ");
    let base = base.split(';').next().unwrap();
    ends_well(service, &format!("{base}/openapi.json"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exporter_of_health_ends_by_sigterm() {
    let mailcow = FakeMailcow::new();
    let (server, key) = (mailcow.serve().await, mailcow.api_key());
    let vars = [
        ("MAILCOW_API_URL", server.uri()),
        ("MAILCOW_API_KEY", key.expose_secret().to_owned()),
        ("HEALTH_LISTEN", "127.0.0.1:0".to_owned()),
    ];
    let running = tokio::task::spawn_blocking(move || {
        let vars = vars.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut service = Running::start("health_exporter", &[], &vars);
        let url = service.line_after("listening on ");
        ends_well(service, &url);
    });
    running.await.unwrap();
}

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(30);
