//! Ports and certificates, over listeners on loopback.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::DomainName;
use agent_mail::readiness::{
    Check, CheckName, Greeting, Probe, ProbeError, Readiness, Report, Security, Sockets, State,
};
use agent_mail::spec::Relay;
use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::world::{AllOpen, HOST, World, name, target};

/// Listeners that stand for the mail host's ports, and the look at them.
struct Host {
    world: World,
    sockets: Sockets,
    tasks: JoinSet<()>,
    authority: Issuer<'static, KeyPair>,
}

impl Host {
    async fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(params.self_signed(&key).unwrap().der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let world = World::good().await;
        // Nothing listens at these, unless a test says so.
        let mut sockets = Sockets::new(Arc::new(config)).with_deadline(Duration::from_secs(10));
        for port in [25, 465, 587, 993] {
            sockets = sockets.with_port_at(port, closed().await);
        }
        Self { world, sockets, tasks: JoinSet::new(), authority: Issuer::new(params, key) }
    }

    /// All ports open, with a good certificate.
    async fn open() -> Self {
        let mut host = Self::new().await;
        let certificate = host.certificate(HOST, Duration::from_hours(24 * 60));
        host.listen(25, "220 hello\r\n", None).await;
        host.listen_start_tls("250-me\r\n250 STARTTLS\r\n", "220 go ahead\r\n", certificate.clone()).await;
        host.listen(465, "220 hello\r\n", Some(certificate.clone())).await;
        host.listen(993, "* OK hello\r\n", Some(certificate)).await;
        host
    }

    /// Makes a certificate that the look trusts.
    fn certificate(&self, name: &str, lifetime: Duration) -> Arc<ServerConfig> {
        self.certificate_until(name, SystemTime::now() + lifetime)
    }

    /// As [`certificate`](Self::certificate), for several names.
    fn certificate_for(&self, names: &[&str]) -> Arc<ServerConfig> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.certified(names, SystemTime::now() + Duration::from_hours(24 * 60))
    }

    fn certificate_until(&self, name: &str, end: SystemTime) -> Arc<ServerConfig> {
        self.certified(vec![name.to_owned()], end)
    }

    fn certified(&self, names: Vec<String>, end: SystemTime) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = (SystemTime::now() - Duration::from_hours(24 * 365)).into();
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        served(certificate.der().clone(), &key)
    }

    async fn listen(&mut self, port: u16, greeting: &'static str, tls: Option<Arc<ServerConfig>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        self.sockets = self.sockets.clone().with_port_at(port, listener.local_addr().unwrap());
        self.tasks.spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { continue };
                match &tls {
                    None => {
                        let _ = stream.write_all(greeting.as_bytes()).await;
                    }
                    Some(tls) => {
                        if let Ok(mut stream) = TlsAcceptor::from(tls.clone()).accept(stream).await {
                            let _ = stream.write_all(greeting.as_bytes()).await;
                            let _ = stream.read_u8().await;
                        }
                    }
                }
            }
        });
    }

    /// Has port 587 offer this, answer STARTTLS with that, and begin TLS then.
    async fn listen_start_tls(&mut self, offers: &'static str, answer: &'static str, tls: Arc<ServerConfig>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        self.sockets = self.sockets.clone().with_port_at(587, listener.local_addr().unwrap());
        self.tasks.spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { continue };
                let mut heard = [0; 256];
                let talk = async {
                    stream.write_all(b"220-hello\r\n220 and welcome\r\n").await.ok()?;
                    let length = stream.read(&mut heard).await.ok()?;
                    heard[..length].starts_with(b"EHLO [127.0.0.1]\r\n").then_some(())?;
                    stream.write_all(offers.as_bytes()).await.ok()?;
                    let length = stream.read(&mut heard).await.ok()?;
                    heard[..length].starts_with(b"STARTTLS\r\n").then_some(())?;
                    stream.write_all(answer.as_bytes()).await.ok()
                };
                if talk.await.is_some()
                    && let Ok(mut stream) = TlsAcceptor::from(tls.clone()).accept(stream).await
                {
                    let _ = stream.read_u8().await;
                }
            }
        });
    }

    fn readiness(&self) -> Readiness {
        let name_servers = Arc::new(self.world.name_servers());
        Readiness::new(name_servers, Arc::new(self.sockets.clone())).with_deadline(Duration::from_secs(20))
    }

    async fn report(&self) -> Report {
        self.readiness().check(&target()).await
    }

    async fn check(&self, name: CheckName) -> Check {
        self.report().await.check(name).unwrap().clone()
    }
}

fn served(certificate: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// Returns a place where nobody listens.
async fn closed() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap()
}

const PORTS: [CheckName; 4] = [CheckName::Port25, CheckName::Port465, CheckName::Port587, CheckName::Port993];

#[tokio::test]
async fn open_ports_with_a_good_certificate_are_fine() {
    let host = Host::open().await;
    let report = host.report().await;
    assert!(report.is_ready(), "{report}");
    for name in PORTS.into_iter().chain([CheckName::Certificate, CheckName::Relay]) {
        assert_eq!(report.check(name).unwrap().state, State::Ok, "{report}");
    }
    let found = &report.check(CheckName::Certificate).unwrap().found;
    assert!(found.starts_with("for mail.shop.example, 59 days") || found.contains("60 days"), "{found}");
}

#[tokio::test]
async fn closed_ports_fail_and_say_what_to_do() {
    let host = Host::new().await;
    let report = host.report().await;
    for name in PORTS {
        let check = report.check(name).unwrap();
        assert!(check.state == State::Failed && check.found.contains("closed"), "{check}");
        assert!(check.fix.contains("firewall"), "{check}");
    }
    assert_eq!(report.check(CheckName::Certificate).unwrap().state, State::Unknown);
    let way_out = report.check(CheckName::Relay).unwrap();
    assert!(way_out.state == State::Failed && way_out.fix.contains("configure a relay"), "{way_out}");
    assert!(!report.is_ready());
}

#[tokio::test]
async fn who_speaks_something_else_is_no_mail_server() {
    let mut host = Host::open().await;
    host.listen(25, "HTTP/1.1 400 Bad Request\r\n", None).await;
    host.listen(993, "220 hello\r\n", Some(host.certificate(HOST, Duration::from_hours(2000)))).await;
    let report = host.report().await;
    for name in [CheckName::Port25, CheckName::Port993] {
        let check = report.check(name).unwrap();
        assert!(check.state == State::Failed && check.found.contains("instead of"), "{check}");
    }
    // A server without TLS where TLS begins at once.
    host.listen(465, "220 hello\r\n", None).await;
    assert_eq!(host.check(CheckName::Port465).await.state, State::Failed);
}

#[tokio::test]
async fn a_certificate_has_to_be_trusted_for_the_name_and_last() {
    let mut host = Host::open().await;
    let day = Duration::from_hours(24);
    let other = host.certificate("other.example", day * 60);
    host.listen(993, "* OK hello\r\n", Some(other)).await;
    let check = host.check(CheckName::Certificate).await;
    assert!(check.state == State::Failed && check.found.contains("not valid for name"), "{check}");

    let expired = host.certificate_until(HOST, SystemTime::now() - day);
    host.listen(993, "* OK hello\r\n", Some(expired)).await;
    let check = host.check(CheckName::Certificate).await;
    assert!(check.state == State::Failed && check.found.contains("expired"), "{check}");

    let soon = host.certificate(HOST, day * 5);
    host.listen(993, "* OK hello\r\n", Some(soon)).await;
    let check = host.check(CheckName::Certificate).await;
    assert!(check.state == State::Warning && check.found.contains("4 days left"), "{check}");

    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
    host.listen(993, "* OK hello\r\n", Some(served(own.der().clone(), &key))).await;
    let check = host.check(CheckName::Certificate).await;
    assert!(check.state == State::Failed && check.found.contains("not trusted"), "{check}");
}

#[tokio::test]
async fn port_587_has_to_begin_tls() {
    let mut host = Host::open().await;
    let good = host.certificate(HOST, Duration::from_hours(24 * 60));
    for (offers, answer, found) in [
        ("250-me\r\n250 AUTH PLAIN\r\n", "", "does not offer STARTTLS"),
        ("502 no\r\n", "", "it says \"502 no\" to EHLO"),
        ("250 STARTTLS\r\n", "454 not now\r\n", "it says \"454 not now\" to STARTTLS"),
        ("250 STARTTLS\r\n", "220 go\r\n250 injected\r\n", "more than it may before TLS"),
    ] {
        host.listen_start_tls(offers, answer, good.clone()).await;
        let check = host.check(CheckName::Port587).await;
        assert!(check.state == State::Failed && check.found.contains(found), "{check}");
    }
    let other = host.certificate("other.example", Duration::from_hours(24 * 60));
    host.listen_start_tls("250-me\r\n250 STARTTLS\r\n", "220 go\r\n", other).await;
    let check = host.check(CheckName::Certificate).await;
    assert!(check.state == State::Failed && check.found.contains("not valid for name"), "{check}");
}

#[tokio::test]
async fn with_port_25_closed_a_relay_is_the_way_out() {
    let mut host = Host::open().await;
    host.sockets = host.sockets.clone().with_port_at(25, closed().await);
    host.world.dns.set("smtp.relay.example", "A", &["127.0.0.99"]);
    let relay = Relay::new(name("smtp.relay.example"), "apikey").with_spf_include(name("relay.example"));
    host.world.dns.set("relay.example", "TXT", &["v=spf1 ip4:198.51.100.0/24 -all"]);
    host.world.dns.set("shop.example", "TXT", &["v=spf1 mx include:relay.example ~all"]);
    let relays = host.certificate_for(&[HOST, "smtp.relay.example"]);
    host.listen_start_tls("250-me\r\n250 STARTTLS\r\n", "220 go ahead\r\n", relays).await;
    let target = target().with_relay(relay);
    let report = host.readiness().check(&target).await;
    let way_out = report.check(CheckName::Relay).unwrap();
    assert!(way_out.state == State::Ok && way_out.found.contains("port 25 is closed"), "{way_out}");
    assert_eq!(report.check(CheckName::Port25).unwrap().state, State::Warning);
    assert!(report.is_ready(), "{report}");
    // A relay that takes passwords in the clear, or shows another's certificate, is none.
    let relays = host.certificate("smtp.relay.example", Duration::from_hours(24 * 60));
    for (offers, certificate, found) in [
        ("250-me\r\n250 AUTH PLAIN\r\n", relays.clone(), "does not offer STARTTLS"),
        (
            "250-me\r\n250 STARTTLS\r\n",
            host.certificate("other.example", Duration::from_hours(2000)),
            "not valid for name",
        ),
    ] {
        host.listen_start_tls(offers, "220 go\r\n", certificate).await;
        let report = host.readiness().check(&target).await;
        let way_out = report.check(CheckName::Relay).unwrap();
        assert!(way_out.state == State::Failed && way_out.found.contains(found), "{way_out}");
        assert!(!report.is_ready());
    }
    // The relay is no help if it can't be reached either.
    host.sockets = host.sockets.clone().with_port_at(587, closed().await);
    let report = host.readiness().check(&target).await;
    let way_out = report.check(CheckName::Relay).unwrap();
    assert!(way_out.state == State::Failed && way_out.found.contains("does not answer"), "{way_out}");
}

#[tokio::test]
async fn whether_port_25_leads_out_can_be_tried_elsewhere() {
    let host = Host::open().await;
    let outside = target().with_outside(name("mx.elsewhere.example"));
    let check = async || host.readiness().check(&outside).await.check(CheckName::Relay).unwrap().clone();
    assert_eq!(check().await.state, State::Failed, "it has no address");
    host.world.dns.set("mx.elsewhere.example", "A", &["127.0.0.98"]);
    assert_eq!(check().await.found, "mail leaves by port 25: mx.elsewhere.example answers");
}

#[tokio::test]
async fn one_of_two_addresses_is_a_warning() {
    /// A host whose IPv6 is dead.
    #[derive(Debug)]
    struct OnlyIpv4;
    #[async_trait]
    impl Probe for OnlyIpv4 {
        async fn probe(
            &self,
            at: IpAddr,
            port: u16,
            how: Security,
            name: &DomainName,
        ) -> Result<Greeting, ProbeError> {
            if at.is_ipv6() {
                return Err(ProbeError::Closed("unreachable".into()));
            }
            AllOpen.probe(at, port, how, name).await
        }
    }
    let world = World::good().await;
    world.dns.set(HOST, "AAAA", &["::1"]);
    world.dns.set("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", "PTR", &[HOST]);
    let report = Readiness::new(Arc::new(world.name_servers()), Arc::new(OnlyIpv4)).check(&target()).await;
    for name in PORTS {
        let check = report.check(name).unwrap();
        assert!(check.state == State::Warning && check.found.contains("::1: closed"), "{check}");
    }
    assert!(report.is_ready(), "{report}");
}

#[tokio::test]
async fn a_server_that_says_nothing_or_too_much_is_left_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let place = listener.local_addr().unwrap();
    let sockets = Sockets::new(Arc::new(trusting_nobody())).with_deadline(Duration::from_millis(300));
    let probe = || sockets.probe(place.ip(), place.port(), Security::Plain, &NAME);
    assert!(matches!(probe().await, Err(ProbeError::Silent(_))));
    let talk = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    };
    tokio::select! {
        () = talk => {}
        said = async {
            // The first connection was left waiting in the queue.
            let _ = probe().await;
            probe().await
        } => assert!(said.is_err() || said.unwrap().line.len() <= 2048),
    }
}

static NAME: std::sync::LazyLock<agent_mail::DomainName> = std::sync::LazyLock::new(|| name(HOST));

fn trusting_nobody() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}
