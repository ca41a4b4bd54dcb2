use std::sync::Arc;

use desec_api::{Client, DomainName, Error, RecordType, RrSetPatch};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

fn domain() -> DomainName {
    "example.com".parse().unwrap()
}

/// Serves an empty list over TLS, again and again.
async fn serve() -> (u16, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
            assert!(head.contains("authorization: token t\r\n") && !head.contains("cookie"), "{head}");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\n[]")
                .await
                .unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (port, cert.der().clone())
}

#[tokio::test]
async fn the_certificate_decides() {
    let (port, certificate) = serve().await;
    let builder = |host| Client::builder("t".into()).base_url(format!("https://{host}:{port}/api/v1"));
    let write = [RrSetPatch::delete("x".parse().unwrap(), RecordType::A)];

    let stranger = builder("localhost").build().unwrap();
    let error = stranger.patch_rrsets(&domain(), &write).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { source: Some(_), .. }), "{error:?}");

    let trusting = || {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    };
    let friend = builder("localhost").tls(trusting()).build().unwrap();
    for _ in 0..2 {
        assert_eq!(friend.patch_rrsets(&domain(), &write).await.unwrap(), []);
    }
    let misled = builder("127.0.0.1").tls(trusting()).build().unwrap();
    let error = misled.domain(&domain()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "another name than the certificate's: {error:?}");
}
