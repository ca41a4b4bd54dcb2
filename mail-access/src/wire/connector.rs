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

    /// Opens a byte stream that is not private, for nothing but to agree on TLS in it (RFC 3207).
    ///
    /// # Contract
    /// - Whoever is on the way may read it and write into it: no login and no message is sent over it.
    /// - It ends by itself, and a dropped call leaves no connection behind.
    /// - A connector that only knows private streams refuses with [`io::ErrorKind::Unsupported`].
    ///
    /// # Errors
    /// Whatever keeps it from that.
    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream>;

    /// Makes a stream private on which both sides have agreed to begin TLS.
    ///
    /// # Contract
    /// - What comes out is what [`connect`](Self::connect) promises: private, and leading to `server` and nobody
    ///   else. If that can't be had, it is an error and never the plain stream.
    /// - No byte that came before the agreement can be read from it: who calls has read all of them.
    /// - It ends by itself, and a dropped call leaves no connection behind.
    ///
    /// # Errors
    /// Whatever keeps it from that.
    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> io::Result<Stream>;
}

/// When a connection becomes private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first byte on, commonly on port 465 (RFC 8314 section 3).
    #[default]
    ImplicitTls,
    /// A few lines in the open, then TLS, commonly on port 587 (RFC 3207). Who is on the way can make it fail, and
    /// can't make it go on without TLS.
    StartTls,
}

/// A stream that is not private. It is a type of its own, so that no login can go over it by mistake.
pub struct PlainStream(Stream);

impl PlainStream {
    /// Marks a stream as one that is not private.
    pub fn new(stream: impl ByteStream + 'static) -> Self {
        Self(Box::new(stream))
    }

    /// Returns the stream.
    pub fn into_inner(self) -> Stream {
        self.0
    }
}

/// Has nothing to show.
impl Debug for PlainStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainStream").finish_non_exhaustive()
    }
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
