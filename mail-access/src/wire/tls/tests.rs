use std::sync::Mutex;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::{Login, MailAccess, NewMessage, Selection, SmtpImap};

/// A server with a certificate that greets like SMTP and IMAP at once, and what it heard inside TLS.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
                // A client that finds the certificate wrong has left before this is read.
                let _ = tls.write_all(b"220 ready\r\n").await;
                let mut bytes = [0; 256];
                let read = tls.read(&mut bytes).await.unwrap_or(0);
                all.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { port, heard, task }
    }

    /// Tries both protocols, and returns what they came to and what the server heard.
    async fn meet(&self, host: &str, trusted: Option<&str>) -> (bool, String) {
        let server = Endpoint::new(host, self.port).unwrap();
        let tls = tls_config(trusted.map(str::as_bytes)).unwrap();
        let mail = SmtpImap::over_tls(server.clone(), server, tls);
        let login = Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary"));
        let to = login.address().clone();
        let message = NewMessage::to(to.clone()).seal(&to.into()).unwrap();
        let sent = mail.submit(&login, &message).await.unwrap_err();
        let read = mail.fetch(&login, &Selection::Unseen, 1).await.unwrap_err();
        let refused = [sent, read].iter().all(is_tls);
        (refused, String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned())
    }
}

fn is_tls(error: &Error) -> bool {
    let Error::Unavailable { source, .. } = error else { return false };
    source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate(
    names: &[&str],
    last_year: i32,
    issuer: &Issuer<'static, KeyPair>,
) -> (rcgen::Certificate, KeyPair) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap(), key)
}

#[tokio::test]
async fn a_private_authority_is_trusted_for_names_and_ip_addresses() {
    let authority = authority();
    for (name, host) in [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")] {
        let (certificate, key) = certificate(&[name], 4000, &authority);
        let server = Server::start(&certificate, &key).await;
        let (refused, heard) = server.meet(host, Some(&authority.pem())).await;
        assert!(!refused, "the greeting is wrong for IMAP, and TLS was fine");
        assert_eq!(heard, "EHLO agents.example\r\n", "{host}");
    }
}

#[tokio::test]
async fn whoever_can_not_prove_his_name_hears_nothing() {
    let (ours, theirs) = (authority(), authority());
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap(), key)
    };
    for (what, (certificate, key), host, trusted) in [
        ("another name", certificate(&["other.example"], 4000, &ours), "localhost", Some(&ours)),
        ("a name for an address", certificate(&["localhost"], 4000, &ours), "127.0.0.1", Some(&ours)),
        ("another address", certificate(&["127.0.0.2"], 4000, &ours), "127.0.0.1", Some(&ours)),
        ("expired", certificate(&["localhost"], 2021, &ours), "localhost", Some(&ours)),
        ("unknown authority", certificate(&["localhost"], 4000, &theirs), "localhost", Some(&ours)),
        ("only the web's authorities", certificate(&["localhost"], 4000, &ours), "localhost", None),
        ("self-signed", self_signed, "localhost", Some(&ours)),
    ] {
        let server = Server::start(&certificate, &key).await;
        let (refused, heard) = server.meet(host, trusted.map(CertifiedIssuer::pem).as_deref()).await;
        assert!(refused, "{what}");
        assert_eq!(heard, "", "{what}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
    let plain = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(b"220 plain text\r\n").await.unwrap();
        let _ = tcp.read(&mut [0; 1024]).await;
    });
    assert!(TlsConnector::new(tls_config(None).unwrap()).connect(&server).await.is_err());
    plain.await.unwrap();
}

/// The clock is stopped only after the connection stands: a paused clock would run ahead of the real network.
#[tokio::test]
async fn a_handshake_that_hangs_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
    let connector = TlsConnector::new(tls_config(None).unwrap());
    let connecting = tokio::spawn(async move { connector.connect(&server).await.err() });
    let (_silent, _) = listener.accept().await.unwrap();
    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    assert_eq!(connecting.await.unwrap().unwrap().kind(), io::ErrorKind::TimedOut);
    assert!(begin.elapsed().as_secs() <= 10, "{:?}", begin.elapsed());
}

#[test]
fn what_is_no_certificate_is_told() {
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", rubbish, "-----BEGIN CERTIFICATE-----\n*"] {
        let error = tls_config(Some(pem.as_bytes())).unwrap_err();
        assert!(matches!(error, Error::Invalid { what: "certificate authority", .. }), "{pem:?}: {error:?}");
    }
    assert!(tls_config(Some(authority().pem().as_bytes())).is_ok());
}
