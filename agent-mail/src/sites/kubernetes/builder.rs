use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mail_access::DomainName;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::SecretString;
use url::{Host, Url};

use super::{SitesInKubernetes, Token};
use crate::http::{HttpClient, ReqwestClient};
use crate::{Error, ErrorKind};

/// Builds a [`SitesInKubernetes`]; a token is needed.
#[must_use]
pub struct SitesInKubernetesBuilder {
    url: String,
    prefix: String,
    token: Option<Token>,
    ca_file: Option<PathBuf>,
    client: Option<Arc<dyn HttpClient>>,
    namespace_prefix: String,
    deadline: Duration,
}

impl SitesInKubernetesBuilder {
    pub(super) fn new(url: &str, prefix: &str) -> Self {
        Self {
            url: url.to_owned(),
            prefix: prefix.to_owned(),
            token: None,
            ca_file: None,
            client: None,
            namespace_prefix: String::new(),
            deadline: Duration::from_secs(10),
        }
    }

    /// Begins a store in the cluster that the program runs in: the address is in `KUBERNETES_SERVICE_HOST` and
    /// `KUBERNETES_SERVICE_PORT`, token and authority are where the kubelet mounts them.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if `lookup` doesn't know the two variables.
    pub fn in_cluster(prefix: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let variable = |name: &'static str| {
            lookup(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                Error::new(ErrorKind::InvalidInput, "find cluster", name)
                    .with_detail("the variable is not set")
                    .with_fix("run it in a pod, or give the API server's address")
            })
        };
        let host = variable("KUBERNETES_SERVICE_HOST")?;
        let port = variable("KUBERNETES_SERVICE_PORT")?;
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let account = Path::new("/var/run/secrets/kubernetes.io/serviceaccount");
        Ok(Self::new(&format!("https://{host}:{port}"), prefix)
            .token_file(account.join("token"))
            .ca_file(account.join("ca.crt")))
    }

    /// Sets the file that holds the token; it is read anew for each request.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = Some(Token::File(path.into(), Arc::default()));
        self
    }

    /// Sets a token that stays the same.
    pub fn token(mut self, token: SecretString) -> Self {
        self.token = Some(Token::Fixed(token));
        self
    }

    /// Sets the file with the certificates in PEM of those who may have signed the API server's, in place of the public
    /// authorities.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Sets what carries the requests, in place of a client of its own; [`ca_file`](Self::ca_file) has no effect then.
    pub fn client(mut self, client: Arc<dyn HttpClient>) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets what stands before a site's name in that of its namespace; nothing unless set.
    pub fn namespace_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.namespace_prefix = prefix.into();
        self
    }

    /// Sets how long one request may take; 10 seconds unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Finishes the store. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the address is no `https` URL (or `http` on a loopback host), the
    /// prefix is no domain name or the namespaces' prefix no beginning of a label, the token is missing, or the file of
    /// the authorities can't be read or holds none.
    pub fn build(self) -> Result<SitesInKubernetes, Error> {
        let invalid = |what: &str, detail: &str| {
            Err(Error::new(ErrorKind::InvalidInput, "configure sites", what.to_owned()).with_detail(detail))
        };
        let Some(url) = api_server(&self.url) else {
            return invalid(
                "API server",
                "expected is an address like https://10.96.0.1:443; http is for loopback only",
            );
        };
        // The part before the slash of an annotation's key is a DNS sub-domain.
        if self.prefix.parse::<DomainName>().map(|name| name.to_string()) != Ok(self.prefix.clone()) {
            return invalid("annotation prefix", "expected is a domain name in lower case, platform.example");
        }
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let label = |b: u8| inner(b) || b == b'-';
        let namespaces = self.namespace_prefix.as_bytes();
        if !namespaces.iter().all(|b| label(*b)) || namespaces.first().is_some_and(|b| !inner(*b)) {
            return invalid(
                "namespace prefix",
                "expected are a-z, 0-9 and hyphens, beginning with a letter or digit",
            );
        }
        let Some(token) = self.token else {
            return invalid("token", "expected is a file with a service account's token");
        };
        let client = match (self.client, self.ca_file) {
            (Some(client), _) => client,
            (None, Some(path)) => Arc::new(trusting(&path)?),
            (None, None) => Arc::new(ReqwestClient::with_public_roots()?),
        };
        let (prefix, namespace_prefix, deadline) = (self.prefix, self.namespace_prefix, self.deadline);
        Ok(SitesInKubernetes { client, url, token, prefix, namespace_prefix, deadline })
    }
}

/// Shows the address.
impl fmt::Debug for SitesInKubernetesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SitesInKubernetesBuilder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn api_server(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))).then_some(url)
}

/// Makes a client that trusts the authorities in a file and no others.
fn trusting(path: &Path) -> Result<ReqwestClient, Error> {
    let refused = |detail: &str| {
        Error::new(ErrorKind::InvalidInput, "configure sites", path.display())
            .with_detail(detail)
            .with_fix("name the file with the cluster's certificate authority in PEM")
    };
    let pem = std::fs::read(path).map_err(|source| refused("the file can't be read").with_source(source))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|source| refused("the file is no PEM").with_source(source))?;
        roots
            .add(certificate)
            .map_err(|source| refused("a certificate can't be trusted").with_source(source))?;
    }
    if roots.is_empty() {
        return Err(refused("the file holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| refused("the TLS versions are not supported").with_source(source))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    ReqwestClient::new(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_work_is_refused_before_anything_is_sent() {
        let build = |url: &str, prefix: &str, namespaces: &str| {
            let builder = SitesInKubernetes::builder(url, prefix).token(SecretString::from("t"));
            builder.namespace_prefix(namespaces).build().map(|sites| sites.url.to_string())
        };
        assert_eq!(build("https://10.96.0.1", "p.example", "").unwrap(), "https://10.96.0.1/");
        assert!(build("http://127.0.0.1:8001", "p.example", "tenant-").is_ok());
        for url in
            ["http://10.96.0.1", "ftp://a", "10.96.0.1", "https://u:p@a.example", "https://a.example/?x"]
        {
            assert_eq!(build(url, "p.example", "").unwrap_err().subject(), "API server", "{url}");
        }
        for prefix in ["", "P.example", "p.example/", "p_.example", "p.example."] {
            assert_eq!(build("https://a.example", prefix, "").unwrap_err().subject(), "annotation prefix");
        }
        for namespaces in ["-a", "A", "a.", "a/"] {
            assert_eq!(
                build("https://a.example", "p.example", namespaces).unwrap_err().subject(),
                "namespace prefix"
            );
        }
        let tokenless = SitesInKubernetes::builder("https://a.example", "p.example").build();
        assert_eq!(tokenless.unwrap_err().subject(), "token");
    }

    #[test]
    fn the_authority_has_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        let build = || {
            SitesInKubernetes::builder("https://a.example", "p.example")
                .token(SecretString::from("t"))
                .ca_file(&path)
                .build()
        };
        assert!(build().unwrap_err().to_string().contains("can't be read"));
        for rubbish in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n*"] {
            std::fs::write(&path, rubbish).unwrap();
            assert_eq!(build().unwrap_err().kind(), ErrorKind::InvalidInput, "{rubbish}");
        }
        let authority = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        std::fs::write(&path, authority.cert.pem()).unwrap();
        assert!(build().is_ok());
    }

    #[test]
    fn in_a_cluster_the_environment_says_where_it_is() {
        let vars = |name: &str| match name {
            "KUBERNETES_SERVICE_HOST" => Some("fd00::1".to_owned()),
            "KUBERNETES_SERVICE_PORT" => Some("443".to_owned()),
            _ => None,
        };
        let builder = SitesInKubernetesBuilder::in_cluster("p.example", vars).unwrap();
        assert_eq!(builder.url, "https://[fd00::1]:443");
        assert_eq!(
            SitesInKubernetesBuilder::in_cluster("p.example", |_| None).unwrap_err().subject(),
            "KUBERNETES_SERVICE_HOST"
        );
    }
}
