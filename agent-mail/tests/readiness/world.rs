//! A domain as it has to be, on a DNS of its own, for tests to spoil.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::DomainName;
use agent_mail::backend::DkimKey;
use agent_mail::readiness::{
    Certificate, Check, CheckName, Greeting, NameServers, Probe, ProbeError, Readiness, Report, Security,
    State, Target,
};
use async_trait::async_trait;

use crate::server::Dns;

pub(crate) const DOMAIN: &str = "shop.example";
pub(crate) const HOST: &str = "mail.shop.example";
pub(crate) const SELECTOR: &str = "dkim._domainkey.shop.example";
pub(crate) const KEY: &str = "v=DKIM1;k=rsa;t=s;s=email;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A";
/// The zone's servers.
pub(crate) const NS1: u8 = 11;
pub(crate) const NS2: u8 = 12;
/// One that has no zone.
pub(crate) const LAME: u8 = 13;
/// The server that others ask.
pub(crate) const RECURSIVE: u8 = 2;

pub(crate) struct World {
    pub(crate) dns: Dns,
}

impl World {
    /// A domain with which all is well.
    pub(crate) async fn good() -> Self {
        let dns = Dns::start(&[
            (RECURSIVE, &[]),
            (10, &["example"]),
            (NS1, &["shop.example"]),
            (NS2, &["shop.example"]),
            (LAME, &[]),
        ])
        .await;
        dns.set("example", "NS", &["ns.example"]);
        dns.set("ns.example", "A", &["127.0.0.10"]);
        dns.set(DOMAIN, "NS", &["ns1.shop.example", "ns2.shop.example"]);
        dns.set(DOMAIN, "SOA", &["7"]);
        dns.set("ns1.shop.example", "A", &["127.0.0.11"]);
        dns.set("ns2.shop.example", "A", &["127.0.0.12"]);
        dns.set(DOMAIN, "MX", &["10 mail.shop.example"]);
        dns.set(HOST, "A", &["127.0.0.25"]);
        dns.set("25.0.0.127.in-addr.arpa", "PTR", &[HOST]);
        dns.set(DOMAIN, "TXT", &["some other text", "v=spf1 mx ~all"]);
        dns.set(SELECTOR, "TXT", &[KEY]);
        dns.set("_dmarc.shop.example", "TXT", &["v=DMARC1; p=quarantine"]);
        dns.set("autoconfig.shop.example", "CNAME", &[HOST]);
        dns.set("autodiscover.shop.example", "CNAME", &[HOST]);
        Self { dns }
    }

    /// Looks through real sockets at the DNS, and through a double at the ports.
    pub(crate) fn readiness(&self) -> Readiness {
        Readiness::new(Arc::new(self.name_servers()), Arc::new(AllOpen))
            .with_deadline(Duration::from_secs(20))
    }

    pub(crate) fn name_servers(&self) -> NameServers {
        let recursive = SocketAddr::from(([127, 0, 0, RECURSIVE], self.dns.port()));
        NameServers::new(recursive).with_port(self.dns.port()).with_deadline(Duration::from_secs(3))
    }

    pub(crate) async fn report(&self) -> Report {
        self.readiness().check(&target()).await
    }

    pub(crate) async fn check(&self, name: CheckName) -> Check {
        self.report().await.check(name).unwrap().clone()
    }

    /// Checks that one look fails, for the reason and with the fix given, and that the domain isn't ready then.
    pub(crate) async fn fails(&self, name: CheckName, found: &str, fix: &str) {
        assert!(!self.fails_alone(name, found, fix).await.is_ready());
    }

    /// As [`fails`](Self::fails), for a check that keeps no mail back.
    pub(crate) async fn fails_unmandatory(&self, name: CheckName, found: &str, fix: &str) {
        assert!(self.fails_alone(name, found, fix).await.is_ready());
    }

    async fn fails_alone(&self, name: CheckName, found: &str, fix: &str) -> Report {
        let report = self.report().await;
        let check = report.check(name).unwrap();
        assert_eq!(check.state, State::Failed, "{report}");
        assert!(check.found.contains(found), "{}", check.found);
        assert!(check.fix.contains(fix), "{}", check.fix);
        report
    }
}

pub(crate) fn target() -> Target {
    Target::new(name(DOMAIN), name(HOST)).with_dkim(DkimKey { selector: "dkim".into(), record: KEY.into() })
}

pub(crate) fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// A host whose ports are all open.
#[derive(Debug)]
pub(crate) struct AllOpen;

#[async_trait]
impl Probe for AllOpen {
    async fn probe(
        &self,
        _: IpAddr,
        port: u16,
        security: Security,
        name: &DomainName,
    ) -> Result<Greeting, ProbeError> {
        let line = if port == 993 { "* OK ready" } else { "220 ready" };
        let certificate =
            Certificate::new(vec![name.to_string()], SystemTime::now() + Duration::from_hours(2000));
        Ok(Greeting::new(line, (security != Security::Plain).then_some(certificate)))
    }
}
