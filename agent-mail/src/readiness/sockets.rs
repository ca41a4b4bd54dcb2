use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_access::DomainName;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Certificate, Greeting, Probe, ProbeError, Security};

/// Tries real ports (feature `readiness`).
#[derive(Clone)]
#[must_use]
pub struct Sockets {
    tls: TlsConnector,
    deadline: Duration,
    elsewhere: HashMap<u16, SocketAddr>,
}

impl Sockets {
    /// Trusts the certificates that the configuration trusts.
    pub fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        Self { tls: tls.into(), deadline: Duration::from_secs(10), elsewhere: HashMap::new() }
    }

    /// Sets how long one connection may take, from its begin to the greeting; 10 seconds unless set.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Connects to another place when it is about this port: through a tunnel, or where a firewall leads.
    pub fn with_port_at(mut self, port: u16, place: SocketAddr) -> Self {
        self.elsewhere.insert(port, place);
        self
    }

    async fn greeting(
        &self,
        address: SocketAddr,
        security: Security,
        name: &DomainName,
    ) -> Result<Greeting, ProbeError> {
        let broken = |error: std::io::Error| ProbeError::Broken(error.to_string());
        let mut stream = TcpStream::connect(address)
            .await
            .map_err(|error| ProbeError::Closed(error.kind().to_string()))?;
        match security {
            Security::Plain => Ok(Greeting::new(first_line(&mut stream).await.map_err(broken)?, None)),
            Security::StartTls => {
                let line = start_tls(&mut stream).await?;
                let stream = self.begin_tls(stream, name).await?;
                Ok(Greeting::new(line, shown(&stream)))
            }
            Security::Tls => {
                let mut stream = self.begin_tls(stream, name).await?;
                let certificate = shown(&stream);
                Ok(Greeting::new(first_line(&mut stream).await.map_err(broken)?, certificate))
            }
        }
    }

    async fn begin_tls(
        &self,
        stream: TcpStream,
        name: &DomainName,
    ) -> Result<TlsStream<TcpStream>, ProbeError> {
        let server = ServerName::try_from(name.as_str().to_owned());
        let server = server.map_err(|_| ProbeError::Untrusted(format!("{name} is no name for TLS")))?;
        self.tls.connect(server, stream).await.map_err(|error| refused(&error))
    }
}

#[async_trait]
impl Probe for Sockets {
    async fn probe(
        &self,
        address: IpAddr,
        port: u16,
        security: Security,
        name: &DomainName,
    ) -> Result<Greeting, ProbeError> {
        let place = self.elsewhere.get(&port).copied().unwrap_or(SocketAddr::new(address, port));
        let greeting = timeout(self.deadline, self.greeting(place, security, name)).await;
        greeting.unwrap_or(Err(ProbeError::Silent(self.deadline)))
    }
}

/// Shows the deadline.
impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sockets").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Reads up to the first line feed. A greeting fits into a line of SMTP (RFC 5321 section 4.5.3.1.5), or nearly.
async fn first_line(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut line = Vec::new();
    let mut stream = stream.take(LONGEST_LINE);
    let mut piece = [0; 256];
    while !line.contains(&b'\n') {
        match stream.read(&mut piece).await? {
            0 => break,
            read => line.extend_from_slice(&piece[..read]),
        }
    }
    let end = line.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(line.len());
    Ok(String::from_utf8_lossy(&line[..end]).into_owned())
}

/// Leads an SMTP server to where TLS begins (RFC 3207 section 4), and returns the first line of its greeting.
async fn start_tls(stream: &mut TcpStream) -> Result<String, ProbeError> {
    // A program without a name gives its address (RFC 5321 section 4.1.3).
    let own = stream.local_addr().map(|own| own.ip().to_canonical());
    let own = own.map_err(|error| ProbeError::Broken(error.to_string()))?;
    let hello = if own.is_ipv4() { format!("EHLO [{own}]\r\n") } else { format!("EHLO [IPv6:{own}]\r\n") };
    let mut stream = BufReader::new(stream);
    let greeting = reply(&mut stream, "").await?;
    let offers = reply(&mut stream, &hello).await?;
    let is_offered = |line: &String| line.get(4..).is_some_and(|word| word.eq_ignore_ascii_case("STARTTLS"));
    if !offers.iter().any(is_offered) {
        return Err(ProbeError::Broken("it does not offer STARTTLS".into()));
    }
    reply(&mut stream, "STARTTLS\r\n").await?;
    if !stream.buffer().is_empty() {
        return Err(ProbeError::Broken("it says more than it may before TLS".into()));
    }
    Ok(greeting.into_iter().next().unwrap_or_default())
}

/// Says something, and returns the lines of a reply that is no refusal.
async fn reply(stream: &mut BufReader<&mut TcpStream>, command: &str) -> Result<Vec<String>, ProbeError> {
    let broken = |error: std::io::Error| ProbeError::Broken(error.to_string());
    stream.write_all(command.as_bytes()).await.map_err(broken)?;
    let mut lines = Vec::new();
    let mut stream = stream.take(LONGEST_REPLY);
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.map_err(broken)? == 0 {
            return Err(ProbeError::Broken("it says nothing more".into()));
        }
        let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        if !line.starts_with('2') {
            let said: String = line.chars().take(100).collect();
            let asked = if command.is_empty() { "instead of 220" } else { "to " };
            return Err(ProbeError::Broken(format!("it says {said:?} {asked}{}", command.trim_end())));
        }
        lines.push(line);
        if is_last {
            return Ok(lines);
        }
    }
}

/// Returns the certificate that the server has shown.
fn shown(stream: &TlsStream<TcpStream>) -> Option<Certificate> {
    stream.get_ref().1.peer_certificates().and_then(|chain| read(chain.first()?))
}

fn refused(error: &std::io::Error) -> ProbeError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => ProbeError::Untrusted(why.to_string()),
        _ => ProbeError::Broken(error.to_string()),
    }
}

fn read(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.into_iter().flat_map(|extension| &extension.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    Some(Certificate::new(names.collect(), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
}

const LONGEST_LINE: u64 = 2048;
/// What a server offers has some twenty lines.
const LONGEST_REPLY: u64 = 16 * 1024;
