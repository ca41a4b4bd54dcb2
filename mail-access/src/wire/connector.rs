use std::fmt::{self, Debug};
use std::io;

use async_trait::async_trait;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Error;

/// Where the bytes of a session come from; tests put scripts, faults and recordings here.
#[async_trait]
pub trait Connector: Debug + Send + Sync + 'static {
    /// Opens a byte stream to a server.
    ///
    /// # Contract
    /// - The stream is private and leads to `server` and nobody else: passwords are sent over it without asking.
    ///   [`TlsConnector`](crate::TlsConnector) promises that by TLS and the server's certificate.
    /// - It ends by itself: a server that is silent is an error after a while.
    /// - A dropped call leaves no connection behind.
    ///
    /// # Errors
    /// Whatever keeps it from that; nothing of SMTP or IMAP was sent then.
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream>;
}

/// A two-way stream of bytes.
pub type Stream = Box<dyn ByteStream>;

/// What a [`Stream`] has to be; every type that is all of it is one.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// The name or IP address of a server, and a port.
///
/// ```
/// use mail_access::Endpoint;
///
/// let server = Endpoint::new("mail.agents.example", 465)?;
/// assert_eq!(server.to_string(), "mail.agents.example:465");
/// # Ok::<(), mail_access::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Joins a host and a port; an IPv6 address stands without brackets.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the host is neither a DNS name nor an IP address.
    pub fn new(host: impl Into<String>, port: u16) -> Result<Self, Error> {
        let host = host.into();
        match ServerName::try_from(host.as_str()) {
            Ok(_) => Ok(Self { host, port }),
            Err(_) => Err(Error::Invalid {
                what: "server",
                problem: format!("{host:?} is neither a DNS name nor an IP address"),
            }),
        }
    }

    /// Returns the name or IP address, the one that the server's certificate has to name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Writes `host:port`, an IPv6 address in brackets.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_ip_address() {
        for (host, shown) in [
            ("mail.example", "mail.example:993"),
            ("192.0.2.1", "192.0.2.1:993"),
            ("2001:db8::1", "[2001:db8::1]:993"),
            ("", ""),
            ("mail.example:993", ""),
            ("a b", ""),
            ("https://mail.example", ""),
        ] {
            let endpoint = Endpoint::new(host, 993).map(|endpoint| endpoint.to_string());
            assert_eq!(endpoint.unwrap_or_default(), shown, "{host:?}");
        }
    }
}
