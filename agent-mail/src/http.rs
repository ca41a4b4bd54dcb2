//! The wire seam of the adapters that speak HTTP by themselves: secrets in Vault, sites in Kubernetes, webhooks.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Error, ErrorKind};

/// Carries one request to a server and its answer back.
#[async_trait]
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and returns whatever the server answered, of any status.
    ///
    /// # Contract
    /// - The request is sent at most once: no retries, no redirects, no cookies, no proxy of the environment.
    /// - [`HttpError::NotSent`] is returned only if not one byte can have reached the server.
    /// - The answer's body is read to its end; one over 8 MiB is [`HttpError::Lost`].
    /// - It waits for ever: the caller sets the deadline. A dropped call leaves it open whether the server carries the
    ///   request out.
    ///
    /// # Errors
    /// [`HttpError`] if there is no whole answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// What a request does (RFC 9110 section 9.3, RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Removes.
    Delete,
    /// Reads.
    Get,
    /// Changes in part.
    Patch,
    /// Makes, or asks for an action.
    Post,
    /// Replaces.
    Put,
}

/// A request. Its `Debug` shows neither body nor secret headers.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpRequest {
    /// What it does.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// Header fields that hold no secret.
    pub headers: Vec<(&'static str, String)>,
    /// Header fields that do.
    pub secret_headers: Vec<(&'static str, SecretString)>,
    /// The body, which may hold secrets.
    pub body: Option<SecretString>,
}

impl HttpRequest {
    /// Begins a request without header fields and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), secret_headers: Vec::new(), body: None }
    }

    /// Adds a header field that holds no secret.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a header field that holds a secret.
    pub fn with_secret_header(mut self, name: &'static str, value: SecretString) -> Self {
        self.secret_headers.push((name, value));
        self
    }

    /// Sets the body and its type.
    pub fn with_body(mut self, content_type: &'static str, body: impl Into<SecretString>) -> Self {
        self.body = Some(body.into());
        self.with_header("content-type", content_type)
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// An answer. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpResponse {
    /// The status (RFC 9110 section 15).
    pub status: u16,
    /// The header `Retry-After`, in seconds.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Makes an answer.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, retry_after: None, body: body.into() }
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no whole answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// Not one byte has reached the server.
    NotSent(Box<dyn StdError + Send + Sync>),
    /// The request may have been carried out.
    Lost(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent(_) => "no connection to the server",
            Self::Lost(_) => "the connection to the server was lost",
        })
    }
}

impl StdError for HttpError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NotSent(source) | Self::Lost(source) => Some(source.as_ref()),
        }
    }
}

/// [`HttpClient`] over reqwest, HTTP/1.1 and rustls.
#[derive(Clone, Debug)]
pub struct ReqwestClient(reqwest::Client);

impl ReqwestClient {
    /// Makes a client that trusts what `tls` trusts.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if reqwest doesn't take the configuration.
    pub fn new(tls: impl Into<Arc<rustls::ClientConfig>>) -> Result<Self, Error> {
        let mut tls = Arc::unwrap_or_clone(tls.into());
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .build();
        let client = client.map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "make client", "TLS configuration")
                .with_source(source.without_url())
        })?;
        Ok(Self(client))
    }

    /// Makes a client that trusts the public certification authorities.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if rustls or reqwest doesn't take the configuration.
    pub fn with_public_roots() -> Result<Self, Error> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| {
                Error::new(ErrorKind::InvalidInput, "make client", "TLS versions").with_source(source)
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::new(tls)
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let method = match request.method {
            Method::Delete => reqwest::Method::DELETE,
            Method::Get => reqwest::Method::GET,
            Method::Patch => reqwest::Method::PATCH,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut builder = self.0.request(method, request.url);
        for (name, value) in &request.headers {
            builder = builder.header(HeaderName::from_static(name), value);
        }
        for (name, secret) in &request.secret_headers {
            let mut value = HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| HttpError::NotSent("a secret is no header value".into()))?;
            value.set_sensitive(true);
            builder = builder.header(HeaderName::from_static(name), value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body.expose_secret().to_owned());
        }
        let mut answer = builder.send().await.map_err(failed)?;
        let retry_after = answer.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut response = HttpResponse::new(answer.status().as_u16(), Vec::new());
        response.retry_after = retry_after.map(Duration::from_secs);
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if response.body.len() + chunk.len() > MAX_ANSWER {
                return Err(HttpError::Lost("the answer is larger than 8 MiB".into()));
            }
            response.body.extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// Takes the URL out: it may lead somewhere that a log should not know.
fn failed(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        return HttpError::NotSent(error.into());
    }
    HttpError::Lost(error.into())
}

const MAX_ANSWER: usize = 8 << 20;
