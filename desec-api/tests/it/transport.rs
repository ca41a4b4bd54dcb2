use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use desec_api::{Client, DomainName, Error, FakeDesec, RecordType, RrSet, RrSetPatch, Ttl};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn domain() -> DomainName {
    "example.com".parse().unwrap()
}

fn client(port: u16) -> Client {
    let builder = Client::builder("t".into()).base_url(format!("http://127.0.0.1:{port}/api/v1/"));
    builder.deadline(Duration::from_secs(5)).build().unwrap()
}

async fn write(client: &Client) -> Result<Vec<RrSet>, Error> {
    client.patch_rrsets(&domain(), &[RrSetPatch::delete("x".parse().unwrap(), RecordType::A)]).await
}

/// Listens, and does with each connection what `serve` says.
async fn listen<F: Future<Output = ()> + Send>(
    serve: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    port
}

async fn read_some(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
}

#[tokio::test]
async fn a_redirect_takes_nothing_elsewhere() {
    let received = Arc::new(AtomicUsize::new(0));
    let count = received.clone();
    let elsewhere = listen(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let port = listen(move |mut stream| async move {
        read_some(&mut stream).await;
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://localhost:{elsewhere}/?secret\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
    })
    .await;
    let error = client(port).domain(&domain()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the domain example.com: the server redirects to the host localhost; check the base URL"
    );
    assert_eq!(received.load(Ordering::SeqCst), 0, "not even a connection");
}

#[tokio::test]
async fn a_silent_server_meets_the_deadline() {
    let port = listen(|stream| async move {
        tokio::time::sleep(Duration::from_hours(1)).await;
        drop(stream);
    })
    .await;
    let client = Client::builder("t".into())
        .base_url(format!("http://localhost:{port}"))
        .deadline(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = client.domain(&domain()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let error = write(&client).await.unwrap_err();
    assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("no answer within the deadline"), "{error}");
}

#[tokio::test]
async fn a_lost_link_after_sending_leaves_the_outcome_open() {
    let port = listen(|mut stream| async move { read_some(&mut stream).await }).await;
    let error = write(&client(port)).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    let port = listen(|mut stream| async move {
        read_some(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[").await.unwrap();
    })
    .await;
    let error = write(&client(port)).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
}

#[tokio::test]
async fn without_a_connection_nothing_happened() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = write(&client(port)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { source: Some(_), .. }), "{error:?}");
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let port = listen(|mut stream| async move {
        read_some(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await.unwrap();
        let block = vec![b' '; 1 << 20];
        // Ends when the client hangs up.
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let error = client(port).domain(&domain()).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the answer is larger than 32 MiB");
}

#[tokio::test]
async fn the_fake_speaks_real_http() {
    let fake = FakeDesec::new();
    fake.add_domain(&domain(), Ttl::new(3600).unwrap());
    let server = fake.serve().await;
    let client = Client::builder(fake.token()).base_url(server.uri()).build().unwrap();
    let patch = RrSetPatch::new("www".parse().unwrap(), RecordType::A)
        .with_ttl(client.domain(&domain()).await.unwrap().minimum_ttl)
        .with_records(["192.0.2.1".into()]);
    client.patch_rrsets(&domain(), &[patch]).await.unwrap();
    fake.set_page_size(1);
    let over_http = client.zone(&domain()).await.unwrap();
    assert_eq!(over_http.len(), 2, "two pages");
    assert_eq!(fake.zone(&domain()).unwrap().len(), 2);
    let foreign = client.domain(&"foreign.example".parse().unwrap()).await.unwrap_err();
    assert!(matches!(foreign, Error::NotFound { .. }), "{foreign:?}");
}

#[test]
fn base_urls_are_checked() {
    let build = |url: &str| Client::builder("t".into()).base_url(url).build();
    for good in
        ["https://desec.example/api/v1", "https://desec.example/", "http://127.0.0.9:1/x/", "http://[::1]"]
    {
        build(good).unwrap();
    }
    for bad in [
        "http://desec.io/api/v1",
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "ftp://localhost/",
        "https://user:hunter2@desec.io/",
        "https://desec.io/?x=y",
        "https://desec.io/#x",
        "desec.io",
        "data:x",
        "",
    ] {
        let error = build(bad).unwrap_err();
        assert!(matches!(error, Error::InvalidInput { what: "base URL", .. }), "{bad}: {error:?}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn tokens_are_checked() {
    for bad in ["", "two words", "line\nbreak", "ümlaut"] {
        let error = Client::builder(bad.into()).build().unwrap_err();
        assert!(matches!(error, Error::InvalidInput { what: "token", .. }), "{error:?}");
    }
}
