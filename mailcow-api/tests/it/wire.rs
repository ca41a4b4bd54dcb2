//! What goes over the wire and what must not: real sockets on loopback.

use std::{fmt::Debug, sync::Arc, time::Duration};

use mailcow_api::{
    AppPasswordChange, Client, Error, FakeMailcow, Fault, How, MailboxChange, Mib, NewAppPassword, NewDomain,
    NewMailbox, Protocol,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const KEY: &str = "CANARY-KEY";
const PASSWORD: &str = "Canary-Passw0rd";

/// Listens on loopback and returns the base URL.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Reads one request whole and returns it as text.
async fn request(stream: &mut TcpStream) -> String {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if count == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

fn client(url: &str) -> Client {
    Client::builder(url, KEY.into()).deadline(Duration::from_secs(10)).build().unwrap()
}

fn mailbox() -> NewMailbox {
    NewMailbox::new("agent@agents.example.com".parse().unwrap(), PASSWORD.into(), Mib::new(64))
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_gets_neither_key_nor_body() {
    let (server, url) = listen().await;
    let (thief, target) = listen().await;
    let answer = async {
        let (mut stream, _) = server.accept().await.unwrap();
        let sent = request(&mut stream).await;
        assert!(sent.contains(KEY) && sent.contains(PASSWORD), "the request itself is whole");
        let reply = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {target}/x?k=SECRET\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(reply.as_bytes()).await.unwrap();
    };
    let (client, new) = (client(&url), mailbox());
    let (result, ()) = tokio::join!(client.add_mailbox(&new), answer);
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Redirected { host, .. } if host == "127.0.0.1"), "{error}");
    assert!(!format!("{error} {error:?}").contains("SECRET"));
    let called = tokio::time::timeout(Duration::from_millis(200), thief.accept()).await;
    assert!(called.is_err(), "the target of the redirect was called");
}

#[tokio::test]
async fn no_cookie_comes_back() {
    let (server, url) = listen().await;
    let client = client(&url);
    let answer = async {
        let mut seen = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = server.accept().await.unwrap();
            seen.push(request(&mut stream).await);
            let reply = "HTTP/1.1 200 OK\r\nSet-Cookie: MCSESSID=SESSION; path=/\r\nContent-Length: 22\r\n\
                         Connection: close\r\n\r\n{\"version\":\"2026-07a\"}";
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        seen
    };
    let calls = async {
        client.version().await.unwrap();
        client.version().await.unwrap();
    };
    let (seen, ()) = tokio::join!(answer, calls);
    assert!(seen.iter().all(|sent| sent.contains(&format!("x-api-key: {KEY}"))), "{seen:?}");
    assert!(seen.iter().all(|sent| !sent.to_lowercase().contains("cookie")), "{seen:?}");
}

#[tokio::test]
async fn the_credential_of_a_proxy_goes_beside_the_key() {
    let (server, url) = listen().await;
    let builder = Client::builder(&url, KEY.into()).proxy_credentials("door", "o:pen".into());
    let client = builder.build().unwrap();
    let answer = async {
        let (mut stream, _) = server.accept().await.unwrap();
        let sent = request(&mut stream).await;
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"version\":\"2026-07a\"}";
        stream.write_all(reply.as_bytes()).await.unwrap();
        sent
    };
    let (sent, version) = tokio::join!(answer, client.version());
    version.unwrap();
    // RFC 7617: base64 of "door:o:pen".
    assert!(sent.contains("authorization: Basic ZG9vcjpvOnBlbg==") && sent.contains(KEY), "{sent}");
}

#[tokio::test]
async fn a_server_that_never_answers_meets_the_deadline() {
    let (server, url) = listen().await;
    let client = Client::builder(&url, KEY.into()).deadline(Duration::from_millis(100)).build().unwrap();
    let error = client.add_mailbox(&mailbox()).await.unwrap_err();
    assert!(error.outcome_unknown() && error.to_string().contains("0.1 s"), "{error}");
    let error = client.version().await.unwrap_err();
    assert!(error.is_retryable() && !error.outcome_unknown(), "{error}");
    drop(server);
}

#[tokio::test]
async fn a_link_lost_after_the_request_is_an_unknown_outcome() {
    let (server, url) = listen().await;
    let (client, new) = (client(&url), mailbox());
    let answer = async {
        let (mut stream, _) = server.accept().await.unwrap();
        request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{\"type\":\"success\"")
            .await
            .unwrap();
    };
    let (result, ()) = tokio::join!(client.add_mailbox(&new), answer);
    assert!(result.unwrap_err().outcome_unknown());
}

#[tokio::test]
async fn a_link_lost_before_the_first_byte_of_the_answer_is_one_too_and_nothing_is_sent_twice() {
    let (server, url) = listen().await;
    let (client, new) = (client(&url), mailbox());
    let answer = async {
        let (mut stream, _) = server.accept().await.unwrap();
        request(&mut stream).await;
        drop(stream);
        tokio::time::timeout(Duration::from_millis(200), server.accept()).await.is_err()
    };
    let (result, sent_once) = tokio::join!(client.add_mailbox(&new), answer);
    assert!(result.unwrap_err().outcome_unknown());
    assert!(sent_once);
}

#[tokio::test]
async fn a_refused_connection_is_retryable_since_nothing_was_sent() {
    let (server, url) = listen().await;
    drop(server);
    let error = client(&url).add_mailbox(&mailbox()).await.unwrap_err();
    assert!(error.is_retryable() && !error.outcome_unknown(), "{error}");
    let error = client(&url).get_mailbox(mailbox().address()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(!chain(&error).contains("agents.example.com"), "{}", chain(&error));
}

#[tokio::test]
async fn no_error_repeats_its_source() {
    let (server, url) = listen().await;
    drop(server);
    let mut error: &dyn std::error::Error = &client(&url).add_mailbox(&mailbox()).await.unwrap_err();
    while let Some(source) = error.source() {
        assert!(!error.to_string().contains(&source.to_string()), "{error} | {source}");
        error = source;
    }
}

#[tokio::test]
async fn neither_key_nor_password_is_shown_anywhere() {
    let mailcow = FakeMailcow::new();
    let builder =
        Client::builder("https://mail.example.com", mailcow.api_key()).http_client(Arc::new(mailcow.clone()));
    let mut shown = Vec::new();
    let mut show = |value: &dyn Debug| shown.push(format!("{value:?} {value:#?}"));
    show(&builder);
    let client = builder.build().unwrap();
    show(&client);
    show(&mailbox());
    show(&MailboxChange::new().with_password(PASSWORD.into()));
    show(&AppPasswordChange::new().with_password(PASSWORD.into()));
    let app = NewAppPassword::new(mailbox().address().clone(), "runtime", PASSWORD.into(), [Protocol::Imap]);
    show(&app);
    show(&client.add_mailbox(&mailbox()).await.unwrap_err());
    client.add_domain(&NewDomain::new("agents.example.com".parse().unwrap())).await.unwrap();
    for fault in [Fault::NotDone500, Fault::Unreachable, Fault::DoneButEmpty] {
        mailcow.fail_next("add/mailbox", fault);
        show(&client.add_mailbox(&mailbox()).await.unwrap_err());
    }
    show(&client.add_mailbox(&mailbox()).await.unwrap_err());
    client.add_app_password(&app).await.unwrap();
    show(&client.app_passwords(mailbox().address()).await.unwrap());
    show(&mailcow);
    show(&mailcow.calls());
    show(&mailcow.logins());
    let shown = shown.join("\n");
    let key = secrecy::ExposeSecret::expose_secret(&mailcow.api_key()).to_owned();
    assert!(!shown.contains(PASSWORD) && !shown.contains(&key), "{shown}");
}

#[tokio::test]
async fn the_whole_path_works_over_real_http() {
    let mailcow = FakeMailcow::new();
    let server = mailcow.serve().await;
    let client = Client::builder(&format!("{}/api/v1/", server.uri()), mailcow.api_key()).build().unwrap();
    client.version().await.unwrap();
    client.add_domain(&NewDomain::new("agents.example.com".parse().unwrap())).await.unwrap();
    // Plus, ampersand and quote pass two decoders on their way.
    let address = "o'r&d+1#?@agents.example.com".parse().unwrap();
    let wanted = NewMailbox::new(address, PASSWORD.into(), Mib::new(64)).with_tags(["öwner"]);
    let first = client.ensure_mailbox(&wanted).await.unwrap();
    assert_eq!((first.how, first.value.tags), (How::Created, vec!["öwner".to_owned()]));
    assert_eq!(client.ensure_mailbox(&wanted).await.unwrap().how, How::Existed);
    mailcow.fail_next("delete/mailbox", Fault::DoneButLost);
    assert!(client.delete_mailbox(wanted.address()).await.unwrap_err().outcome_unknown());
    assert_eq!(client.get_mailbox(wanted.address()).await.unwrap(), None);
    let stranger = Client::builder(&server.uri(), "WRONG".into()).build().unwrap();
    assert!(matches!(stranger.version().await, Err(Error::Unauthenticated { .. })));
}

fn chain(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(|error| error.to_string() + &format!(" {error:?}")).collect::<Vec<_>>().join(" | ")
}
