//! Whether the mail host's ports answer, what certificate it shows, and how mail leaves.

use std::fmt::{self, Debug, Display};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures_util::future::join_all;
use mail_access::DomainName;

use super::report::{Finding, State};
use super::scene::{Scene, listed};

/// Tries ports.
#[async_trait]
pub trait Probe: Debug + Send + Sync + 'static {
    /// Connects to a port and reads the first line that the server says.
    ///
    /// # Contract
    /// - With [`Security::Tls`] the line is read over TLS, after the certificate was found to be trusted for `name`; one
    ///   that isn't is [`ProbeError::Untrusted`].
    /// - With [`Security::StartTls`] TLS begins after the line, with the same look at the certificate. An SMTP server that
    ///   doesn't offer or begin it is [`ProbeError::Broken`].
    /// - Nothing is sent but what leads to TLS, and the connection is closed.
    /// - It ends within seconds, by an error if need be. A dropped call leaves nothing behind.
    ///
    /// # Errors
    /// [`ProbeError`] if there is no line.
    async fn probe(
        &self,
        address: IpAddr,
        port: u16,
        security: Security,
        name: &DomainName,
    ) -> Result<Greeting, ProbeError>;
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Security {
    /// In the clear, and no further than the first line.
    Plain,
    /// In the clear, then with TLS by command (RFC 3207).
    StartTls,
    /// With TLS (RFC 8314).
    Tls,
}

/// What a port says first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Greeting {
    /// The line, without its end.
    pub line: String,
    /// The certificate, with [`Security::Tls`] and [`Security::StartTls`].
    pub certificate: Option<Certificate>,
}

impl Greeting {
    /// Makes a greeting of its parts.
    pub fn new(line: impl Into<String>, certificate: Option<Certificate>) -> Self {
        Self { line: line.into(), certificate }
    }
}

/// A certificate that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// The names that it is for.
    pub names: Vec<String>,
    /// When it expires.
    pub not_after: SystemTime,
}

impl Certificate {
    /// Makes a certificate of its parts.
    pub fn new(names: Vec<String>, not_after: SystemTime) -> Self {
        Self { names, not_after }
    }
}

/// Why a port gave no greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbeError {
    /// It takes no connection, with the system's words.
    Closed(String),
    /// There was no answer in the time.
    Silent(Duration),
    /// The certificate is not trusted for the name, with the reason.
    Untrusted(String),
    /// It took the connection and then broke it off, or spoke something else.
    Broken(String),
}

impl Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(why) => write!(f, "closed ({why})"),
            Self::Silent(time) => write!(f, "no answer in {} s", time.as_secs()),
            Self::Untrusted(why) => write!(f, "the certificate is not trusted: {why}"),
            Self::Broken(why) => write!(f, "broken off: {why}"),
        }
    }
}

impl std::error::Error for ProbeError {}

/// What each address said.
pub(super) type Probed = Vec<(IpAddr, Result<Greeting, ProbeError>)>;

pub(super) struct Port {
    pub(super) number: u16,
    security: Security,
    greeting: &'static str,
}

/// The greetings of RFC 5321 section 4.2 and RFC 9051 section 7.1.
pub(super) const PORTS: [Port; 4] = [
    Port { number: 25, security: Security::Plain, greeting: "220" },
    Port { number: 465, security: Security::Tls, greeting: "220" },
    Port { number: 587, security: Security::StartTls, greeting: "220" },
    Port { number: 993, security: Security::Tls, greeting: "* OK" },
];

pub(super) async fn probe_all(scene: &Scene<'_>, addresses: &[IpAddr], port: &Port) -> Probed {
    let name = &scene.target.mail_host;
    let each = addresses.iter().map(async |address| {
        let greeting = scene.probe.probe(*address, port.number, port.security, name).await;
        (*address, greeting.and_then(|greeting| expect(greeting, port.greeting)))
    });
    join_all(each).await
}

/// A port answers at all addresses of the mail host, as its protocol begins.
pub(super) async fn port(scene: &Scene<'_>, number: u16) -> Finding {
    let probed = match scene.probed(number).await {
        Ok(probed) => probed,
        Err(unknown) => return unknown,
    };
    let shown = listed(probed.iter().map(|(address, said)| match said {
        Ok(_) => format!("{address} answers"),
        Err(error) => format!("{address}: {error}"),
    }));
    let fix = || {
        format!("let port {number} of the mail host through its firewall, and have the server listen there")
    };
    match probed.iter().filter(|(_, said)| said.is_ok()).count() {
        0 if number == 25 && scene.target.relay.is_some() => {
            Finding::warning(format!("{shown}; mail still leaves by the relay"), fix())
        }
        0 => Finding::failed(shown, fix()),
        some if some < probed.len() => Finding::warning(shown, fix()),
        _ => Finding::ok(shown),
    }
}

/// The certificate is trusted for the mail host's name, on all ports of its users, and lasts.
pub(super) async fn certificate(scene: &Scene<'_>) -> Finding {
    let probed = tokio::try_join!(scene.probed(465), scene.probed(587), scene.probed(993));
    let (smtp, later, imap) = match probed {
        Ok(probed) => probed,
        Err(unknown) => return unknown,
    };
    let said = || smtp.iter().chain(later).chain(imap).map(|(_, said)| said);
    let untrusted = said().find_map(|said| match said {
        Err(error @ ProbeError::Untrusted(_)) => Some(error.to_string()),
        _ => None,
    });
    if let Some(found) = untrusted {
        let name = &scene.target.mail_host;
        let fix = format!(
            "have the server show a valid certificate for {name}, with all that lies between it and its authority"
        );
        return Finding::failed(found, fix);
    }
    let first = said().flatten().filter_map(|greeting| greeting.certificate.as_ref());
    let Some(certificate) = first.min_by_key(|certificate| certificate.not_after) else {
        return Finding::unknown("no port with TLS answers");
    };
    let left = certificate.not_after.duration_since(SystemTime::now()).unwrap_or_default();
    let days = left.as_secs() / 86_400;
    let found = format!("for {}, {days} days left", listed(certificate.names.iter().take(5)));
    if left < RENEWED_BY {
        return Finding::warning(found, "see why the certificate is not renewed by itself");
    }
    Finding::ok(found)
}

/// Mail finds its way out: by port 25, or by a relay that answers.
pub(super) async fn way_out(scene: &Scene<'_>) -> Finding {
    let direct = port_25_leads_out(scene).await;
    let Some(relay) = &scene.target.relay else {
        return match direct {
            Ok(how) => Finding::ok(format!("mail leaves by port 25: {how}")),
            Err(unknown) if unknown.state == State::Unknown => unknown,
            Err(closed) => Finding::failed(
                format!("port 25 is closed: {}", closed.found),
                "configure a relay, or have whoever runs the network open port 25",
            ),
        };
    };
    let remark = if direct.is_ok() { "port 25 is open too" } else { "port 25 is closed" };
    let security = PORTS.iter().find(|known| known.number == relay.port);
    let security = security.map_or(Security::Plain, |known| known.security);
    match first_greeting(scene, &relay.host, relay.port, security).await {
        Ok(()) => Finding::ok(format!("mail leaves by the relay {}:{}; {remark}", relay.host, relay.port)),
        Err(finding) if finding.state == State::Unknown => finding,
        Err(finding) => Finding::failed(
            format!(
                "the relay {}:{} does not answer as it has to: {}; {remark}",
                relay.host, relay.port, finding.found
            ),
            "correct the relay's host and port, let connections to it through the firewall, and trust who signs its certificate",
        ),
    }
}

async fn port_25_leads_out(scene: &Scene<'_>) -> Result<String, Finding> {
    if let Some(outside) = &scene.target.outside {
        return first_greeting(scene, outside, 25, Security::Plain)
            .await
            .map(|()| format!("{outside} answers"));
    }
    let probed = scene.probed(25).await?;
    if probed.iter().any(|(_, said)| said.is_ok()) {
        return Ok("the mail host's own answers".into());
    }
    let said =
        probed.iter().filter_map(|(address, said)| said.as_ref().err().map(|e| format!("{address}: {e}")));
    Err(Finding::failed(listed(said), ""))
}

async fn first_greeting(
    scene: &Scene<'_>,
    host: &DomainName,
    port: u16,
    security: Security,
) -> Result<(), Finding> {
    let addresses = scene.addresses_of(host.as_str()).await.map_err(Finding::unknown)?.all;
    let mut finding = Finding::failed(format!("{host} has no address"), "");
    for address in addresses {
        match scene.probe.probe(address, port, security, host).await.and_then(|said| expect(said, "220")) {
            Ok(_) => return Ok(()),
            Err(error) => finding = Finding::failed(format!("{address}: {error}"), ""),
        }
    }
    Err(finding)
}

fn expect(greeting: Greeting, begin: &str) -> Result<Greeting, ProbeError> {
    if greeting.line.starts_with(begin) {
        return Ok(greeting);
    }
    let line: String = greeting.line.chars().take(100).collect();
    Err(ProbeError::Broken(format!("it says {line:?} instead of {begin}")))
}

/// Let's Encrypt's are renewed when a month is left.
const RENEWED_BY: Duration = Duration::from_hours(14 * 24);
