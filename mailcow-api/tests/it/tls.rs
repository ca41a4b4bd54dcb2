//! TLS: only a trusted server is talked to.

use std::{sync::Arc, time::Duration};

use mailcow_api::{Client, ClientBuilder};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// Serves one connection that answers with the version, and returns its URL and certificate.
async fn serve() -> (String, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
        let count = stream.read(&mut [0; 4096]).await.unwrap();
        assert_ne!(count, 0);
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"version\":\"2026-07a\"}";
        stream.write_all(reply.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    });
    (url, cert.der().clone())
}

fn builder(url: &str) -> ClientBuilder {
    Client::builder(url, "KEY".into()).deadline(Duration::from_secs(10))
}

#[tokio::test]
async fn a_server_is_trusted_by_the_given_roots() {
    let (url, certificate) = serve().await;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    assert_eq!(builder(&url).tls(config).build().unwrap().version().await.unwrap(), "2026-07a");
}

#[tokio::test]
async fn a_server_without_a_public_certificate_is_refused_before_the_key_is_sent() {
    let (url, _) = serve().await;
    let error = builder(&url).build().unwrap().version().await.unwrap_err();
    assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");
    assert!(!error.outcome_unknown());
}
