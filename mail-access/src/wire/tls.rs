use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::tcp::Tcp;
use super::{ByteStream, Connector, Endpoint, PlainStream, Stream, within};
use crate::Error;

/// Connects by TCP and TLS: from the first byte on (RFC 8314 section 3), the only kind in which no one on the way can
/// speak before the server has proved who it is, or after both sides have agreed to (RFC 3207).
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
}

impl TlsConnector {
    /// Makes one that trusts what `config` trusts; see [`tls_config`].
    pub fn new(config: impl Into<Arc<ClientConfig>>) -> Self {
        Self { config: config.into() }
    }

    async fn handshake(&self, server: &Endpoint, stream: impl ByteStream + 'static) -> io::Result<Stream> {
        let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
        let tls = tokio_rustls::TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?;
        Ok(Box::new(tls))
    }
}

/// Has nothing to show: a configuration may hold keys.
impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for TlsConnector {
    /// Takes at most 10 s for name, TCP and TLS together.
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        within(CONNECT, "connecting", async { self.handshake(server, Tcp::connect(server).await?).await })
            .await
    }

    /// Takes at most 10 s for name and TCP.
    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        within(CONNECT, "connecting", async { Tcp::connect(server).await.map(PlainStream::new) }).await
    }

    /// Takes at most 10 s.
    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        within(CONNECT, "beginning TLS", self.handshake(server, plain.into_inner())).await
    }
}

/// Makes a TLS configuration that trusts the certificate authorities of the web and, if given, private ones.
///
/// It brings its cryptography (ring) along and neither needs nor sets the process's default.
///
/// ```
/// let config = mail_access::tls_config(None)?;
/// let connector = mail_access::TlsConnector::new(config);
/// # Ok::<(), mail_access::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if `extra_ca_pem` holds no certificate in PEM, or one that can't be trusted.
pub fn tls_config(extra_ca_pem: Option<&[u8]>) -> Result<ClientConfig, Error> {
    let invalid = |problem: String| Error::Invalid { what: "certificate authority", problem };
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    if let Some(pem) = extra_ca_pem {
        let known = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(format!("it is no PEM: {error}")))?;
            roots.add(certificate).map_err(|error| invalid(format!("it can't be trusted: {error}")))?;
        }
        if roots.len() == known {
            return Err(invalid("there is no certificate in it; it has to be PEM".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| invalid(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

const CONNECT: Duration = Duration::from_secs(10);

#[cfg(all(test, feature = "local-servers"))]
mod tests;
