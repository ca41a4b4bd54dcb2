use std::sync::Mutex;

use rcgen::{CertifiedIssuer, ExtendedKeyUsagePurpose, date_time_ymd};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::wire::Security;
use crate::wire::certified::{Identity, authority, authority_of};
use crate::{Login, MailAccess, NewMessage, Selection, SmtpImap, SmtpImapConfig};

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
    async fn start(identity: &Identity, security: Security) -> Self {
        let acceptor = tokio_rustls::TlsAcceptor::from(identity.config());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                if security == Security::StartTls && begins_tls(&mut tcp).await.is_err() {
                    continue;
                }
                let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
                // A client that finds the certificate wrong has left before this is read.
                if security == Security::ImplicitTls {
                    let _ = tls.write_all(b"220 ready\r\n").await;
                }
                let mut bytes = [0; 256];
                let read = tls.read(&mut bytes).await.unwrap_or(0);
                all.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { port, heard, task }
    }

    /// Tries to submit and returns what it came to and what the server heard inside TLS.
    async fn meet(&self, host: &str, trusted: Option<&str>, security: Security) -> (bool, String) {
        let mail = self.mail(host, trusted, security);
        let to = login().address().clone();
        let message = NewMessage::to(to.clone()).seal(&to.into()).unwrap();
        let refused = is_tls(&mail.submit(&login(), &message).await.unwrap_err());
        (refused, String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned())
    }

    /// Tries to read, which is always over TLS from the first byte on.
    async fn meet_imap(&self, host: &str, trusted: Option<&str>) -> bool {
        let mail = self.mail(host, trusted, Security::ImplicitTls);
        is_tls(&mail.fetch(&login(), &Selection::Unseen, 1).await.unwrap_err())
    }

    fn mail(&self, host: &str, trusted: Option<&str>, security: Security) -> SmtpImap {
        let server = Endpoint::new(host, self.port).unwrap();
        let tls = tls_config(trusted.map(str::as_bytes)).unwrap();
        let config = SmtpImapConfig::new(server.clone(), server).with_smtp_security(security);
        SmtpImap::new(config, Arc::new(TlsConnector::new(tls)))
    }
}

fn login() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary"))
}

/// Speaks in the open until the client asks for TLS.
async fn begins_tls(tcp: &mut TcpStream) -> io::Result<()> {
    let mut bytes = [0; 256];
    for line in ["220 ready\r\n", "250-me\r\n250 STARTTLS\r\n", "220 go ahead\r\n"] {
        tcp.write_all(line.as_bytes()).await?;
        if !line.ends_with("ahead\r\n") && tcp.read(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn is_tls(error: &Error) -> bool {
    let Error::Unavailable { source, .. } = error else { return false };
    source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}

#[tokio::test]
async fn a_private_authority_is_trusted_for_names_and_ip_addresses() {
    let authority = authority();
    for host in ["localhost", "127.0.0.1"] {
        let identity = Identity::issued(host, &authority, |_| {});
        for security in [Security::ImplicitTls, Security::StartTls] {
            let server = Server::start(&identity, security).await;
            let (refused, heard) = server.meet(host, Some(&authority.pem()), security).await;
            assert!(!refused, "TLS was fine");
            assert_eq!(heard, "EHLO agents.example\r\n", "{host} {security:?}");
        }
        let server = Server::start(&identity, Security::ImplicitTls).await;
        assert!(
            !server.meet_imap(host, Some(&authority.pem())).await,
            "the greeting is wrong, and TLS was fine"
        );
    }
}

#[tokio::test]
async fn whoever_can_not_prove_his_name_hears_nothing() {
    let (ours, theirs, narrow) = (authority(), authority(), authority_of("elsewhere.example"));
    let issued = |name: &str| Identity::issued(name, &ours, |_| {});
    let expired = Identity::issued("localhost", &ours, |params| params.not_after = date_time_ymd(2021, 1, 1));
    let early = Identity::issued("localhost", &ours, |params| params.not_before = date_time_ymd(3999, 1, 1));
    let client = Identity::issued("localhost", &ours, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    for (what, identity, host, trusted) in [
        ("another name", issued("other.example"), "localhost", Some(&ours)),
        ("a name for an address", issued("localhost"), "127.0.0.1", Some(&ours)),
        ("another address", issued("127.0.0.2"), "127.0.0.1", Some(&ours)),
        ("expired", expired, "localhost", Some(&ours)),
        ("not yet valid", early, "localhost", Some(&ours)),
        ("for clients only", client, "localhost", Some(&ours)),
        ("issued by a server", Identity::issued_by_a_server("localhost", &ours), "localhost", Some(&ours)),
        (
            "outside the authority's names",
            Identity::issued("localhost", &narrow, |_| {}),
            "localhost",
            Some(&narrow),
        ),
        ("unknown authority", Identity::issued("localhost", &theirs, |_| {}), "localhost", Some(&ours)),
        ("only the web's authorities", issued("localhost"), "localhost", None),
        ("self-signed", Identity::self_signed("localhost"), "localhost", Some(&ours)),
    ] {
        let trusted = trusted.map(CertifiedIssuer::pem);
        for security in [Security::ImplicitTls, Security::StartTls] {
            let server = Server::start(&identity, security).await;
            let (refused, heard) = server.meet(host, trusted.as_deref(), security).await;
            assert!(refused, "{what} {security:?}");
            assert_eq!(heard, "", "{what} {security:?}");
        }
        let server = Server::start(&identity, Security::ImplicitTls).await;
        assert!(server.meet_imap(host, trusted.as_deref()).await, "{what}");
        assert_eq!(*server.heard.lock().unwrap(), b"", "{what}");
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
