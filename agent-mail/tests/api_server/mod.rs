//! A Kubernetes API server on a loopback port, over TLS, with a certificate that only its own authority knows.

use std::sync::Arc;

use agent_mail::http::{HttpClient, HttpRequest, Method};
use agent_mail::sites::{FakeKubernetes, SitesInKubernetes, SitesInKubernetesBuilder};
use rustls::pki_types::PrivateKeyDer;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) const TOKEN: &str = "a-token-of-the-cluster";

/// It ends when it is dropped.
pub(crate) struct ApiServer {
    url: String,
    folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl ApiServer {
    pub(crate) async fn start(fake: FakeKubernetes) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.crt"), cert.pem()).unwrap();
        std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let base = url.clone();
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, fake, base) = (acceptor.clone(), fake.clone(), base.clone());
                tokio::spawn(async move {
                    // A client that does not trust the certificate leaves here.
                    let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                    let Some(request) = read(&mut tls, &base).await else { return };
                    let Ok(answer) = fake.send(request).await else { return };
                    let head = format!(
                        "HTTP/1.1 {} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        answer.status,
                        answer.body.len()
                    );
                    let _ = tls.write_all(&[head.as_bytes(), &answer.body].concat()).await;
                    let _ = tls.shutdown().await;
                });
            }
        });
        Self { url, folder, task }
    }

    /// Returns a store as a pod would have it.
    pub(crate) fn store(&self) -> SitesInKubernetes {
        let authority = self.folder.path().join("ca.crt");
        self.builder().ca_file(authority).namespace_prefix("tenant-").build().unwrap()
    }

    /// Begins a store that does not know the cluster's authority.
    pub(crate) fn builder(&self) -> SitesInKubernetesBuilder {
        let builder = SitesInKubernetes::builder(&self.url, "platform.example");
        builder.token_file(self.folder.path().join("token"))
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin), base: &str) -> Option<HttpRequest> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let method = match first.next()? {
        "GET" => Method::Get,
        "PATCH" => Method::Patch,
        _ => Method::Post,
    };
    let mut request = HttpRequest::new(method, format!("{base}{}", first.next()?).parse().ok()?);
    let mut length = 0;
    let mut content_type = None;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name.to_ascii_lowercase().as_str() {
            "authorization" => {
                request = request.with_secret_header("authorization", SecretString::from(value));
            }
            "content-length" => length = value.parse().ok()?,
            "content-type" => content_type = Some(value.to_owned()),
            _ => {}
        }
    }
    while bytes.len() < end + length {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    if let Some(content_type) = content_type {
        let body = String::from_utf8(bytes[end..end + length].to_vec()).ok()?;
        request.body = Some(body.into());
        request.headers.push(("content-type", content_type));
    }
    Some(request)
}
